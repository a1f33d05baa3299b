"""XLSX, by openpyxl: the visible sheets of a workbook, row by row, with the values that were stored with it.

A sheet's name is a heading, and each row a line that stands alone (see `tables`). Hidden sheets are left out and
named, as hidden text is in every format; hidden rows and columns are read, since most are hidden by a filter.
Nothing is calculated. Words that are merged over several rows are the value of each that has others; over columns, of
the first. A number that is merged over rows is the first one's.
"""

from __future__ import annotations

import os
import re
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any, TypeAlias

from sectorkit.errors import DocumentError
from sectorkit.retrieval.parse.cells import cell_text
from sectorkit.retrieval.parse.document import Draft, ParsedDocument
from sectorkit.retrieval.parse.normalise import DECLARED, declared, declared_title, primary_language
from sectorkit.retrieval.parse.office import Office, opened, reason, unreadable
from sectorkit.retrieval.parse.tables import Tables

Sheet: TypeAlias = Any  # openpyxl's; it carries no types

# Sheets are read as a stream, and only as far as `Tables` goes; a long one unpacks to more than there is memory.
_EXCEL = Office("XLSX", "Excel", "xl/", "workbook", unpacked=2 * 2**30)
_DAMAGE = (SyntaxError, ValueError, KeyError, IndexError, TypeError, AttributeError, zipfile.BadZipFile, zlib.error)
# A formula that ends its cell, with no value after it or an empty one.
_UNCALCULATED = re.compile(
    rb"(?:</(?:\w+:)?f>|<(?:\w+:)?f\b[^>]*/>)\s*(?:<(?:\w+:)?v\s*/>|<(?:\w+:)?v></(?:\w+:)?v>)?\s*</(?:\w+:)?c>"
)
_MERGED = re.compile(rb'<(?:\w+:)?mergeCell\s+ref="([A-Z]{1,3})([0-9]{1,7}):([A-Z]{1,3})([0-9]{1,7})"')
_MOST_MERGED = 20_000  # ranges of a sheet
_SCANNED = 256 * 2**20  # bytes of XML that are looked through for one thing


def parse_xlsx(path: Path) -> ParsedDocument:
    """Raises DocumentError where the file is no XLSX, is encrypted, damaged, would unpack to too much, or is empty."""
    # Where defusedxml happens to be installed, openpyxl reads by it, and gives up a sheet that breaks off as a whole. What it
    # guards against is guarded here: a process of its own with limits, and expat's own limit on entities.
    os.environ["OPENPYXL_DEFUSEDXML"] = "False"
    import openpyxl

    with opened(path, _EXCEL) as archive:
        names = archive.namelist()
        uncalculated = _uncalculated(archive)
        try:
            book = openpyxl.load_workbook(path, read_only=True, data_only=True, keep_links=False)
        except (*_DAMAGE, openpyxl.utils.exceptions.InvalidFileException) as error:
            raise unreadable(path, _EXCEL, reason(error)) from None
        try:
            reader = _Reader(archive)
            for page, name in enumerate(book.sheetnames, start=1):
                reader.add(book[name], page)
        finally:
            book.close()
    notes = reader.notes(uncalculated, names)
    if not len(reader.draft):
        raise DocumentError(
            f"{path.name} has no rows to read: {'; '.join(notes) or 'no sheet is in it; save it again from Excel'}."
        )
    about = book.properties
    metadata, problems = declared(
        [(p.name.lower(), str(p.value)) for p in book.custom_doc_props if p.name and p.name.lower() in DECLARED]
    )
    return reader.draft.finish(
        title=declared_title(about.title),
        language=primary_language(about.language),
        metadata=metadata,
        pages=len(book.sheetnames),
        notes=(*notes, *problems),
        page_name="sheet",
    )


class _Reader:
    """Adds sheets to a draft, and remembers what a person should know of them."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive
        self.draft = Draft()
        self._tables = Tables(self.draft)
        self._hidden: list[str] = []
        self._charts: list[str] = []
        self._empty: list[str] = []
        self._cut: list[str] = []
        self._errors = 0

    def add(self, sheet: Sheet, page: int) -> None:
        if sheet.sheet_state != "visible":
            self._hidden.append(sheet.title)
        elif not hasattr(sheet, "iter_rows"):
            self._charts.append(sheet.title)
        else:
            self._read(sheet, page)

    def _read(self, sheet: Sheet, page: int) -> None:
        sheet.reset_dimensions()  # what a workbook says of its size is often wrong, and rows would be filled up to it
        last = 0
        merged = _merged(self._archive, str(getattr(sheet, "_worksheet_path", "")))
        kept: dict[int, tuple[int, str]] = {}  # by column: until which row a merged value holds, and the value

        def rows() -> Iterator[list[str]]:
            nonlocal last
            for cells in sheet.iter_rows():
                last += 1
                row = [self._text(cell) for cell in cells]
                for column, end in merged.get(last, ()):
                    words = column < len(cells) and isinstance(cells[column].value, str)
                    # A number, said of all, would be added up for each.
                    kept[column] = end, row[column] if words else ""
                for column, (end, value) in kept.items() if any(row) else ():
                    if last <= end and value:
                        row += [""] * (column + 1 - len(row))
                        row[column] = row[column] or value
                if any(row) and not heading:
                    self.draft.add(sheet.title, "heading", level=1, page=page)
                    heading.append(sheet.title)
                yield row

        heading: list[str] = []
        try:
            end = self._tables.add(rows(), page=page)
        except _DAMAGE as error:
            self._cut.append(
                f"sheet {sheet.title} is damaged after row {last} ({reason(error)}): save it again from Excel"
            )
            return
        if end is not None:
            self._cut.append(
                f"sheet {sheet.title} was read up to row {end:,}, and what follows was left out: split the workbook"
            )
        elif not heading:
            self._empty.append(sheet.title)

    def _text(self, cell: Any) -> str:
        value = cell.value
        if value is None:
            return ""
        self._errors += cell.data_type == "e"
        is_number = isinstance(value, int | float)
        return cell_text(value, cell.number_format if is_number else None)

    def notes(self, uncalculated: int, parts: list[str]) -> tuple[str, ...]:
        """What was left out and why; `parts` are the names of the file's parts."""
        found = list(self._cut)
        if self._hidden:
            found.append(f"hidden and left out: {_listed(self._hidden)}; unhide what should be found")
        if self._charts:
            found.append(f"charts, which are not read: {_listed(self._charts)}")
        if self._empty:
            found.append(f"empty: {_listed(self._empty)}")
        if uncalculated:
            found.append(
                f"formulas without a stored value, which read as empty: {uncalculated}; open the workbook in Excel or "
                "LibreOffice and save it"
            )
        if self._errors:
            found.append(f"cells with an error such as #REF!: {self._errors}")
        if any(part.startswith(("xl/comments", "xl/threadedComments")) for part in parts):
            found.append("comments on cells are not read")
        if any(part.startswith("xl/media/") for part in parts):
            found.append("pictures are not read")
        return tuple(found)


def _listed(names: list[str]) -> str:
    shown = ", ".join(names[:10])
    more = f" and {len(names) - 10} more" if len(names) > 10 else ""
    return f"{'sheet' if len(names) == 1 else 'sheets'} {shown}{more}"


def _uncalculated(archive: zipfile.ZipFile) -> int:
    """How many formulas a program wrote without their value: openpyxl reads them as empty cells."""
    names = [n for n in archive.namelist() if n.startswith("xl/worksheets/") and n.endswith(".xml")]
    return sum(1 for _ in _matches(archive, names, _UNCALCULATED, longest=1000))


def _merged(archive: zipfile.ZipFile, name: str) -> dict[int, list[tuple[int, int]]]:
    """What a sheet has merged over several rows: by its first row, the column (from 0) and the last row of each."""
    from openpyxl.utils import column_index_from_string

    found: dict[int, list[tuple[int, int]]] = {}
    names = [n for n in archive.namelist() if n == name.lstrip("/")]
    merged = (m for m in _matches(archive, names, _MERGED, longest=100) if int(m[2]) < int(m[4]))
    for match in islice(merged, _MOST_MERGED):
        found.setdefault(int(match[2]), []).append((column_index_from_string(match[1].decode()) - 1, int(match[4])))
    return found


def _matches(
    archive: zipfile.ZipFile, names: Iterable[str], pattern: re.Pattern[bytes], *, longest: int
) -> Iterator[re.Match[bytes]]:
    """What the pattern finds in these parts, which are read as a stream; a match has `longest` bytes at most."""
    left = _SCANNED
    for name in names:
        tail = b""
        with archive.open(name) as stream:
            while left > 0 and (block := stream.read(2**20)):
                left -= len(block)
                text = tail + block
                end = 0
                for match in pattern.finditer(text):
                    yield match
                    end = match.end()
                tail = text[max(end, len(text) - longest) :]
