"""The scoreboard: which run counts, and when a best is marked."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parent))

from sample_run import load_sample

from sectoreval.benchmark import Benchmark
from sectoreval.measures import mean
from sectoreval.results import ArmResult, CaseResult, RunResult
from sectoreval.scoreboard import Column, scoreboard, write_scoreboard
from sectorkit.errors import ConfigurationError

CLEAR, MIXED, POOR = [1.0] * 40, [1.0, 0.0] * 20, [0.0] * 40


def run(
    *arms: tuple[str, str, Sequence[float]],
    at: str = "2026-03-01T12:00:00+00:00",
    cases: str = "case",
    benchmark: str = "pump_choices",
) -> RunResult:
    """A run whose arms, each with its model, are as right as that in cases of that name."""
    made = tuple(
        ArmResult(
            benchmark,
            arm,
            model,
            tuple(
                CaseResult(f"{cases}-{n}", "?", "", "", "right" if v else "wrong", {"correct": v})
                for n, v in enumerate(right)
            ),
        )
        for arm, model, right in arms
    )
    return RunResult({"finished": at}, made)


def load(name: str) -> Benchmark:
    return replace(load_sample(name), measures=(mean("accuracy", "correct", about="share of right choices"),))


def column(*runs: RunResult) -> Column:
    (found,) = scoreboard([(Path(f"run-{number}"), made) for number, made in enumerate(runs)], load).columns
    return found


def test_of_two_runs_of_the_same_the_newer_counts_and_the_older_is_named() -> None:
    found = column(run(("hybrid", "m", POOR)), run(("hybrid", "m", CLEAR), at="2026-03-02T12:00:00+00:00"))
    cell = found.cells["m", "hybrid"]
    assert (cell.estimate.mean, cell.run, cell.older) == (1.0, "run-1", ("run-0",))


def test_times_of_several_zones_are_compared_as_times() -> None:
    early, late = "2026-03-02T00:30:00+02:00", "2026-03-01T23:00:00Z"
    assert (
        column(run(("hybrid", "m", POOR), at=early), run(("hybrid", "m", CLEAR), at=late)).cells["m", "hybrid"].run
        == "run-1"
    )


def test_an_arm_that_only_the_older_run_has_is_kept() -> None:
    found = column(run(("lexical", "m", MIXED)), run(("hybrid", "m", CLEAR), at="2026-03-02T12:00:00+00:00"))
    assert set(found.cells) == {("m", "lexical"), ("m", "hybrid")}


def test_a_best_is_marked_where_its_difference_from_the_next_is_shown() -> None:
    assert column(run(("hybrid", "small", MIXED)), run(("hybrid", "large", CLEAR))).best == ("large", "hybrid")


def test_no_best_is_marked_where_no_difference_is_shown_and_that_is_said() -> None:
    found = column(run(("hybrid", "small", MIXED)), run(("hybrid", "large", [1.0, *MIXED[1:-1], 1.0])))
    assert found.best is None
    assert found.lead is not None
    assert found.lead.sentence.startswith("No difference shown between hybrid · large and hybrid · small")


def test_no_best_is_marked_over_different_cases() -> None:
    found = column(run(("hybrid", "small", POOR)), run(("hybrid", "large", CLEAR), cases="other"))
    assert found.best is None
    assert found.lead is not None
    assert "share no case" in found.lead.sentence


def test_an_oracle_does_not_take_the_mark() -> None:
    found = column(run(("oracle", "m", CLEAR), ("hybrid", "m", [1.0, 1.0, 1.0, 0.0] * 10), ("closed_book", "m", POOR)))
    assert found.best == ("m", "hybrid")


def test_rows_are_sorted_by_model_and_arm_and_columns_by_sector() -> None:
    pumps = run(("oracle", "b", MIXED), ("closed_book", "b", MIXED), ("hybrid", "a", MIXED))
    board = scoreboard(
        [(Path("one"), pumps), (Path("two"), run(("hybrid", "none", MIXED), benchmark="city_pages"))], load
    )
    assert board.rows == (("", "hybrid"), ("a", "hybrid"), ("b", "closed_book"), ("b", "oracle"))
    assert [column.sector for column in board.columns] == ["governance", "manufacturing"]


def test_a_run_that_does_not_say_when_it_finished_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="old does not say when it finished"):
        scoreboard([(Path("old"), RunResult({}, run(("hybrid", "m", MIXED)).arms))], load)


def test_the_pages_show_each_score_with_its_interval_n_and_run(tmp_path: Path) -> None:
    runs = [
        (tmp_path / "spring <b>", run(("hybrid", "m", MIXED))),
        (
            tmp_path / "summer" / "results.json",
            run(("hybrid", "m", CLEAR), ("lexical", "m", POOR), at="2026-06-01T12:00:00+00:00"),
        ),
    ]
    page = write_scoreboard(runs, tmp_path / "board", load)
    html, markdown = page.read_text(encoding="utf-8"), page.with_suffix(".md").read_text(encoding="utf-8")
    assert "| m | hybrid | **1.000 [0.912, 1.000]** (n=40, failed 0) |" in markdown
    assert "| m | lexical | 0.000 [0.000, 0.088] (n=40, failed 0) |" in markdown
    assert "summer, finished 2026-06-01T12:00:00+00:00, for hybrid · m; older and not counted: spring \\<b>" in markdown
    assert html.count('class="badge"') == 1
    assert "spring &lt;b&gt;" in html
    assert str(tmp_path) not in html + markdown


def test_another_file_of_ones_own_is_another_column() -> None:
    def own(name: str) -> RunResult:
        return replace(run(("closed_book", "m", CLEAR)), about={
            "finished": "2026-03-01T12:00:00+00:00", "spec": {"options": {"data": f"/data/{name}.jsonl"}},
        })  # fmt: skip

    def load_own(name: str) -> Benchmark:
        return replace(load(name), options=("data",))

    board = scoreboard([(Path("run-1"), own("first")), (Path("run-2"), own("second"))], load_own)
    assert [column.title.rpartition(", ")[2] for column in board.columns] == ["data first.jsonl", "data second.jsonl"]
    assert all(not cell.older for column in board.columns for cell in column.cells.values())
