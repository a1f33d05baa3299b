"""Words, stems, numbers and sentences, in the scripts that the sample corpora use."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sectorkit.retrieval.words import sentences, stem, words


@pytest.mark.parametrize(
    ("text", "terms"),
    [
        ("Élèves ÉLÈVES eleves", ["eleves"] * 3),
        ("押金", ["押金"]),
        ("押金最多", ["押金", "金最", "最多"]),
        ("税", ["税"]),
        ("12 500 VLM, 12,500 VLM", ["12500", "vlm", "12500", "vlm"]),
        ("رسوم التسجيل", ["رسوم", "التسجيل"]),
        ("ﬁne １２", ["fine", "12"]),
        ("المادة ٤٥", ["المادة", "45"]),
        ("", []),
        ("!?…", []),
    ],
)
def test_words_of_many_scripts(text: str, terms: list[str]) -> None:
    assert words(text) == terms


def test_a_stem_joins_the_forms_of_a_word_and_leaves_numbers_alone() -> None:
    assert stem("registration") == stem("registered") == "regis"
    assert stem("1234567") == "1234567"


def test_sentences_end_where_a_reader_ends_them() -> None:
    text = "Art. 5 applies. Dr. Weill said: no! Fees rose 3.5 percent. 第一条。第二条；结束\nهل تعمل؟ نعم"
    assert [text[a:b] for a, b in sentences(text)] == [
        "Art. 5 applies.", "Dr. Weill said: no!", "Fees rose 3.5 percent.", "第一条。", "第二条；", "结束", "هل تعمل؟", "نعم",
    ]  # fmt: skip


@given(st.text())
def test_sentence_spans_are_in_order_and_lose_no_letter(text: str) -> None:
    spans = sentences(text)
    assert all(a < b for a, b in spans)
    assert all(first[1] <= second[0] for first, second in pairwise(spans))
    kept = "".join(text[a:b] for a, b in spans)
    assert [c for c in kept if not c.isspace()] == [c for c in text if not c.isspace()]
