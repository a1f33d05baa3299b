"""Triaging: how a benchmark of urgency asks the triage app, its rules alone, a model alone, or both."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from sectoreval.arms import Arm
from sectoreval.benchmark import Reply
from sectoreval.choice import Chooser, Question
from sectoreval.context import Context
from sectoreval.replies import store_failure, store_reply
from sectoreval.served import check_choices
from sectorkit.app import load_app

if TYPE_CHECKING:
    from inspect_ai.solver import Generate, Solver, TaskState

    from healthcare_triage.assessment import Assessment

T = TypeVar("T")
WITHOUT_MODEL: tuple[Arm, ...] = ("rules", "hybrid")
ARMS: tuple[Arm, ...] = ("closed_book", "guided", *WITHOUT_MODEL, "both")
NOTE = (
    "hybrid is the app: its rules, its examples and its guidance, without a language model; rules are its rules alone, which call routine what raises no "
    "flag; closed_book is a model alone, which chooses a level; guided is the same with the sentences of the guidance before it that are "
    "nearest; both is the more urgent of hybrid and guided."
)


def ask_triage(context: Context, arm: Arm, options: Sequence[str]) -> Solver:
    """Asks one arm. A case's gold holds `said` and optionally `age`, `sex`, `pregnant` and `vitals`, as a form would; with `others`
    it holds more patients by name, and the reply theirs by the same names.

    The app's reply is `{"level", "esi", "raised", "by"}`, a model's `{"answer": its choice of `options`, the most urgent first}`, and
    that of both has all of it.
    """
    from inspect_ai.solver import solver

    from healthcare_triage.opinion import guidance_text

    chooser = None
    if arm not in WITHOUT_MODEL:
        if context.served is not None:
            check_choices(context.served)
        chooser = Chooser(context)
    index = context.app_index(load_app("healthcare_triage")) if arm in ("hybrid", "guided", "both") else None

    async def replied(gold: Mapping[str, Any]) -> tuple[dict[str, Any] | None, Assessment | None]:
        found = await asyncio.to_thread(assessed, gold, index) if arm != "closed_book" else None
        reply: dict[str, Any] = {}
        if found and arm != "guided":
            reply = {
                "level": found.level,
                "esi": found.esi,
                "raised": [raised.id for raised in found.floor.raised],
                "by": found.raised_by,
            }
        if chooser:
            question = f"{in_words(gold)}\nHow urgent is it?"
            picks = await chooser.picks(Question(question, tuple(options), guidance_text(found) if found else ""))
            if picks is None:
                return None, found
            reply["answer"] = picks
        return reply, found

    @solver(name="triage")
    def triaging() -> Solver:
        async def solve(state: TaskState, generate: Generate) -> TaskState:
            gold = state.metadata["gold"]
            reply, found = await replied(gold)
            shown = _shown(found)
            others = {name: (await replied(other))[0] for name, other in gold.get("others", {}).items()}
            if reply is None or None in others.values():
                return store_failure(state, "the model gave none of the letters", evidence=shown)
            said = ", ".join(str(reply[name]) for name in ("level", "answer") if name in reply)
            return store_reply(state, reply | ({"others": others} if others else {}), said=said, evidence=shown)

        return solve

    return triaging()


def levels_said(
    reply: Reply | None, levels: Sequence[T], of_the_app: Callable[[Reply], T]
) -> tuple[T | None, T | None]:
    """What a reply says: plainly, and with the priors of a model's letters taken off, which an app's has none of.

    `levels` are those of the options, the most urgent first; of two that an app and a model say, the more urgent counts.
    """
    if reply is None:
        return None, None
    said = [levels.index(of_the_app(reply))] if "level" in reply else []
    picks = reply.get("answer")
    plain, calibrated = (
        ([*said, pick] for pick in (picks["plain"], picks.get("calibrated", picks["plain"]))) if picks else (said, said)
    )
    return levels[min(plain)], levels[min(calibrated)]


def in_words(gold: Mapping[str, Any]) -> str:
    """The patient as a text: age, sex, what was said, vital signs."""
    who = ", ".join(str(gold[name]) for name in ("age", "sex") if gold.get(name))
    pregnant = " Pregnant." if gold.get("pregnant") else ""
    vitals = "; ".join(f"{name} {value}" for name, value in (gold.get("vitals") or {}).items())
    return " ".join(
        filter(None, (f"{who}." if who else "", str(gold["said"]) + pregnant, f"({vitals})" if vitals else ""))
    )


def assessed(gold: Mapping[str, Any], index: Any) -> Assessment:
    """What the app makes of a case, by its index; of its rules alone where that is None."""
    from healthcare_triage.assessment import assess
    from healthcare_triage.patient import read_patient
    from healthcare_triage.rules import shipped_rules

    known = {name: gold.get(name) for name in ("age", "sex", "pregnant", "vitals")}
    return assess(read_patient(gold["said"], **known), shipped_rules(), index)


def _shown(found: Assessment | None) -> list[dict[str, str]]:
    """What a report shows as evidence: flags, and the nearest sentences."""
    if found is None:
        return []
    shown = [
        {"id": raised.id, "title": raised.name, "text": "; ".join(raised.because)} for raised in found.floor.raised
    ]
    quotes = found.guidance.quotes[:2] if found.guidance else ()
    return shown + [{"id": quote.source, "title": quote.where, "text": quote.quote} for quote in quotes]
