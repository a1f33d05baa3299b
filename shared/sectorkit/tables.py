"""Tables: rows and columns read back from a document's text, each row with its place there, so that it can be cited.

A table of a page stands in the text as lines "A | B | C", one of a spreadsheet as "Machine: P-1 | Pressure: 3.5 bar" below
the line that names its columns (see retrieval/parse/tables.py). Reading tables from the text, and not from the file again,
keeps a quote of a row an exact slice, and hostile files where they are parsed: in a process of their own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby

from sectorkit.retrieval.passage import Passage

_BAR = " | "


@dataclass(frozen=True)
class Row:
    """`cells` are those of the table's columns, "" where one is empty; `text[start:end]` is the row in its document.

    `number` is the row's in its sheet, from 1; None where there is no sheet.
    """

    cells: tuple[str, ...]
    start: int
    end: int
    number: int | None = None


@dataclass(frozen=True)
class Table:
    """A table of one document. `name` is its sheet's, or "" where it has none.

    `unread` are the rows that have more cells than the table has columns, and so could not be read.
    """

    columns: tuple[str, ...]
    rows: tuple[Row, ...]
    name: str = ""
    unread: tuple[Row, ...] = ()

    def has(self, *columns: str) -> bool:
        """Whether it has all of these columns, whatever their case."""
        return {column.casefold() for column in columns} <= {column.casefold() for column in self.columns}

    def cell(self, row: Row, column: str) -> str:
        """A row's value in the column of that name, whatever its case. KeyError where there is no such column."""
        for name, cell in zip(self.columns, row.cells, strict=True):
            if name.casefold() == column.casefold():
                return cell
        raise KeyError(column)


@dataclass
class _Reading:
    """A table of which more lines may follow."""

    columns: tuple[str, ...]
    name: str
    labelled: bool = False
    rows: list[Row] = field(default_factory=list)
    unread: list[Row] = field(default_factory=list)

    def table(self) -> Table:
        return Table(self.columns, tuple(self.rows), self.name, tuple(self.unread))


def tables_of(text: str, passages: Sequence[Passage] = ()) -> list[Table]:
    """The tables of a document's text, in order, each with at least one row. `passages` tell which are of sheets."""
    numbers = {start: number for passage in passages for start, number in passage.metadata.get("rows", ())}
    sheets = {p.metadata["start"]: str(p.metadata["heading"]) for p in passages if p.metadata.get("rows")}
    found: list[_Reading] = []
    for is_sheet, lines in groupby(_lines(text), key=lambda line: line[0] in numbers):
        if is_sheet:
            found.extend(_of_sheets(text, [(a, b, numbers[a]) for a, b in lines], sheets))
        else:
            found.extend(_of_page(text, list(lines)))
    return [reading.table() for reading in found if reading.rows]


def _lines(text: str) -> Iterator[tuple[int, int]]:
    at = 0
    for line in text.split("\n"):
        if line.strip():
            yield at, at + len(line)
        at += len(line) + 1


def _of_page(text: str, lines: Sequence[tuple[int, int]]) -> Iterator[_Reading]:
    """Runs of lines with bars; the first of a run names the columns."""
    reading: _Reading | None = None
    last = -2
    for start, end in lines:
        cells = _cells(text[start:end])
        follows = text[last:start].strip() == "" and text.count("\n", last, start) <= 1
        if len(cells) < 2 or (reading is not None and not follows):
            if reading is not None:
                yield reading
            reading = None
        if len(cells) >= 2:
            if reading is None:
                reading = _Reading(cells, "")
            else:
                _add(reading, cells, start, end, None)
        last = end
    if reading is not None:
        yield reading


def _add(reading: _Reading, cells: tuple[str, ...], start: int, end: int, number: int | None) -> None:
    width = len(reading.columns)
    if len(cells) > width:
        reading.unread.append(Row(cells, start, end, number))
    else:
        reading.rows.append(Row(cells + ("",) * (width - len(cells)), start, end, number))


def _of_sheets(text: str, lines: Sequence[tuple[int, int, int]], sheets: Mapping[int, str]) -> Iterator[_Reading]:
    """The rows of sheets: labelled ones below the line that has their labels; a long row goes on in the next line."""
    reading: _Reading | None = None
    sheet, previous = "", 0
    for start, end, number in lines:
        if number < previous:
            reading = None
        sheet, previous = sheets.get(start, sheet), number
        line = text[start:end]
        values = _labelled(line, reading.columns) if reading else None
        if reading is None or values is None:
            if reading is not None:
                yield reading
            cells = _cells(line)
            reading = _Reading(cells, sheet) if len(cells) >= 2 else None
        elif reading.rows and reading.rows[-1].number == number:  # the rest of a long row
            before = reading.rows.pop()
            cells = tuple(b or values.get(n, "") for n, b in enumerate(before.cells))
            reading.rows.append(Row(cells, before.start, end, number))
        else:
            cells = tuple(values.get(n, "") for n in range(len(reading.columns)))
            reading.rows.append(Row(cells, start, end, number))
    if reading is not None:
        yield reading


def _labelled(line: str, columns: Sequence[str]) -> dict[int, str] | None:
    """The values of a line "Pump: P-12 | Pressure: 3.5 bar" by column; None where it is no such line.

    What stands behind a bar and has no column's name belongs to the value before it.
    """
    places = {name: n for n, name in reversed(list(enumerate(columns))) if name}
    values: dict[int, str] = {}
    last = -1
    for part in line.split(_BAR):
        at = None
        colon = part.find(": ")
        while colon >= 0:  # a column's name may hold one, too
            at = places.get(part[:colon])
            if at is not None:
                break
            colon = part.find(": ", colon + 1)
        if at is not None and at <= last:  # a second column of the same name, or words that look like one
            at = next((n for n in range(last + 1, len(columns)) if columns[n] == part[:colon]), None)
        if at is not None:
            values[at], last = part[colon + 2 :], at
        elif last >= 0:
            values[last] += _BAR + part
        else:
            return None
    return values


def _cells(line: str) -> tuple[str, ...]:
    return tuple(cell.strip() for cell in line.split("|")) if "|" in line else ()
