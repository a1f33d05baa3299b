"""Quoting: spans of stored documents as citations, to the character: a given one, and those nearest to a question."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Protocol, TypeAlias

from sectorkit.answer import Citation, Evidence
from sectorkit.grounding import closest
from sectorkit.injection import without_injections
from sectorkit.retrieval.index import Index
from sectorkit.retrieval.passage import locator

Quoter: TypeAlias = Callable[[int, int], Citation]
_PASSAGES = 12  # that are searched for the sentences nearest to a question


def quoter(index: Index, source: str) -> Quoter:
    """Makes citations of `text[start:end]` of one document, which it reads once. UnknownName where there is no such document.

    A citation's `n` is 0: who puts it beside others numbers it.
    """
    document, passages = index.document(source), index.passages_of(source)
    title, status = str(document.title or source), document.metadata.get("status")

    def quoted(start: int, end: int) -> Citation:
        held = next((p for p in passages if p.metadata["start"] <= start < p.metadata["end"]), None)
        where, name = (locator(held, start, end), str(held.id)) if held else ("", "")
        return Citation(0, name, source, title, where, document.text[start:end], start, end, status)

    return quoted


class Placed(Protocol):
    """What stands somewhere in a document, such as a limit."""

    @property
    def source(self) -> str: ...
    @property
    def start(self) -> int: ...
    @property
    def end(self) -> int: ...


def quote_of(index: Index, placed: Placed) -> Citation:
    """The words of a document that something stands in, as a citation."""
    return quoter(index, placed.source)(placed.start, placed.end)


def nearest(index: Index, question: str, sources: Sequence[str], *, most: int = 4) -> tuple[Citation, ...]:
    """Up to `most` sentences of these documents that are nearest to the question; no rows of sheets. Raises ServerUnavailable."""
    if not sources or not question.strip():
        return ()
    hits = index.search(question, _PASSAGES, where={"source": list(sources)})
    hits = [hit for hit in hits if not hit.passage.metadata.get("rows")]
    evidence = [Evidence(n, hit, without_injections(hit.passage.page_content)) for n, hit in enumerate(hits, start=1)]
    embedder = index.embedder
    found = closest(embedder.embed_query(question), evidence, vectors=embedder.embed_documents, most=most)
    return tuple(replace(quote, n=0) for quote in found)
