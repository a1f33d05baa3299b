"""Reports of a run: what its numbers say, for people (HTML, Markdown) and for programs (JSON).

Every number of a sample comes with its interval and n; a case that failed counts as wrong and is named.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import combinations
from pathlib import Path
from typing import Any, Final, TypeAlias, get_args

import numpy as np

from sectoreval.arms import Arm
from sectoreval.benchmark import Benchmark, Outcome, load_benchmark
from sectoreval.measures import Measure
from sectoreval.results import ArmResult, CaseResult, RunResult
from sectoreval.statistics import Difference, difference, estimate, smallest_difference
from sectoreval.templates import finite, render, write
from sectorkit.stats import Estimate

OUTCOMES: Final[tuple[Outcome, ...]] = (
    "right", "partly right", "retrieval missed", "wrong", "abstained wrongly", "answered wrongly", "format", "failed"
)  # fmt: skip
"""From best to worst, as a bar shows them."""
assert set(OUTCOMES) == set(get_args(Outcome))
CEILING: Final[Arm] = "oracle"  # it is told the right passages: it says what is possible, and cannot be the best
_GROUP_VALUES = range(2, 21)  # fewer say nothing, more are no groups but names
_READ_FIRST = 24  # sentences; the others are there to be opened

Load: TypeAlias = Callable[[str], Benchmark]


@dataclass(frozen=True)
class GroupScore:
    """The main measure over the cases of one group."""

    estimate: Estimate
    n: int


@dataclass(frozen=True)
class ArmSummary:
    """One arm and model over all its cases, failed ones included.

    `measures` are by name, in the benchmark's order. `smallest` is the smallest difference in the main measure that
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
class Comparison:
    """Two arms, by label, over the cases that both have; `difference` is None where they share none."""

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
            return f"{self.first} and {self.second} share no case"
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
        tests = f"n={found.n}, {_p('p', found.p)}"
        tests += "" if found.mcnemar is None else f", {_p('McNemar p', found.mcnemar)}"
        tests += (
            "" if self.shown else f"; a difference of {found.smallest:.3f} would be shown in four of five such runs"
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

    `best` is the label of the arm with the best main measure, the ceiling left out where there is another; `next`
    is the one after it. Either is None where there is none. That one is best does not say that a difference is shown.
    """

    name: str
    title: str
    sector: str
    source: str | None
    note: str
    measures: tuple[MeasureNote, ...]
    arms: tuple[ArmSummary, ...]
    comparisons: tuple[Comparison, ...]
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
    def listed(self) -> tuple[Comparison, ...]:
        """The comparisons to read first: where only the arm or only the model differs; of many, those of the best. Shown first."""
        arms = {arm.label: arm for arm in self.arms}
        pairs = [(arms[found.first], arms[found.second], found) for found in self.comparisons]
        alike = tuple(found for a, b, found in pairs if a.arm == b.arm or a.model == b.model)
        of_best = tuple(found for found in self.comparisons if self.best in (found.first, found.second))
        return tuple(sorted(alike if len(alike) <= _READ_FIRST else of_best, key=lambda found: not found.shown))

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
    page = render("report.html.j2", "cases.js", summary=summary, cases=_cases(run, summary), outcomes=OUTCOMES)
    texts = {
        "report.html": page,
        "report.md": render("report.md.j2", summary=summary),
        "summary.json": json.dumps(summary.to_dict(), ensure_ascii=False, indent=1, allow_nan=False) + "\n",
    }
    return [write(folder / name, text) for name, text in texts.items()]


def compare(first: ArmResult, second: ArmResult, measure: Measure) -> Difference | None:
    """First minus second over the cases that both have, matched by id; None where they share none."""
    others = {case.id: case for case in second.cases}
    mine = replace(first, cases=tuple(case for case in first.cases if case.id in others))
    theirs = replace(second, cases=tuple(others[case.id] for case in mine.cases))
    if not mine.cases:
        return None
    return difference(mine.rows(measure), theirs.rows(measure), measure, mine.clusters)


def ranked(estimates: Mapping[str, Estimate], measure: Measure, *, ceilings: Sequence[str]) -> list[str]:
    """Labels from best to worst; `ceilings` are left out where there is another, and so is what is not defined."""
    defined = [label for label, found in estimates.items() if not math.isnan(found.mean)]
    open_to_all = [label for label in defined if label not in ceilings] or defined
    return sorted(open_to_all, key=lambda label: estimates[label].mean, reverse=measure.higher_is_better)


def label(arm: str, model: str) -> str:
    """How a reader sees an arm of a model."""
    return f"{arm} · {model}" if model else arm


def _benchmark(benchmark: Benchmark, arms: Sequence[ArmResult]) -> BenchmarkSummary:
    main = benchmark.main
    groups = _groups(arms)
    summaries = tuple(_arm(arm, benchmark.measures, groups) for arm in arms)
    pairs = combinations(arms, 2)
    estimates = {arm.label: arm.measures[main.name] for arm in summaries}
    order = ranked(estimates, main, ceilings=[arm.label for arm in summaries if arm.arm == CEILING])
    return BenchmarkSummary(
        name=benchmark.name,
        title=benchmark.title,
        sector=benchmark.sector,
        source=benchmark.source,
        note=benchmark.note,
        measures=tuple(MeasureNote(m.name, m.about, m.higher_is_better) for m in benchmark.measures),
        arms=summaries,
        comparisons=tuple(
            Comparison(label(a.arm, a.model), label(b.arm, b.model), compare(a, b, main)) for a, b in pairs
        ),
        best=order[0] if order else None,
        next=order[1] if len(order) > 1 else None,
    )


def _arm(arm: ArmResult, measures: Sequence[Measure], groups: Mapping[str, Sequence[str]]) -> ArmSummary:
    clusters, main = arm.clusters, measures[0]
    seconds = [case.seconds for case in arm.cases]
    outcomes = Counter(case.outcome for case in arm.cases)
    return ArmSummary(
        arm=arm.arm,
        model=arm.model,
        n=len(arm.cases),
        failed=arm.failed,
        measures={measure.name: estimate(arm.rows(measure), measure, clusters) for measure in measures},
        smallest=smallest_difference(arm.rows(main), main, clusters),
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
        if part.cases
    }


def _groups(arms: Sequence[ArmResult]) -> dict[str, list[str]]:
    """Keys of groups that a report breaks down by, each with its values, sorted."""
    found: dict[str, set[str]] = {}
    for arm in arms:
        for case in arm.cases:
            for key, value in case.groups.items():
                found.setdefault(key, set()).add(value)
    return {key: sorted(values) for key, values in found.items() if len(values) in _GROUP_VALUES}


def _cases(run: RunResult, summary: Summary) -> dict[str, Any]:
    """What the page's table of cases is drawn from: arms side by side, and every passage once."""
    passages: dict[tuple[str, str, str], int] = {}
    benchmarks = [
        {
            "title": benchmark.title,
            "arms": [[arm.arm, arm.model] for arm in benchmark.arms],
            "groups": _groups(run.of(benchmark.name)),
            "cases": _side_by_side(run.of(benchmark.name), passages),
        }
        for benchmark in summary.benchmarks
    ]
    made: dict[str, Any] = finite({"outcomes": OUTCOMES, "passages": list(passages), "benchmarks": benchmarks})
    return made


def _side_by_side(arms: Sequence[ArmResult], passages: dict[tuple[str, str, str], int]) -> list[dict[str, Any]]:
    """Each case once, with one result, or None, for each arm. Fills `passages`, which results refer to by number."""
    rows: dict[str, dict[str, Any]] = {}
    for column, arm in enumerate(arms):
        for case in arm.cases:
            first = {"id": case.id, "asked": case.asked, "expected": case.expected, "groups": dict(case.groups)}
            row = rows.setdefault(case.id, first | {"results": [None] * len(arms)})
            row["results"][column] = _result(case, passages)
    return list(rows.values())


def _result(case: CaseResult, passages: dict[tuple[str, str, str], int]) -> dict[str, Any]:
    shown = [(passage["id"], passage["title"], passage["text"]) for passage in case.evidence]
    return {
        "said": case.said,
        "outcome": case.outcome,
        "failure": case.failure,
        "values": dict(case.values),
        "evidence": [passages.setdefault(passage, len(passages)) for passage in shown],
        "seconds": case.seconds,
        "prompt_tokens": case.prompt_tokens,
        "completion_tokens": case.completion_tokens,
    }


def _negated(found: Estimate) -> Estimate:
    return Estimate(-found.mean, -found.high, -found.low)


def _p(name: str, value: float) -> str:
    return f"{name} < 0.001" if value < 0.001 else f"{name} = {value:.3f}"
