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

from sectorkit.errors import RequestError
from sectorkit.tables import Row, Table, tables_of
from sectorkit.units import Quantity, UnitProblem, comparable, quantity, same_kind, shown, unit_of

State: TypeAlias = Literal["exceeded", "within", "missing"]
_CHINESE = {
    "限值": "Limit", "机器": "Machine", "设备": "Machine", "失效模式": "Failure mode", "条件": "Condition", "级别": "Level",
    "下一步检查": "Check next", "读数": "Reading", "单位": "Unit", "合理下限": "Plausible from", "合理上限": "Plausible to",
    "组": "Group", "机型": "Machine types",
}  # fmt: skip
_COMPARISON = re.compile(r"(?P<left>.+?)\s*(?P<relation><=|>=|<|>|≤|≥)\s*(?P<bound>[^<>≤≥]+)")
_STEP = re.compile(r"\s+([-+*×−–])\s+")
_JOINED = re.compile(r"\s+(and|or|且|或)\s+", re.IGNORECASE)
_CLOSE = 1e-9  # relative: 185 °F are 85 °C, and not a trace more


@dataclass(frozen=True)
class Reading:
    """A value that somebody has read: `value` with its unit, `text` as it was given."""

    name: str
    value: Quantity
    text: str


@dataclass(frozen=True)
class Comparison:
    """`names[0] steps[0] names[1] ... relation bound`, as in "torque * rotational speed > 9000 W"."""

    names: tuple[str, ...]
    steps: tuple[str, ...]
    relation: str
    bound: Quantity
    unit: str

    def value(self, readings: Mapping[str, Reading]) -> Quantity | None:
        """The left side; None where a reading is missing. UnitProblem where its unit is not that of the bound."""
        if any(name not in readings for name in self.names):
            return None
        values = [comparable(readings[name].value) for name in self.names]
        try:
            total = reduce(
                lambda left, step: _stepped(left, *step), zip(self.steps, values[1:], strict=True), values[0]
            )
            return total.to(comparable(self.bound).units)
        except Exception as error:  # pint's errors of dimensions have no base of their own
            stated = ", ".join(f"{name} {readings[name].text}" for name in self.names)
            raise UnitProblem(f"{stated}: not what is compared with {shown(self.bound)} ({error})") from None

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

    def computed(self, readings: Mapping[str, Reading]) -> str:
        """For a person: what was compared with what, "torque × rotational speed = 9,425 W > 9000 W"."""
        value = self.value(readings)
        if value is None:
            return ""
        expression = self.names[0] + "".join(f" {s} {n}" for s, n in zip(self.steps, self.names[1:], strict=True))
        holds = self.met(readings)
        relation = self.relation if holds else {"<": "≥", "<=": ">", ">": "≤", ">=": "<"}[self.relation]
        stated = value.to(self.bound.units) if same_kind(value, self.bound.units) else value
        number = f"{stated.magnitude:,.4g}" if abs(stated.magnitude) < 10_000 else f"{stated.magnitude:,.0f}"
        given = f" = {number} {self.unit}" if self.steps else f" {readings[self.names[0]].text}"
        if not self.steps and readings[self.names[0]].value.units != self.bound.units:
            given += f" = {number} {self.unit}"
        return f"{expression}{given} {relation} {self.bound.magnitude:g} {self.unit}"


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

    def state(self, readings: Mapping[str, Reading]) -> State:
        """Whether it is met, is not met, or cannot be told for want of a reading."""
        met = [comparison.met(readings) for comparison in self.comparisons]
        decided = not self.every  # one such comparison is enough to know
        if decided in met:
            return "exceeded" if decided else "within"
        return "missing" if None in met else "exceeded" if self.every else "within"


@dataclass(frozen=True)
class Limit:
    """A limit, and where it stands: `text[start:end]` of the document `source`. `status` as the document's."""

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
        """The same for limits that contradict each other where they differ."""
        return self.machine.casefold(), self.mode.casefold(), self.level, self.condition.key


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

    `begun` tells that a part of it is met already, and the missing reading decides.
    `overruled` are limits of other documents for the same, with another bound, that are older.
    """

    limit: Limit
    state: State
    computed: str = ""
    missing: tuple[str, ...] = ()
    begun: bool = False
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
        single = {limit.machine for limit in self.limits if limit.machine.casefold() not in self.groups}
        return tuple(sorted(single | {m for members in self.groups.values() for m in members}))

    def of(self, machine: str) -> list[Limit]:
        """The limits of a machine, and of the groups that it belongs to; none where it is not known."""
        own = machine.casefold()
        return [
            limit for limit in self.limits
            if limit.machine.casefold() == own
            or own in {member.casefold() for member in self.groups.get(limit.machine.casefold(), ())}
        ]  # fmt: skip

    def readings_of(self, machine: str) -> list[str]:
        """Names of the readings that the machine's limits compare, each once."""
        return list(dict.fromkeys(name for limit in self.of(machine) for name in limit.condition.names))

    def read(self, name: str, text: str) -> Reading:
        """A reading that a person gives. UnitProblem says what is wrong with it: no unit, another's, not plausible."""
        bounds = self.plausible.get(name)
        try:
            value = quantity(text)
        except UnitProblem as error:
            raise UnitProblem(f"{name}: {error}" + (f"; it is read in {bounds.unit}" if bounds else "")) from None
        if bounds is not None:
            if not same_kind(value, unit_of(bounds.unit)):
                raise UnitProblem(f"{name}: {text} does not measure what {bounds.unit} measures")
            stated = float(value.to(unit_of(bounds.unit)).magnitude)
            if not bounds.low <= stated <= bounds.high:
                raise UnitProblem(
                    f"{name}: {text} is not plausible (from {bounds.low:g} to {bounds.high:g} {bounds.unit}); "
                    "measure again, with another instrument"
                )
        return Reading(name, value, text.strip())

    def check(self, machine: str, readings: Iterable[Reading], *, on: date) -> list[Finding]:
        """What the limits in force on that day say of the readings, in the order of the documents.

        Where two documents limit the same in different ways, the newer one decides, and the finding names the older.
        """
        given = {reading.name: reading for reading in readings}
        day = on.isoformat()
        current = [
            limit for limit in self.of(machine)
            if limit.status != "superseded" and limit.valid_from <= day and (not limit.valid_to or limit.valid_to >= day)
        ]  # fmt: skip
        rivals: dict[tuple[Any, ...], list[Limit]] = {}
        for limit in current:
            rivals.setdefault(limit.key, []).append(limit)
        findings = []
        for alike in rivals.values():
            newest = max(alike, key=lambda limit: limit.valid_from)
            other = [limit for limit in alike if limit.condition.text != newest.condition.text]
            findings.append(_finding(newest, given, tuple(other)))
        return findings


def _finding(limit: Limit, given: Mapping[str, Reading], overruled: tuple[Limit, ...]) -> Finding:
    state = limit.condition.state(given)
    done = [c.computed(given) for c in limit.condition.comparisons]
    missing = tuple(name for name in limit.condition.names if name not in given) if state == "missing" else ()
    begun = state == "missing" and any(c.met(given) for c in limit.condition.comparisons)
    return Finding(limit, state, "; ".join(part for part in done if part), missing, begun, overruled)


def read_limits(documents: Iterable[tuple[Any, Sequence[Any]]]) -> LimitBook:
    """The limits of documents, each with its passages: `(index.document(source), index.passages_of(source))`."""
    limits: list[Limit] = []
    plausible: dict[str, Plausible] = {}
    groups: dict[str, frozenset[str]] = {}
    problems: list[str] = []
    for document, passages in documents:
        for table in map(_in_english, tables_of(document.text, passages)):
            if table.has("Machine", "Failure mode", "Condition"):
                for row in table.rows:
                    try:
                        limits.append(_limit(table, row, document))
                    except RequestError as error:
                        problems.append(f"{document.source}: {error}")
                problems += [f"{document.source}: too many cells: {' | '.join(row.cells)}" for row in table.unread]
            elif document.metadata.get("status") == "superseded":
                continue
            elif table.has("Reading", "Unit", "Plausible from", "Plausible to"):
                plausible |= {p.name: p for row in table.rows if (p := _plausible(table, row, document, problems))}
            elif table.has("Group", "Machine types"):
                for row in table.rows:
                    members = re.split(r"\s*[,;，、；]\s*", table.cell(row, "Machine types"))
                    groups[table.cell(row, "Group").casefold()] = frozenset(members)
    return LimitBook(tuple(limits), plausible, groups, tuple(problems))


def parse_condition(text: str) -> Condition:
    """Reads a condition. RequestError says what of it is not understood."""
    parts = _JOINED.split(text.strip())
    joins = {word.casefold() for word in parts[1::2]}
    if len(joins) > 1:
        raise RequestError(f"the condition {text!r} has both and and or; make it two limits")
    return Condition(text.strip(), tuple(map(_comparison, parts[::2])), every=not joins & {"or", "或"})


def _comparison(text: str) -> Comparison:
    match = _COMPARISON.fullmatch(text.strip())
    if match is None:
        raise RequestError(f"the condition {text!r} compares nothing, such as: bearing temperature > 85 °C")
    names, steps = _STEP.split(match["left"].strip())[::2], _STEP.split(match["left"].strip())[1::2]
    steps = [{"×": "*", "−": "-", "–": "-"}.get(step, step) for step in steps]
    difference = bool(steps) and "*" not in steps
    bound = match["bound"].strip()
    try:
        value = quantity(bound, difference=difference)
    except UnitProblem as error:
        raise RequestError(f"the condition {text!r} has no value with a unit: {error}") from None
    unit = re.sub(r"^[-+−\d.,\s\u00a0\u202f']+", "", bound)
    relation = {"≤": "<=", "≥": ">="}.get(match["relation"], match["relation"])
    plain = tuple(" ".join(name.casefold().split()) for name in names)
    return Comparison(plain, tuple(steps), relation, value, unit)


def _stepped(left: Quantity, step: str, right: Quantity) -> Quantity:
    if step == "*":
        return left * right
    return left - right if step == "-" else left + right


def _limit(table: Table, row: Row, document: Any) -> Limit:
    said = document.metadata
    cells = {name: table.cell(row, name) if table.has(name) else "" for name in ("Limit", "Level", "Check next")}
    return Limit(
        cells["Limit"], table.cell(row, "Machine"), table.cell(row, "Failure mode"),
        parse_condition(table.cell(row, "Condition")), cells["Level"].casefold() or "alarm", cells["Check next"],
        document.source, str(document.title or document.source), row.start, row.end,
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
