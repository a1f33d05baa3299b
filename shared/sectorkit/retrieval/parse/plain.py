"""Plain text: paragraphs between empty lines. Headings are not guessed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

from sectorkit.retrieval.parse.document import Draft, ParsedDocument
from sectorkit.retrieval.parse.encoding import read_text
from sectorkit.retrieval.parse.joining import join_lines
from sectorkit.retrieval.parse.normalise import visible

_EMPTY_LINES = re.compile(r"\n[^\S\n]*\n\s*")
_LISTED = re.compile(r"\s*([-*•–·]|\(?\d{1,3}[.)]|\(?[a-z][.)])\s|\s{4}|.*(\t|\s{3}|\|)")


def parse_plain(path: Path) -> ParsedDocument:
    """Raises DocumentError where the file is binary or its text too long."""
    text, notes = read_text(path)
    draft = Draft()
    for paragraph in paragraphs(visible(text)):
        draft.add(paragraph)
    return draft.finish(notes=tuple(notes))


def paragraphs(text: str) -> Iterator[str]:
    """What stands between empty lines of `text`, whose line ends are \\n."""
    for paragraph in _EMPTY_LINES.split(text):
        yield _unwrap(paragraph.strip("\n"))


def _unwrap(paragraph: str) -> str:
    """Join lines that were broken at a fixed width; lines that end where their sense does stay lines."""
    lines = paragraph.split("\n")
    widest = max(map(len, lines))
    if len(lines) < 2 or not 40 <= widest <= 130 or any(map(_LISTED.match, lines)):
        return paragraph
    if any(len(line) < 0.75 * widest for line in lines[:-1]):
        return paragraph
    # A fixed width leaves no room for the next word. One line that had room ended on purpose.
    for line, after in pairwise(lines):
        if len(line.rstrip()) + 1 + len(after.split(" ", 1)[0]) < widest - 2:
            return paragraph
    return join_lines(lines)
