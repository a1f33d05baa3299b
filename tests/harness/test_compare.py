"""Comparing two runs, and the gate."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from sectoreval.benchmark import Benchmark, Scored
from sectoreval.compare import compare_runs, gate, write_baseline
from sectoreval.measures import mean
from sectoreval.results import ArmResult, CaseResult, RunResult, read_results
from sectorkit.errors import ConfigurationError, RequestError

BENCHMARK = Benchmark(
    name="quiz", title="Quiz", sector="own", source=None, arms=("closed_book",),
    measures=(mean("accuracy", "correct", about="right"), mean("permuted", about="right, rotated")),
    cases=lambda context: [], solve=lambda context, arm: None, score=lambda gold, reply: Scored({}, "wrong"),  # type: ignore[arg-type,return-value]
)  # fmt: skip


def run(right: int, of: int = 100, *, failed: int = 0, first: int = 0, arm: str = "closed_book") -> RunResult:
    cases = tuple(
        CaseResult(
            str(n), "a question", "said", "expected", "right" if n < right else "wrong", {"correct": float(n < right)},
            failure="timeout" if n >= of - failed else None,
        )
        for n in range(first, of)
    )  # fmt: skip
    return RunResult({"finished": "2026-01-01"}, (ArmResult("quiz", arm, "m", cases),))


def load(name: str) -> Benchmark:
    return BENCHMARK


def test_only_measures_that_both_runs_have_are_compared() -> None:
    (found,) = compare_runs(run(60), run(50), load)
    assert found.measure.name == "accuracy"
    assert "higher" in str(found)
    assert "n=100" in str(found)


def test_a_small_difference_is_said_not_to_be_shown() -> None:
    (found,) = compare_runs(run(51), run(50), load)
    assert "no difference shown" in str(found)


def test_runs_without_a_common_arm_cannot_be_compared() -> None:
    with pytest.raises(RequestError, match="in common"):
        compare_runs(run(60), run(50, arm="oracle"), load)


def test_the_gate_passes_what_is_as_good_within_noise() -> None:
    assert list(gate(run(58), run(60), load)) == []
    assert list(gate(run(80), run(60), load)) == []


def test_the_gate_names_what_got_worse() -> None:
    (reason,) = gate(run(40), run(60), load)
    assert "quiz, accuracy" in reason
    assert "lower" in reason


def test_the_gate_does_not_pass_a_run_that_left_something_out() -> None:
    assert "10 cases of the baseline were not run" in next(gate(run(60, first=10), run(60), load))
    assert "does not have it" in next(gate(run(60, arm="oracle"), run(60), load))
    assert "3 cases failed, 0 in the baseline (timeout)" in next(gate(run(60, failed=3), run(60), load))


def test_a_baseline_holds_no_text_of_a_benchmark(tmp_path: Path) -> None:
    path = tmp_path / "baselines" / "quiz.json"
    write_baseline(run(60), path)
    assert "a question" not in path.read_text()
    assert list(gate(run(60), read_results(path), load)) == []
    assert "lower" in next(gate(run(30), read_results(path), load))


def test_a_file_that_holds_no_results_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "results.json"
    path.write_text('{"format": 1}')
    with pytest.raises(ConfigurationError, match="no results of a run"):
        read_results(path)
    with pytest.raises(ConfigurationError, match="cannot be read"):
        read_results(tmp_path / "nothing")


def test_the_gate_does_not_pass_what_it_cannot_compare() -> None:
    before, now = run(60), run(60)
    lacking = RunResult({}, tuple(replace(a, cases=tuple(replace(c, values={}) for c in a.cases)) for a in now.arms))
    assert "no measure and cases in common" in next(gate(lacking, before, load))
    other = RunResult({}, tuple(replace(a, model="another") for a in now.arms))
    assert "the run asked another, and the baseline m" in next(gate(other, before, load))


def test_cases_of_one_number_and_another_question_are_no_pair() -> None:
    first = run(60)
    second = RunResult(
        {}, tuple(replace(a, cases=tuple(replace(c, asked="another") for c in a.cases)) for a in first.arms)
    )
    with pytest.raises(RequestError, match="in common"):
        compare_runs(first, second, load)
