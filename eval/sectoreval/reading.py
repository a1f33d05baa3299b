"""Reading: the passages that a model is given before a question of choice, as an app would pack them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from sectoreval.arms import Arm
from sectoreval.context import Context

if TYPE_CHECKING:
    from sectorkit.retrieval.index import Index

_PASSAGES = 5  # of a prompt
_FOUND = 10


def read_before(
    context: Context,
    index: Index,
    arm: Arm,
    question: str,
    *,
    documents: Mapping[str, str],
    where: Mapping[str, Any] | None = None,
) -> tuple[str, list[dict[str, str]]]:
    """`(text, passages)`: what is read before the question, found by the question alone, within the model's budget.

    `documents` names the document of each source, where it has another name. An oracle's passages stand in the document's order.
    """
    from sectorkit.packing import pack
    from sectorkit.retrieval.rerank import search_by

    mode = "hybrid" if arm == "oracle" else arm
    find = search_by(mode, index, context.reranker if arm == "reranked" else None)
    hits = find(question, _FOUND, where=where)
    limits, count = context.limits(), index.embedder.count_tokens
    evidence = pack(hits, budget=limits.evidence_budget(count(question)), count=count, max_passages=_PASSAGES)
    if arm == "oracle":
        evidence = tuple(sorted(evidence, key=lambda e: int(e.passage.metadata["start"])))
    listed = [
        {
            "id": str(e.passage.id), "document": documents.get(source, source), "title": str(e.passage.metadata["title"]), "text": e.text,
        }
        for e in evidence for source in [str(e.passage.metadata["source"])]
    ]  # fmt: skip
    return "\n\n".join(e.text for e in evidence), listed
