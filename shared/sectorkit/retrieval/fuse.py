"""Fusion: several rankings of the same passages become one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sectorkit.retrieval.passage import Hit

# Cormack, Clarke and Buettcher (2009) took 60 for many runs of 1000; for two short lists a sharper decay ranks
# better: of 10, 20 and 60, chosen on the development split of OMoS-QA (docs/BENCHMARKS.md).
RRF_K = 10


def fuse(rankings: Mapping[str, Sequence[Hit]], *, weights: Mapping[str, float] | None = None) -> list[Hit]:
    """Reciprocal rank fusion: score = sum over stages of weight / (RRF_K + rank), best first.

    `rankings` maps a stage's name to its hits, best first; a hit's own score is not looked at, so stages need no
    common scale. Ties keep the order in which the stages were given.
    """
    scores: dict[str, float] = {}
    ranks: dict[str, dict[str, int]] = {}
    best: dict[str, Hit] = {}
    for stage, hits in rankings.items():
        weight = 1.0 if weights is None else weights.get(stage, 1.0)
        for rank, hit in enumerate(hits, start=1):
            scores[hit.id] = scores.get(hit.id, 0.0) + weight / (RRF_K + rank)
            ranks.setdefault(hit.id, {})[stage] = rank
            known = best.get(hit.id)
            if known is None or (known.similarity is None and hit.similarity is not None):
                best[hit.id] = hit
    order = sorted(scores, key=lambda passage: -scores[passage])
    return [Hit(best[p].passage, scores[p], ranks[p], best[p].similarity) for p in order]
