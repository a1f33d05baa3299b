"""Rules before the model: red flags and limits of vital signs set a floor under the urgency, in any of five languages.

Deterministic and quick: no model, no index. What they say is in red_flags.toml, signs/*.toml and vitals.toml, with the source of each.
"""

from __future__ import annotations

import operator
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, cached_property
from pathlib import Path
from typing import Any, TypeAlias

from healthcare_triage.patient import Patient, age_of
from sectorkit.limits import Condition, LimitBook, Plausible, Reading, parse_condition
from sectorkit.mentions import Mentions, folded
from sectorkit.units import unit_of

LEVELS = ("self-care", "routine", "urgent", "emergency")
"""The least urgent first."""
ESI = {"self-care": 5, "routine": 4, "urgent": 3, "emergency": 2}
"""The ESI level that a level stands for, where nothing says that it is another: emergency is 1 or 2."""
FOLDER = Path(__file__).parent
_OF_PREGNANCY = {"waters or labour", "baby moves less", "cord or baby coming"}  # signs that nobody else has
_RELATIONS = {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge}
_unit = cache(unit_of)
_Known: TypeAlias = Sequence[tuple[Reading, float]]  # with the value in the unit that it is read in
_OXYGEN = re.compile(r"\d ?l\b|l/min|cannula|mask|oxygen|\bo2\b|\byes\b")  # in a form, beside the saturation
_STATES = {"confused": "confusion", "voice": "confusion", "pain": "unresponsive", "unresponsive": "unresponsive"}
_PRESSURE = r"(?:\b(?:bp|b/p|blood pressure|pressure|ta|pa|tension|presion|t/a|mmhg)\b|血压|ضغط)"
_PAIR = re.compile(r"(?<![\d/.])(\d{2,3})\s*(?:/|over|sur|sobre|por|علي)\s*(\d{2,3})(?![\d/])")
_NAMED_PAIR = re.compile(rf"{_PRESSURE}\D{{0,20}}{_PAIR.pattern}|{_PAIR.pattern}\D{{0,6}}{_PRESSURE}")
_FELT = re.compile(r"(?<![\d/.])(\d{2,3})\s*(?:/\s*(?:p|palp\w*)|(?:over\s+)?palp(?:ated|ation)?)\b")  # "85/p"
_DEGREES = re.compile(
    r"(?<![\d.,/])(\d{2,3}(?:[.,]\d{1,2})?)\s*(?:°\s*|º\s*|deg(?:rees?)?\s*)?(c|f|celsius|fahrenheit|度|℃|℉|درجه)(?![a-z])(?!\s*-?\s*section)"
)

# "about 140", "120 bpm", "32 per minute", "88 % on air", "39.4°", "54 mg/dL": a number with words that change nothing about it.
_PLAIN = re.compile(
    r"(?:(?:about|around|approx\.?|ca\.?|~|≈)\s*)?(?P<n>\d{1,4}(?:[.,]\d{1,2})?)\s*(?P<unit>mg ?/? ?dl|g/l|mmols?)?"
    r"\s*(?:bpm|beats?|breaths?|per min(?:ute)?|a minute|/ ?min(?:ute)?|°|º|%? ?on [\w /]{1,20}|/\d{2,3})*"
)
_NUMBER = r"\d{1,4}(?:[.,]\d{1,2})?(?![.,]?\d)"
_UNIT = r"(?:mg ?/? ?dl|g/l|mmols?)(?:/l)?"
_TAIL = r"(?:\s*(?:bpm|lpm|rpm|%|/ ?min\w*|per min\w*|beats|breaths|mmhg|次))*"
# Between a name and its number, and what behind a number makes it none of the name's: "pulse 5 minutes ago".
_IS = r"(?:\s*(?:at rest|resting|en reposo|au repos|is|are|was|were|of|at|in|en|al|=|:|-|a|de|est|es|era|rate|level|levels|reads?|reading|going|beating|racing|running|only|now|just|about|around|approx|has been|(?:drop|dropp|go|gone|went|came|come|down|up)\w*(?: down| up)? to|là|est a|baja a|sube a|是|为|到|约|只有|每分钟|高达)\s*){0,3}\s*[.,]?\s*"
_NONE_OF_IT = r"(?!\s*(?:/\s*\d|minutes|mins?\b(?! \d)|sec|hours?|hrs?\b|h\b|days?|weeks?|months?|years?|yrs?\b|y/?o\b|times(?! (?:a|per|each))|x\b|litres?|liters?|l\b|lpm|grams?|g\b(?!/)|spoons?|tsp|lumps?|packets?|minutos|horas|dias|semanas|anos|veces|heures|jours|semaines|ans\b|fois|分钟(?!\d)|小时|天|岁|دقيقه|دقايق|ساعه|ايام|سنه|out of|/10))"


@dataclass(frozen=True)
class Whom:
    """For whom something is: groups, everybody where there are none, and ages from `starts` to below `ends`, in years."""

    who: tuple[str, ...]
    starts: float
    ends: float

    def is_for(self, group: str, age: float | None) -> bool:
        """Whether it is for a person of that group and age; an unknown age is an adult's."""
        return (not self.who or group in self.who) and self.starts <= _years(age) < self.ends


@dataclass(frozen=True)
class Flag(Whom):
    """A red flag of red_flags.toml."""

    id: str
    name: str
    level: str
    esi: int
    all: tuple[tuple[str, ...], ...]
    source: str
    do: str
    first: int

    def holds(self, signs: Iterable[str], group: str, age: float | None) -> bool:
        """Whether a person of that group and age with those signs has it."""
        return self.is_for(group, age) and all(any(sign in signs for sign in each) for each in self.all)


@dataclass(frozen=True)
class Limit(Whom):
    """A limit of vitals.toml: of `steps`, conditions that hold from an age in years on, the last counts that was reached. Where a `sign`
    is named, it must be there."""

    name: str
    level: str
    esi: int
    source: str
    do: str
    sign: str
    steps: tuple[tuple[float, Condition], ...]

    def met(self, age: float | None, reading: Reading, value: float) -> str:
        """What was compared, where the reading, `value` in its own unit, exceeds the limit; else nothing."""
        condition = next((said for since, said in reversed(self.steps) if since <= _years(age)), None)
        if condition is None or not _holds(condition, reading.name, value):
            return ""
        return "; ".join(filter(None, (said.computed({reading.name: reading}) for said in condition.comparisons)))


@dataclass(frozen=True)
class Raised:
    """Why the floor is where it is: a flag with the words that brought it up, or a vital sign with what was compared. What to `do` for a
    smaller `first` comes first."""

    id: str
    name: str
    level: str
    esi: int
    because: tuple[str, ...]
    source: str
    do: str = ""
    first: int = 9


@dataclass(frozen=True)
class Floor:
    """What the rules say: the most urgent of `raised`, of which what to do first is the first; `level` is None where there is none.

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
        instead, now = flags["instead"], flags["now"]
        self.signs = tuple(sign for sign in spoken["en"] if sign not in instead and sign not in now)  # to ask for
        known = spoken["en"].keys()
        strange = known ^ ({sign for flag in self.flags for each in flag.all for sign in each} | instead.keys())
        strange |= {sign for words in spoken.values() for sign in known ^ words.keys()}
        strange |= {sign for those in (now, *instead.values()) for sign in those} - known
        asking = read.get("asking", {})  # for the follow-up
        strange |= {sign for signs in (*asking.values(), asking.get("without", {}).values()) for sign in signs} - known
        strange |= {said["sign"] for said in self._vitals["sets"] + self._vitals["limit"] if "sign" in said} - known
        if strange:
            raise KeyError(f"not every file of the rules names the same signs: {', '.join(sorted(strange))}")
        self._mentions = Mentions(
            {sign: {code: words.get(sign, ()) for code, words in spoken.items()} for sign in spoken["en"]}, instead, now
        )

    def floor(self, patient: Patient) -> Floor:
        """What the flags and limits make of the patient."""
        readings, problems = self._read(patient)
        found = self._mentions.of(patient.said, patient.fold)
        found.pop("another meaning", None)  # is no sign
        signs = {sign: [mention.words for mention in mentions] for sign, mentions in found.items()}
        for sign, answer in patient.confirmed.items():
            signs.setdefault(sign, []).append(answer)
        if state := _STATES.get(patient.consciousness):
            signs.setdefault(state, []).append(f"consciousness: {patient.consciousness}")
        units = {name: _unit(bounds.unit) for name, bounds in self._book.plausible.items()} if readings else {}
        known = [(one, round(float(one.value.to(units[one.name]).magnitude), 6)) for one in readings]
        for reading, value in known:
            for sign, condition in self._sets:
                if _holds(condition, reading.name, value):
                    signs.setdefault(sign, []).append(reading.text)
        oxygen = " ".join(patient.vitals.get(name, "") for name in ("oxygen", "oxygen saturation")).casefold()
        if _OXYGEN.search(oxygen):
            signs.setdefault("given oxygen", []).append(oxygen.strip())
        if _OF_PREGNANCY & signs.keys() or {"pregnant", "may be pregnant", "after birth"} & patient.confirmed.keys():
            patient = replace(patient, pregnant=True)  # "contractions every four minutes" needs no other word for it
        raised: dict[str, Raised] = {}
        for group, age in patient.groups():
            for flag in self.flags:
                if flag.id not in raised and flag.holds(signs, group, age):
                    words = [signs[sign][0] for each in flag.all for sign in each if sign in signs]
                    raised[flag.id] = Raised(
                        flag.id, flag.name, flag.level, flag.esi, tuple(dict.fromkeys(words)), flag.source, flag.do, flag.first
                    )  # fmt: skip
            for met in self._limits_met(group, age, known, signs):
                raised.setdefault(met.id, met)
        if (score := self._score(patient, known, signs)) is not None:
            raised[score.id] = score
        order = sorted(raised.values(), key=_rank)
        level = order[0].level if order else None
        esi = min((one.esi for one in order if one.level == level), default=None)
        return Floor(level, esi, tuple(order), tuple(signs), tuple(readings), tuple(problems))

    def affirmed(self, text: str) -> str:
        """The text without what it denies."""
        return self._mentions.affirmed(text)

    def signs_of(self, text: str) -> tuple[str, ...]:
        """The signs that a text names and does not deny."""
        return tuple(self._mentions.of(text))

    def alone(self, sign: str) -> str:
        """The level that an adult's sign raises by itself, without any other; nothing where it raises none."""
        return max((f.level for f in self.flags if f.holds([sign], "adult", None)), key=LEVELS.index, default="")

    # -- vital signs ---------------------------------------------------------------------------------------------------

    @cached_property
    def _book(self) -> LimitBook:
        given = self._vitals["reading"]
        return LimitBook((), {r["name"]: Plausible(r["name"], r["unit"], r["low"], r["high"]) for r in given})

    @cached_property
    def _limits(self) -> Sequence[Limit]:
        return tuple(map(_limit, self._vitals["limit"]))

    @cached_property
    def _sets(self) -> Sequence[tuple[str, Condition]]:
        return tuple((said["sign"], parse_condition(said["when"])) for said in self._vitals["sets"])

    @cached_property
    def _named(self) -> tuple[re.Pattern[str], Mapping[str, Mapping[str, Any]]]:
        """A number ahead of a name or behind it, and the readings by name. In "120 HR 30 RR" all are ahead, in "HR 120 RR 30" none; "2 sugars"
        is no reading."""
        names = {folded(name)[0]: reading for reading in self._vitals["reading"] for name in reading["said"]}
        longest = sorted(names, key=len, reverse=True)
        words = "|".join(map(re.escape, longest))
        other = "|".join(re.escape(name) for name in longest if names[name]["unit"] != "mmol/L")
        of = r"\s*(?:%|mmhg|degrees|grados|degres|°)?\s*(?:(?:de|of|en|d')\s*(?:(?:la|el|his|her|my) )?)?(?<![a-z'])({})(?![a-z])"
        first = rf"(?<![\d.,/:-])(?P<ahead>{_NUMBER}){of.format('?P<of>' + other)}(?=(?:[\s,;]*{_NUMBER}{of.format('?:' + other)}){{0,8}}(?!{_IS}{_NUMBER}{_NONE_OF_IT}))"
        behind = rf"(?<![a-z'])(?<!\bi )(?<!he )(?<!we )(?<!they )(?P<name>{words})(?:ي|ه|ها|هم)?(?![a-z]){_IS}(?P<behind>{_NUMBER})\s*(?P<unit>{_UNIT})?{_NONE_OF_IT}{_TAIL}"
        return re.compile(rf"{first}|{behind}"), names

    def _read(self, patient: Patient) -> tuple[list[Reading], list[str]]:
        """The vital signs of the form, then those of the text that the form lacks."""
        given = {
            name: _with_unit(text, self._book.plausible.get(name))
            for name, text in patient.vitals.items()
            if name in self._book.plausible
        }
        readings, problems = self._book.read_all(given)
        strange = [name for name in patient.vitals if name not in self._book.plausible and name != "oxygen"]
        problems += [patient.problem] if patient.problem else []
        problems += [f"{name}: no limits are known for this reading" for name in strange]
        for name, text in dict.fromkeys(self._in_text(patient)):
            if name in given:
                continue  # the form's counts; of several in the text, each does
            more, wrong = self._book.read_all({name: text})
            readings += more
            problems += wrong
        return readings, problems

    def _in_text(self, patient: Patient) -> Iterator[tuple[str, str]]:
        young = patient.child or patient.baby or any(age < 16 for age in patient.ages)
        plain = patient.numbers
        for said in self._vitals["reads_as"]:
            plain = re.sub(said["pattern"], said["to"], plain) if young or not said.get("of_child") else plain
        if _NAMED_PAIR.search(plain):
            for match in _PAIR.finditer(plain):
                if 30 <= int(match[2]) < int(match[1]) <= 300:
                    yield "systolic pressure", f"{match[1]} mmHg"
                    yield "diastolic pressure", f"{match[2]} mmHg"
            plain = _PAIR.sub(" / ", plain)
        for match in _FELT.finditer(plain):
            yield "systolic pressure", f"{match[1]} mmHg"
        for match in _DEGREES.finditer(plain):
            value = float(match[1].replace(",", "."))
            scale = "°F" if match[2][0] in "f℉" or value > 80 else "°C"
            if (scale == "°C" and 30 <= value <= 44) or (scale == "°F" and 86 <= value <= 112):
                yield "temperature", f"{value:g} {scale}"
        pattern, names = self._named
        for match in pattern.finditer(plain):
            reading, said = names[match["of"] or match["name"]], (match["ahead"] or match["behind"]).replace(",", ".")
            bounds = self._book.plausible[reading["name"]]
            low, high = reading.get("within", (bounds.low, bounds.high))
            if float(said) == 0 == bounds.low or low <= float(said) <= high:
                yield bounds.name, _with_unit(said + (match["unit"] or ""), bounds)

    def _limits_met(self, group: str, age: float | None, known: _Known, signs: Iterable[str]) -> Iterator[Raised]:
        """Of each reading the most urgent limit that is exceeded: 88 % is not also "92 or 93 %"."""
        worst: dict[str, Raised] = {}
        for limit in self._limits:
            if not limit.is_for(group, age) or (limit.sign and limit.sign not in signs):
                continue
            about = limit.steps[0][1].names[0]
            for reading, value in known:  # each by itself: a text may give two, and the worse one counts
                if compared := limit.met(age, reading, value):
                    met = Raised(limit.name, limit.name, limit.level, limit.esi, (compared,), limit.source, limit.do)
                    worst[about] = min(worst.get(about, met), met, key=_rank)
        yield from worst.values()

    def _score(self, patient: Patient, known: _Known, signs: Iterable[str]) -> Raised | None:
        """NEWS2 of an adult, where enough of it was read: what was not counts as healthy, so that it is a least."""
        score = self._vitals["score"]
        values = {one.name: value for one, value in known if one.name in score["points"]}
        bears = patient.pregnant and patient.sex != "male"
        if bears or all(group != "adult" for group, _ in patient.groups()) or len(values) < score["needs"]:
            return None
        total = sum(next(p for bound, p in score["points"][name] if value <= bound) for name, value in values.items())
        total += 3 * (patient.consciousness in _STATES) + score["oxygen"] * ("given oxygen" in signs)
        if total < score["urgent"]:
            return None
        level = "emergency" if total >= score["emergency"] else "urgent"
        because = f"NEWS2 of {len(values)} readings: {total}"
        return Raised("news2", f"NEWS2 of {total}", level, ESI[level], (because,), score["source"])


@cache
def shipped_rules() -> Rules:
    """The app's own rules, read once."""
    return Rules()


def _rank(raised: Raised) -> tuple[int, int, int]:
    return -LEVELS.index(raised.level), raised.first, raised.esi


def _holds(condition: Condition, name: str, value: float) -> bool:
    """Whether a comparison of that reading does; all bounds are in the reading's unit."""
    return any(_RELATIONS[c.relation](value, c.bound.magnitude) for c in condition.comparisons if c.names == (name,))


def _years(age: float | None) -> float:
    return 40.0 if age is None else age


def _whom(said: Mapping[str, Any]) -> tuple[tuple[str, ...], float, float]:
    starts, ends = said.get("from"), said.get("below")
    return tuple(said.get("who", ())), age_of(starts) if starts else 0.0, age_of(ends) if ends else 999.0


def _limit(said: Mapping[str, Any]) -> Limit:
    steps = [(age_of(since), said["when"].format(bound)) for since, bound in said.get("bounds", {"0 days": ""}).items()]
    return Limit(
        *_whom(said), said["name"], said["level"], said["esi"], said["source"], said.get("do", ""), said.get("sign", ""),
        tuple((since, parse_condition(when)) for since, when in steps),
    )  # fmt: skip


def _flag(said: Mapping[str, Any]) -> Flag:
    each = tuple((entry,) if isinstance(entry, str) else tuple(entry) for entry in said["all"])
    if said["level"] not in LEVELS:
        raise KeyError(f"{said['id']}: {said['level']!r} is no level; there are {', '.join(LEVELS)}")
    return Flag(
        *_whom(said), said["id"], said["name"], said["level"], int(said["esi"]), each, said["source"], said.get("do", ""), said.get("first", 9)
    )  # fmt: skip


def _with_unit(text: str, bounds: Plausible | None) -> str:
    """A bare number gets the unit that it is read in: a temperature by what it can be, 39 is °C and 102 °F; of glucose, 40 or more are
    mg/dL, and it becomes mmol/L."""
    said = _PLAIN.fullmatch(text.casefold().strip())
    if bounds is None or said is None or (said["unit"] and bounds.name != "blood glucose"):
        return text
    value, unit = float(said["n"].replace(",", ".")), said["unit"] or ""
    if bounds.name == "blood glucose" and not unit.startswith("mmol"):
        return f"{value / (0.18 if unit == 'g/l' else 18 if unit or value >= 40 else 1):.4g} mmol/L"
    return f"{said['n']} {'°F' if bounds.name == 'temperature' and value > 80 else bounds.unit}"
