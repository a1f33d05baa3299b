"""Follow-up: at most five yes-or-no questions, each for one sign that would raise the level, those that would raise it most first.

What can be asked is what the rules know: a sign that completes a red flag of which the rest is there, and a sign that the nearest guidance
names as a reason for more urgency. An answer can raise the level and never lowers it. The words are in questions/*.toml, in five languages.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Literal

from healthcare_triage.assessment import Assessment
from healthcare_triage.rules import FOLDER, LEVELS, Flag, Rules

MOST = 5
LANGUAGES = ("en", "es", "fr", "zh", "ar")
Answer = Literal["yes", "no", "unknown"]
_OF_WOMEN = {
    "pregnant", "may be pregnant", "after birth", "vaginal bleeding", "waters or labour", "cord or baby coming", "baby moves less",
    "bleeding after menopause",
}  # fmt: skip
_OF_MEN = {"testicle pain", "erection that stays"}


@dataclass(frozen=True)
class Question:
    """A question for one sign, and why it is asked; `level` is where a yes would raise it to."""

    sign: str
    text: str
    why: str
    level: str


@cache
def words_of(language: str) -> tuple[Mapping[str, tuple[str, str]], Mapping[str, str]]:
    """The questions of a language by sign, each with its reason, and the words of the page around them; English where there are none."""
    path = FOLDER / "questions" / f"{language}.toml"
    read = tomllib.loads((path if path.exists() else path.with_name("en.toml")).read_text(encoding="utf-8"))
    page = read.pop("page")
    return {sign: (text, why) for sign, (text, why) in read.items()}, page


def next_question(
    found: Assessment, rules: Rules, asked: Sequence[tuple[str, Answer]], language: str = "en"
) -> Question | None:
    """The question that may raise the level most. None where there is none, where five were asked, and where there is a red flag."""
    if found.level == "emergency" or len(asked) >= MOST:
        return None
    done = {sign for sign, _ in asked} | set(found.floor.signs)
    questions, _ = words_of(language)
    other = {"female": _OF_MEN, "male": _OF_WOMEN}.get(found.patient.sex or "", set())
    grounds = [
        quote.quote
        for level, quote in (found.guidance.sentences if found.guidance else ())
        if _level(level) > _level(found.level)
    ]
    named = list(dict.fromkeys(sign for ground in grounds for sign in rules.signs_of(ground)))
    best: dict[str, tuple[int, bool, int, int]] = {}
    for flag, sign in _one_away(found, rules, named):
        if sign in done or sign in other or sign not in questions or _level(flag.level) <= _level(found.level):
            continue
        place = named.index(sign) if sign in named else len(named)
        rank = (-_level(flag.level), place == len(named), flag.esi, place)
        best[sign] = min(rank, best.get(sign, rank))
    if not best:
        return None
    sign = min(best, key=lambda sign: best[sign])
    return Question(sign, *questions[sign], level=LEVELS[-best[sign][0]])


def confirmed(asked: Sequence[tuple[str, Answer]], language: str) -> dict[str, str]:
    """The signs that were answered with a yes, each with the question's words."""
    questions, page = words_of(language)
    return {
        sign: f"{questions[sign][0]} {page['yes']}" for sign, answer in asked if answer == "yes" and sign in questions
    }


def _one_away(found: Assessment, rules: Rules, named: Sequence[str]) -> Iterator[tuple[Flag, str]]:
    """Flags that one more sign would raise, with that sign: by itself only where the guidance names it."""
    signs, groups = set(found.floor.signs), list(found.patient.groups())
    for flag in rules.flags:
        missing = [each for each in flag.all if not signs.intersection(each)]
        if len(missing) != 1 or not any(flag.is_for(group, age) for group, age in groups):
            continue
        for sign in missing[0]:
            if len(flag.all) > 1 or sign in named:
                yield flag, sign


def _level(level: str) -> int:
    return LEVELS.index(level)
