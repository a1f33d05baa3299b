"""Benchmark: one of a sector's benchmarks, as its file under `benchmarks/` declares it."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import sectoreval.benchmarks
from sectoreval.measures import Measure
from sectorkit.errors import UnknownName

if TYPE_CHECKING:
    from inspect_ai.solver import Solver

    from sectoreval.arms import Arm
    from sectoreval.context import Context
    from sectoreval.corpora import Corpus

Sector: TypeAlias = Literal["governance", "healthcare", "manufacturing", "own"]
Outcome: TypeAlias = Literal[
    "right", "wrong", "partly right", "retrieval missed", "abstained wrongly", "answered wrongly", "format", "failed"
]
"""What became of a case. "abstained wrongly": the documents answer it; "answered wrongly": they do not."""
Reply: TypeAlias = Mapping[str, Any]
"""What the thing under test said, in JSON form: an `Answer.to_dict()`, a ranking, or a choice."""


@dataclass(frozen=True)
class Case:
    """One case. `gold` is what scoring needs, in JSON form; `cluster` names what it shares with others.

    `asked` is the text that a reader is shown. `groups` are properties by which a report can break results down.
    """

    id: str
    asked: str
    gold: Mapping[str, Any]
    cluster: str = ""
    groups: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Scored:
    """A case's row of columns, what became of it, and both answers as a reader should see them."""

    values: Mapping[str, float]
    outcome: Outcome
    said: str = ""
    expected: str = ""


@dataclass(frozen=True)
class Benchmark:
    """What a file under `benchmarks/` declares; the first of `measures` is the one that it is known by.

    `cases` reads all of them, in a fixed order; `solve` makes the Inspect solver that runs one arm and stores a reply
    by `store_reply`; `score` maps a case's gold and its reply to columns. Its reply is None where the case failed: then
    every column must have the value of a wrong answer. `options` are what `--set` may say of it. `source` names an entry of sources.toml; None is an app's own.
    `without_model` are arms that ask no model though others do. `documents` are those that it searches, for `sectoreval documents`.
    """

    name: str
    title: str
    sector: Sector
    source: str | None
    arms: tuple[Arm, ...]
    measures: tuple[Measure, ...]
    cases: Callable[[Context], list[Case]]
    solve: Callable[[Context, Arm], Solver]
    score: Callable[[Mapping[str, Any], Reply | None], Scored]
    needs_model: bool = True
    without_model: tuple[Arm, ...] = ()
    options: tuple[str, ...] = ()
    note: str = ""
    documents: Callable[[Context], Corpus] | None = None

    @property
    def main(self) -> Measure:
        return self.measures[0]

    def asks(self, arms: Iterable[Arm]) -> bool:
        """Whether some of these arms asks a model."""
        return self.needs_model and any(arm not in self.without_model for arm in arms)

    @property
    def columns(self) -> tuple[str, ...]:
        """Every column that some measure reads, once."""
        return tuple(dict.fromkeys(column for measure in self.measures for column in measure.columns))


def benchmark_names() -> list[str]:
    """Names of the benchmarks that there are: the files under `benchmarks/`."""
    return sorted(
        module.name for module in pkgutil.iter_modules(sectoreval.benchmarks.__path__) if module.name[0] != "_"
    )


def load_benchmark(name: str) -> Benchmark:
    """The benchmark of that name. UnknownName lists the ones that there are."""
    known = benchmark_names()
    if name not in known:
        raise UnknownName("benchmark", name, known)
    found: Benchmark = importlib.import_module(f"sectoreval.benchmarks.{name}").BENCHMARK
    return found
