"""Outline: what a heading's own numbering says of its level, where nothing better is known."""

from __future__ import annotations

import re

_LEVELS: tuple[tuple[int, re.Pattern[str]], ...] = tuple(
    (level, re.compile(pattern, re.IGNORECASE))
    for level, pattern in (
        (
            1,
            r"(part|partie|teil|book|livre|title|titre|annex|annexe|anhang|appendix|schedule)\s+([IVXLC]+|[A-Z]|\d+)\b",
        ),
        (1, r"第[一二三四五六七八九十百零〇\d]+(编|篇|部分)"),
        (2, r"(chapter|chapitre|kapitel)\s+([IVXLC]+|[A-Z]|\d+)\b"),
        (2, r"第[一二三四五六七八九十百零〇\d]+章|[一二三四五六七八九十]{1,3}、"),
        (3, r"(section|abschnitt)\s+\d+[a-z]?\b|第[一二三四五六七八九十百零〇\d]+节"),
        (3, r"(article|artikel|articolo|artículo|art\.)\s+(\d+[a-z]*|premier|1er)\b|§+\s*\d+[a-z]?\b"),
        (3, r"第[一二三四五六七八九十百零〇\d]+条"),
    )
)
_DECIMAL = re.compile(r"(\d{1,3}(?:\.\d{1,3}){0,4})\.?\s+(?=[^\W\d_])")
_SENTENCE = re.compile(r"[.;:,!?。；，：！？]$|[.!?。；]\s")


def numbered_level(text: str) -> int:
    """Level by the numbering at the start of a line ("Article 3", "§ 5", "1.2 Title"), 0 where there is none.

    A numbered paragraph is not a heading: "1. The licence may be withdrawn." ends as a sentence does.
    """
    if len(text) > 120:
        return 0
    for level, pattern in _LEVELS:
        if match := pattern.match(text):
            rest = text[match.end() :].strip(" .:–—-")
            return 0 if len(rest) > 80 or _SENTENCE.search(rest) or rest[:1].islower() else level
    if match := _DECIMAL.match(text):
        rest = text[match.end() :]
        if len(rest) <= 80 and not _SENTENCE.search(rest) and rest[0].isupper():
            return match.group(1).count(".") + 1
    return 0
