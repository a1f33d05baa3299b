"""Days of questions to tables: "before 16 June 2025", "in the first half of 2025", "2026年3月31日之前" become bounds for a column of dates."""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from sectorkit.query import Operator

_MONTHS = (
    "january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november", "december",
)  # fmt: skip
_MONTH = "|".join([*_MONTHS, "sept", *(m[:3] for m in _MONTHS if m != "may")])
_YEAR = r"(?:19|20)\d\d"
_PART = {"first": 1, "1st": 1, "second": 2, "2nd": 2, "third": 3, "3rd": 3, "fourth": 4, "4th": 4, "上": 1, "下": 2}
_DAY = re.compile(
    r"(?P<iso>\d{4}-\d\d-\d\d)|(?P<end>(?<=to |by )the end of (?:the|this) year|(?<=until )the end of (?:the|this) year)"
    rf"|(?P<part>first|second|third|fourth|1st|2nd|3rd|4th)\s+(?P<of>half|quarter)(?:\s+of)?(?:\s+(?P<py>{_YEAR}))?(?!\w)"
    rf"|\b(?P<h>[hq])(?P<hn>[1-4])(?:[\s/-]*(?P<hy>{_YEAR}))?\b"
    rf"|(?P<zh>{_YEAR})年(?:(?P<half>[上下])半年|(?P<zm>\d\d?)月(?:(?P<zd>\d\d?)日)?)?|(?<!\d)(?P<m2>\d\d?)月(?:(?P<d2>\d\d?)日)?"
    rf"|(?:\b(?P<d>\d\d?)(?:st|nd|rd|th)?\s+(?:of\s+)?)?\b(?P<m>{_MONTH})\b\.?(?:\s+(?P<after>\d\d?)(?:st|nd|rd|th)?(?![\d.]))?(?:,?\s+(?P<y>{_YEAR}))?"
    rf"|(?<![\w.,-])(?P<year>{_YEAR})(?![a-z]|[\w.,-]*\d|年|\s*(?:pieces|bottles|eur|euros|hours|rpm|kg|mm|bar)\b)"
)
_SHARED_MONTH = re.compile(
    rf"(?:between|from)\s+(?P<a>\d\d?)(?:st|nd|rd|th)?\s+(?:and|to)\s+(?P<b>\d\d?)(?:st|nd|rd|th)?\s+(?P<m>{_MONTH})(?:\s+(?P<y>{_YEAR}))?"
)
_OFTEN_OTHER = ("may", "march", "mar")  # as often other words, unless one of these stands before them
_MEANT = re.compile(
    r"\b(?:in|of|since|until|till|before|after|during|by|from|to|through|and|or|last|this|early|late|mid)[\s-]+(?:the\s+)?$"
)
_AMOUNT = re.compile(
    r"(?:\bup to|\bover|\babove|\bunder|\bbelow|\b(?:more|less|fewer|higher|lower|larger|smaller) than|\bat (?:least|most)|[<>=≥≤])\s*$"
)
_BEFORE = re.compile(r"\b(?:before|earlier than|prior to)(?: the)?\s*$")
_UNTIL = re.compile(
    r"(?:\bbefore the end of|\buntil|\btill|\bto|\bby|\bthrough|\bup to|到|至)(?: the)?(?: end of)?(?: the)?\s*$"
)
_SINCE = re.compile(r"(?:\b(?:from|since|starting|as of)(?: the)?|自从?|从)\s*$")
_AFTER = re.compile(r"\b(?:after|later than)(?: the end of)?(?: the)?\s*$")
_AT = re.compile(r"\b(?:in|on|during|of|within)(?: the)?\s*$")
_ZH_INCLUDED = re.compile(r"(?:之前|以前|前)?\s*[（(]?含[^）)]*[）)]?(?:之前|以前|前)?")
_ZH_BEFORE, _ZH_SINCE, _ZH_AFTER = re.compile("之前|以前|前"), re.compile("以来|起"), re.compile("以后|之后")
_FAR = re.compile(rf"\b(before|after|since|until)\b(?!.*(?:{_MONTH}|\d{{4}}))[^,.;]{{0,60}}\bon\s*$")
_FAR_AS: dict[str, Operator] = {"before": "<", "after": ">", "since": ">=", "until": "<="}
_TO = re.compile(r"\s*(?:and|to|until|till|through|-|–|—|到|至|和)\s*(?:the\s+)?")
_FROM = re.compile(r"(?:\b(?:between|from)(?: the)?|从|自)\s*$")
_AND = re.compile(r"\s*(?:and|or|,|/|&|和|或|、)\s*(?:in\s+)?")
_LONGEST = 400  # characters of a question that are read for days


@dataclass(frozen=True)
class Period:
    """A time that a question names, `text[start:end]` with the words that say how, and what it means for a date."""

    start: int
    end: int
    bounds: tuple[tuple[Operator, date], ...]


def periods(text: str, year: int) -> list[Period]:
    """The times that a plain text names; `year` is meant where a month has none.

    "From A to B" is one. So are two that follow on each other ("in May or June"); of others each is one of its own.
    """
    text = text[:_LONGEST]
    found: list[Period] = []
    if both := _SHARED_MONTH.search(text):
        first = _span_of(both["m"], both["a"], int(both["y"] or year))
        last = _span_of(both["m"], both["b"], int(both["y"] or year))
        if first and last:
            found.append(Period(*both.span(), ((">=", first[0]), ("<=", last[1]))))
    named: list[tuple[int, int, date, date]] = []
    meant = [
        m["py"] or m["hy"] or m["zh"] or m["y"] or m["year"] for m in _DAY.finditer(text) if not _is_amount(text, m)
    ]
    year = int(next((y for y in reversed(meant) if y), year))
    for match in _DAY.finditer(text):
        clear = not any(p.start < match.end() and match.start() < p.end for p in found)
        if clear and not _is_amount(text, match) and (span := _span(match, text, year)):
            named.append((*match.span(), *span))
    while named:
        start, end, first_day, last_day = named.pop(0)
        if named and (period := _joined(text, (start, end, first_day, last_day), named[0])):
            named.pop(0)
            found.append(period)
        else:
            found.append(_bounded(text, start, end, first_day, last_day))
    return sorted(found, key=lambda period: period.start)


def _is_amount(text: str, match: re.Match[str]) -> bool:
    """Whether what looks like a year is a number: "over 2000 pieces"."""
    return bool(match["year"]) and _AMOUNT.search(text[: match.start()]) is not None


def _joined(text: str, one: tuple[int, int, date, date], two: tuple[int, int, date, date]) -> Period | None:
    """One period of two times that are joined: a span from the one to the other, or two that follow on each other."""
    between, before = text[one[1] : two[0]], text[: one[0]]
    said = _FROM.search(before)
    if _TO.fullmatch(between) and (said or not re.search(r"and|和", between)) and one[2] <= two[3]:
        return Period(said.start() if said else one[0], two[1], ((">=", one[2]), ("<=", two[3])))
    if _AND.fullmatch(between) and one[3] + timedelta(days=1) == two[2] and not _says_how(before):
        at = _AT.search(before)
        return Period(at.start() if at else one[0], two[1], ((">=", one[2]), ("<=", two[3])))
    return None


def _says_how(before: str) -> bool:
    return any(pattern.search(before) for pattern in (_BEFORE, _UNTIL, _SINCE, _AFTER))


def _bounded(text: str, start: int, end: int, first: date, last: date) -> Period:
    before, behind = text[:start], text[end:]
    hows: tuple[tuple[re.Pattern[str], Operator, date], ...] = (
        (_BEFORE, "<", first), (_UNTIL, "<=", last), (_SINCE, ">=", first), (_AFTER, ">", last),
    )  # fmt: skip
    for pattern, op, day in hows:
        if said := pattern.search(before):
            return Period(said.start(), end, ((op, day),))
    behinds: tuple[tuple[re.Pattern[str], Operator, date], ...] = (
        (_ZH_INCLUDED, "<=", last), (_ZH_BEFORE, "<", first), (_ZH_SINCE, ">=", first), (_ZH_AFTER, ">", last),
    )  # fmt: skip
    for pattern, op, day in behinds:
        if said := pattern.match(behind):
            return Period(start, end + said.end(), ((op, day),))
    if far := _FAR.search(before):  # "before revision B came into force on 16 June"
        return Period(start, end, ((_FAR_AS[far[1]], last if far[1] in ("after", "until") else first),))
    at = _AT.search(before)
    return Period(at.start() if at else start, end, ((">=", first), ("<=", last)))


def _span(match: re.Match[str], text: str, year: int) -> tuple[date, date] | None:
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
        if match["m"] in _OFTEN_OTHER and not (match["y"] or day_of or _MEANT.search(text[: match.start()])):
            return None
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
