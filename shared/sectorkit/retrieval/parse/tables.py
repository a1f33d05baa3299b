"""Tables: rows of a spreadsheet become lines that stand alone, "Pump: P-12 | Pressure: 3.5 bar".

A line repeats what its columns are called, so that a quote of one row says what its values are; the text that is
indexed has these words in it, and every passage stays an exact slice of it. A row too long for one line becomes
several, each of which begins with the row's first value. What stands above a table's header stays as it is.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from sectorkit.retrieval.parse.document import Draft

MAX_ROWS = 50_000  # of a file; each row is embedded, and a longer table is better asked by a query
_MAX_CELLS, _MAX_NUMBER, _MAX_CHARACTERS = 4_000_000, 2**20, 20 * 2**20
_SAMPLE = 20  # rows that are looked at to find the header of a table
_LINE = 500  # bytes of UTF-8, which count a Chinese character for three: about what one passage holds
_NAME, _KEY = 80, 120  # characters of a column's name, and bytes of a first value, that are worth repeating
_VALUE = re.compile(r"\W*\d[\d\W]*[^\W\d]{0,4}\W{0,2}[^\W\d]?")  # 12, 3.5 bar, 2024-05-01, € 12.50, 12 m³/h
_DIGIT = re.compile(r"\d")
_YEAR = re.compile(r"(19|20)\d\d")

Row = Sequence[str]
Numbered = tuple[int, Row]


class Tables:
    """Writes the rows of one file to a draft, within bounds that hold for the whole file."""

    def __init__(self, draft: Draft) -> None:
        self._draft = draft
        self._rows = self._cells = 0

    def add(self, rows: Iterable[Row], *, page: int | None = None) -> int | None:
        """Append the rows of one sheet; cells are in one line, "" where they are empty, and rows count from 1.

        Returns None, or the number of the last row that was read where the bounds left out the rest.
        """
        header: Row = ()
        sample: list[Numbered] | None = []  # the first rows of a table; None once its header is known
        number = 0
        for number, row in enumerate(rows, start=1):
            self._cells += len(row)
            filled = any(row)
            if filled:
                self._rows += 1
            if self._is_full(number):
                self._begin(sample or [], header, page)
                return number - 1
            if not filled:  # an empty row may end a table; the next one has a header of its own, or goes on
                header = self._begin(sample or [], header, page)
                sample = []
            elif sample is None:
                self._write(number, row, header, page)
            else:
                sample.append((number, row))
                if len(sample) == _SAMPLE:
                    header, sample = self._begin(sample, header, page), None
        self._begin(sample or [], header, page)
        return None

    def _is_full(self, number: int) -> bool:
        return (
            self._rows > MAX_ROWS
            or self._cells > _MAX_CELLS
            or number > _MAX_NUMBER
            or self._draft.length > _MAX_CHARACTERS
        )

    def _begin(self, sample: Sequence[Numbered], header: Row, page: int | None) -> Row:
        """Write the rows that stand between empty ones, or the first of them; returns the header that holds for them."""
        if not sample:
            return header
        at = header_at([row for _, row in sample], is_first=not header)
        if at is not None:
            for number, row in sample[: at + 1]:
                self._write(number, row, (), page)
            header, sample = sample[at][1], sample[at + 1 :]
            if sample and (both := two_rowed(header, [row for _, row in sample])):
                self._write(sample[0][0], both, (), page)
                header, sample = both, sample[1:]
        elif 2 * max(_filled(row) for _, row in sample) < _filled(header):
            header = ()  # something else, beside or below the table
        for number, row in sample:
            self._write(number, row, header, page)
        return header

    def _write(self, number: int, row: Row, header: Row, page: int | None) -> None:
        values = [value for value in row if value]
        is_remark = len(values) == 1 and (not header or (row[0] and _filled(header) > 2 and is_words(values[0])))
        if is_remark:
            self._draft.add(values[0], page=page, row=number)
            return
        for line in lines(labelled(row, header)):
            self._draft.add(line, "row", page=page, row=number)


def labelled(row: Row, header: Row) -> list[str]:
    """The values of a row that are not empty, each with its column's name where that has one: ["Pump: P-12"]."""
    names = [name.rstrip(" :")[:_NAME] for name in header[: len(row)]]
    names += [""] * (len(row) - len(names))
    return [f"{name}: {value}" if name else value for name, value in zip(names, row, strict=True) if value]


def lines(values: Sequence[str]) -> list[str]:
    """The values joined by " | ", in as many lines as it takes; each begins with the first value, unless that is long."""
    done: list[str] = []
    key = values[:1] if values and len(values[0].encode()) <= _KEY else []
    line: list[str] = []
    size = 0
    for value in values:
        added = len(value.encode()) + 3
        if size + added > _LINE and len(line) > len(key):
            done.append(" | ".join(line))
            line = [*key]
            size = sum(len(v.encode()) + 3 for v in key)
        line.append(value)
        size += added
    return [*done, " | ".join(line)] if line else done


def header_at(rows: Sequence[Row], *, is_first: bool) -> int | None:
    """Which of a table's first rows names its columns; None where none does.

    That is the first row at least half as wide as the widest, if most of its cells are words and not values. A second
    table below another, and one of two columns (which may be names and values), have a header only where a column
    of values stands under a word.
    """
    widest = max((_filled(row) for row in rows), default=0)
    for at, row in enumerate(rows[: _SAMPLE // 2]):
        width = _filled(row)
        if width < 2 or 2 * width < widest:
            continue
        if _is_header(row) and (below := rows[at + 1 :]):
            if is_first and width > 2:
                return at
            if _is_above_values(row, below) and not any(map(_DIGIT.search, row)):
                return at
        if width == widest:
            return None
    return None


def two_rowed(upper: Row, below: Sequence[Row]) -> Row | None:
    """The columns' names where the first row below a header goes on with it: "Risk" above "Severity", "Occurrence", "Detection".

    A name of the lower row counts, with the upper one's group ahead of it only where another column would have the same.
    """
    lower, rest = below[0], below[1:]
    width = max(len(upper), len(lower))
    top, low = ([*row, *[""] * (width - len(row))] for row in (upper, lower))
    grouped = [n for n in range(1, width) if low[n] and not top[n]]  # a name below the rest of a group
    filled = [cell for cell in low if cell]
    if not grouped or not rest or any(_DIGIT.search(cell) or not is_words(cell) for cell in filled):
        return None
    if any(
        t and b and t != b and (n + 1 >= width or top[n + 1] or not low[n + 1])
        for n, (t, b) in enumerate(zip(top, low, strict=True))
    ):
        return None  # a value below a name, and no group
    if not _is_above_values(low, rest):
        return None
    groups = [next((top[n] for n in range(at, -1, -1) if top[n]), "") for at in range(width)]
    names = [b or t for t, b in zip(top, low, strict=True)]
    return [
        f"{g} {name}" if b and g != name and names.count(name) > 1 else name
        for name, b, g in zip(names, low, groups, strict=True)
    ]


def is_words(text: str) -> bool:
    """Whether a cell holds words: neither empty, nor a number, an amount with its unit or a date."""
    return any(c.isalpha() for c in text) and not _VALUE.fullmatch(text)


def _is_header(row: Row) -> bool:
    cells = [cell for cell in row if cell]
    if any(cell.endswith(":") or len(cell) > 2 * _NAME for cell in cells):
        return False
    names = sum(is_words(cell) for cell in cells)
    years = sum(bool(_YEAR.fullmatch(cell)) for cell in cells)
    return names > 0 and 2 * (names + years) > len(cells)


def _is_above_values(row: Row, below: Sequence[Row]) -> bool:
    for column, name in enumerate(row):
        cells = [other[column] for other in below if column < len(other) and other[column]]
        if is_words(name) and 2 * sum(map(is_words, cells)) < len(cells):
            return True
    return False


def _filled(row: Row) -> int:
    return sum(map(bool, row))
