"""Measures of rankings against judgements, by ir-measures, which asks trec_eval. The only home of ir_measures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sectorkit.errors import ConfigurationError


def measure_names(k: int) -> tuple[str, ...]:
    """Recall@k, nDCG@10, MAP@10, MRR@10."""
    return (f"Recall@{k}", "nDCG@10", "MAP@10", "MRR@10")


def score_rankings(
    qrels: Mapping[str, Mapping[str, int]], rankings: Mapping[str, Sequence[str]], *, k: int = 10
) -> dict[str, dict[str, float]]:
    """The measures of `measure_names(k)`, each a query's value in [0, 1], for every query of `qrels`.

    `rankings` holds document ids, best first and none twice; a query without a ranking scores 0. A judgement above 0
    is relevant; nDCG takes it as gain as it is. Raises ConfigurationError where ir-measures is not installed.
    """
    ir = require_measures()
    measures = dict(zip((ir.R @ k, ir.nDCG @ 10, ir.AP @ 10, ir.RR @ 10), measure_names(k), strict=True))
    judged = {query: {d: max(0, score) for d, score in documents.items()} for query, documents in qrels.items()}
    # Tools break ties each in its own way: no two documents of a ranking share a score.
    run = {query: {d: float(-rank) for rank, d in enumerate(ranking)} for query, ranking in rankings.items() if ranking}
    scores = {name: dict.fromkeys(qrels, 0.0) for name in measures.values()}
    if run:
        for found in ir.iter_calc(list(measures), judged, run):
            scores[measures[found.measure]][found.query_id] = float(found.value)
    return scores


def require_measures() -> Any:
    """The library. Raises ConfigurationError, with the command that installs it, where it is missing."""
    try:
        import ir_measures
    except ImportError:
        raise ConfigurationError(
            "retrieval is measured by ir-measures, which is not installed here; install it: "
            "python -m pip install 'ir-measures>=0.4.3'"
        ) from None
    return ir_measures
