"""Running headers and footers: what stands at the top or bottom of page after page is no part of the text."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sectorkit.retrieval.parse.pdf_lines import Line
from sectorkit.retrieval.parse.pdf_page import Page
from sectorkit.retrieval.parse.pdf_tables import columns

_ZONE = 3  # lines from each end of a page that may be running ones
_MARGIN = 0.075  # of the page's height: where text of the body does not reach
_NUMBER = re.compile(r"\d+")
_LAST_NUMBER = re.compile(r"\d+$")
_PAGE_NUMBER = re.compile(
    r"(page|seite|pagina|página|p\.|第)?\s*[-–—]?\s*(\d{1,4})\s*[-–—]?\s*(页)?(\s*(/|of|von|sur|de|共)\s*\d{1,4}\s*页?)?",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class _Key:
    """What two running lines have in common. A weak one needs more company: "Article 3" may head page 3 too."""

    text: str
    height: int
    is_weak: bool = False


def without_running(pages: Sequence[tuple[Page, list[Line]]]) -> list[list[Line]]:
    """The lines of each page without those that repeat at one height on two pages in five, and at least two.

    "Page 3 of 9" repeats too: one of a line's numbers may be ahead of the page's by a constant. So does a
    header that names the chapter, where such a number stands apart or at an end of the outermost line.
    """
    seen: Counter[_Key] = Counter()
    candidates: list[dict[int, set[_Key]]] = []
    for page, lines in pages:
        edges = _edges(lines)
        keys = {id(line): set(_keys(line, page)) for line in edges}
        for outermost in edges[:1] + edges[-1:]:
            keys[id(outermost)] |= set(_folios(outermost, page))
        candidates.append(keys)
        seen.update({key for found in keys.values() for key in found})
    usual, weak = max(2, round(0.4 * len(pages))), max(4, round(0.5 * len(pages)))
    running = {key for key, count in seen.items() if count >= (weak if key.is_weak else usual)}
    kept = []
    for (page, lines), keys in zip(pages, candidates, strict=True):
        bottom = min(lines, key=lambda line: line.y, default=None)
        text = [
            line
            for line in lines
            if running.isdisjoint(keys.get(id(line), ())) and not (line is bottom and _is_page_number(line, page))
        ]
        # Copies of one page repeat in all their lines. A scan with a stamp on each page does so too: no text.
        kept.append(text if text or page.has_image else lines)
    return kept


def _edges(lines: Sequence[Line]) -> list[Line]:
    by_height = sorted(lines, key=lambda line: line.y)
    return by_height if len(by_height) <= 2 * _ZONE else by_height[:_ZONE] + by_height[-_ZONE:]


def _keys(line: Line, page: Page) -> Iterator[_Key]:
    text = line.text
    in_margin = not _MARGIN < line.y / max(1.0, page.height) < 1 - _MARGIN
    is_weak = not in_margin and not _PAGE_NUMBER.fullmatch(text)
    for height in {round(line.y / 4), round(line.y / 4 + 0.5)}:
        yield _Key(text, height)
        for match in list(_NUMBER.finditer(text))[:6]:
            yield _Key(_numbered(text, match, page), height, is_weak)


def _folios(line: Line, page: Page) -> Iterator[_Key]:
    """Keys of a line by its page number alone, wherever in it that stands apart."""
    if len(line.text) > 120:
        return
    height = round(line.y / 8)
    for match in (_NUMBER.match(line.text), _LAST_NUMBER.search(line.text)):
        if match and len(match.group()) <= 4:
            yield _Key(f"\0{int(match.group()) - page.number:+d}", height, is_weak=True)
    parts = [" ".join(word.text for word in part) for part in columns(line.words)]
    for part in parts if len(parts) > 1 else ():
        for match in _NUMBER.finditer(part):
            yield _Key(_numbered(part, match, page), height, is_weak=True)


def _numbered(text: str, match: re.Match[str], page: Page) -> str:
    """`text`, with how far one of its numbers is ahead of the page's in that number's place."""
    return f"{text[: match.start()]}\0{int(match.group()[:6]) - page.number:+d}{text[match.end() :]}"


def _is_page_number(line: Line, page: Page) -> bool:
    match = _PAGE_NUMBER.fullmatch(line.text.strip())
    return match is not None and line.y < 0.12 * page.height and int(match.group(2)) == page.number
