"""Lines of a PDF page, and the rows of its tables, in reading order."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import groupby
from typing import TypeAlias

from sectorkit.retrieval.parse.pdf_page import Page, Word
from sectorkit.retrieval.parse.pdf_tables import Grid, aligned, columns, grids

BULLET = re.compile(r"[•‣▪●○◦■□➢➤✓·\uf0b7\uf0a7]$|[–—*-]$")
MARKER = re.compile(
    r"\(?(\d{1,3}|[a-z]|[ivx]{1,5}|[一二三四五六七八九十]{1,3})[.)、．）]$|\d{1,3}(\.\d{1,3})+\.?$|\(\d{1,3}\)$|§+$"
)


@dataclass(frozen=True)
class Line:
    """One printed line."""

    words: tuple[Word, ...]
    page: int

    @cached_property
    def text(self) -> str:
        return " ".join(word.text for word in self.words)

    @property
    def x0(self) -> float:
        return self.words[0].x0

    @property
    def x1(self) -> float:
        return self.words[-1].x1

    @property
    def y(self) -> float:
        return self.words[0].y0

    @cached_property
    def size(self) -> float:
        """The size that most of its letters have."""
        letters: Counter[float] = Counter()
        for word in self.words:
            letters[word.size] += len(word.text)
        return letters.most_common(1)[0][0]

    @cached_property
    def bold(self) -> bool:
        return all(word.bold for word in self.words)


@dataclass(frozen=True)
class Row:
    """One row of a table, its cells joined already."""

    text: str
    page: int


Piece: TypeAlias = Line | Row


def pieces(page: Page, lines: Sequence[Line]) -> list[Piece]:
    """The page's lines in reading order, those of a table replaced by its rows."""
    found: list[Piece] = []
    placed: set[Grid] = set()
    tables = grids(page)
    for line in lines:
        table = next((t for t in tables if t.cell(line.words[0]) and t.cell(line.words[-1])), None)
        if table is None:
            found.append(line)
        elif table not in placed:
            placed.add(table)
            inside = [other.words for other in lines if all(table.cell(w) for w in (other.words[0], other.words[-1]))]
            found += [Row(text, page.number) for text in table.rows(inside)]
    return _unruled(found)


def lines_of(page: Page) -> list[Line]:
    """The page's lines; pieces that stand on one base line, such as a bullet and its text, are one."""
    lines: list[Line] = []
    for words in page.lines:
        last = lines[-1] if lines else None
        level = last is not None and abs(last.y - words[0].y0) < 0.3 * max(1.0, words[0].size)
        if last is not None and level and words[0].x0 >= last.x1 - 1:
            lines[-1] = replace(last, words=last.words + words)
        else:
            lines.append(Line(words, page.number))
    return lines


def _unruled(found: list[Piece]) -> list[Piece]:
    """Runs of two or more lines that share their columns become rows."""
    result: list[Piece] = []
    run: list[list[list[Word]]] = []

    def close() -> None:
        if len(run) > 1:
            result[-len(run) :] = [Row(" | ".join(" ".join(w.text for w in c) for c in r), page) for r in run]
        run.clear()

    page = 0
    for piece in found:
        parts = columns(piece.words) if isinstance(piece, Line) else []
        if len(parts) > 1 and (BULLET.match(parts[0][0].text) or MARKER.match(parts[0][-1].text)):
            parts = []
        if len(parts) < 2 or (run and not aligned(run[-1], parts)):
            close()
        result.append(piece)
        if len(parts) > 1:
            run.append(parts)
            page = piece.page
    close()
    return result


def without_repeated_heads(found: Sequence[Piece]) -> Iterator[Piece]:
    """`found`, where a table that goes on over a page does not say its first row again."""
    head: str | None = None  # the first row of the table that the last piece belongs to
    last: Piece | None = None
    for piece in found:
        if isinstance(piece, Row):
            goes_on = isinstance(last, Row)
            if goes_on and last is not None and last.page != piece.page and piece.text == head:
                last = piece
                continue
            head = head if goes_on else piece.text
        last = piece
        yield piece


def right_edges(found: Sequence[Piece]) -> dict[int, float]:
    """By a line's `id`: where the full lines end that begin about where it does, on its page."""
    edges: dict[int, float] = {}
    for _, group in groupby((p for p in found if isinstance(p, Line)), key=lambda line: line.page):
        lines = list(group)
        for line in lines:
            edges[id(line)] = max(other.x1 for other in lines if abs(other.x0 - line.x0) < 40)
    return edges
