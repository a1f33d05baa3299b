"""Running headers and footers: what stands at the top or bottom of page after page is no part of the text."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence

from sectorkit.retrieval.parse.pdf_lines import Line
from sectorkit.retrieval.parse.pdf_page import Page
from sectorkit.retrieval.parse.pdf_tables import columns

_ZONE = 3  # lines from each end of a page that may be running ones
_NUMBER = re.compile(r"\d+")
_LAST_NUMBER = re.compile(r"\d+$")
_PAGE_NUMBER = re.compile(
    r"(page|seite|pagina|página|p\.|第)?\s*[-–—]?\s*(\d{1,4})\s*[-–—]?\s*(页)?(\s*(/|of|von|sur|de|共)\s*\d{1,4}\s*页?)?",
    re.IGNORECASE,
)


def without_running(pages: Sequence[tuple[Page, list[Line]]]) -> list[list[Line]]:
    """The lines of each page without those that repeat at one height on two pages in five, and at least two.

    "Page 3 of 9" repeats too: one of a line's numbers may be ahead of the page's by a constant. So does a
    header that names the chapter, where the outermost line of those pages begins or ends with such a number.
    """
    seen: Counter[tuple[str, int]] = Counter()
    candidates: list[dict[int, set[tuple[str, int]]]] = []
    for page, lines in pages:
        keys = {id(line): set(_keys(line, page)) for line in _edges(lines)}
        if len(pages) >= 5:
            for outermost in _edges(lines)[:1] + _edges(lines)[-1:]:
                keys[id(outermost)] |= set(_folios(outermost, page))
        candidates.append(keys)
        seen.update({key for found in keys.values() for key in found})
    enough = max(2, round(0.4 * len(pages)))
    kept = []
    for (page, lines), keys in zip(pages, candidates, strict=True):
        bottom = min(lines, key=lambda line: line.y, default=None)
        kept.append(
            [
                line
                for line in lines
                if not any(seen[key] >= enough for key in keys.get(id(line), ()))
                and not (line is bottom and _is_page_number(line, page))
            ]
        )
    return kept


def _edges(lines: Sequence[Line]) -> list[Line]:
    by_height = sorted(lines, key=lambda line: line.y)
    return by_height if len(by_height) <= 2 * _ZONE else by_height[:_ZONE] + by_height[-_ZONE:]


def _keys(line: Line, page: Page) -> Iterator[tuple[str, int]]:
    text = line.text
    numbers = list(_NUMBER.finditer(text))[:6]
    for height in {round(line.y / 4), round(line.y / 4 + 0.5)}:
        yield text, height
        for match in numbers:
            ahead = int(match.group()[:6]) - page.number
            yield f"{text[: match.start()]}\0{ahead:+d}{text[match.end() :]}", height


def _folios(line: Line, page: Page) -> Iterator[tuple[str, int]]:
    """Keys of a line by its page number alone, wherever in it that stands apart."""
    if len(line.text) > 120:
        return
    height = round(line.y / 8)
    for match in (_NUMBER.match(line.text), _LAST_NUMBER.search(line.text)):
        if match and len(match.group()) <= 4:
            yield f"\0{int(match.group()) - page.number:+d}", height
    parts = [" ".join(word.text for word in part) for part in columns(line.words)]
    for part in parts if len(parts) > 1 else ():
        for match in _NUMBER.finditer(part):
            yield (
                f"\0{part[: match.start()]}{int(match.group()[:6]) - page.number:+d}{part[match.end() :]}",
                height,
            )


def _is_page_number(line: Line, page: Page) -> bool:
    match = _PAGE_NUMBER.fullmatch(line.text.strip())
    return bool(match) and line.y < 0.12 * page.height and int(match.group(2)) == page.number  # type: ignore[union-attr]
