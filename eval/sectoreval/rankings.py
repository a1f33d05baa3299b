"""Rankings: how retrieval is scored, for every benchmark that judges documents."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sectoreval.benchmark import Outcome, Reply, Scored
from sectoreval.measures import Measure, mean

RECALL, NDCG, MAP, MRR = "Recall@10", "nDCG@10", "MAP@10", "MRR@10"
HIT_1, HIT_5 = "hit@1", "hit@5"

RETRIEVAL: tuple[Measure, ...] = (
    mean(RECALL, about="share of the right documents among the first ten"),
    mean(NDCG, about="how near to the top they are, by their judged worth"),
    mean(MAP, about="average precision over the first ten"),
    mean(MRR, about="one over the place of the first right one; 0 beyond ten"),
    mean(HIT_1, about="the first document is right"),
)


def score_ranking(gold: Mapping[str, Any], reply: Reply | None) -> Scored:
    """Scores `reply["ranking"]` against `gold["qrels"]` (document -> score; above 0 is right), by trec_eval's definitions."""
    from sectorkit.bench.measures import score_rankings

    ranking = list(reply["ranking"]) if reply else []
    scores = score_rankings({"q": gold["qrels"]}, {"q": ranking})
    right = {document for document, score in gold["qrels"].items() if score > 0}
    values = {name: scores[name]["q"] for name in (RECALL, NDCG, MAP, MRR)}
    values |= {HIT_1: float(bool(right & set(ranking[:1]))), HIT_5: float(bool(right & set(ranking[:5])))}
    found = len(right & set(ranking))
    outcome: Outcome = "right" if found == len(right) else "partly right" if found else "retrieval missed"
    return Scored(values, outcome if reply else "failed", said=", ".join(ranking), expected=", ".join(sorted(right)))
