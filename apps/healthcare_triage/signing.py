"""Signing: a person accepts the proposed level or sets another with a reason, and the audit log keeps both."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from healthcare_triage.assessment import Assessment
from healthcare_triage.rules import LEVELS
from sectorkit.errors import RequestError

REASONS = (
    "Seen or examined in person",
    "Usual for this person",
    "More is known than was entered",
    "A rule or the guidance does not fit",
    "Wish of the person",
    "Other",
)
"""Why a level differs: what the log keeps whether or not it may hold texts."""


@dataclass(frozen=True)
class Decision:
    """What a person decided: `proposed` and `level` are of LEVELS, `reason` of REASONS or empty; `at` is in UTC, ISO 8601."""

    proposed: str
    level: str
    signed: str
    reason: str = ""
    words: str = ""
    at: str = ""

    @property
    def accepted(self) -> bool:
        """Whether it is as proposed."""
        return self.level == self.proposed


def decide(found: Assessment, level: str, signed: str, reason: str = "", words: str = "") -> Decision:
    """The decision on an assessment; an empty level accepts it. RequestError where who signs is missing, or what another level needs:
    a reason, and in words where it is less urgent, or where the reason is another."""
    level, signed, words = level or found.level, " ".join(signed.split()), words.strip()
    if level not in LEVELS:
        raise RequestError(f"{level!r} is no level; there are {', '.join(LEVELS)}")
    if not signed or len(signed) > 80:
        raise RequestError("who signs? Write a name or initials, of at most 80 characters")
    if len(words) > 2_000:
        raise RequestError("the reason has more than 2,000 characters; shorten it")
    if level == found.level:
        return Decision(found.level, level, signed, words=words, at=_now())
    if reason not in REASONS:
        raise RequestError(f"{level} was proposed as {found.level}: choose why it is another")
    if not words and (reason == REASONS[-1] or LEVELS.index(level) < LEVELS.index(found.level)):
        raise RequestError("say in words why: a level that is less urgent, or another reason, needs it")
    return Decision(found.level, level, signed, reason, words, _now())


def entry(found: Assessment, asked: Sequence[tuple[str, str]] = (), decision: Decision | None = None) -> dict[str, Any]:
    """What the log keeps: levels, the rules' names, which signs were asked for with the answers, and no word of what was said.

    The `words` of a decision are kept as they are: whoever logs it leaves out what may not be kept."""
    made: dict[str, Any] = {
        "kind": "decision" if decision else "assessment", "proposed": found.level, "esi": found.esi, "by": found.raised_by, "rules": found.rules,
        "flags": [raised.id for raised in found.floor.raised], "guidance": found.guidance.source if found.guidance else None,
        "missing": list(found.missing), "asked": dict(asked),
        "model": {"name": found.opinion.model, "level": found.opinion.level} if found.opinion else None,
    }  # fmt: skip
    return made | (asdict(decision) | {"accepted": decision.accepted} if decision else {})


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
