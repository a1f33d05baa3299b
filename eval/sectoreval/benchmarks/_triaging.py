"""Triaging: how a benchmark of urgency asks the triage app, its rules alone, or a model alone."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from sectoreval.arms import Arm
from sectoreval.benchmark import Reply
from sectoreval.choice import Question, choose
from sectoreval.context import Context
from sectoreval.replies import store_reply
from sectorkit.app import load_app

if TYPE_CHECKING:
    from inspect_ai.solver import Generate, Solver, TaskState

    from healthcare_triage.assessment import Assessment

T = TypeVar("T")
WITHOUT_MODEL: tuple[Arm, ...] = ("rules", "hybrid")
ARMS: tuple[Arm, ...] = ("closed_book", *WITHOUT_MODEL)
NOTE = (
    "hybrid is the app: its rules and its guidance, without a model; rules are its rules alone, which call routine what raises no "
    "flag; closed_book is a model alone, which chooses a level."
)


def ask_triage(context: Context, arm: Arm, options: Sequence[str]) -> Solver:
    """Asks one arm. A case's gold holds `said` and optionally `age`, `sex`, `pregnant` and `vitals`, as a form would; with `other`
    it holds a second patient.

    The app's reply is `{"level", "esi", "raised", "other"}`, a model's `{"answer": its choice of `options`}`.
    """
    if arm == "closed_book":
        return choose(
            context,
            lambda gold: {"answer": Question(f"{in_words(gold)}\nHow urgent is it?", tuple(options))},
        )
    index = context.app_index(load_app("healthcare_triage")) if arm == "hybrid" else None
    return _assessing(lambda gold: _assess(gold, index))


def levels_said(
    reply: Reply | None, levels: Sequence[T], of_the_app: Callable[[Reply], T]
) -> tuple[T | None, T | None]:
    """What a reply says: plainly, and with the priors of a model's letters taken off, which an app's has none of."""
    if reply is None:
        return None, None
    if "answer" in reply:
        picks = reply["answer"]
        return levels[picks["plain"]], levels[picks.get("calibrated", picks["plain"])]
    said = of_the_app(reply)
    return said, said


def in_words(gold: Mapping[str, Any]) -> str:
    """The patient as a text: age, sex, what was said, vital signs."""
    who = ", ".join(str(gold[name]) for name in ("age", "sex") if gold.get(name))
    pregnant = " Pregnant." if gold.get("pregnant") else ""
    vitals = "; ".join(f"{name} {value}" for name, value in (gold.get("vitals") or {}).items())
    return " ".join(
        filter(None, (f"{who}." if who else "", str(gold["said"]) + pregnant, f"({vitals})" if vitals else ""))
    )


def _assess(gold: Mapping[str, Any], index: Any) -> Assessment:
    from healthcare_triage.assessment import assess
    from healthcare_triage.patient import read_patient
    from healthcare_triage.rules import shipped_rules

    known = {name: gold.get(name) for name in ("age", "sex", "pregnant", "vitals")}
    return assess(read_patient(gold["said"], **known), shipped_rules(), index)


def _assessing(assessed: Callable[[Mapping[str, Any]], Assessment]) -> Solver:
    from inspect_ai.solver import solver

    @solver(name="triage")
    def triaging() -> Solver:
        async def solve(state: TaskState, generate: Generate) -> TaskState:
            gold = state.metadata["gold"]
            found = await asyncio.to_thread(assessed, gold)
            reply: dict[str, Any] = {
                "level": found.level, "esi": found.esi, "raised": [raised.id for raised in found.floor.raised], "by": found.raised_by,
            }  # fmt: skip
            if gold.get("other"):
                reply["other"] = (await asyncio.to_thread(assessed, gold["other"])).level
            shown = [
                {"id": raised.id, "title": raised.name, "text": "; ".join(raised.because)}
                for raised in found.floor.raised
            ]
            if found.guidance:
                shown += [{"id": q.source, "title": q.where, "text": q.quote} for q in found.guidance.quotes[:2]]
            return store_reply(state, reply, said=f"{found.level}, ESI {found.esi}", evidence=shown)

        return solve

    return triaging()
