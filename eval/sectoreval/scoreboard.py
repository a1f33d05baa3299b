"""The scoreboard: models and arms against benchmarks, over all runs that are at hand.

Of several runs of the same benchmark, arm and model the newest counts. The best of a benchmark is marked only where
its difference from the next one is shown over the cases that both have.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeAlias

from sectoreval.arms import ARMS
from sectoreval.benchmark import load_benchmark
from sectoreval.report import CEILING, Comparison, Load, compare, label, ranked
from sectoreval.results import ArmResult, RunResult
from sectoreval.statistics import estimate
from sectoreval.templates import render, write
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

    name: str
    title: str
    sector: str
    measure: str
    higher_is_better: bool
    cells: Mapping[Row, Cell]
    lead: Comparison | None
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


def scoreboard(runs: Sequence[tuple[Path, RunResult]], load: Load = load_benchmark) -> Scoreboard:
    """The board of `runs`, each with its folder. ConfigurationError where one does not say when it finished."""
    newest = sorted(runs, key=lambda run: _finished(*run), reverse=True)
    names = dict.fromkeys(name for _, run in newest for name in run.benchmarks())
    columns = sorted((_column(name, newest, load) for name in names), key=lambda column: (column.sector, column.title))
    rows = sorted({row for column in columns for row in column.cells}, key=_order)
    return Scoreboard(tuple(rows), tuple(columns))


def write_scoreboard(runs: Sequence[tuple[Path, RunResult]], folder: Path, load: Load = load_benchmark) -> Path:
    """Writes `scoreboard.html` and `scoreboard.md` into `folder`; gives the page's path back."""
    board = scoreboard(runs, load)
    write(folder / "scoreboard.md", render("scoreboard.md.j2", board=board, runs=len(runs)))
    return write(folder / "scoreboard.html", render("scoreboard.html.j2", board=board, runs=len(runs)))


def _column(name: str, newest: Sequence[tuple[Path, RunResult]], load: Load) -> Column:
    benchmark = load(name)
    main = benchmark.main
    found: dict[Row, list[tuple[Path, RunResult, ArmResult]]] = {}
    for path, run in newest:
        for arm in run.of(name):
            found.setdefault((arm.model, arm.arm), []).append((path, run, arm))
    cells = {
        row: _cell(entries, estimate(entries[0][2].rows(main), main, entries[0][2].clusters))
        for row, entries in found.items()
    }
    labels = {label(arm, model): (model, arm) for model, arm in cells}
    scores = {named: cells[row].estimate for named, row in labels.items()}
    order = ranked(scores, main, ceilings=[named for named, (_, arm) in labels.items() if arm == CEILING])
    if len(order) < 2:
        lead = None
    else:
        first, second = (found[labels[named]][0][2] for named in order[:2])
        lead = Comparison(order[0], order[1], compare(first, second, main))
    return Column(
        name=name,
        title=benchmark.title,
        sector=benchmark.sector,
        measure=main.name,
        higher_is_better=main.higher_is_better,
        cells=cells,
        lead=lead,
        best=labels[order[0]] if lead is not None and lead.shows(order[0], main.higher_is_better) else None,
    )


def _cell(entries: Sequence[tuple[Path, RunResult, ArmResult]], found: Estimate) -> Cell:
    (path, run, arm), *older = entries
    names = tuple(path.name for path, _, _ in older)
    return Cell(found, len(arm.cases), arm.failed, path.name, str(run.about["finished"]), names)


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
