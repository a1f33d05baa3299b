"""Tables of a PDF page: cells are where ruled lines cross, or where lines of words share their columns."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sectorkit.retrieval.parse.joining import join_lines
from sectorkit.retrieval.parse.pdf_page import Page, Rule, Word

_NEAR = 3.0  # points by which ends and crossings may miss each other
_MOST = 300  # merged rules a page; a drawing with more is no table


@dataclass(frozen=True)
class Grid:
    """A ruled table: its column edges from the left, its row edges from the bottom."""

    xs: tuple[float, ...]
    ys: tuple[float, ...]

    def cell(self, word: Word) -> tuple[int, int] | None:
        """(row from the top, column) of a word; None where it lies outside."""
        x, y = word.x0 + min(2.0, (word.x1 - word.x0) / 2), (word.y0 + word.y1) / 2
        column, row = bisect_right(self.xs, x) - 1, bisect_right(self.ys, y) - 1
        if 0 <= column < len(self.xs) - 1 and 0 <= row < len(self.ys) - 1:
            return len(self.ys) - 2 - row, column
        return None

    def rows(self, lines: Sequence[Sequence[Word]]) -> list[str]:
        """The rows of text that `lines` fill the grid with, cells joined by " | "."""
        cells: dict[tuple[int, int], list[str]] = {}
        for line in lines:
            parts: dict[tuple[int, int], list[str]] = {}
            for word in line:
                if (place := self.cell(word)) is not None:
                    parts.setdefault(place, []).append(word.text)
            for place, words in parts.items():
                cells.setdefault(place, []).append(" ".join(words))
        columns = range(len(self.xs) - 1)
        rows = [[join_lines(cells.get((row, c), ())) for c in columns] for row in range(len(self.ys) - 1)]
        return [" | ".join(row) for row in rows if any(row)]


def grids(page: Page) -> list[Grid]:
    """Ruled tables with at least two columns."""
    across, down = _merge(page.horizontal), _merge(page.vertical)
    if len(across) < 2 or len(down) < 3 or len(across) + len(down) > _MOST:
        return []
    group = list(range(len(across) + len(down)))

    def leader(at: int) -> int:
        while group[at] != at:
            group[at] = at = group[group[at]]
        return at

    for i, h in enumerate(across):
        for j, v in enumerate(down):
            crosses = h.start - _NEAR <= v.at <= h.end + _NEAR and v.start - _NEAR <= h.at <= v.end + _NEAR
            if crosses:
                group[leader(len(across) + j)] = leader(i)
    found = []
    for top in {leader(i) for i in range(len(across))}:
        ys = _distinct(h.at for i, h in enumerate(across) if leader(i) == top)
        xs = _distinct(v.at for j, v in enumerate(down) if leader(len(across) + j) == top)
        if len(xs) >= 3 and len(ys) >= 2:
            found.append(Grid(xs, ys))
    return found


def _merge(rules: Sequence[Rule]) -> list[Rule]:
    """Pieces of one line as one: programs draw a table cell by cell, each border with two edges.

    Lines of two tables on one page may lie all but behind each other; they stay two, since there is a gap between.
    """
    merged: list[Rule] = []
    for line in _lying_together(rules):
        pieces: list[Rule] = []
        for rule in sorted(line, key=lambda r: r.start):
            last = pieces[-1] if pieces else None
            if last is not None and rule.start <= last.end + _NEAR:
                pieces[-1] = Rule(last.at, last.start, max(last.end, rule.end))
            else:
                pieces.append(rule)
        merged += pieces
    return merged


def _lying_together(rules: Sequence[Rule]) -> list[list[Rule]]:
    """Rules at the same place across, as near as drawing comes to that."""
    groups: list[list[Rule]] = []
    for rule in sorted(rules, key=lambda r: r.at):
        if groups and rule.at - groups[-1][0].at < _NEAR:
            groups[-1].append(rule)
        else:
            groups.append([rule])
    return groups


def _distinct(values: Iterable[float]) -> tuple[float, ...]:
    kept: list[float] = []
    for value in sorted(values):
        if not kept or value - kept[-1] > _NEAR:
            kept.append(value)
    return tuple(kept)


def columns(line: Sequence[Word]) -> list[list[Word]]:
    """The words of one line, divided where the gap is wide: two em, far more than justified text has."""
    parts: list[list[Word]] = []
    for word in line:
        if parts and word.x0 - parts[-1][-1].x1 < 2.0 * max(6.0, word.size):
            parts[-1].append(word)
        else:
            parts.append([word])
    return parts


def aligned(above: Sequence[Sequence[Word]], below: Sequence[Sequence[Word]]) -> bool:
    """Whether two divided lines are rows of one table: as many columns, starting or ending alike."""
    return len(above) == len(below) >= 2 and all(
        abs(a[0].x0 - b[0].x0) < 2 * _NEAR or abs(a[-1].x1 - b[-1].x1) < 2 * _NEAR
        for a, b in zip(above[1:], below[1:], strict=True)
    )
