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
_OF_SPEAKERS = {  # only who feels them can tell
    "headache", "sudden worst headache", "light hurts", "speech trouble", "visual disturbance", "sight lost", "dizzy", "chest pain", "tearing pain",
    "pressing or crushing", "spreads to arm, jaw or back", "palpitations", "numb between the legs", "shoulder tip pain", "confusion", "suicidal",
    "back pain", "weak on one side", "both legs weak", "painful urination", "temple or jaw pain of an elder",
}  # fmt: skip
_OF_THE_SICK = {
    "given oxygen",
    "back or flank pain with a known aneurysm",
}  # nobody learns them by asking a child, or at home
_TOLD = {  # what anybody would have told, so that it is asked for last
    "violent force", "wounded deeply or fell far", "head injury", "neck injury", "burn", "burn of a dangerous kind", "deep cut", "choking", "snake or dangerous bite",
    "animal or human bite", "bat, or animal that may be rabid", "swallowed battery or magnets", "overdose or poison", "eye injury", "needle stick", "high sugar",
    "low sugar", "heavy bleeding", "unresponsive", "not breathing", "seizure goes on", "broken bone through the skin", "cord or baby coming", "overheated", "chilled",
}  # fmt: skip
_IMPLIES = {
    "severely breathless": "breathless",
    "fainted during effort": "collapse",
    "sudden worst headache": "headache",
    "keeps nothing down": "vomiting",
}
"""What a sign cannot be there without: of a No to the one, the other is not asked."""
_BEARS, _SPEAKS = (10, 56), 4  # years: of an age at which somebody may be pregnant; from which somebody can tell


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
    done = {sign for sign, _ in asked} | set(found.floor.signs) | _not_for(found)
    denied = {sign for sign, answer in asked if answer == "no"}
    questions, _ = words_of(language)
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
            or _IMPLIES.get(sign) in denied
            or _level(flag.level) <= _level(found.level)
        ):
            continue
        place = named.index(sign) if sign in named else len(named)
        rank = (-_level(flag.level), sign in _TOLD, place == len(named), flag.esi, place)
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


def _not_for(found: Assessment) -> set[str]:
    """The signs that such a patient cannot have, or nobody can tell of them."""
    patient = found.patient
    ages = patient.ages or ((0.0,) if patient.baby else ())
    skipped = {"female": _OF_MEN, "male": _OF_WOMEN}.get(patient.sex or "", set()) | _OF_THE_SICK
    if ages and not any(_BEARS[0] <= age < _BEARS[1] for age in ages):
        skipped |= _OF_WOMEN - ({"bleeding after menopause"} if max(ages) >= _BEARS[1] else set())
    return skipped | (_OF_SPEAKERS if ages and max(ages) < _SPEAKS else set())


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
