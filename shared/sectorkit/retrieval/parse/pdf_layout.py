"""From PDF pages to blocks: headings and paragraphs out of lines that only have a place and a font."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence

from sectorkit.retrieval.parse.document import Draft, Kind
from sectorkit.retrieval.parse.joining import hyphens, join_lines
from sectorkit.retrieval.parse.outline import numbered_level
from sectorkit.retrieval.parse.pdf_lines import (
    BULLET,
    MARKER,
    Line,
    Piece,
    Row,
    right_edges,
    without_repeated_heads,
)

_LIST_MARKER = re.compile(r"\(?(\d{1,3}|[a-z]|[ivx]{1,5})[.)]$|\(\d{1,3}\)$")
_ENDS = re.compile(r"[.;:!?。；：！？…][\"'»”’)）」』]*$")
_LEADER = re.compile(r"(\.\s?){5}|…{2}|_{5}")  # a line of a table of contents, or a form's blank
_CJK_END = re.compile(r"[\u3000-\u9fff\uff00-\uffef]$")


class Layout:
    """What the whole document says about its parts: the body's font size, its line pitch, its words."""

    def __init__(self, lines: Sequence[Line]) -> None:
        weights: Counter[float] = Counter()
        gaps: Counter[float] = Counter()
        for above, line in zip([None, *lines], lines, strict=False):
            weights[line.size] += len(line.text)
            if above is not None and above.page == line.page and above.size == line.size:
                gaps[round((above.y - line.y) / max(1.0, line.size), 2)] += 1
        self.body = weights.most_common(1)[0][0] if weights else 10.0
        likely = [(count, gap) for gap, count in gaps.items() if 0.9 < gap < 2.2]
        self.pitch = max(likely)[1] if likely else 1.2  # in units of the font's size
        self._keeps_hyphen = hyphens("\n".join(line.text for line in lines))
        big = [line for line in lines if self._is_big(line)]
        pages = len({line.page for line in lines})
        # Where size marks the headings, a bold line is only bold; where it does not, bold is what marks them.
        self._bold_marks = len(big) - 1 < max(2, pages // 3)
        bold = sum(len(line.text) for line in lines if line.bold)
        self._bold_is_usual = 2 * bold > sum(weights.values())
        self._levels = self._rank([line for line in lines if self.is_heading(line)])

    def _is_big(self, line: Line) -> bool:
        return line.size >= 1.12 * self.body and len(line.text) <= 250 and any(c.isalpha() for c in line.text)

    def is_heading(self, line: Line) -> bool:
        if _LEADER.search(line.text):
            return False
        if self._is_big(line):
            return True
        if not line.bold or self._bold_is_usual or len(line.text) > 120 or line.size < 0.95 * self.body:
            return False
        return bool(numbered_level(line.text)) or (self._bold_marks and not _ENDS.search(line.text))

    def _rank(self, headings: Sequence[Line]) -> dict[tuple[float, bool, int], int]:
        """Levels by size, and within one size by the depth of the numbers in use."""
        depths: dict[float, dict[bool, set[int]]] = {}
        for line in headings:
            schemes = depths.setdefault(self._tier(line), {True: set(), False: set()})
            if depth := numbered_level(line.text):
                schemes[line.text[0].isdigit()].add(depth)
        levels: dict[tuple[float, bool, int], int] = {}
        level = 0
        for tier in sorted(depths, reverse=True):
            # "2.1" and "Article 3" in one font are of one level; so are headings without a number.
            for by_digits, numbered in depths[tier].items():
                for below, depth in enumerate(sorted(numbered)):
                    levels[tier, by_digits, depth] = min(9, level + 1 + below)
            levels[tier, False, 0] = levels[tier, True, 0] = min(9, level + 1)
            level += max(1, *map(len, depths[tier].values()))
        return levels

    def _tier(self, line: Line) -> float:
        return round(line.size * 2) / 2 if self._is_big(line) else 0.0

    def level(self, line: Line, text: str) -> int:
        """The level of a heading that begins with `line` and reads `text` in full."""
        tier, by_digits = self._tier(line), text[:1].isdigit()
        found = self._levels.get((tier, by_digits, numbered_level(text)))
        return found or self._levels.get((tier, by_digits, 0), 9)

    def add(self, draft: Draft, found: Sequence[Piece]) -> None:
        """Append the pieces of all pages as blocks."""
        for group in self._paragraphs(found):
            first = group[0]
            if isinstance(first, Row):
                draft.add(first.text, "row", page=first.page)
                continue
            texts = [piece.text for piece in group]
            if self.is_heading(first):
                text = join_lines(texts, self._keeps_hyphen)
                draft.add(text, "heading", level=self.level(first, text), page=first.page)
                continue
            kind: Kind = "item" if self._is_item(first) else "paragraph"
            if len(first.words) > 1 and BULLET.match(first.words[0].text):
                texts[0] = " ".join(word.text for word in first.words[1:])
            draft.add(join_lines(texts, self._keeps_hyphen), kind, page=first.page)

    @staticmethod
    def _is_item(line: Line) -> bool:
        first = line.words[0].text
        return len(line.words) > 1 and bool(BULLET.match(first) or _LIST_MARKER.match(first))

    def _paragraphs(self, found: Sequence[Piece]) -> Iterator[list[Piece]]:
        group: list[Piece] = []
        right = right_edges(found)
        for piece in without_repeated_heads(found):
            last = group[-1] if group else None
            joins = isinstance(last, Line) and isinstance(piece, Line) and self._continues(last, piece, right[id(last)])
            if group and not joins:
                yield group
                group = []
            group.append(piece)
        if group:
            yield group

    def _continues(self, last: Line, line: Line, right: float) -> bool:
        """Whether `line` goes on with the paragraph of `last`; `right` is where a full line would end."""
        gap = last.y - line.y if last.page == line.page else -1.0
        shared = {word.size for word in last.words} & {word.size for word in line.words}
        if not shared and abs(last.size - line.size) > 0.08 * last.size:
            return False
        heading = self.is_heading(last)
        if heading != self.is_heading(line):
            return False
        if heading:
            return 0 < gap < 1.7 * line.size and not numbered_level(line.text) and last.bold == line.bold
        if not gap > 0:  # a new column or page: the text goes on where a sentence does
            if MARKER.match(line.words[0].text) or _ENDS.search(last.text):
                return False
            return line.text[:1].islower() or (bool(_CJK_END.search(last.text)) and right - last.x1 < 3.2 * last.size)
        if gap > (self.pitch + 0.25) * line.size:
            return False
        ended = bool(_ENDS.search(last.text))
        room = right - last.x1
        is_short = room > 0.08 * right
        if BULLET.match(line.words[0].text) and len(line.words) > 1:
            return not (ended or is_short or BULLET.match(last.words[0].text))
        if MARKER.match(line.words[0].text):
            return not (ended or is_short)
        if _CJK_END.search(last.text):
            return room < 3.2 * last.size
        space = 0.3 * last.size
        fits = room > space + (line.words[0].x1 - line.words[0].x0) + 2
        return not fits or (not ended and line.text[:1].islower())
