"""Searching: retrieval alone as an Inspect solver. No model is asked; the reply is a ranking of documents."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from sectoreval.arms import Arm
from sectoreval.context import Context
from sectoreval.corpora import CorpusIndex
from sectoreval.replies import store_failure, store_reply

if TYPE_CHECKING:
    from inspect_ai.solver import Generate, Solver, TaskState

    from sectoreval.benchmark import Reply
    from sectorkit.retrieval.rerank import Reranker

WANTED = 10  # documents of a ranking


def search(context: Context, arm: Arm, *, opened: CorpusIndex) -> Solver:
    """Searches an opened index for the `question` of each case, filtered by its `where`, if any.

    The reply is `{"ranking": document ids, best first, "seconds": the search, the question's embedding included}`.
    """
    from inspect_ai.solver import solver

    reranker = context.reranker if arm == "reranked" else None  # refused now where there is none

    @solver(name="search")
    def searching() -> Solver:
        async def solve(state: TaskState, generate: Generate) -> TaskState:
            gold = state.metadata["gold"]
            reply, problem, evidence = await asyncio.to_thread(_search, arm, opened, reranker, gold)
            if problem is not None:
                return store_failure(state, problem)
            return store_reply(state, reply, said=", ".join(reply["ranking"]), evidence=evidence)

        return solve

    return searching()


def _search(
    arm: Arm, opened: CorpusIndex, reranker: Reranker | None, gold: Mapping[str, Any]
) -> tuple[Reply, str | None, list[dict[str, str]]]:
    from sectorkit.bench.rank import rank_documents
    from sectorkit.retrieval.rerank import search_by

    ask = search_by(arm, opened.index, reranker)
    ranked = rank_documents(
        ask, str(gold["question"]), wanted=WANTED, ids=opened.documents, passages=opened.passages,
        where=gold.get("where"),
    )  # fmt: skip
    return {"ranking": ranked.ids, "seconds": ranked.seconds}, ranked.problem, opened.shown(ranked.ids[:3])
