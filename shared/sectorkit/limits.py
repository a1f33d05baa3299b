"""Limits: what documents say a reading may be, evaluated by code and with units; a model neither reads nor computes them.

A document states limits in a table with the columns `Machine`, `Failure mode` and `Condition`, and optionally `Limit` (its
name), `Level` (alarm or warning) and `Check next`. A condition compares readings, or a sum, difference or product of them,
with a value: "bearing temperature - ambient temperature > 45 K", "flow < 18 m³/h and motor current > 12 A".

A table with the columns `Reading`, `Unit`, `Plausible from` and `Plausible to` says what a reading can be at all, and one
with `Group` and `Machine types` which machines "any pump" means. Columns may have Chinese names (`_CHINESE`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import reduce
from typing import Any, Literal, TypeAlias

from sectorkit.answer import Citation
from sectorkit.errors import RequestError
from sectorkit.tables import Row, Table, tables_of
from sectorkit.times import is_in_force
from sectorkit.units import (
    Quantity,
    UnitProblem,
    comparable,
    is_temperature,
    plain_number,
    quantity,
    readings_of,
    same_kind,
    unit_of,
)

State: TypeAlias = Literal["exceeded", "within", "missing"]
_CHINESE = {
    "限值": "Limit", "机器": "Machine", "设备": "Machine", "失效模式": "Failure mode", "条件": "Condition", "级别": "Level",
    "下一步检查": "Check next", "读数": "Reading", "单位": "Unit", "合理下限": "Plausible from", "合理上限": "Plausible to",
    "组": "Group", "机型": "Machine types",
}  # fmt: skip
_COMPARISON = re.compile(r"(?P<left>.+?)\s*(?P<relation><=|>=|<|>|≤|≥)\s*(?P<bound>[^<>≤≥]+)")
_STEP = re.compile(r"\s*([*×])\s*|\s+([-+−–])\s+")
_JOINED = re.compile(r"\s+(and|or)\s+|\s*(且|或)\s*", re.IGNORECASE)
_NAME = re.compile(r"[^\W\d][\w .'()-]{0,60}")  # of a reading; anything else means that a condition was not understood
_LONGEST = 400  # characters of a condition
_LEVELS = {"": "alarm", "alarm": "alarm", "warning": "warning", "报警": "alarm", "警告": "warning", "预警": "warning"}
_FEW_KELVIN = 150  # below it, what is stated in K is a difference
_CLOSE = 1e-9  # relative: 185 °F are 85 °C, and not a trace more


@dataclass(frozen=True)
class Reading:
    """A value that somebody has read: `value` with its unit, `text` as it was given."""

    name: str
    value: Quantity
    text: str


@dataclass(frozen=True)
class Comparison:
    """`names[0] steps[0] names[1] ... relation bound`, as in "torque * rotational speed > 9000 W"; `stated` is the bound's text."""

    names: tuple[str, ...]
    steps: tuple[str, ...]
    relation: str
    bound: Quantity
    stated: str
    unit: str

    def value(self, readings: Mapping[str, Reading]) -> Quantity | None:
        """The left side; None where a reading is missing. UnitProblem where it is not of the bound's kind."""
        if any(name not in readings for name in self.names):
            return None
        given = [readings[name].value for name in self.names]
        try:
            if any(map(is_temperature, given)) and self.steps not in ((), ("-",)):
                raise UnitProblem("temperatures are subtracted, and neither added nor multiplied")
            if not self.steps and _is_rise(self.bound) != _is_rise(given[0]):
                raise UnitProblem("one of them is a temperature, and the other a difference of two")
            values = list(map(comparable, given))
            total = reduce(
                lambda left, step: _stepped(left, *step), zip(self.steps, values[1:], strict=True), values[0]
            )
            return total.to(comparable(self.bound).units)
        except Exception as error:  # pint's errors of dimensions have no base of their own
            said = ", ".join(f"{name} {readings[name].text}" for name in self.names)
            raise UnitProblem(f"{said}: not what is compared with {self.stated} ({error})") from None

    def met(self, readings: Mapping[str, Reading]) -> bool | None:
        """Whether it holds; None where a reading is missing."""
        value = self.value(readings)
        if value is None:
            return None
        left, right = float(value.magnitude), float(comparable(self.bound).magnitude)
        if abs(left - right) <= _CLOSE * max(abs(left), abs(right)):
            return "=" in self.relation
        return left < right if "<" in self.relation else left > right

    @property
    def key(self) -> tuple[Any, ...]:
        """The same for comparisons that differ in their bound alone."""
        return self.names, self.steps, self.relation[0]

    @property
    def exact(self) -> tuple[Any, ...]:
        """The same for comparisons that say the same."""
        bound = comparable(self.bound).to_base_units()
        return *self.key, self.relation, round(float(bound.magnitude), 9), str(bound.units)

    def computed(self, readings: Mapping[str, Reading]) -> str:
        """For a person: what was compared with what, "torque × rotational speed = 9,425 W > 9000 W"."""
        value = self.value(readings)
        if value is None:
            return ""
        expression = self.names[0] + "".join(f" {s} {n}" for s, n in zip(self.steps, self.names[1:], strict=True))
        holds = self.met(readings)
        relation = self.relation if holds else {"<": "≥", "<=": ">", ">": "≤", ">=": "<"}[self.relation]
        stated = value.to(self.bound.units) if same_kind(value, self.bound.units) else value
        number = plain_number(float(stated.magnitude))
        given = f" = {number} {self.unit}" if self.steps else f" {readings[self.names[0]].text}"
        if not self.steps and readings[self.names[0]].value.units != self.bound.units:
            given += f" = {number} {self.unit}"
        return f"{expression}{given} {relation} {self.stated}"


@dataclass(frozen=True)
class Condition:
    """Comparisons of which all (`every`) or one must hold."""

    text: str
    comparisons: tuple[Comparison, ...]
    every: bool = True

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(name for comparison in self.comparisons for name in comparison.names))

    @property
    def key(self) -> tuple[Any, ...]:
        return self.every, tuple(comparison.key for comparison in self.comparisons)

    @property
    def exact(self) -> tuple[Any, ...]:
        """The same for conditions that say the same, bounds included."""
        return self.every, tuple(comparison.exact for comparison in self.comparisons)

    def state(self, readings: Mapping[str, Reading]) -> State:
        """Whether it is met, is not met, or cannot be told for want of a reading."""
        met = [comparison.met(readings) for comparison in self.comparisons]
        decided = not self.every  # one such comparison is enough to know
        if decided in met:
            return "exceeded" if decided else "within"
        return "missing" if None in met else "exceeded" if self.every else "within"


@dataclass(frozen=True)
class Limit:
    """A limit, and where it stands: `text[start:end]` of the document `source`. `status` as the document's.

    `machine` is what the document says: a machine, several with commas between, or a group.
    """

    name: str
    machine: str
    mode: str
    condition: Condition
    level: str
    check: str
    source: str
    title: str
    start: int
    end: int
    valid_from: str = ""
    valid_to: str = ""
    status: str = ""

    @property
    def key(self) -> tuple[Any, ...]:
        """The same for limits of one machine that contradict each other where they differ."""
        return self.mode.casefold(), self.level, self.condition.key

    @property
    def machines(self) -> list[str]:
        """The names of machines and groups that it is for, in lower case."""
        return [name.casefold() for name in names_in(self.machine)]

    def in_force(self, on: date) -> bool:
        """Whether its document is."""
        said = {"valid_from": self.valid_from, "valid_to": self.valid_to, "status": self.status}
        return is_in_force(said, on)


@dataclass(frozen=True)
class Plausible:
    """What a reading can be at all, in `unit`."""

    name: str
    unit: str
    low: float
    high: float
    where: str = ""


@dataclass(frozen=True)
class Finding:
    """What a limit says of the readings: `computed` is the comparison in words, `missing` the readings that it lacks.

    `begun` tells that a part of it is met already, and the missing reading decides; `problem` says why the readings that
    there are cannot be compared.
    `overruled` are limits of other documents for the same, with another bound, that are older.
    """

    limit: Limit
    state: State
    computed: str = ""
    missing: tuple[str, ...] = ()
    begun: bool = False
    problem: str = ""
    overruled: tuple[Limit, ...] = ()


@dataclass(frozen=True)
class LimitBook:
    """All limits of an index's documents. `problems` name rows that could not be read as limits."""

    limits: tuple[Limit, ...] = ()
    plausible: Mapping[str, Plausible] = field(default_factory=dict)
    groups: Mapping[str, frozenset[str]] = field(default_factory=dict)
    problems: tuple[str, ...] = ()

    @property
    def readings(self) -> tuple[str, ...]:
        """Names of all readings that some limit or table of readings names."""
        named = [name for limit in self.limits for name in limit.condition.names]
        return tuple(dict.fromkeys([*self.plausible, *named]))

    @property
    def machines(self) -> tuple[str, ...]:
        """Names of the machines that some limit is for, groups resolved, sorted."""
        named = [name for limit in self.limits for name in names_in(limit.machine)]
        single = {name for name in named if name.casefold() not in self.groups}
        return tuple(sorted(single | {m for members in self.groups.values() for m in members}))

    def of(self, machine: str) -> list[Limit]:
        """The limits of a machine, and of the groups that it belongs to; none where it is not known."""
        own = machine.casefold()
        names = {own, *(group for group, members in self.groups.items() if own in {m.casefold() for m in members})}
        return [limit for limit in self.limits if names & set(limit.machines)]

    def readings_of(self, machine: str) -> list[str]:
        """Names of the readings that the machine's limits compare, each once."""
        return list(dict.fromkeys(name for limit in self.of(machine) for name in limit.condition.names))

    def read(self, name: str, text: str) -> Reading:
        """A reading that a person gives. UnitProblem says what is wrong with it: no unit, another's, not plausible, unclear."""
        bounds = self.plausible.get(name)
        try:
            values = [quantity(meant) for meant in readings_of(text)]
        except UnitProblem as error:
            raise UnitProblem(
                f"{name}: {error}" + (f"; give it with one, such as {bounds.unit}" if bounds else "")
            ) from None
        if bounds is not None:
            unit = unit_of(bounds.unit)
            if not all(same_kind(value, unit) for value in values):
                raise UnitProblem(f"{name}: {text} does not measure what {bounds.unit} measures")
            values = [value for value in values if bounds.low <= float(value.to(unit).magnitude) <= bounds.high]
            if not values:
                raise UnitProblem(
                    f"{name}: {text} is not plausible (from {bounds.low:g} to {bounds.high:g} {bounds.unit}); "
                    "measure again, with another instrument"
                )
        if len(values) > 1:
            raise UnitProblem(f"{name}: in {text} the comma may be of thousands or of decimals; write it without one")
        return Reading(name, values[0], text.strip())

    def read_all(self, readings: Mapping[str, str]) -> tuple[list[Reading], list[str]]:
        """Those of the readings that can be used, and what is wrong with the others."""
        found, problems = [], []
        for name, text in readings.items():
            try:
                found.append(self.read(name, text))
            except UnitProblem as error:
                problems.append(str(error))
        return found, problems

    def check(self, machine: str, readings: Iterable[Reading], *, on: date) -> list[Finding]:
        """What the limits in force on that day say of the readings, in the order of the documents.

        Of two documents that limit the same in different ways the newer decides, and the finding names the older; where none
        is newer, both are findings. Within one document, every row counts.
        """
        given = {reading.name: reading for reading in readings}
        alike: dict[tuple[Any, ...], list[Limit]] = {}
        for limit in self.of(machine):
            if limit.in_force(on):
                alike.setdefault(limit.key, []).append(limit)
        findings = []
        for limits in alike.values():
            newest = max(limit.valid_from for limit in limits)
            older = [limit for limit in limits if limit.valid_from < newest]
            for limit in limits:
                if limit.valid_from == newest:
                    other = [o for o in older if o.condition.exact != limit.condition.exact]
                    findings.append(_finding(limit, given, tuple(other)))
        return findings


def names_in(text: str) -> list[str]:
    """The names of a cell that holds one or several, with commas or semicolons between."""
    return [name for name in re.split(r"\s*[,;，、；]\s*", text.strip()) if name]


def same(first: str, second: str) -> bool:
    """Whether two names are one, whatever their case."""
    return first.casefold() == second.casefold()


def is_for(machine: str, named: str) -> bool:
    """Whether something is for a machine, by the machines that it names: for any, where it names none."""
    return not named or any(same(machine, name) for name in names_in(named))


def is_about(machine: str, machines: Iterable[str], quote: Citation) -> bool:
    """Whether a quote may be about a machine: its words or its document's title name that one, or none of `machines`."""
    said = f"{quote.title} {quote.quote}".casefold()
    return machine.casefold() in said or not any(other.casefold() in said for other in machines)


def once(names: Iterable[str]) -> list[str]:
    """Each name once, whatever its case, as it is first written."""
    first: dict[str, str] = {}
    for name in names:
        first.setdefault(name.casefold(), name)
    return list(first.values())


def worst(findings: Iterable[Finding]) -> str:
    """ "alarm" or "warning", the worst level of the limits that are exceeded; "" where none is."""
    exceeded = {finding.limit.level for finding in findings if finding.state == "exceeded"}
    return next((level for level in ("alarm", "warning") if level in exceeded), "")


def to_ask(findings: Iterable[Finding], likely: Sequence[str]) -> tuple[str, ...]:
    """Readings that would decide, the most telling first: of limits that are met but for them, then of those of `likely` modes."""
    rank = {mode.casefold(): n for n, mode in enumerate(likely)}
    open_ = [f for f in findings if f.state == "missing" and (f.begun or f.limit.mode.casefold() in rank)]
    open_.sort(key=lambda f: (not f.begun, rank.get(f.limit.mode.casefold(), len(rank))))
    return tuple(dict.fromkeys(name for finding in open_ for name in finding.missing))


def _finding(limit: Limit, given: Mapping[str, Reading], overruled: tuple[Limit, ...]) -> Finding:
    missing = tuple(name for name in limit.condition.names if name not in given)
    try:
        state = limit.condition.state(given)
        done = [c.computed(given) for c in limit.condition.comparisons]
        begun = state == "missing" and any(c.met(given) for c in limit.condition.comparisons)
    except UnitProblem as error:
        return Finding(limit, "missing", missing=missing, problem=str(error), overruled=overruled)
    computed = "; ".join(part for part in done if part)
    return Finding(limit, state, computed, missing if state == "missing" else (), begun, overruled=overruled)


def read_limits(documents: Iterable[tuple[Any, Sequence[Any]]]) -> LimitBook:
    """The limits of documents, each with its passages: `(index.document(source), index.passages_of(source))`."""
    limits: list[Limit] = []
    plausible: dict[str, tuple[str, Plausible]] = {}  # with the day since when it holds: the newest document says
    groups: dict[str, tuple[str, frozenset[str]]] = {}
    problems: list[str] = []
    for document, passages in documents:
        since, current = str(document.metadata.get("valid_from") or ""), is_in_force(document.metadata, date.today())
        for table in map(_in_english, tables_of(document.text, passages)):
            if table.has("Machine", "Failure mode", "Condition"):
                for row in table.rows:
                    try:
                        limits.append(_limit(table, row, document))
                    except RequestError as error:
                        problems.append(f"{document.source}: {error}")
                problems += [f"{document.source}: too many cells: {' | '.join(row.cells)}" for row in table.unread]
            elif current and table.has("Reading", "Unit", "Plausible from", "Plausible to"):
                for row in table.rows:
                    found = _plausible(table, row, document, problems)
                    if found is not None and since >= plausible.get(found.name, ("", found))[0]:
                        plausible[found.name] = since, found
            elif current and table.has("Group", "Machine types"):
                for row in table.rows:
                    members = frozenset(names_in(table.cell(row, "Machine types")))
                    name = table.cell(row, "Group").casefold()
                    if since >= groups.get(name, ("", members))[0]:
                        groups[name] = since, members
    known = {name: members for name, (_, members) in groups.items()}
    for limit in limits:
        if strange := [name for name in limit.machines if name.startswith("any ") and name not in known]:
            problems.append(
                f"{limit.source}: {limit.name or limit.condition.text}: no table says which machines {strange[0]!r} are"
            )
        if plausible and (new := [name for name in limit.condition.names if name not in plausible]):
            problems.append(
                f"{limit.source}: {limit.name or limit.condition.text}: no table of readings names {new[0]!r}"
            )
    ranges = {name: found for name, (_, found) in plausible.items()}
    return LimitBook(tuple(limits), ranges, known, tuple(dict.fromkeys(problems)))


def parse_condition(text: str) -> Condition:
    """Reads a condition. RequestError says what of it is not understood."""
    if len(text) > _LONGEST:
        raise RequestError(f"the condition {text[:60]!r} … is too long")
    parts, joins, at = [], set(), 0
    for join in _JOINED.finditer(plain := " ".join(text.split())):
        parts.append(plain[at : join.start()])
        joins.add({"且": "and", "或": "or"}.get(join[0].strip(), join[0].strip().casefold()))
        at = join.end()
    if len(joins) > 1:
        raise RequestError(f"the condition {text!r} has both and and or; make it two limits")
    return Condition(plain, tuple(map(_comparison, [*parts, plain[at:]])), every="or" not in joins)


def _comparison(text: str) -> Comparison:
    match = _COMPARISON.fullmatch(text.strip())
    if match is None:
        raise RequestError(f"the condition {text!r} compares nothing, such as: bearing temperature > 85 °C")
    names, steps, at = [], [], 0
    for step in _STEP.finditer(left := match["left"].strip()):
        names.append(left[at : step.start()])
        steps.append({"×": "*", "−": "-", "–": "-"}.get(step[1] or step[2], step[1] or step[2]))
        at = step.end()
    names.append(left[at:])
    if strange := [name for name in names if not _NAME.fullmatch(name.strip())]:
        raise RequestError(f"the condition {text!r} is not understood: {strange[0]!r} is no name of a reading")
    bound = match["bound"].strip()
    try:
        value = quantity(bound, difference=bool(steps) and "*" not in steps)
    except UnitProblem as error:
        raise RequestError(f"the condition {text!r} has no value with a unit: {error}") from None
    unit = re.sub(r"^[-+−\d.,\s\u00a0\u202f']+", "", bound)
    relation = {"≤": "<=", "≥": ">="}.get(match["relation"], match["relation"])
    plain = tuple(" ".join(name.casefold().split()) for name in names)
    return Comparison(plain, tuple(steps), relation, value, bound, unit)


def _is_rise(value: Quantity) -> bool:
    """Whether it is a difference of temperatures: it is said to be, or so few kelvin that it can be nothing else."""
    return "delta" in str(value.units) or (str(value.units) == "kelvin" and abs(value.magnitude) < _FEW_KELVIN)


def _stepped(left: Quantity, step: str, right: Quantity) -> Quantity:
    if step == "*":
        return left * right
    return left - right if step == "-" else left + right


def _limit(table: Table, row: Row, document: Any) -> Limit:
    said = document.metadata
    cells = {name: table.cell(row, name) if table.has(name) else "" for name in ("Limit", "Level", "Check next")}
    machine, level = table.cell(row, "Machine"), _LEVELS.get(cells["Level"].casefold())
    if not machine:
        raise RequestError(
            f"{cells['Limit'] or table.cell(row, 'Condition')}: no machine is named; a merged cell is written once a row"
        )
    if level is None:
        raise RequestError(
            f"{cells['Limit'] or table.cell(row, 'Condition')}: the level {cells['Level']!r} is neither alarm nor warning"
        )
    return Limit(
        cells["Limit"], machine, table.cell(row, "Failure mode"), parse_condition(table.cell(row, "Condition")), level,
        cells["Check next"], document.source, str(document.title or document.source), row.start, row.end,
        str(said.get("valid_from") or ""), str(said.get("valid_to") or ""), str(said.get("status") or ""),
    )  # fmt: skip


def _plausible(table: Table, row: Row, document: Any, problems: list[str]) -> Plausible | None:
    name, unit, low, high = (table.cell(row, c) for c in ("Reading", "Unit", "Plausible from", "Plausible to"))
    where = table.cell(row, "Where to read it") if table.has("Where to read it") else ""
    try:
        unit_of(unit)
        return Plausible(" ".join(name.casefold().split()), unit, float(low), float(high), where)
    except (ValueError, UnitProblem) as error:
        problems.append(f"{document.source}: the reading {name!r} has no plausible range ({error})")
        return None


def _in_english(table: Table) -> Table:
    columns = tuple(_CHINESE.get(column, column) for column in table.columns)
    return table if columns == table.columns else Table(columns, table.rows, table.name, table.unread)
