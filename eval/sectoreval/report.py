"""Reports of a run: what its numbers say, for people (HTML, Markdown) and for programs (JSON).

Every number of a sample comes with its interval and n; a case that failed counts as wrong and is named.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import combinations
from pathlib import Path
from typing import Any, Final, get_args

import numpy as np

from sectoreval.arms import ARMS, Arm
from sectoreval.benchmark import Benchmark, Outcome, load_benchmark
from sectoreval.compare import Load, compare
from sectoreval.measures import Measure
from sectoreval.results import ArmResult, RunResult, write_whole
from sectoreval.statistics import Difference, bounded, estimate, smallest_difference
from sectoreval.templates import finite, render
from sectoreval.templates.cases import case_table
from sectorkit.stats import Estimate

OUTCOMES: Final[tuple[Outcome, ...]] = (
    "right", "partly right", "retrieval missed", "wrong", "abstained wrongly", "answered wrongly", "format", "failed"
)  # fmt: skip
"""From best to worst, as a bar shows them."""
assert set(OUTCOMES) == set(get_args(Outcome))
CEILING: Final[Arm] = "oracle"  # it is told the right passages: it says what is possible, and cannot be the best
_GROUP_VALUES = range(2, 21)  # fewer say nothing, more are no groups but names
_READ_FIRST = 24  # sentences; the others are there to be opened


@dataclass(frozen=True)
class GroupScore:
    """The main measure over the cases of one group."""

    estimate: Estimate
    n: int


@dataclass(frozen=True)
class ArmSummary:
    """One arm and model over all its cases, failed ones included.

    `model` is empty where none was asked. `measures` are by name, in the benchmark's order, those that the arm has.
    `smallest`, NaN where the arm does not have the main measure, is the smallest difference in the main measure that
    two runs of so many cases would show in four of five times. `outcomes` and `failures` (by reason) are counts.
    Seconds and tokens are of one case: the median and the 95th percentile, and means. `groups` maps key and value.
    """

    arm: str
    model: str
    n: int
    failed: int
    measures: Mapping[str, Estimate]
    smallest: float
    outcomes: Mapping[str, int]
    failures: Mapping[str, int]
    seconds_median: float
    seconds_p95: float
    prompt_tokens: float
    completion_tokens: float
    groups: Mapping[str, Mapping[str, GroupScore]]

    @property
    def label(self) -> str:
        return label(self.arm, self.model)


@dataclass(frozen=True)
class Pair:
    """Two arms, by label, in the main measure over the cases that both have.

    `difference` is None where they share no case, or one does not have the measure.
    """

    first: str
    second: str
    difference: Difference | None

    @property
    def shown(self) -> bool:
        return self.difference is not None and self.difference.verdict in ("higher", "lower")

    def shows(self, best: str, higher_is_better: bool) -> bool:
        """Whether `best`, one of the two, is shown to be better than the other over the cases that both have."""
        if self.difference is None:
            return False
        return self.difference.verdict == ("higher" if (best == self.first) == higher_is_better else "lower")

    @property
    def claim(self) -> str:
        """What may be said of the two, the higher one first where a difference is shown."""
        found = self.difference
        if found is None:
            return f"{self.first} and {self.second} share no case with this measure"
        if math.isnan(found.estimate.low):
            return f"The difference between {self.first} and {self.second} is not defined"
        if not self.shown:
            return f"No difference shown between {self.first} and {self.second}"
        higher, lower = (self.first, self.second) if found.verdict == "higher" else (self.second, self.first)
        return f"{higher} is higher than {lower}"

    @property
    def numbers(self) -> str:
        """The difference as the claim says it, n, tests, and where none is shown, which one would be."""
        found = self.difference
        if found is None:
            return "n=0"
        if math.isnan(found.estimate.low):
            return f"n={found.n}"
        signed = (_negated(found.estimate) if found.verdict == "lower" else found.estimate).signed
        tests = f"n={found.n}, p {bounded(found.p)}"
        tests += "" if found.mcnemar is None else f", McNemar p {bounded(found.mcnemar)}"
        tests += (
            ""
            if self.shown or math.isnan(found.smallest)
            else f"; a difference of {found.smallest:.3f} would be shown in four of five such runs"
        )
        return f"{signed} ({tests})"

    @property
    def sentence(self) -> str:
        return f"{self.claim}: {self.numbers}."


@dataclass(frozen=True)
class MeasureNote:
    """What a reader needs to know of a measure."""

    name: str
    about: str
    higher_is_better: bool


@dataclass(frozen=True)
class BenchmarkSummary:
    """One benchmark's arms in the order of the run; the first of `measures` is the main one, which is compared.

    `groups` are keys to break results down by, each with its values. `best` is the label of the arm with the best main measure, the ceiling left out where there is another; `next`
    is the one after it. Either is None where there is none. That one is best does not say that a difference is shown.
    """

    name: str
    title: str
    sector: str
    source: str | None
    note: str
    measures: tuple[MeasureNote, ...]
    arms: tuple[ArmSummary, ...]
    comparisons: tuple[Pair, ...]
    groups: Mapping[str, Sequence[str]]
    best: str | None
    next: str | None

    @property
    def main(self) -> MeasureNote:
        return self.measures[0]

    @property
    def best_arm(self) -> ArmSummary | None:
        return next((arm for arm in self.arms if arm.label == self.best), None)

    @property
    def ahead(self) -> bool:
        """Whether the best is shown to be better than the next."""
        both = {self.best, self.next}
        found = next((found for found in self.comparisons if {found.first, found.second} == both), None)
        return found is not None and self.best is not None and found.shows(self.best, self.main.higher_is_better)

    @property
    def listed(self) -> tuple[Pair, ...]:
        """The comparisons to read first: where only the arm or only the model differs; of many, those of the best. Shown first."""
        arms = {arm.label: arm for arm in self.arms}
        pairs = [(arms[found.first], arms[found.second], found) for found in self.comparisons]
        alike = tuple(found for a, b, found in pairs if a.arm == b.arm or a.model == b.model)
        of_best = tuple(found for found in self.comparisons if self.best in (found.first, found.second))
        return tuple(sorted(alike if len(alike) <= _READ_FIRST else of_best, key=lambda found: not found.shown))

    @property
    def main_estimates(self) -> list[Estimate]:
        return [arm.measures[self.main.name] for arm in self.arms if self.main.name in arm.measures]

    @property
    def smallest(self) -> list[float]:
        """The arms' smallest differences that would be shown, where they are defined."""
        return [arm.smallest for arm in self.arms if not math.isnan(arm.smallest)]

    def group_estimates(self, key: str) -> list[Estimate]:
        """Every arm's main measure in every group of a key."""
        return [score.estimate for arm in self.arms for score in arm.groups[key].values()]

    @property
    def by_chance(self) -> float:
        """How many of the comparisons are expected to show a difference where there is none."""
        return 0.05 * len(self.comparisons)


@dataclass(frozen=True)
class Summary:
    """A run in numbers; `about` is the run's own."""

    about: Mapping[str, Any]
    benchmarks: tuple[BenchmarkSummary, ...]

    def to_dict(self) -> dict[str, Any]:
        """JSON form at full precision; what is not defined is None. A difference carries its verdict."""
        made = asdict(self)
        for summary, entry in zip(self.benchmarks, made["benchmarks"], strict=True):
            for comparison, compared in zip(summary.comparisons, entry["comparisons"], strict=True):
                if comparison.difference is not None:
                    compared["difference"]["verdict"] = comparison.difference.verdict
        cleaned: dict[str, Any] = finite(made)
        return cleaned


def summarise(run: RunResult, load: Load = load_benchmark) -> Summary:
    """The run in numbers. UnknownName where it holds a benchmark that `load` does not know."""
    return Summary(run.about, tuple(_benchmark(load(name), run.of(name)) for name in run.benchmarks()))


def write_reports(run: RunResult, folder: Path, load: Load = load_benchmark) -> list[Path]:
    """Writes `report.html`, `report.md` and `summary.json` into `folder`; gives their paths back."""
    summary = summarise(run, load)
    used = {arm.arm for benchmark in summary.benchmarks for arm in benchmark.arms}
    arms = {arm: about for arm, about in ARMS.items() if arm in used}
    cases = case_table(run, summary, OUTCOMES)
    texts = {
        "report.html": render("report.html.j2", "cases.js", summary=summary, arms=arms, cases=cases),
        "report.md": render("report.md.j2", summary=summary, arms=arms),
        "summary.json": json.dumps(summary.to_dict(), ensure_ascii=False, indent=1, allow_nan=False) + "\n",
    }
    return [write_whole(folder / name, text) for name, text in texts.items()]


def ranked(estimates: Mapping[str, Estimate], measure: Measure, *, ceilings: Sequence[str]) -> list[str]:
    """Labels from best to worst; `ceilings` are left out where there is another, and so is what is not defined."""
    defined = [named for named, found in estimates.items() if not math.isnan(found.mean)]
    competing = [named for named in defined if named not in ceilings] or defined
    return sorted(competing, key=lambda named: estimates[named].mean, reverse=measure.higher_is_better)


def asked_model(arm: ArmResult) -> str:
    """The model's name; empty where the run asked none, as it does where an arm only searches."""
    return "" if arm.model == "none" else arm.model


def label(arm: str, model: str) -> str:
    """How a reader sees an arm of a model."""
    return f"{arm} · {model}" if model else arm


def _benchmark(benchmark: Benchmark, arms: Sequence[ArmResult]) -> BenchmarkSummary:
    main = benchmark.main
    groups = _groups(arms)
    summaries = tuple(_arm(arm, benchmark.measures, groups) for arm in arms)
    labelled = [(arm.label, result) for arm, result in zip(summaries, arms, strict=True)]
    estimates = {arm.label: arm.measures[main.name] for arm in summaries if main.name in arm.measures}
    order = ranked(estimates, main, ceilings=[arm.label for arm in summaries if arm.arm == CEILING])
    return BenchmarkSummary(
        name=benchmark.name,
        title=benchmark.title,
        sector=benchmark.sector,
        source=benchmark.source,
        note=benchmark.note,
        measures=tuple(
            MeasureNote(m.name, m.about, m.higher_is_better)
            for m in benchmark.measures
            if m is main or any(m.name in arm.measures for arm in summaries)
        ),
        arms=summaries,
        comparisons=tuple(Pair(one, other, compare(a, b, main)) for (one, a), (other, b) in combinations(labelled, 2)),
        groups=groups,
        best=order[0] if order else None,
        next=order[1] if len(order) > 1 else None,
    )


def _arm(arm: ArmResult, measures: Sequence[Measure], groups: Mapping[str, Sequence[str]]) -> ArmSummary:
    clusters, main = arm.clusters, measures[0]
    seconds = [case.seconds for case in arm.cases]
    outcomes = Counter(case.outcome for case in arm.cases)
    return ArmSummary(
        arm=arm.arm,
        model=asked_model(arm),
        n=len(arm.cases),
        failed=arm.failed,
        measures={m.name: estimate(arm.rows(m), m, clusters) for m in measures if arm.has(m)},
        smallest=smallest_difference(arm.rows(main), main, clusters) if arm.has(main) else float("nan"),
        outcomes={outcome: outcomes[outcome] for outcome in OUTCOMES if outcome in outcomes},
        failures=dict(Counter(case.failure for case in arm.cases if case.failure is not None).most_common()),
        seconds_median=float(np.median(seconds)),
        seconds_p95=float(np.percentile(seconds, 95)),
        prompt_tokens=float(np.mean([case.prompt_tokens for case in arm.cases])),
        completion_tokens=float(np.mean([case.completion_tokens for case in arm.cases])),
        groups={key: _group_scores(arm, main, key, values) for key, values in groups.items()},
    )


def _group_scores(arm: ArmResult, main: Measure, key: str, values: Sequence[str]) -> dict[str, GroupScore]:
    parts = {value: arm.only(key, value) for value in values}
    return {
        value: GroupScore(estimate(part.rows(main), main, part.clusters), len(part.cases))
        for value, part in parts.items()
        if part.cases and part.has(main)
    }


def _groups(arms: Sequence[ArmResult]) -> dict[str, list[str]]:
    """Keys of groups that a report breaks down by, each with its values, sorted."""
    found: dict[str, set[str]] = {}
    for arm in arms:
        for case in arm.cases:
            for key, value in case.groups.items():
                found.setdefault(key, set()).add(value)
    return {key: sorted(values) for key, values in found.items() if len(values) in _GROUP_VALUES}


def _negated(found: Estimate) -> Estimate:
    return Estimate(-found.mean, -found.high, -found.low)
