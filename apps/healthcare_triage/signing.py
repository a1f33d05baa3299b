"""Signing: a person accepts the proposed level or sets another with a reason, and the audit log keeps both."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from typing import Any

from healthcare_triage.assessment import Assessment
from healthcare_triage.rules import LEVELS
from sectorkit.errors import RequestError

REASONS = (
    "Seen or examined in person",
    "Usual for this person",
    "More is known than was entered",
    "A rule, an example or the guidance does not fit",
    "Wish of the person",
    "Other",
)
"""Why a level differs: what the log keeps whether or not it may hold texts."""


@dataclass(frozen=True)
class Decision:
    """What a person decided: `proposed` and `level` are of LEVELS, or `proposed` is empty where nothing was; `reason` is of REASONS or
    empty; `at` is in UTC, ISO 8601."""

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


def decide(proposed: str, level: str, signed: str, reason: str = "", words: str = "") -> Decision:
    """The decision on a proposed level; an empty `level` accepts it. RequestError where who signs is missing, or what another level needs:
    a reason, and in words where it is less urgent, or where the reason is another."""
    level, signed, words = level or proposed, " ".join(signed.split()), words.strip()
    if not level:
        raise RequestError("no level was proposed: choose one")
    if level not in LEVELS:
        raise RequestError(f"{level!r} is no level; there are {', '.join(LEVELS)}")
    if not signed or len(signed) > 80:
        raise RequestError("who signs? Write a name or initials, of at most 80 characters")
    if len(words) > 2_000:
        raise RequestError("the reason has more than 2,000 characters; shorten it")
    differs = bool(proposed) and level != proposed
    if differs:
        if reason not in REASONS:
            raise RequestError(f"{proposed} was proposed, and {level} was chosen: choose why")
        if not words and (reason == REASONS[-1] or LEVELS.index(level) < LEVELS.index(proposed)):
            raise RequestError("say in words why: a level that is less urgent, or another reason, needs it")
    return Decision(
        proposed, level, signed, reason if differs else "", words, datetime.now(UTC).isoformat(timespec="seconds")
    )


def entry(found: Assessment, asked: Sequence[tuple[str, str]] = ()) -> dict[str, Any]:
    """What the log keeps of an assessment: levels, the rules' names, which signs were asked for with the answers, and no word of what was
    said."""
    return {
        "kind": "assessment", "proposed": found.level if found.raised_by else "", "esi": found.esi, "by": found.raised_by, "rules": found.rules,
        "flags": [raised.id for raised in found.floor.raised], "guidance": found.guidance.source if found.guidance else None,
        "estimate": {level: round(share, 3) for level, share in found.estimate.shares.items()} if found.estimate else None,
        "missing": list(found.missing), "asked": dict(asked),
        "model": {"name": found.opinion.model, "level": found.opinion.level} if found.opinion else None,
    }  # fmt: skip


def signed_entry(shown: Mapping[str, Any], decision: Decision, words: str | None) -> dict[str, Any]:
    """What the log keeps of a decision: the entry of the assessment that was shown, with what was decided; `words` as they may be kept."""
    return {**shown, **asdict(decision), "kind": "decision", "accepted": decision.accepted, "words": words}


def not_lower(found: Assessment, shown: Mapping[str, Any]) -> Assessment:
    """The assessment at the level that was shown before, where it would be less urgent now: the guidance may have gone away since."""
    before = shown["proposed"]
    if not before or (found.raised_by and LEVELS.index(found.level) >= LEVELS.index(before)):
        return found
    note = "The level stands as it was shown before; what it rested on cannot be looked up again now."
    return replace(found, level=before, esi=shown["esi"], raised_by=shown["by"], notes=(*found.notes, note))
