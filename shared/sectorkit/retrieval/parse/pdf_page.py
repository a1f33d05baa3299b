"""One PDF page as pdfium sees it: lines of words with place and font, and the rules drawn on it."""

from __future__ import annotations

import ctypes
import math
from dataclasses import dataclass
from typing import Any, TypeAlias

Pointer: TypeAlias = Any  # pdfium's handles; its bindings carry no types

_BOLD = ("bold", "black", "heavy", "demi", "semibold")
_MOST_OBJECTS, _MOST_SEGMENTS, _MOST_RULES = 20_000, 1_000, 4_000
_HYPHEN = 2  # pdfium's code for a hyphen that divides a word at a line's end
_PATH, _IMAGE = 2, 3


@dataclass(frozen=True, slots=True)
class Word:
    """A run without spaces. Coordinates in points, the page's origin at the bottom left, as the page is seen.

    `y0` is the base line, or the box's bottom on a page that is turned.
    """

    text: str
    x0: float
    y0: float
    x1: float
    y1: float
    size: float
    bold: bool


@dataclass(frozen=True, slots=True)
class Rule:
    """A horizontal or vertical line: at `at` on its own axis, from `start` to `end` on the other."""

    at: float
    start: float
    end: float


@dataclass(frozen=True)
class Page:
    number: int
    height: float
    lines: tuple[tuple[Word, ...], ...]
    horizontal: tuple[Rule, ...]
    vertical: tuple[Rule, ...]
    has_image: bool
    is_blank: bool  # nothing is drawn at all, so there is nothing that could be missing
    unreadable: float  # share of characters whose font does not say which letter they are


class PageReader:
    """Reads the pages of one open document; remembers its fonts."""

    def __init__(self) -> None:
        from pypdfium2 import raw

        self.raw = raw
        self._bold: dict[int, bool] = {}

    def read(self, page: Any, number: int) -> Page:
        """`page` is a pypdfium2 page. Raises PdfiumError where its text cannot be loaded."""
        raw = self.raw
        self._turn = raw.FPDFPage_GetRotation(page.raw)
        self._width, self._height = page.get_size() if self._turn % 2 == 0 else page.get_size()[::-1]
        textpage = page.get_textpage()
        try:
            lines, unreadable = self._lines(textpage.raw)
        finally:
            textpage.close()
        count = raw.FPDFPage_CountObjects(page.raw)
        horizontal, vertical = self._rules(page.raw, count) if lines and count <= _MOST_OBJECTS else ((), ())
        height = self._width if self._turn % 2 else self._height
        objects = (raw.FPDFPage_GetObject(page.raw, at) for at in range(min(count, _MOST_OBJECTS)))
        has_image = any(raw.FPDFPageObj_GetType(item) == _IMAGE for item in objects)
        return Page(number, height, lines, horizontal, vertical, has_image, count == 0, unreadable)

    def _lines(self, text: Pointer) -> tuple[tuple[tuple[Word, ...], ...], float]:
        raw = self.raw
        count = raw.FPDFText_CountChars(text)
        get = raw.FPDFText_GetUnicode
        codes = [get(text, at) for at in range(max(0, count))]
        lines: list[tuple[Word, ...]] = []
        line: list[Word] = []
        start = 0
        for at, code in enumerate([*codes, 13]):
            if code not in (32, 9, 13, 10, _HYPHEN):
                continue
            if at > start or code == _HYPHEN:
                line.append(self._word(text, codes, start, at, code == _HYPHEN))
            if code not in (32, 9) and line:
                lines.append(tuple(line))
                line = []
            start = at + 1
        odd = sum(code in (0, 0xFFFD) or 0xE000 <= code <= 0xF8FF for code in codes)
        return tuple(lines), odd / max(1, len(codes))

    def _word(self, text: Pointer, codes: list[int], start: int, end: int, divided: bool) -> Word:
        raw = self.raw
        last = end if divided else end - 1
        rect, other, matrix = raw.FS_RECTF(), raw.FS_RECTF(), raw.FS_MATRIX()
        raw.FPDFText_GetLooseCharBox(text, start, rect)
        raw.FPDFText_GetLooseCharBox(text, last, other)
        size = raw.FPDFText_GetFontSize(text, start)
        if raw.FPDFText_GetMatrix(text, start, matrix):
            size *= math.hypot(matrix.b, matrix.d) or 1.0
        left, right = min(rect.left, other.left), max(rect.right, other.right)
        x0, y0, x1, y1 = self._seen(left, min(rect.bottom, other.bottom), right, max(rect.top, other.top))
        if not self._turn:  # the base line: boxes of two fonts in one line begin at different heights
            x, y = ctypes.c_double(), ctypes.c_double()
            y0 = y.value if raw.FPDFText_GetCharOrigin(text, start, x, y) else y0
        letters = "".join(map(chr, codes[start:end]))
        if any(0xD800 <= code < 0xE000 for code in codes[start:end]):
            letters = letters.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        return Word(letters + "-" * divided, x0, y0, x1, y1, round(size, 1), self._is_bold(text, start))

    def _is_bold(self, text: Pointer, at: int) -> bool:
        raw = self.raw
        item = raw.FPDFText_GetTextObject(text, at)
        font = raw.FPDFTextObj_GetFont(item) if item else None
        if not font:
            return False
        key = ctypes.cast(font, ctypes.c_void_p).value or 0
        if key not in self._bold:
            name = ctypes.create_string_buffer(200)
            raw.FPDFFont_GetBaseFontName(font, name, 200)
            low = name.value.decode("utf-8", "replace").lower()
            self._bold[key] = any(mark in low for mark in _BOLD)
        return self._bold[key]

    def _seen(self, x0: float, y0: float, x1: float, y1: float) -> tuple[float, float, float, float]:
        """A box on the page as it is turned for the reader."""
        width, height = self._width, self._height
        if self._turn == 1:
            return y0, width - x1, y1, width - x0
        if self._turn == 2:
            return width - x1, height - y1, width - x0, height - y0
        if self._turn == 3:
            return height - y1, x0, height - y0, x1
        return x0, y0, x1, y1

    def _rules(self, page: Pointer, count: int) -> tuple[tuple[Rule, ...], tuple[Rule, ...]]:
        raw = self.raw
        horizontal: list[Rule] = []
        vertical: list[Rule] = []
        matrix, x, y = raw.FS_MATRIX(), ctypes.c_float(), ctypes.c_float()
        for at in range(count):
            item = raw.FPDFPage_GetObject(page, at)
            if raw.FPDFPageObj_GetType(item) != _PATH or len(horizontal) + len(vertical) > _MOST_RULES:
                continue
            segments = raw.FPDFPath_CountSegments(item)
            if not 2 <= segments <= _MOST_SEGMENTS or not raw.FPDFPageObj_GetMatrix(item, matrix):
                continue
            first = last = (0.0, 0.0)
            for index in range(segments):
                segment = raw.FPDFPath_GetPathSegment(item, index)
                raw.FPDFPathSegment_GetPoint(segment, x, y)
                point = (
                    matrix.a * x.value + matrix.c * y.value + matrix.e,
                    matrix.b * x.value + matrix.d * y.value + matrix.f,
                )
                kind = raw.FPDFPathSegment_GetType(segment)
                if kind == raw.FPDF_SEGMENT_MOVETO:
                    first = point
                elif kind == raw.FPDF_SEGMENT_LINETO:
                    self._rule(last, point, horizontal, vertical)
                if raw.FPDFPathSegment_GetClose(segment):
                    self._rule(point, first, horizontal, vertical)
                last = point
        return tuple(horizontal), tuple(vertical)

    def _rule(
        self, a: tuple[float, float], b: tuple[float, float], horizontal: list[Rule], vertical: list[Rule]
    ) -> None:
        x0, y0, x1, y1 = self._seen(min(a[0], b[0]), min(a[1], b[1]), max(a[0], b[0]), max(a[1], b[1]))
        if y1 - y0 < 1 and x1 - x0 > 4:
            horizontal.append(Rule((y0 + y1) / 2, x0, x1))
        elif x1 - x0 < 1 and y1 - y0 > 4:
            vertical.append(Rule((x0 + x1) / 2, y0, y1))
