"""The scoreboard: models and arms against benchmarks, over all runs that are at hand.

Of several runs of the same benchmark, arm and model the newest counts. The best of a benchmark is marked only where
its difference from the next one is shown over the cases that both have.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple, TypeAlias

from sectoreval.arms import ARMS
from sectoreval.benchmark import Benchmark, load_benchmark
from sectoreval.compare import Load, compare
from sectoreval.measures import Measure
from sectoreval.report import CEILING, Pair, asked_model, label, ranked
from sectoreval.results import ArmResult, RunResult, write_whole
from sectoreval.statistics import estimate
from sectoreval.templates import render
from sectorkit.errors import ConfigurationError
from sectorkit.stats import Estimate

Row: TypeAlias = tuple[str, str]
"""A model and an arm."""


@dataclass(frozen=True)
class Cell:
    """The main measure of a benchmark for a model and an arm, from the run of that name and time.

    `older` are the names of runs of the same that do not count, the newest first.
    """

    estimate: Estimate
    n: int
    failed: int
    run: str
    finished: str
    older: tuple[str, ...]


@dataclass(frozen=True)
class Column:
    """One benchmark. `lead` compares the best with the next, None where there are no two; `best` is set where it is shown."""

    title: str
    sector: str
    measure: str
    higher_is_better: bool
    cells: Mapping[Row, Cell]
    lead: Pair | None
    best: Row | None

    @property
    def sources(self) -> dict[tuple[str, str, tuple[str, ...]], list[str]]:
        """Runs, each with its time and the older runs that it replaces, and the labels of the scores that are from it."""
        found: dict[tuple[str, str, tuple[str, ...]], list[str]] = {}
        for (model, arm), cell in self.cells.items():
            found.setdefault((cell.run, cell.finished, cell.older), []).append(label(arm, model))
        return found


@dataclass(frozen=True)
class Scoreboard:
    """Rows by model and then by arm, columns by sector and then by title."""

    rows: tuple[Row, ...]
    columns: tuple[Column, ...]


class _Entry(NamedTuple):
    """An arm's results, the name and the time of the run that they are from, and the benchmark's options in it."""

    run: str
    finished: str
    arm: ArmResult
    options: tuple[tuple[str, str], ...]


def scoreboard(runs: Sequence[tuple[Path, RunResult]], load: Load = load_benchmark) -> Scoreboard:
    """The board of `runs`, each with its folder or its file. ConfigurationError where one does not say when it finished."""
    newest = sorted(runs, key=lambda run: _finished(*run), reverse=True)
    entries = [
        _Entry(_name(path), str(run.about["finished"]), arm, _options(run, load(arm.benchmark)))
        for path, run in newest
        for arm in run.arms
        if arm.has(load(arm.benchmark).main)
    ]
    # Another language, or another file of one's own, is another column.
    keys = dict.fromkeys((entry.arm.benchmark, entry.options) for entry in entries)
    columns = [
        _column(load(name), options, [e for e in entries if (e.arm.benchmark, e.options) == (name, options)])
        for name, options in keys
    ]
    rows = {row for column in columns for row in column.cells}
    ordered = sorted(columns, key=lambda column: (column.sector, column.title))
    return Scoreboard(tuple(sorted(rows, key=_order)), tuple(ordered))


def write_scoreboard(runs: Sequence[tuple[Path, RunResult]], folder: Path, load: Load = load_benchmark) -> Path:
    """Writes `scoreboard.html` and `scoreboard.md` into `folder`; gives the page's path back."""
    board = scoreboard(runs, load)
    write_whole(folder / "scoreboard.md", render("scoreboard.md.j2", board=board, runs=len(runs)))
    return write_whole(folder / "scoreboard.html", render("scoreboard.html.j2", board=board, runs=len(runs)))


def _options(run: RunResult, benchmark: Benchmark) -> tuple[tuple[str, str], ...]:
    said = run.about.get("spec", {}).get("options", {})
    return tuple(sorted((key, str(value)) for key, value in said.items() if key in benchmark.options))


def _column(benchmark: Benchmark, options: tuple[tuple[str, str], ...], entries: Sequence[_Entry]) -> Column:
    """The column of one benchmark with these options; `entries` are newest first."""
    main = benchmark.main
    found: dict[Row, list[_Entry]] = {}
    for entry in entries:
        found.setdefault((asked_model(entry.arm), entry.arm.arm), []).append(entry)
    cells = {row: _cell(of_row, main) for row, of_row in found.items()}
    rows = {label(arm, model): (model, arm) for model, arm in cells}
    scores = {named: cells[row].estimate for named, row in rows.items()}
    order = ranked(scores, main, ceilings=[named for named, (_, arm) in rows.items() if arm == CEILING])
    lead = None
    if len(order) > 1:
        first, second = (found[rows[named]][0].arm for named in order[:2])
        lead = Pair(order[0], order[1], compare(first, second, main))
    return Column(
        title=benchmark.title + "".join(f", {key} {Path(value).name}" for key, value in options),
        sector=benchmark.sector,
        measure=main.name,
        higher_is_better=main.higher_is_better,
        cells=cells,
        lead=lead,
        best=rows[order[0]] if lead is not None and lead.shows(order[0], main.higher_is_better) else None,
    )


def _cell(entries: Sequence[_Entry], main: Measure) -> Cell:
    counted, *older = entries
    arm = counted.arm
    found = estimate(arm.rows(main), main, arm.clusters)
    return Cell(found, len(arm.cases), arm.failed, counted.run, counted.finished, tuple(entry.run for entry in older))


def _name(path: Path) -> str:
    """A run's name: its folder's, without the way there."""
    return (path.parent if path.suffix == ".json" else path).resolve().name


def _finished(path: Path, run: RunResult) -> datetime:
    try:
        found = datetime.fromisoformat(str(run.about["finished"]))
    except (KeyError, ValueError):
        raise ConfigurationError(
            f"{path} does not say when it finished (about.finished, ISO 8601); run it again"
        ) from None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _order(row: Row) -> tuple[str, int, str]:
    model, arm = row
    known: list[str] = list(ARMS)
    return model, known.index(arm) if arm in known else len(known), arm
