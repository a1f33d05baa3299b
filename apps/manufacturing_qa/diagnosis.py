"""Diagnosis: symptoms and readings of a machine become ranked failure modes, each with what it rests on.

Readings are compared with the limits of the documents by code; symptoms are searched for in the FMEA. No model takes part.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from sectorkit.fmea import FmeaRow, alike, by_symptoms, read_fmea
from sectorkit.limits import Finding, LimitBook, once, read_limits, same, to_ask, worst
from sectorkit.retrieval.index import Index

_LIKELY = 5  # failure modes that symptoms bring up, at most
_NEAREST, _ASKED = 3, 3  # of these, those whose limits are asked for where readings are missing; readings, at most


@dataclass(frozen=True)
class Cause:
    """A failure mode: the limits that point to it, and the FMEA's rows on it, those nearest to the symptoms first."""

    mode: str
    findings: tuple[Finding, ...]
    rows: tuple[FmeaRow, ...]

    @property
    def level(self) -> str:
        """ "alarm", "warning", or "" where only the symptoms point to it."""
        return worst(self.findings)


@dataclass(frozen=True)
class Diagnosis:
    """`causes` are ranked: alarms, warnings, then what the symptoms alone suggest. `ask` are readings that would decide.

    `readings` are as they were given; `problems` say which could not be used and why, `notes` how
    the symptoms were read; `known` is whether the documents name the machine at all.
    """

    machine: str
    symptoms: str
    readings: Mapping[str, str]
    known: bool
    causes: tuple[Cause, ...]
    findings: tuple[Finding, ...]
    ask: tuple[str, ...]
    problems: tuple[str, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Plant:
    """What an index's documents say of machines: their limits, and the rows of their FMEA."""

    limits: LimitBook
    fmea: tuple[FmeaRow, ...]

    @property
    def machines(self) -> list[str]:
        """Every machine with a limit or a row, sorted."""
        return sorted({*self.limits.machines, *(row.machine for row in self.fmea)})


def read_plant(index: Index) -> Plant:
    """The limits and the FMEA of an index's documents."""
    sources = (document.source for document in index.documents())
    limits = read_limits((index.document(source), index.passages_of(source)) for source in sources)
    return Plant(limits, read_fmea(index))


def diagnose(
    machine: str, symptoms: str, readings: Mapping[str, str], *, plant: Plant, index: Index, on: date | None = None
) -> Diagnosis:
    """What the documents in force on that day, by default today, make of it. `readings` are "92 °C" by name."""
    readings = {name: text.strip() for name, text in readings.items() if text.strip()}
    given, problems = plant.limits.read_all(readings)
    findings = plant.limits.check(machine, given, on=on or date.today())
    problems += [finding.problem for finding in findings if finding.problem]
    own = [row for row in plant.fmea if same(row.machine, machine)]
    near, notes = by_symptoms(symptoms, own, index)
    exceeded = sorted((f for f in findings if f.state == "exceeded"), key=lambda f: f.limit.level != "alarm")
    likely = once(row.mode for row in near)[:_LIKELY]
    place = {id(row): n for n, row in enumerate(near)}
    own.sort(key=lambda row: (-alike(symptoms, row.cells["Effect"]), place.get(id(row), len(near))))
    causes = [
        Cause(mode, tuple(f for f in exceeded if same(f.limit.mode, mode)), tuple(r for r in own if same(r.mode, mode)))
        for mode in once([*(f.limit.mode for f in exceeded), *likely])
    ]
    return Diagnosis(
        machine, symptoms, readings, bool(own or plant.limits.of(machine)), tuple(causes), tuple(findings),
        to_ask(findings, likely[:_NEAREST])[:_ASKED], tuple(problems), tuple(notes),
    )  # fmt: skip
