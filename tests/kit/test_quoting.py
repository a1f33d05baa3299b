"""Quotations: the sentences nearest to a question, with and without vectors, and what stands beside them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from sectorkit.answer import Citation
from sectorkit.errors import ServerUnavailable
from sectorkit.fakes import FakeEmbedder
from sectorkit.quoting import beside, nearest, quoter, quotes_of
from sectorkit.retrieval.index import Index
from sectorkit.retrieval.manifest import StoredDocument

MANUAL = """# Manual of the saw

## 1. Blade

The blade of the saw is changed when it grinds. Loosen the nut of the blade to the left.

Write the number of the blade into the log.

## 2. Motor

The motor of the saw has brushes of carbon.

Record the hours of the motor in the book.

## 3. Limits

| Machine | Failure mode | Condition |
|---|---|---|
| Saw | Blade grinds | blade temperature > 80 °C |
"""
LOG = "Day,Work\n" + "".join(f"{n},The blade of the saw grinds again and again\n" for n in range(400))
NOTE = re.compile(r"^((?:Write|Record).*)$", re.M)
Indexed = Callable[..., Index]


@pytest.fixture
def indexed(tmp_path: Path) -> Iterator[Indexed]:
    """Makes an index of these texts by their files' names."""
    made: list[Index] = []

    def index(**texts: str) -> Index:
        (tmp_path / "corpus").mkdir()
        for name, text in texts.items():
            (tmp_path / "corpus" / name.replace("_", ".")).write_text(text, encoding="utf-8")
        made.append(Index.open(tmp_path / "index", FakeEmbedder()))
        made[-1].sync(tmp_path / "corpus")
        return made[-1]

    yield index
    for one in made:
        one.close()


def exact(index: Index, quotes: tuple[Citation, ...] | list[Citation]) -> bool:
    return all(quote.quote == index.document(quote.source).text[quote.start : quote.end] for quote in quotes)


@pytest.mark.parametrize("method", ["embed_query", "embed_documents"])
def test_without_vectors_sentences_are_found_by_their_words(
    method: str, indexed: Indexed, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(text: object) -> list[float]:
        raise ServerUnavailable("no embeddings")

    index = indexed(manual_md=MANUAL)
    monkeypatch.setattr(index.embedder, method, away)
    found = nearest(index, ["brushes of the motor"], ["manual.md"])
    assert found[0].quote == "The motor of the saw has brushes of carbon."
    assert exact(index, found)


def test_a_long_log_does_not_crowd_out_instructions(indexed: Indexed) -> None:
    index = indexed(manual_md=MANUAL, log_csv=LOG)
    found = nearest(index, ["the blade of the saw grinds again and again"], ["log.csv", "manual.md"])
    assert {quote.source for quote in found} == {"manual.md"}
    assert nearest(index, ["the blade grinds"], ["log.csv"]) == ()


def test_what_is_quoted_elsewhere_is_left_out_and_the_rest_of_its_document_is_not(indexed: Indexed) -> None:
    index = indexed(manual_md=MANUAL)
    start = index.document("manual.md").text.index("Saw | Blade grinds")
    row = quoter(index, "manual.md")(start, start + 40)
    asked = "Saw | Blade grinds | blade temperature > 80 °C"
    assert any("80 °C" in quote.quote for quote in nearest(index, [asked], ["manual.md"]))
    found = nearest(index, [asked], ["manual.md"], without=[row])
    assert len(found) == 4
    assert not any("80 °C" in quote.quote for quote in found)


def test_several_questions_bring_each_sentence_once_and_only_what_is_wanted(indexed: Indexed) -> None:
    index = indexed(manual_md=MANUAL)
    found = nearest(index, ["brushes of the motor", "", "the motor has brushes"], ["manual.md"])
    assert len({quote.start for quote in found}) == len(found) >= 4
    named = nearest(index, ["brushes of the motor"], ["manual.md"], most=2, wanted=lambda quote: "blade" in quote.quote)
    assert len(named) == 2
    assert all("blade" in quote.quote for quote in named)


def test_sentences_in_the_language_of_the_question_are_taken_where_there_are_any(indexed: Indexed) -> None:
    index = indexed(
        manual_md=MANUAL, zh_md="# 锯\n\n锯片磨损时更换锯片。The blade of the saw 锯片很烫，锯片要冷却以后才能更换。\n"
    )
    both = ["manual.md", "zh.md"]
    assert {quote.source for quote in nearest(index, ["the blade of the saw"], both)} == {"manual.md"}
    assert {quote.source for quote in nearest(index, ["锯片什么时候更换"], both)} == {"zh.md"}
    assert {quote.source for quote in nearest(index, ["锯片什么时候更换"], ["manual.md"])} == {"manual.md"}


@pytest.mark.parametrize(
    ("words", "noted"),
    [
        ("Loosen the nut", ["Write the number of the blade into the log."]),
        ("brushes of carbon", ["Record the hours of the motor in the book."]),
        ("Blade grinds", []),
    ],
)
def test_only_the_quoted_sections_are_looked_through(words: str, noted: list[str], indexed: Indexed) -> None:
    index = indexed(manual_md=MANUAL)
    start = index.document("manual.md").text.index(words)
    quote = quoter(index, "manual.md")(start, start + len(words))
    found = beside(index, [quote, quote], NOTE)
    assert [note.quote for note in found] == noted
    assert exact(index, found)


def test_many_places_are_quoted_with_one_reading_of_each_document(
    indexed: Indexed, monkeypatch: pytest.MonkeyPatch
) -> None:
    index = indexed(manual_md=MANUAL)
    places = [quoter(index, "manual.md")(n, n + 9) for n in range(0, 90, 9)]
    read: list[str] = []
    whole = index.document

    def counted(source: str) -> StoredDocument:
        read.append(source)
        return whole(source)

    monkeypatch.setattr(index, "document", counted)
    assert [quote.start for quote in quotes_of(index, places)] == [place.start for place in places]
    assert read == ["manual.md"]
