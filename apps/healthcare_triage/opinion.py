"""A model's opinion: the level that it would choose, with the nearest guidance before it. It can raise the level and never lowers it.

It may only write a letter, and every level is shown behind every letter (`sectorkit.models.letters`). Where two levels are about as
likely, the more urgent one is its opinion. It is asked where somebody wants it: models up to 1.5B were measured to raise
what needs no raising (docs/BENCHMARKS.md, arm "both").
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from healthcare_triage.assessment import Assessment
from healthcare_triage.rules import ESI, LEVELS
from sectorkit.errors import RequestError, SectorkitError
from sectorkit.models.constraints import answer_choice
from sectorkit.models.letters import LISTED, average, letter_logprobs, rotations

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel

OPTIONS = {
    "emergency": "Emergency: an ambulance or an emergency department now",
    "urgent": "Urgent: a clinician today",
    "routine": "Routine: an appointment within days",
    "self-care": "Self-care at home",
}
_LETTERS = "ABCD"
_NARROW = 0.1  # of probability between two levels
_SYSTEM = "You judge how urgent a complaint is. Answer with the letter of the right option alone."


@dataclass(frozen=True)
class Opinion:
    """`level` is one of LEVELS, `share` the probability of the level that is likeliest, `narrow` whether it is another one."""

    model: str
    level: str
    share: float
    narrow: bool


def guidance_text(found: Assessment) -> str:
    """The nearest sentences of the guidance, each with the section it stands in; nothing where there is none."""
    if found.guidance is None:
        return ""
    levels = {quote: level for level, quote in found.guidance.sentences}
    lines = [f"- {levels[quote].capitalize()}: {quote.quote}" for quote in found.guidance.quotes if quote in levels]
    return "\n".join([f"Guidance on {found.guidance.title.lower()}:", *lines]) if lines else ""


def opinion(chat: BaseChatModel, found: Assessment, said: str) -> Opinion:
    """What the model makes of a patient, `said` in words. Raises what the chat raises, and RequestError where it writes no letter."""
    asked = chat.bind(**answer_choice(list(_LETTERS), logprobs=LISTED, thinking=False), max_tokens=1)
    names, logs = list(OPTIONS), []
    for order in rotations(len(names)):
        options = "\n".join(f"{letter}. {OPTIONS[names[n]]}" for letter, n in zip(_LETTERS, order, strict=True))
        question = f"{guidance_text(found)}\n\nQuestion: {said}\nHow urgent is it?\n{options}\nAnswer:".lstrip()
        logs.append(_letters(asked.invoke([("system", _SYSTEM), ("human", question)])))
    likely = [math.exp(log) for log in average(logs, rotations(len(names)))]
    shares = {name: each / sum(likely) for name, each in zip(names, likely, strict=True)}
    likeliest = max(shares, key=lambda name: shares[name])
    level = max((n for n, share in shares.items() if share >= shares[likeliest] - _NARROW), key=LEVELS.index)
    return Opinion(str(getattr(chat, "model_name", "")), level, shares[likeliest], level != likeliest)


def with_opinion(found: Assessment, said: Opinion) -> Assessment:
    """The assessment, raised to the model's level where that is more urgent."""
    if LEVELS.index(said.level) <= LEVELS.index(found.level):
        return replace(found, opinion=said)
    return replace(found, opinion=said, level=said.level, esi=ESI[said.level], raised_by="model")


def asked_for(chat: BaseChatModel | None, found: Assessment, said: str) -> tuple[Opinion | None, str]:
    """The model's opinion; where there is none, why."""
    if chat is None:
        return None, "The model was not asked, since none is ready."
    try:
        return opinion(chat, found, said), ""
    except SectorkitError as error:
        return None, f"The model gave no opinion: {error}"


def _letters(reply: Any) -> list[float]:
    """The log-probability of each letter; of a server that lists none, the letter that was written has nearly all."""
    content = (reply.response_metadata.get("logprobs") or {}).get("content") or []
    if content and (listed := content[0]["top_logprobs"]):
        return letter_logprobs([(entry["token"], float(entry["logprob"])) for entry in listed], _LETTERS)
    written = str(reply.content).strip()
    if written not in _LETTERS or len(written) != 1:
        raise RequestError(f"it answered {written[:40]!r} and no letter")
    return [0.0 if letter == written else -10.0 for letter in _LETTERS]
