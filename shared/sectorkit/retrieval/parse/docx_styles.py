"""What DOCX keeps outside the text: which style is a heading, and which number a list item shows."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

from sectorkit.retrieval.parse.outline import numbered_level

Element: TypeAlias = Any

_W = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
NS = {"w": _W}
_DEEPEST = 9
_HEADING = re.compile(r"heading ([1-9])")


def w(name: str) -> str:
    """A name in Word's namespace, as lxml writes it."""
    return f"{{{_W}}}{name}"


def value(element: Element | None, *, absent: str = "", bare: str = "1") -> str:
    """An element's `w:val`: `absent` without the element, `bare` without a value (a switch that is on)."""
    if element is None:
        return absent
    val = element.get(w("val"))
    return bare if val is None else "0" if val in ("false", "off") else str(val)


class Styles:
    """Paragraph styles by id. A built-in style's name is English in every language's Word; its id is not."""

    def __init__(self, part: Element | None) -> None:
        found = part.iterfind("w:style", NS) if part is not None else ()
        self._styles = {str(style.get(w("styleId"))): style for style in found}

    def _chain(self, paragraph: Element) -> Iterator[Element]:
        """The paragraph's own properties, then its style's, then that style's base's ..."""
        own = paragraph.find("w:pPr", NS)
        if own is not None:
            yield own
        name = value(own.find("w:pStyle", NS)) if own is not None else ""
        for _ in range(20):  # styles that are based on each other would go round for ever
            style = self._styles.get(name)
            if style is None:
                return
            yield style
            name = value(style.find("w:basedOn", NS))

    def level(self, paragraph: Element) -> int:
        """Heading level from 1, or 0. By outline level, then by the style's name ("heading 2", "Title")."""
        for properties in self._chain(paragraph):
            outline = properties.find("w:outlineLvl" if properties.tag == w("pPr") else "w:pPr/w:outlineLvl", NS)
            if outline is not None:
                number = value(outline)
                return int(number) + 1 if number in tuple("012345678") else 0
            name = value(properties.find("w:name", NS)).lower()
            if name == "title":
                return 1
            if match := _HEADING.fullmatch(name):
                return int(match.group(1))
        return 0

    def is_quote(self, paragraph: Element) -> bool:
        return any("quote" in value(p.find("w:name", NS)).lower() for p in self._chain(paragraph))

    def numbered(self, paragraph: Element) -> tuple[str, int] | None:
        """(list id, level from 0) of a list item; None for other paragraphs."""
        level: str | None = None
        for properties in self._chain(paragraph):
            inside = properties.find("w:numPr" if properties.tag == w("pPr") else "w:pPr/w:numPr", NS)
            if inside is None:
                continue
            level = level or value(inside.find("w:ilvl", NS)) or None
            list_id = value(inside.find("w:numId", NS))
            if list_id == "0":
                return None
            if list_id:
                return list_id, min(_DEEPEST - 1, _int(level))
        return None

    def guessed_level(self, paragraph: Element, text: str) -> int:
        """For documents without heading styles: a short line all in bold, or a numbered title."""
        if not text or len(text) > 120 or text[-1] in ".;,:。；，：":
            return 0
        runs = [r for r in paragraph.iter(w("r")) if "".join(t.text or "" for t in r.iter(w("t"))).strip()]
        bold = bool(runs) and all(value(r.find("w:rPr/w:b", NS), absent="0") != "0" for r in runs)
        level = numbered_level(text)
        return (level or 2) if bold else 0


class Numbering:
    """List numbers, counted along the document: Word stores none of them in the text."""

    def __init__(self, part: Element | None) -> None:
        self._levels: dict[tuple[str, int], tuple[str, str, int]] = {}  # (list, level): (format, text, start)
        self._counts: dict[tuple[str, int], int] = {}
        self._shared: dict[str, str] = {}  # lists of one abstract list count on together
        if part is None:
            return
        abstract = {a.get(w("abstractNumId")): a for a in part.iterfind("w:abstractNum", NS)}
        for num in part.iterfind("w:num", NS):
            list_id = str(num.get(w("numId")))
            base = value(num.find("w:abstractNumId", NS))
            overrides = num.findall("w:lvlOverride", NS)
            self._shared[list_id] = list_id if overrides else f"abstract {base}"
            found = list(abstract[base].iterfind("w:lvl", NS)) if base in abstract else []
            for level in found + [o.find("w:lvl", NS) for o in overrides if o.find("w:lvl", NS) is not None]:
                start = value(level.find("w:start", NS), absent="1")
                self._levels[list_id, _int(level.get(w("ilvl")))] = (
                    value(level.find("w:numFmt", NS), absent="decimal"),
                    value(level.find("w:lvlText", NS)),
                    _int(start, 1),
                )
            for override in overrides:
                key = (list_id, _int(override.get(w("ilvl"))))
                start = value(override.find("w:startOverride", NS))
                if start and key in self._levels:
                    self._levels[key] = (*self._levels[key][:2], _int(start, 1))

    def label(self, list_id: str, level: int) -> str:
        """Count one item of a list; the number it shows, such as "2.1 " or "(b) ", and "" for a bullet."""
        if (list_id, level) not in self._levels:
            return ""
        shared = self._shared[list_id]
        start = self._levels[list_id, level][2]
        self._counts[shared, level] = self._counts.get((shared, level), start - 1) + 1
        for deeper in range(level + 1, _DEEPEST):
            self._counts.pop((shared, deeper), None)
        style, pattern, _ = self._levels[list_id, level]
        if style in ("bullet", "none") or not pattern:
            return ""

        def number(match: re.Match[str]) -> str:
            at = int(match.group(1)) - 1
            form, _, first = self._levels.get((list_id, at), ("decimal", "", 1))
            return _FORMATS.get(form, str)(self._counts.get((shared, at), first))

        return re.sub(r"%([1-9])", number, pattern).strip() + " "


def _int(text: str | None, otherwise: int = 0) -> int:
    return int(text) if text and re.fullmatch(r"\d{1,6}", text) else otherwise


def _letters(number: int) -> str:
    return chr(97 + (number - 1) % 26) * min(8, (number - 1) // 26 + 1)


def _roman(number: int) -> str:
    text = ""
    for amount, letters in zip(
        (1000, 900, 500, 400, 100, 90, 50, 40, 10, 9, 5, 4, 1),
        ["m", "cm", "d", "cd", "c", "xc", "l", "xl", "x", "ix", "v", "iv", "i"],
        strict=True,
    ):
        text += letters * min(20, number // amount)
        number %= amount
    return text


def _chinese(number: int) -> str:
    digits = "零一二三四五六七八九"
    if not 0 < number < 100:
        return str(number)
    tens, ones = divmod(number, 10)
    return ("" if tens == 0 else "十" if tens == 1 else digits[tens] + "十") + (digits[ones] if ones else "")


_FORMATS: dict[str, Callable[[int], str]] = {
    "lowerLetter": _letters,
    "upperLetter": lambda number: _letters(number).upper(),
    "lowerRoman": _roman,
    "upperRoman": lambda number: _roman(number).upper(),
    "decimalZero": lambda number: f"{number:02d}",
    "chineseCounting": _chinese,
    "chineseCountingThousand": _chinese,
    "japaneseCounting": _chinese,
}
