"""CSV and TSV: the rows of a table as text, with whatever stands between its values found by looking.

Rows count as a spreadsheet counts them: a value with line breaks in quotes is one row, and an empty line is one too.
"""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from sectorkit.errors import DocumentError
from sectorkit.retrieval.parse.document import Draft, ParsedDocument
from sectorkit.retrieval.parse.encoding import read_text
from sectorkit.retrieval.parse.normalise import visible
from sectorkit.retrieval.parse.tables import Tables

_DELIMITERS = ",;\t|"
_SAMPLED, _SAMPLED_CHARACTERS = 200, 2**18  # rows that are looked at to find the delimiter
_STATED = re.compile(r"sep=(.)\n", re.IGNORECASE)  # Excel's own first line, which it does not show
_END = "\ue000"  # private use: if this line is no row of its own, a quotation mark before it was never closed


def parse_csv(path: Path) -> ParsedDocument:
    """Raises DocumentError where the file is binary, too long, or is no table in any reading."""
    text, notes = read_text(path)
    text = visible(text)
    stated = _STATED.match(text)
    if stated:
        text = text[stated.end() :]
    # The limit is the process's own, and this process only parses; the file's size bounds a value as well.
    csv.field_size_limit(max(2**17, len(text) + 1))
    delimiter = stated.group(1) if stated else _delimiter(text, "\t" if path.suffix.lower() == ".tsv" else ",")
    quoting = csv.QUOTE_MINIMAL
    if not _is_well_formed(text, delimiter):
        # An inch mark that opens a value swallows the rows below it. Take the reading that leaves more of them alike.
        quoting = max(csv.QUOTE_MINIMAL, csv.QUOTE_NONE, key=lambda q: _regular_rows(text, delimiter, q))
        what = "as a character" if quoting == csv.QUOTE_NONE else "as well as it could be"
        notes.append(f'a quotation mark is not closed where its value ends: every " was read {what}; check the rows')
    draft = Draft()
    rows = ([" ".join(value.split()) for value in row] for row in _rows(text, delimiter, quoting))
    try:
        end = Tables(draft).add(rows)
    except csv.Error as error:
        raise DocumentError(f"{path.name} is not a readable table ({error}). Save it again as CSV in UTF-8.") from None
    if end is not None:
        notes.append(f"read up to row {end:,}; what follows was left out: split the file")
    return draft.finish(notes=tuple(notes), page_name="sheet")


def _rows(text: str, delimiter: str, quoting: int) -> Iterator[list[str]]:
    return csv.reader(_lines(text), delimiter=delimiter, quoting=quoting)  # type: ignore[arg-type]


def _lines(text: str) -> Iterator[str]:
    """The lines of a text with their ends, without a copy of all of them."""
    start = 0
    while start < len(text):
        end = text.find("\n", start) + 1 or len(text)
        yield text[start:end]
        start = end


def _is_well_formed(text: str, delimiter: str) -> bool:
    """Whether each quotation mark that opens a value is closed at its end."""
    if '"' not in text:
        return True
    last: list[str] = []
    try:
        for last in csv.reader(_lines(f"{text}\n{_END}\n"), delimiter=delimiter, strict=True):  # noqa: B007
            pass
    except csv.Error:
        return False
    return last == [_END]


def _regular_rows(text: str, delimiter: str, quoting: int) -> int:
    """How many rows are as wide as most are."""
    widths = Counter(len(row) for row in _rows(text, delimiter, quoting) if row)
    return max(widths.values(), default=0)


def _delimiter(text: str, usual: str) -> str:
    """The character that divides most rows into the same number of values, of which there are two at least.

    Where several do so equally well it is the one that makes more values of them, then the `usual` one.
    """
    best, found = (0.0, 0, False), usual
    sample = text[:_SAMPLED_CHARACTERS]
    for delimiter in _DELIMITERS:
        try:
            rows = [len(row) for row in islice(_rows(sample, delimiter, csv.QUOTE_MINIMAL), _SAMPLED) if row]
        except csv.Error:
            continue
        wide = Counter(width for width in rows if width > 1)
        if not wide:
            continue
        width, count = wide.most_common(1)[0]
        # A decimal comma is in most rows too, but hardly in the first, which names the columns.
        score = (round(count / len(rows), 1) + (rows[0] == width), width, delimiter == usual)
        if score > best:
            best, found = score, delimiter
    return found
