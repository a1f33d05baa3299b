"""Blocks are exact, ascending spans of the text, whatever was added; normalising is stable."""

from __future__ import annotations

import unicodedata
from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from sectorkit.retrieval.parse.document import Draft, Kind
from sectorkit.retrieval.parse.joining import hyphens, join_lines
from sectorkit.retrieval.parse.normalise import clean, declared, declared_title, primary_language
from sectorkit.retrieval.parse.outline import numbered_level
from sectorkit.retrieval.parse.worker import from_json, to_json

KINDS: list[Kind] = ["heading", "paragraph", "item", "row", "quote", "code"]
TEXT = st.text(st.characters(exclude_categories=[]), max_size=60) | st.sampled_from(
    ["a\r\nb", "\u200b", "e\u0301\u00a0 x", "\ufeff a ", "\t|\t", "\x00\x85b"]
)


@given(st.lists(st.tuples(TEXT, st.sampled_from(KINDS), st.integers(1, 9), st.none() | st.integers(1, 99))))
def test_blocks_are_exact_ascending_and_stripped(parts: list[tuple[str, Kind, int, int | None]]) -> None:
    draft = Draft()
    for text, kind, level, page in parts:
        draft.add(text, kind, level=level, page=page, row=page and 2 * page)
    document = draft.finish(metadata={"valid_from": date(2024, 1, 2), "kind": "rule"}, page_name="slide")
    end = 0
    for block in document.blocks:
        between, inside = document.text[end : block.start], document.text[block.start : block.end]
        assert set(between) == (set() if end == 0 else {"\n"})
        assert inside == inside.strip() != ""
        assert (block.level > 0) == (block.kind == "heading")
        assert (block.row or 0) == 2 * (block.page or 0)
        end = block.end
    assert end == len(document.text)
    assert from_json(to_json(document)) == document


@given(TEXT)
def test_cleaning_twice_is_cleaning_once(text: str) -> None:
    once = clean(text)
    assert clean(once) == once
    assert unicodedata.is_normalized("NFC", once)
    assert not any(unicodedata.category(c) in ("Cc", "Cs") and c != "\n" for c in once)


def test_cleaning_keeps_the_characters_of_the_text() -> None:
    assert clean("14,6\u00a0%  of « it »") == "14,6\u00a0% of « it »"
    assert clean("می\u200cخواهم a\u200cb") == "می\u200cخواهم ab"
    assert clean("ig\u00adnore\u202e \U000e0041this") == "ignore this"


def test_lines_join_as_their_script_wants() -> None:
    assert join_lines(["经营者应当", "取得许可。"]) == "经营者应当取得许可。"
    assert join_lines(["see Article", "5 and", "(b)"]) == "see Article 5 and (b)"
    judge = hyphens("multi-dwelling buildings, the ordinance")
    assert (
        join_lines(["the ordi-", "nance on multi-", "dwelling land"], judge) == "the ordinance on multi-dwelling land"
    )


def test_a_numbered_title_has_a_level_and_a_numbered_sentence_has_none() -> None:
    levels = {
        "Article 3 Definitions": 3,
        "§ 5 Ruhezeiten": 3,
        "1.2 Title": 2,
        "第三条 类别": 3,
        "第一章 总则": 2,
        "Part A. Scope": 1,
        "1. The licence may be withdrawn.": 0,
        "Article 3 applies to licences": 0,
        "12 May 2024 was a Sunday.": 0,
        "Plain words": 0,
    }
    assert {text: numbered_level(text) for text in levels} == levels


def test_what_is_declared_is_taken_only_where_it_means_something() -> None:
    assert [primary_language(tag) for tag in ("zh-Hans", "fr_CH", "EN", "", None, "x", "english", "und")] == [
        "zh", "fr", "en", None, None, None, None, None,
    ]  # fmt: skip
    assert declared_title("Microsoft Word - draft3.doc") is None
    assert declared_title(" Ordinance on Noise ") == "Ordinance on Noise"
    assert declared({"valid_to": "2024-06-30T00:00:00Z", "kind": " "}) == (
        {"valid_to": date(2024, 6, 30)},
        [],
    )
