"""Compare: two results over the same cases, measure by measure; and a gate that fails where one got worse."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from sectoreval.answers import JUDGED
from sectoreval.benchmark import Benchmark, load_benchmark
from sectoreval.measures import Measure
from sectoreval.results import ArmResult, RunResult, write_whole
from sectoreval.statistics import Difference, bounded, difference
from sectorkit.errors import RequestError

Load = Callable[[str], Benchmark]


@dataclass(frozen=True)
class Comparison:
    """One measure, first minus second, over the cases that both have."""

    benchmark: str
    first: str
    second: str
    measure: Measure
    difference: Difference

    @property
    def worse(self) -> bool:
        """Whether the first is shown to be worse."""
        return self.difference.verdict == ("lower" if self.measure.higher_is_better else "higher")

    def __str__(self) -> str:
        d = self.difference
        test = f"p {bounded(d.p)} by permutation" + (
            f", {bounded(d.mcnemar)} by McNemar" if d.mcnemar is not None else ""
        )
        smallest = "" if d.smallest != d.smallest else f"; {d.smallest:.3f} would have shown in four of five runs"
        return (
            f"{self.benchmark}, {self.measure.name}: {self.first} minus {self.second} {d.estimate.signed}, {d.verdict} "
            f"(n={d.n}, {test}{smallest})"
        )


def compare(first: ArmResult, second: ArmResult, measure: Measure) -> Difference | None:
    """The difference over the cases that both have; None where they share none, or one lacks the measure.

    Cases are the same by id and by what was asked; a baseline keeps no text, and goes by the id alone.
    """
    theirs = {case.id: case for case in second.cases}
    shared = [
        case for case in first.cases
        if case.id in theirs and (not theirs[case.id].asked or case.asked == theirs[case.id].asked)
    ]  # fmt: skip
    if not shared or not (first.has(measure) and second.has(measure)):
        return None
    mine = replace(first, cases=tuple(shared))
    other = replace(second, cases=tuple(theirs[case.id] for case in shared))
    return difference(mine.rows(measure), other.rows(measure), measure, mine.clusters)


def compare_runs(first: RunResult, second: RunResult, load: Load = load_benchmark) -> list[Comparison]:
    """Every measure of the arms that both runs have; of the arms of one model where both asked one.

    Raises RequestError where the runs have no benchmark and arm in common.
    """
    found: list[Comparison] = []
    for arm in first.arms:
        for other in second.of(arm.benchmark):
            if other.arm != arm.arm:
                continue
            for measure in load(arm.benchmark).measures:
                if measure is JUDGED and first.about.get("judge") != second.about.get("judge"):
                    continue  # two judges are two measures
                if (apart := compare(arm, other, measure)) is not None:
                    names = [f"{a.arm} of {a.model}" for a in (arm, other)]
                    if names[0] == names[1]:
                        names = [f"{names[0]} (first run)", f"{names[1]} (second run)"]
                    found.append(Comparison(arm.benchmark, names[0], names[1], measure, apart))
    if not found:
        raise RequestError(
            "the two runs have no benchmark, arm and cases in common; compare runs of the same benchmark"
        )
    return found


def gate(run: RunResult, baseline: RunResult, load: Load = load_benchmark) -> Iterator[str]:
    """The reasons why `run` is not as good as `baseline`; none where it is, beyond noise.

    A main measure that is shown to be lower over the same cases (an arm's first one, of those that it has), an arm or a
    case that is gone, another model, or more cases that failed.
    """
    for before in baseline.arms:
        now = next((arm for arm in run.of(before.benchmark) if arm.arm == before.arm), None)
        name = f"{before.benchmark}, {before.arm}"
        if now is None:
            yield f"{name}: the run does not have it, and the baseline does"
            continue
        if gone := {case.id for case in before.cases} - {case.id for case in now.cases}:
            yield f"{name}: {len(gone)} cases of the baseline were not run, such as {min(gone)}"
        if now.failed > before.failed:
            reasons = sorted({str(case.failure) for case in now.cases if case.failure})
            yield f"{name}: {now.failed} cases failed, {before.failed} in the baseline ({'; '.join(reasons)[:300]})"
        if now.model != before.model:
            yield f"{name}: the run asked {now.model}, and the baseline {before.model}"
        main = next((measure for measure in load(before.benchmark).measures if before.has(measure)), None)
        apart = compare(now, before, main) if main else None
        if main is None or apart is None:
            yield f"{name}: the two have no measure and cases in common"
        else:
            found = Comparison(before.benchmark, f"{now.arm} now", "the baseline", main, apart)
            if found.worse:
                yield str(found)


def write_baseline(run: RunResult, path: Path) -> None:
    """The run's columns alone, to be committed: no text of a benchmark is in it."""
    slim = RunResult(
        run.about, tuple(replace(arm, cases=tuple(
            replace(case, asked="", said="", expected="", evidence=(), groups={}) for case in arm.cases
        )) for arm in run.arms),
    )  # fmt: skip
    write_whole(path, json.dumps(slim.to_dict(), ensure_ascii=False, separators=(",", ":")) + "\n")
