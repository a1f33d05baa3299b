"""Rules before the model: red flags and limits of vital signs set a floor under the urgency, in any of five languages.

Deterministic and quick: no model, no index. What they say is in red_flags.toml, signs/*.toml and vitals.toml, with the source of each.
"""

from __future__ import annotations

import re
import tomllib
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import cache, cached_property
from pathlib import Path
from typing import Any

from healthcare_triage.patient import Patient, age_of
from sectorkit.limits import Limit, LimitBook, Plausible, Reading, parse_condition
from sectorkit.mentions import Mentions, folded
from sectorkit.units import unit_of

LEVELS = ("self-care", "routine", "urgent", "emergency")
"""The least urgent first."""
ESI = {"self-care": 5, "routine": 4, "urgent": 3, "emergency": 2}
"""The ESI level that a level stands for, where nothing says that it is another: emergency is 1 or 2."""
FOLDER = Path(__file__).parent
BANDS = ("under 3 months", "3 to 11 months", "1 year", "2 to 4 years", "5 to 11 years", "12 to 15 years", "adult")
_UNTIL = (0.25, 1, 2, 5, 12, 16)  # years at which each of them ends
_FEVER = 38.0  # °C
_OF_PREGNANCY = {"waters or labour", "baby moves less", "cord or baby coming"}  # signs that nobody else has
_STATES = {
    "confused": "confusion",
    "voice": "confusion",
    "pain": "unresponsive",
    "unresponsive": "unresponsive",
}
_PRESSURE = re.compile(
    r"(?:\b(?:bp|blood pressure|pressure|ta|pa|tension|presion|t/a)\b|血压|ضغط(?: الدم)?|الضغط)\D{0,12}(\d{2,3})\s*(?:/|over|sur|sobre|على)\s*(\d{2,3})"
)  # fmt: skip
_PAIR = re.compile(r"(?<![\d/])(\d{2,3})\s*(?:/|over|sur|sobre|على)\s*(\d{2,3})(?![\d/])")
_DEGREES = re.compile(
    r"(?<![\d.,/])(\d{2,3}(?:[.,]\d{1,2})?)\s*(?:°\s*|º\s*|deg(?:rees?)?\s*)?(c|f|celsius|fahrenheit|度|℃|℉|درجه)(?![a-z])(?!\s*-?\s*section)"
)


# "about 140", "120 bpm", "32 per minute", "88 % on air", "39.4°": a number with words that change nothing about it.
_PLAIN = re.compile(
    r"(?:(?:about|around|approx\.?|ca\.?|~|≈)\s*)?(?P<n>\d{1,3}(?:[.,]\d{1,2})?)"
    r"\s*(?:bpm|beats?|breaths?|per min(?:ute)?|a minute|/ ?min(?:ute)?|°|º|%? ?on (?:room )?air|/\d{2,3})*"
)


@dataclass(frozen=True)
class Flag:
    """A red flag of red_flags.toml."""

    id: str
    name: str
    level: str
    esi: int
    all: tuple[tuple[str, ...], ...]
    who: tuple[str, ...]
    starts: float
    ends: float
    source: str
    do: str

    def holds(self, signs: Iterable[str], group: str, age: float | None) -> bool:
        """Whether a person of that group and age with those signs has it; an unknown age is an adult's."""
        return self.is_for(group, age) and all(any(sign in signs for sign in each) for each in self.all)

    def is_for(self, group: str, age: float | None) -> bool:
        """Whether it is for a person of that group and age."""
        years = 40.0 if age is None else age
        return (not self.who or group in self.who) and self.starts <= years < self.ends


@dataclass(frozen=True)
class Raised:
    """Why the floor is where it is: a flag with the words that brought it up, or a vital sign with what was compared."""

    id: str
    name: str
    level: str
    esi: int
    because: tuple[str, ...]
    source: str
    do: str = ""


@dataclass(frozen=True)
class Floor:
    """What the rules say: the most urgent of `raised`, the most urgent of them first; `level` is None where there is none.

    `readings` are the vital signs that were understood, `problems` what of them was not, each with what to do about it.
    """

    level: str | None
    esi: int | None
    raised: tuple[Raised, ...]
    signs: tuple[str, ...]
    readings: tuple[Reading, ...]
    problems: tuple[str, ...]


class Rules:
    """The rules of a folder; made once. SectorkitError or KeyError where a file of them cannot be read."""

    def __init__(self, folder: Path = FOLDER) -> None:
        read = {path.stem: tomllib.loads(path.read_text(encoding="utf-8")) for path in folder.glob("*.toml")}
        flags, self._vitals = read["red_flags"], read["vitals"]
        self.version = str(flags["version"])
        self.flags = tuple(map(_flag, flags["flag"]))
        spoken = {
            path.stem: tomllib.loads(path.read_text(encoding="utf-8")) for path in (folder / "signs").glob("*.toml")
        }
        self.signs = tuple(spoken["en"])
        named = {sign for flag in self.flags for each in flag.all for sign in each}
        if strange := named ^ set(self.signs):
            raise KeyError(f"signs/en.toml and red_flags.toml do not name the same signs: {', '.join(sorted(strange))}")
        self._mentions = Mentions(
            {sign: {code: words.get(sign, ()) for code, words in spoken.items()} for sign in self.signs}
        )

    def floor(self, patient: Patient) -> Floor:
        """What the flags and limits make of the patient."""
        readings, problems = self._read(patient)
        signs = {sign: [m.words for m in found] for sign, found in self._mentions.of(patient.said).items()}
        for sign, answer in patient.confirmed.items():
            signs.setdefault(sign, []).append(answer)
        if state := _STATES.get(patient.consciousness):
            signs.setdefault(state, []).append(f"consciousness: {patient.consciousness}")
        for reading in readings:
            if reading.name == "temperature" and float(reading.value.to("degC").magnitude) >= _FEVER:
                signs.setdefault("fever", []).append(reading.text)
        if not patient.pregnant and patient.sex != "male" and _OF_PREGNANCY & signs.keys():
            patient = replace(patient, pregnant=True)  # "contractions every four minutes" needs no other word for it
        raised: dict[str, Raised] = {}
        for group, age in patient.groups():
            for flag in self.flags:
                if flag.id not in raised and flag.holds(signs, group, age):
                    words = [signs[sign][0] for each in flag.all for sign in each if sign in signs]
                    raised[flag.id] = Raised(
                        flag.id, flag.name, flag.level, flag.esi, tuple(dict.fromkeys(words)), flag.source, flag.do
                    )
            band = "pregnancy" if group == "pregnancy" else band_of(age)
            for found in self._limits_met(band, readings):
                raised.setdefault(found.id, found)
        if (score := self._score(patient, readings)) is not None:
            raised[score.id] = score
        order = sorted(raised.values(), key=_rank)
        first = order[0] if order else None
        return Floor(
            first.level if first else None, first.esi if first else None, tuple(order), tuple(signs), tuple(readings), tuple(problems)
        )  # fmt: skip

    def signs_of(self, text: str) -> tuple[str, ...]:
        """The signs that a text names and does not deny."""
        return tuple(self._mentions.of(text))

    # -- vital signs ---------------------------------------------------------------------------------------------------

    @cached_property
    def _book(self) -> LimitBook:
        limits = [
            Limit(said["name"], ", ".join(said["bands"]), said["name"], parse_condition(said["when"]), said["level"], "", "vitals.toml", "", 0, 0)
            for said in self._vitals["limit"]
        ]  # fmt: skip
        ranges = {r["name"]: Plausible(r["name"], r["unit"], r["low"], r["high"]) for r in self._vitals["reading"]}
        return LimitBook(tuple(limits), ranges)

    @cached_property
    def _said(self) -> Mapping[str, dict[str, Any]]:
        return {limit["name"]: limit for limit in self._vitals["limit"]}

    @cached_property
    def _named(self) -> Sequence[tuple[str, re.Pattern[str]]]:
        found = []
        for reading in self._vitals["reading"]:
            names = sorted((re.escape(folded(name)[0]) for name in reading["said"]), key=len, reverse=True)
            between = r"(?:\s*(?:is|are|was|were|of|at|=|:|-|a|de|est|es|era|rate|level|levels|reads?|reading|only|now|about|around|approx|has been|(?:drop|dropp|go|gone|went|came|come|down|up)\w*(?: down| up)? to|是|为|到|约)\s*){0,3}\s*[.,]?\s*"
            found.append((
                reading["name"],
                re.compile(
                    rf"(?<![a-z])(?:{'|'.join(names)})(?![a-z]){between}(?P<n>\d{{1,3}}(?:[.,]\d{{1,2}})?)(?!\s*(?:/\s*\d|days?|hours?|weeks?|dias?|jours?|天|小时|ايام|\d|out of|/10))"
                ),
            ))  # fmt: skip
        return found

    def _read(self, patient: Patient) -> tuple[list[Reading], list[str]]:
        """The vital signs of the form, then those of the text that the form lacks."""
        given = {
            name: _with_unit(text, self._book.plausible.get(name))
            for name, text in patient.vitals.items()
            if name in self._book.plausible
        }
        readings, problems = self._book.read_all(given)
        strange = [name for name in patient.vitals if name not in self._book.plausible]
        problems += [patient.problem] if patient.problem else []
        problems += [f"{name}: no limits are known for this reading" for name in strange]
        for name, text in self._in_text(folded(unicodedata.normalize("NFKC", patient.said))[0]):
            if name in given:
                continue  # the form's counts; of several in the text, each does
            more, wrong = self._book.read_all({name: text})
            readings += more
            problems += wrong
        return readings, problems

    def _in_text(self, plain: str) -> Iterator[tuple[str, str]]:
        if _PRESSURE.search(plain):
            for match in _PAIR.finditer(plain):
                if 30 <= int(match[2]) < int(match[1]) <= 300:
                    yield "systolic pressure", f"{match[1]} mmHg"
                    yield "diastolic pressure", f"{match[2]} mmHg"
        for match in _DEGREES.finditer(plain):
            value = float(match[1].replace(",", "."))
            scale = "°F" if match[2][0] in "f℉" or value > 80 else "°C"
            if (scale == "°C" and 30 <= value <= 44) or (scale == "°F" and 86 <= value <= 112):
                yield "temperature", f"{value:g} {scale}"
        for name, pattern in self._named:
            for match in pattern.finditer(plain):
                text = _with_unit(match["n"].replace(",", "."), self._book.plausible[name])
                low, high = (
                    (30, 112)
                    if name == "temperature"
                    else (self._book.plausible[name].low, self._book.plausible[name].high)
                )
                if low <= float(match["n"].replace(",", ".")) <= high:
                    yield name, text

    def _limits_met(self, band: str, readings: Sequence[Reading]) -> Iterator[Raised]:
        """Of each reading the most urgent limit that is exceeded: 88 % is not also "92 or 93 %"."""
        worst: dict[tuple[str, ...], Raised] = {}
        found_of_each = (found for reading in readings for found in self._book.check(band, [reading], on=date.today()))
        for found in found_of_each:  # each by itself: a text may give two, and the worse one counts
            if found.state == "exceeded":
                said, about = self._said[found.limit.name], found.limit.condition.names[:1]
                met = Raised(
                    found.limit.name, found.limit.name, said["level"], said["esi"], (found.computed,), said["source"]
                )
                if about not in worst or _rank(met) < _rank(worst[about]):
                    worst[about] = met
        yield from worst.values()

    def _score(self, patient: Patient, readings: Sequence[Reading]) -> Raised | None:
        """NEWS2 of an adult, where enough of it was read: what was not counts as healthy, so that it is a least."""
        score = self._vitals["score"]
        values = {
            r.name: float(r.value.to(unit_of(self._book.plausible[r.name].unit)).magnitude)
            for r in readings
            if r.name in score["points"]
        }
        if patient.pregnant or any(group != "adult" for group, _ in patient.groups()) or len(values) < score["needs"]:
            return None
        total = sum(
            next(points for bound, points in score["points"][name] if value <= bound) for name, value in values.items()
        )
        total += 3 * (patient.consciousness in _STATES)
        level = next((level for level in ("emergency", "urgent") if total >= score[level]), None)
        if level is None:
            return None
        return Raised(
            "news2",
            f"NEWS2 of {total}",
            level,
            ESI[level],
            (f"NEWS2 of {len(values)} readings: {total}",),
            score["source"],
        )


@cache
def shipped_rules() -> Rules:
    """The app's own rules, read once."""
    return Rules()


def _rank(raised: Raised) -> tuple[int, int]:
    return -LEVELS.index(raised.level), raised.esi


def band_of(age: float | None) -> str:
    """The band of ages in vitals.toml; an unknown age is an adult's."""
    return (
        BANDS[-1]
        if age is None
        else next((b for b, until in zip(BANDS, _UNTIL, strict=False) if age < until), BANDS[-1])
    )


def _flag(said: Mapping[str, Any]) -> Flag:
    each = tuple((entry,) if isinstance(entry, str) else tuple(entry) for entry in said["all"])
    if said["level"] not in LEVELS:
        raise KeyError(f"{said['id']}: {said['level']!r} is no level; there are {', '.join(LEVELS)}")
    return Flag(
        said["id"], said["name"], said["level"], int(said["esi"]), each, tuple(said.get("who", ())),
        age_of(said["from"]) if "from" in said else 0.0, age_of(said["below"]) if "below" in said else 999.0,
        said["source"], said.get("do", ""),
    )  # fmt: skip


def _with_unit(text: str, bounds: Plausible | None) -> str:
    """A bare number gets the unit that it is read in; a temperature by what it can be: 39 is °C, 102 is °F."""
    said = _PLAIN.fullmatch(text.casefold().strip())
    if bounds is None or said is None:
        return text
    text = said["n"]
    if bounds.name == "temperature" and float(text.replace(",", ".")) > 80:
        return f"{text} °F"
    return f"{text} {bounds.unit}"
