"""Days of questions to tables: "before 16 June 2025", "in the first half of 2025", "2026年3月31日之前" become bounds for a column of dates."""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from sectorkit.query import Operator

_MONTHS = (
    "january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november", "december",
)  # fmt: skip
_MONTH = "|".join([*_MONTHS, "sept", *(m[:3] for m in _MONTHS if len(m) > 4)])
_YEAR = r"(?:19|20)\d\d"
_PART = {"first": 1, "1st": 1, "second": 2, "2nd": 2, "third": 3, "3rd": 3, "fourth": 4, "4th": 4, "上": 1, "下": 2}
_DAY = re.compile(
    rf"(?P<iso>\d{{4}}-\d\d-\d\d)|(?P<end>(?<=to |by )the end of (?:the|this) year|(?<=until )the end of (?:the|this) year)"
    rf"|(?P<part>first|second|third|fourth|1st|2nd|3rd|4th)\s+(?P<of>half|quarter)\s+(?:of\s+)?(?P<py>{_YEAR})?"
    rf"|\b(?P<h>[hq])(?P<hn>[1-4])(?:[\s/-]*(?P<hy>{_YEAR}))?\b"
    rf"|(?P<zh>{_YEAR})年(?:(?P<half>[上下])半年|(?P<zm>\d\d?)月(?:(?P<zd>\d\d?)日)?)?|(?<!\d)(?P<m2>\d\d?)月(?:(?P<d2>\d\d?)日)?"
    rf"|(?:(?P<d>\d\d?)(?:st|nd|rd|th)?\s+(?:of\s+)?)?\b(?P<m>{_MONTH})\b\.?(?:\s+(?P<after>\d\d?)(?:st|nd|rd|th)?(?!\d))?(?:,?\s+(?P<y>{_YEAR}))?"
    rf"|(?<![\d.,-])(?P<year>{_YEAR})(?![\d.,-]*\d|年)"
)
_SHARED_MONTH = re.compile(
    rf"(?P<both>(?:between|from)\s+(?P<a>\d\d?)(?:st|nd|rd|th)?\s+(?:and|to)\s+(?P<b>\d\d?)(?:st|nd|rd|th)?\s+(?P<m>{_MONTH})(?:\s+(?P<y>{_YEAR}))?)"
)
_UNTIL = re.compile(
    r"(?:\bbefore the end of|\buntil|\btill|\bto|\bby|\bthrough|\bup to|到|至)(?: the)?(?: end of)?(?: the)?\s*$"
)
_BEFORE = re.compile(r"\b(?:before|earlier than|prior to)(?: the)?\s*$")
_SINCE = re.compile(r"(?:\b(?:from|since|starting|as of)(?: the)?|自从?|从)\s*$")
_AFTER = re.compile(r"\b(?:after|later than)(?: the end of)?(?: the)?\s*$")
_AT = re.compile(r"\b(?:in|on|during|of|within)(?: the)?\s*$")
_ZH_BEFORE, _ZH_UNTIL, _ZH_SINCE = re.compile(r"(?:之前|以前|前)(?!（?含)"), re.compile(r"(?:之前|以前|前)?(?:（含[^）]*）|\(含[^)]*\))?(?:为止|之前|以前|前)?"), re.compile(
    r"(?:以来|起|以后|之后)"
)  # fmt: skip
_FAR = re.compile(rf"\b(before|after|since|until)\b(?!.*(?:{_MONTH}|\d{{4}}))[^,.;]{{0,60}}\bon\s*$")
_FAR_AS = {"before": "<", "after": ">", "since": ">=", "until": "<="}


@dataclass(frozen=True)
class Period:
    """A time that a question names, `text[start:end]` with the words that say how, and what it means for a date."""

    start: int
    end: int
    bounds: tuple[tuple[Operator, date], ...]


def periods(text: str, year: int) -> list[Period]:
    """The times that a plain text names; `year` is meant where a month has none."""
    found: list[Period] = []
    years = re.findall(_YEAR, text)
    year = int(years[-1]) if years else year
    if both := _SHARED_MONTH.search(text):
        first = _span_of(both["m"], both["a"], int(both["y"] or year))
        last = _span_of(both["m"], both["b"], int(both["y"] or year))
        if first and last:
            found.append(Period(*both.span("both"), ((">=", first[0]), ("<=", last[1]))))
    for match in _DAY.finditer(text):
        if any(p.start < match.end() and match.start() < p.end for p in found):
            continue
        span = _span(match, year)
        if span is not None:
            found.append(_bounded(text, match, span))
    return found


def _bounded(text: str, match: re.Match[str], span: tuple[date, date]) -> Period:
    first, last = span
    before, behind = text[: match.start()], text[match.end() :]
    start, end = match.span()
    for pattern, op, day in (
        (_UNTIL, "<=", last), (_BEFORE, "<", first), (_SINCE, ">=", first), (_AFTER, ">", last),
    ):  # fmt: skip
        if said := pattern.search(before):
            return Period(said.start(), end, ((op, day),))  # type: ignore[arg-type]  # an operator
    if re.match(r"(?:之前|以前|前)?\s*[（(]?含", behind):
        shown = re.match(r"(?:之前|以前|前)?\s*[（(]?含[^）)]*[）)]?(?:之前|以前|前)?", behind)
        return Period(start, end + (shown.end() if shown else 0), (("<=", last),))
    if said := _ZH_BEFORE.match(behind):
        return Period(start, end + said.end(), (("<", first),))
    if said := _ZH_SINCE.match(behind):
        return Period(start, end + said.end(), ((">=", first),))
    if far := _FAR.search(before):  # "before revision B came into force on 16 June"
        op = _FAR_AS[far[1]]
        return Period(start, end, ((op, last if far[1] in ("after", "until") else first),))  # type: ignore[arg-type]
    at = _AT.search(before)
    return Period(at.start() if at else start, end, ((">=", first), ("<=", last)))


def _span(match: re.Match[str], year: int) -> tuple[date, date] | None:
    """The first and last day that an expression names; None for what only looks like one."""
    try:
        if match["iso"]:
            day = date.fromisoformat(match["iso"])
            return day, day
        if match["end"]:
            return date(year, 1, 1), date(year, 12, 31)
        if match["year"]:
            return date(int(match["year"]), 1, 1), date(int(match["year"]), 12, 31)
        if match["part"] or match["h"]:
            number = _PART[match["part"]] if match["part"] else int(match["hn"])
            halves = match["of"] == "half" or match["h"] == "h"
            return _part(int(match["py"] or match["hy"] or year), number, 2 if halves else 4)
        if match["zh"]:
            if match["half"]:
                return _part(int(match["zh"]), _PART[match["half"]], 2)
            if not match["zm"]:
                return date(int(match["zh"]), 1, 1), date(int(match["zh"]), 12, 31)
            return _months(int(match["zh"]), int(match["zm"]), match["zd"])
        if match["m2"]:
            return _months(year, int(match["m2"]), match["d2"])
        day_of = match["d"] or match["after"]
        if match["m"] in ("may", "march", "mar") and not (match["y"] or day_of):
            return None  # as often other words
        return _span_of(match["m"], day_of, int(match["y"] or year))
    except ValueError:
        return None


def _span_of(month: str, day: str | None, year: int) -> tuple[date, date] | None:
    number = next(n for n, name in enumerate(_MONTHS, 1) if name.startswith(month[:3]))
    try:
        return _months(year, number, day)
    except ValueError:
        return None


def _months(year: int, month: int, day: str | None) -> tuple[date, date]:
    if day:
        return date(year, month, int(day)), date(year, month, int(day))
    return date(year, month, 1), date(year, month, monthrange(year, month)[1])


def _part(year: int, number: int, parts: int) -> tuple[date, date] | None:
    if number > parts:
        return None
    months = 12 // parts
    last = number * months
    return date(year, last - months + 1, 1), date(year, last, monthrange(year, last)[1])


def all_meet(bound: tuple[Operator, date], days: Sequence[date]) -> bool:
    """Whether every day meets the bound, so that it says nothing."""
    op, day = bound
    tests = {"<": date.__lt__, "<=": date.__le__, ">": date.__gt__, ">=": date.__ge__}
    return all(tests[op](value, day) for value in days)
