"""Quoting: spans of stored documents as citations, to the character: a given one, and those nearest to a question."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from typing import Protocol, TypeAlias

from sectorkit.answer import Citation, Evidence
from sectorkit.errors import ServerUnavailable, StoreBroken
from sectorkit.grounding import Vectors
from sectorkit.injection import without_injections
from sectorkit.nearest import as_citations, nearest_spans
from sectorkit.retrieval.index import Index
from sectorkit.retrieval.language import detect_language
from sectorkit.retrieval.passage import Hit, Passage, locator
from sectorkit.retrieval.words import stem, words

Quoter: TypeAlias = Callable[[int, int], Citation]
_PASSAGES = 12  # that are searched for the sentences nearest to a question
_QUOTES = 100  # of these, at most, before those that are not wanted are left out


def quoter(index: Index, source: str) -> Quoter:
    """Makes citations of `text[start:end]` of one document, which it reads once. UnknownName where there is no such document.

    A citation's `n` is 0: who puts it beside others numbers it.
    """
    document, passages = index.document(source), index.passages_of(source)
    title, status = str(document.title or source), document.metadata.get("status")

    def quoted(start: int, end: int) -> Citation:
        held = next((p for p in passages if _holds(p, start)), None)
        where, name = (locator(held, start, end), str(held.id)) if held else ("", "")
        return Citation(0, name, source, title, where, document.text[start:end], start, end, status)

    return quoted


def lines_of(passage: Passage, text: str) -> list[tuple[int, int]]:
    """The spans of a passage's lines in its document's `text`, without empty ones."""
    spans, at = [], int(passage.metadata["start"])
    for line in text[at : int(passage.metadata["end"])].split("\n"):
        if line.strip():
            spans.append((at, at + len(line)))
        at += len(line) + 1
    return spans


class Placed(Protocol):
    """What stands somewhere in a document, such as a limit."""

    @property
    def source(self) -> str: ...
    @property
    def start(self) -> int: ...
    @property
    def end(self) -> int: ...


def quotes_of(index: Index, placed: Iterable[Placed]) -> list[Citation]:
    """The words of the documents that these stand in, as citations."""
    placed = list(placed)
    quoters = {source: quoter(index, source) for source in {one.source for one in placed}}
    return [quoters[one.source](one.start, one.end) for one in placed]


def searched(
    index: Index, question: str, k: int, where: Mapping[str, Sequence[str]] | None = None
) -> tuple[list[Hit], str]:
    """The best passages, of those that `where` lets through; by words alone where vectors are away, and then why, else ""."""
    try:
        return index.search(question, k, where=where), ""
    except (ServerUnavailable, StoreBroken) as error:
        return index.search(question, k, where=where, mode="lexical"), str(error)


def nearest(
    index: Index,
    questions: Iterable[str],
    sources: Sequence[str],
    *,
    most: int = 4,
    without: Iterable[Placed] = (),
    wanted: Callable[[Citation], bool] = lambda quote: True,
) -> tuple[Citation, ...]:
    """Up to `most` sentences of these documents for each question, nearest first; by words alone where vectors are away.

    No rows of sheets, nothing of what `without` holds, and only what is `wanted`. Of passages in the first question's language
    and others, those in its own.
    """
    sources = [s for s in sources if not all(p.metadata.get("rows") for p in index.passages_of(s))]
    barred = [(one.source, one.start, one.end) for one in without]
    near: list[Citation] = []
    questions = [question for question in questions if sources and question.strip()]
    for question in questions:
        found = _nearest(index, question, sources, detect_language(questions[0]))
        free = (q for q in found if not any(q.source == s and q.start < b and a < q.end for s, a, b in barred))
        near += islice(filter(wanted, free), most)
    return tuple(dict.fromkeys(replace(quote, n=0) for quote in near))


def _nearest(index: Index, question: str, sources: Sequence[str], language: str) -> tuple[Citation, ...]:
    hits, away = searched(index, question, _PASSAGES, {"source": sources})
    hits = [hit for hit in hits if not hit.passage.metadata.get("rows")]
    hits = [hit for hit in hits if hit.passage.metadata.get("language") == language] or hits
    evidence = [Evidence(n, hit, without_injections(hit.passage.page_content)) for n, hit in enumerate(hits, start=1)]
    try:
        found = () if away else _by_vectors(index, question, evidence)
    except ServerUnavailable as error:
        found, away = (), str(error)
    return _by_words(question, evidence) if away else found


def _by_vectors(index: Index, question: str, evidence: Sequence[Evidence]) -> tuple[Citation, ...]:
    embedder = index.embedder
    return _closest(embedder.embed_query(question), evidence, embedder.embed_documents)


def _by_words(question: str, evidence: Sequence[Evidence]) -> tuple[Citation, ...]:
    """Those with the most of the question's words first: each text is a vector of which of them it has."""
    asked = list(dict.fromkeys(map(stem, words(question))))

    def vectors(texts: list[str]) -> list[list[float]]:
        return [[float(term in held) for term in asked] for held in ({stem(w) for w in words(t)} for t in texts)]

    return _closest([1.0] * len(asked), evidence, vectors)


def _closest(question: Sequence[float], evidence: Sequence[Evidence], vectors: Vectors) -> tuple[Citation, ...]:
    return as_citations(near.span for near in islice(nearest_spans(question, evidence, vectors=vectors), _QUOTES))


def beside(index: Index, quotes: Iterable[Citation], wanted: re.Pattern[str]) -> list[Citation]:
    """What the first group of `wanted` matches in the sections that the quotes stand in, document by document."""
    quotes = list(quotes)
    found = []
    for source in dict.fromkeys(quote.source for quote in quotes):
        passages, quoted = index.passages_of(source), quoter(index, source)
        starts = [quote.start for quote in quotes if quote.source == source]
        named = {_heading(p) for p in passages if any(_holds(p, start) for start in starts)}
        section = [p for p in passages if _heading(p) in named]
        spans = [match.span(1) for match in wanted.finditer(index.document(source).text)]
        found += [quoted(*span) for span in spans if any(_holds(p, span[0]) for p in section)]
    return found


def _heading(passage: Passage) -> str:
    return str(passage.metadata.get("heading", ""))


def _holds(passage: Passage, at: int) -> bool:
    return bool(passage.metadata["start"] <= at < passage.metadata["end"])
