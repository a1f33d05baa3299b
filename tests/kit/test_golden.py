"""Golden questions: their file, and where their evidence stands."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sectorkit.errors import ConfigurationError
from sectorkit.fakes import FakeEmbedder
from sectorkit.golden import GoldenCase, Quote, evidence_found, locate, read_golden
from sectorkit.retrieval.index import Index

CASE: dict[str, Any] = {
    "id": "en-01",
    "question": "What does it cost?",
    "language": "en",
    "answerable": True,
    "answer": "35 VLM.",
    "evidence": [{"source": "waste.md", "quote": "costs 35 VLM"}],
}
WASTE = "# Waste\n\n## Article 3\n\nA bulky waste collection\ncosts 35 VLM (net).\n\n## Article 4\n\n押金不得超过 两个月租金。\n"


def write(folder: Path, *lines: Any) -> Path:
    path = folder / "golden.jsonl"
    texts = [line if isinstance(line, str) else json.dumps(line, ensure_ascii=False) for line in lines]
    path.write_text("\n".join(texts) + "\n", encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Index]:
    corpus = tmp_path_factory.mktemp("corpus")
    (corpus / "waste.md").write_text(WASTE, encoding="utf-8")
    (corpus / "other.md").write_text("# Other\n\nA collection costs 35 VLM elsewhere too.\n")
    opened = Index.open(tmp_path_factory.mktemp("index"), FakeEmbedder())
    opened.sync(corpus)
    yield opened
    opened.close()


def test_cases_are_read_in_order_with_their_quotes(tmp_path: Path) -> None:
    second = CASE | {"id": "en-02", "answerable": False, "answer": "", "evidence": []}
    first, last = read_golden(write(tmp_path, CASE, second))
    assert first == GoldenCase(
        "en-01", "What does it cost?", "en", True, "35 VLM.", (Quote("waste.md", "costs 35 VLM"),)
    )
    assert (last.id, last.answerable, last.evidence) == ("en-02", False, ())


@pytest.mark.parametrize(
    "bad",
    [
        "not json",
        "[]",
        '"text"',
        "7",
        *({key: value for key, value in CASE.items() if key != gone} for gone in CASE),
        CASE | {"id": "b", "evidence": ["waste.md"]},
        CASE | {"id": "b", "evidence": [{"source": "waste.md"}]},
        CASE | {"id": "b", "evidence": None},
        CASE | {"id": "b", "evidence": []},
        CASE | {"id": "b", "answerable": False},
        CASE | {"id": "b", "evidence": [{"source": "waste.md", "quote": ""}]},
    ],
)
def test_a_malformed_line_is_named(tmp_path: Path, bad: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"golden\.jsonl, line 2: "):
        read_golden(write(tmp_path, CASE, bad))


def test_two_cases_with_one_id_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="share an id"):
        read_golden(write(tmp_path, CASE, CASE))


def test_a_line_separator_inside_a_question_does_not_end_its_line(tmp_path: Path) -> None:
    (case,) = read_golden(write(tmp_path, CASE | {"question": "What\u2028now?"}))
    assert case.question == "What\u2028now?"


def test_a_quote_is_found_whatever_the_white_space(index: Index) -> None:
    for words in ("collection costs 35 VLM", "collection\n  costs 35VLM", "\tcollectioncosts 35 VLM "):
        span = locate(Quote("waste.md", words), index)
        assert span is not None
        assert index.document("waste.md").text[slice(*span)] == "collection costs 35 VLM"
    assert locate(Quote("waste.md", "押金不得超过两个月租金"), index) is not None


def test_every_character_of_a_quote_counts_but_white_space(index: Index) -> None:
    for words in ("costs 36 VLM", "Costs 35 VLM", "costs 35 VLM [net]", "costs.35 VLM", "costs 35 VLM."):
        assert locate(Quote("waste.md", words), index) is None
    assert locate(Quote("waste.md", "35 VLM (net)."), index) is not None, "no character is a pattern"


def test_a_document_that_is_not_there_holds_no_quote(index: Index) -> None:
    assert locate(Quote("none.md", "costs 35 VLM"), index) is None


def test_an_empty_quote_stands_nowhere(index: Index) -> None:
    assert locate(Quote("waste.md", " \n"), index) is None


@given(st.data())
def test_any_slice_of_a_document_is_found_in_it(index: Index, data: st.DataObject) -> None:
    text = index.document("waste.md").text
    start = data.draw(st.integers(0, len(text) - 1))
    quote = text[start : data.draw(st.integers(start + 1, len(text)))]
    if quote.strip():
        span = locate(Quote("waste.md", quote), index)
        assert span is not None
        assert "".join(text[slice(*span)].split()) == "".join(quote.split())


def test_evidence_counts_by_the_passages_that_hold_it(index: Index) -> None:
    both = (Quote("waste.md", "costs 35 VLM"), Quote("waste.md", "押金不得超过"))
    case = replace(read_case(), evidence=both)
    price, deposit = (index.search(query, 1) for query in ("bulky waste price", "押金"))
    assert [evidence_found(case, hits, index) for hits in ([], price, price + deposit)] == [0.0, 0.5, 1.0]


def test_the_same_words_in_another_document_are_not_the_evidence(index: Index) -> None:
    elsewhere = [hit for hit in index.search("collection costs", 5) if hit.passage.metadata["source"] == "other.md"]
    assert elsewhere
    assert evidence_found(read_case(), elsewhere, index) == 0.0


def read_case() -> GoldenCase:
    return GoldenCase("en-01", "What does it cost?", "en", True, "35 VLM.", (Quote("waste.md", "costs 35 VLM"),))
