"""Fusion: several rankings of the same passages become one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

# Cormack, Clarke and Buettcher (2009) took 60 for many runs of 1000; for two short lists a sharper decay ranks
# better: of 10, 20 and 60, chosen on the development split of OMoS-QA (docs/BENCHMARKS.md).
RRF_K = 10


class Fused(NamedTuple):
    """A passage's id, its score and its rank, from 1, in each stage that had it."""

    id: str
    score: float
    ranks: Mapping[str, int]


def fuse(rankings: Mapping[str, Sequence[str]], *, weights: Mapping[str, float] | None = None) -> list[Fused]:
    """Reciprocal rank fusion: score = sum over stages of weight / (RRF_K + rank), best first.

    `rankings` maps a stage's name to the ids that it found, best first. Ties keep the order in which the stages were
    given.
    """
    scores: dict[str, float] = {}
    ranks: dict[str, dict[str, int]] = {}
    for stage, ids in rankings.items():
        weight = 1.0 if weights is None else weights.get(stage, 1.0)
        for rank, passage in enumerate(ids, start=1):
            scores[passage] = scores.get(passage, 0.0) + weight / (RRF_K + rank)
            ranks.setdefault(passage, {})[stage] = rank
    order = sorted(scores, key=lambda passage: -scores[passage])
    return [Fused(passage, scores[passage], ranks[passage]) for passage in order]
