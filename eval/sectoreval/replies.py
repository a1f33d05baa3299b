"""Replies: how a solver hands over what the thing under test said, and how a scorer and a report read it from the log."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from inspect_ai.solver import TaskState

    from sectoreval.benchmark import Reply

REPLY, FAILURE, EVIDENCE = "reply", "failure", "evidence"


def store_reply(state: TaskState, reply: Reply, *, said: str, evidence: Sequence[Mapping[str, str]] = ()) -> TaskState:
    """Keep the reply in the sample's log; `said` is what a viewer shows as the output."""
    state.store.set(REPLY, dict(reply))
    state.store.set(EVIDENCE, [dict(passage) for passage in evidence])
    return _with_output(state, said)


def store_failure(state: TaskState, why: str, *, evidence: Sequence[Mapping[str, str]] = ()) -> TaskState:
    """The case has no reply that counts, for a reason that another try would not change: it is wrong."""
    state.store.set(FAILURE, why)
    state.store.set(EVIDENCE, [dict(passage) for passage in evidence])
    return _with_output(state, "")


def shown(hits: Sequence[Mapping[str, Any]]) -> list[dict[str, str]]:
    """Hits, as `Hit.to_dict` gives them, as a report shows them."""
    return [{"id": str(h["passage_id"]), "title": str(h.get("title", "")), "text": str(h["text"])} for h in hits]


def _with_output(state: TaskState, said: str) -> TaskState:
    from inspect_ai.model import ModelOutput

    if not state.output.completion:  # a generation's own output, with its tokens, stays
        state.output = ModelOutput.from_content(model=str(state.model), content=said)
    return state
