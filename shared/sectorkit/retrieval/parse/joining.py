"""Joining: lines that a page's width broke become running text again."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

# Scripts written without spaces, and their punctuation: a line end there is no space.
_UNSPACED = re.compile(r"[\u2e80-\u303f\u3041-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uff00-\uffef]")
_INNER_SPACE = re.compile(rf"(?<={_UNSPACED.pattern}) (?={_UNSPACED.pattern})")
_BROKEN = re.compile(r"([^\W\d_]+)[-\u2010]$")
_NEXT = re.compile(r"[^\W\d_]+")


def join_lines(lines: Iterable[str], keeps_hyphen: Callable[[str, str], bool] = lambda head, tail: True) -> str:
    """One paragraph of `lines`.

    `keeps_hyphen(head, tail)` says of a word that a line end divides whether the hyphen is its own: it is in
    "multi-/dwelling" and is not in "ordi-/nance".
    """
    text = ""
    for line in (line.strip(" \t") for line in lines):
        if not text or not line:
            text = text or line
            continue
        head, tail = _BROKEN.search(text), _NEXT.match(line)
        if head and tail:
            text = (text if keeps_hyphen(head.group(1), tail.group()) else text[:-1]) + line
        elif (_UNSPACED.match(text[-1]) and _UNSPACED.match(line[0])) or (
            text[-1] in "-\u2010/" and len(text) > 1 and text[-2].isalnum()
        ):
            text += line
        else:
            text += " " + line
    return text


def without_inner_spaces(line: str) -> str:
    """A line whose signs of scripts without spaces stand apart, as OCR has them, with these together."""
    return _INNER_SPACE.sub("", line)


def hyphens(text: str) -> Callable[[str, str], bool]:
    """A judge for `join_lines` that knows the words of `text`, a whole document.

    A divided word is one word where the document has it so elsewhere; it keeps its hyphen where the document
    has it with one, or where its second half begins with a capital ("Vieux-/Port").
    """
    known = set(re.findall(r"[^\W\d_]+(?:[-\u2010][^\W\d_]+)*", text.lower()))

    def keeps(head: str, tail: str) -> bool:
        head, low = head.lower(), tail.lower()
        if f"{head}-{low}" in known:
            return True
        if head + low in known:
            return False
        return tail[0].isupper()

    return keeps
