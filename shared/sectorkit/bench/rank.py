"""Rank: a query's documents, each where its best passage is."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sectorkit.errors import RequestError
from sectorkit.retrieval.rerank import Search

_DEPTH = 50  # passages: what `Index.search` brings from each stage for a user's question


@dataclass(frozen=True)
class Ranking:
    """`(document id, score of its best passage)`, best first, none twice; `seconds` without the query's embedding.

    `deepened` tells that the passages of the usual depth belonged to too few documents. `problem` says why a query was
    not searched, as where it is empty.
    """

    documents: tuple[tuple[str, float], ...] = ()
    seconds: float = 0.0
    deepened: bool = False
    problem: str | None = None

    @property
    def ids(self) -> list[str]:
        return [identifier for identifier, _ in self.documents]


def rank_documents(
    search: Search, query: str, *, wanted: int, ids: Mapping[str, str], passages: int,
    where: Mapping[str, Sequence[str]] | None = None,
) -> Ranking:  # fmt: skip
    """The `wanted` best documents; fewer where the search finds no more, however deep it goes.

    `ids` maps sources to document ids, and `passages` is how many the index holds. The search goes deeper until it has
    found enough documents: of long ones, many passages may come before the next document's first.
    """
    depth = usual = max(_DEPTH, wanted)
    began = time.perf_counter()
    while True:
        try:
            hits = search(query, depth, where=where, depth=depth)
        except RequestError as error:
            return Ranking(problem=str(error))
        best: dict[str, float] = {}
        for hit in hits:
            best.setdefault(ids[str(hit.passage.metadata["source"])], hit.score)
        if len(best) >= wanted or len(hits) < depth or depth >= passages:
            seconds = time.perf_counter() - began
            return Ranking(tuple(best.items())[:wanted], seconds, deepened=depth > usual)
        depth = min(4 * depth, passages)
