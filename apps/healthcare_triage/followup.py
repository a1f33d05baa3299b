"""Follow-up: at most five yes-or-no questions, each for one sign that would raise the level, those that would raise it most first.

What can be asked is what the rules know: a sign that completes a red flag of which the rest is there, and a sign that the nearest guidance
names as a reason for more urgency. An answer can raise the level and never lowers it. The words are in questions/*.toml, in five languages;
asking.toml says of whom a sign is asked, and which are asked last.
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
_BEARS, _SPEAKS = (10, 56), 4  # years: of an age at which somebody may be pregnant; from which somebody can tell


@dataclass(frozen=True)
class Asking:
    """asking.toml: signs by who can have or tell them, what anybody would have told, what is asked first, what a sign is never without."""

    women: frozenset[str]
    men: frozenset[str]
    felt: frozenset[str]
    nobody: frozenset[str]
    told: frozenset[str]
    opening: tuple[str, ...]
    without: Mapping[str, str]


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


@cache
def asking() -> Asking:
    """What asking.toml says; `Rules` checks its names."""
    read = tomllib.loads((FOLDER / "asking.toml").read_text(encoding="utf-8"))
    without = read.pop("without")
    return Asking(
        opening=tuple(read.pop("opening")), without=without, **{name: frozenset(signs) for name, signs in read.items()}
    )


def next_question(
    found: Assessment, rules: Rules, asked: Sequence[tuple[str, Answer]], language: str = "en"
) -> Question | None:
    """The question that may raise the level most. None where there is none, where five were asked, and where there is a red flag."""
    if found.level == "emergency" or len(asked) >= MOST:
        return None
    done = {sign for sign, _ in asked} | set(found.floor.signs) | _not_for(found)
    denied = {sign for sign, answer in asked if answer == "no"}
    (questions, _), ask = words_of(language), asking()
    grounds = [
        quote.quote
        for level, quote in (found.guidance.sentences if found.guidance else ())
        if _level(level) > _level(found.level)
    ]
    named = list(dict.fromkeys(sign for ground in grounds for sign in rules.signs_of(ground)))
    best: dict[str, tuple[int, bool, bool, int, int]] = {}
    for flag, sign in _one_away(found, rules, named):
        if (
            sign in done
            or sign not in questions
            or ask.without.get(sign) in denied
            or _level(flag.level) <= _level(found.level)
        ):
            continue
        place = named.index(sign) if sign in named else len(named)
        rank = (-_level(flag.level), sign in ask.told, place == len(named), flag.esi, place)
        best[sign] = min(rank, best.get(sign, rank))
    if not best:
        opening = (one for one in ask.opening if not found.raised_by and one not in done)
        return next((Question(one, *questions[one], level=rules.alone(one)) for one in opening), None)
    sign = min(best, key=lambda sign: best[sign])
    return Question(sign, *questions[sign], level=LEVELS[-best[sign][0]])


def confirmed(asked: Sequence[tuple[str, Answer]], language: str) -> dict[str, str]:
    """The signs that were answered with a yes, each with the question's words."""
    questions, page = words_of(language)
    return {
        sign: f"{questions[sign][0]} {page['yes']}" for sign, answer in asked if answer == "yes" and sign in questions
    }


def _not_for(found: Assessment) -> frozenset[str]:
    """The signs that such a patient cannot have, or nobody can tell of them."""
    patient = found.patient
    ages = patient.ages or ((0.0,) if patient.baby else ())
    ask = asking()
    skipped = {"female": ask.men, "male": ask.women}.get(patient.sex or "", frozenset()) | ask.nobody
    if ages and not any(_BEARS[0] <= age < _BEARS[1] for age in ages):
        skipped |= ask.women - ({"bleeding after menopause"} if max(ages) >= _BEARS[1] else set())
    return skipped | (ask.felt if ages and max(ages) < _SPEAKS else frozenset())


def _one_away(found: Assessment, rules: Rules, named: Sequence[str]) -> Iterator[tuple[Flag, str]]:
    """Flags that one more sign would raise, with that sign: where nothing else of them is there, only one that the guidance names."""
    signs, groups = set(found.floor.signs), list(found.patient.groups())
    for flag in rules.flags:
        missing = [each for each in flag.all if not signs.intersection(each)]
        if not missing or not any(flag.is_for(group, age) for group, age in groups):
            continue
        for sign in missing[0]:
            if all(sign in each for each in missing) and (len(missing) < len(flag.all) or sign in named):
                yield flag, sign


def _level(level: str) -> int:
    return LEVELS.index(level)
