"""Times: which day a question asks about, and answers that rest on what is no longer in force. Rules for a SectorApp."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

from sectorkit.answer import Answer, Request
from sectorkit.quantities import quantities
from sectorkit.retrieval.index import Index

_DAY = re.compile(r"(?<!\d)((?:19|20)\d\d)-(\d\d)-(\d\d)(?!\d)")
_YEAR = re.compile(r"(?<![\d.,/-])(?:19[5-9]\d|20\d\d)(?![\d.,]\d|\d|[-/]\d{1,3}(?!\d))")
_RULE = r"(?:ordinance|rule|regulation|decision|règlement|ordonnance|décision|arrêté|规定|条例|办法)s?"
# What stands before or behind a year that says no time: "No. 2022", "built in 1975".
_NO_TIME = re.compile(
    r"(?:\bno\.?|\bn[°º]|第|\b(?:built|born|constructed)(?: in)?|\b(?:construit|bâti|né)\w*(?: en)?|建于|出生于)\s*$",
    re.I,
)
_SINCE = re.compile(r"(?:\b(?:since|after|from|depuis|après|dès)(?: the year| le)?|自从?)\s*$", re.I)
_UNTIL = re.compile(r"(?:\b(?:before|until|till|prior to|avant|jusqu'en|jusqu’en))\s*$", re.I)
_SINCE_ZH, _UNTIL_ZH = re.compile(r"^\s*年?(?:以来|之后|以后|起)"), re.compile(r"^\s*年?(?:之前|以前)")
_NAMED = re.compile(rf"(?:{_RULE}\s*(?:of|de|du|from)?\s*$)|^(?:\s+\w+){{0,2}}\s+{_RULE}", re.I)
_LONG_AGO = date(1900, 1, 1)
_CURRENT = frozenset({"", "in_force", "final", "current"})
_NEVER_IN_FORCE = frozenset({"draft", "withdrawn"})
_ENDED = frozenset({"superseded", "repealed", "obsolete", "replaced"})


def is_in_force(metadata: Mapping[str, Any], on: date, until: date | None = None) -> bool:
    """Whether a document is in force on that day, or on any from then `until` another: by `valid_from`, `valid_to`, `status`.

    A draft, and what was withdrawn, never is. What was superseded without a `valid_to` ended on some day before today: it may
    answer about a span before that, and on a given day it decides nothing.
    """
    status = _status(metadata)
    begins, ends = str(metadata.get("valid_from") or ""), str(metadata.get("valid_to") or "")
    if not ends and status in _ENDED:
        if until is None:
            return False
        ends = (date.today() - timedelta(days=1)).isoformat()
    in_time = begins <= (until or on).isoformat() and (not ends or ends >= on.isoformat())
    return in_time and status not in _NEVER_IN_FORCE


def standing(metadata: Mapping[str, Any]) -> str:
    """What a reader must know of a document's `status`: "superseded since 2023-06-30", "draft"; nothing where it holds."""
    status = _status(metadata)
    if status in _ENDED:
        return f"{status} since {metadata.get('valid_to') or 'an unknown day'}"
    return "" if status in _CURRENT else status.replace("_", " ")


def _status(metadata: Mapping[str, Any]) -> str:
    return str(metadata.get("status") or "").strip().casefold().replace(" ", "_")


def asked_about(request: Request, index: Index) -> Request:
    """Documents are asked for as they stand today, unless the question names a day, a year or a span of them."""
    if request.as_of is not None:
        return request
    today = date.today()
    spans = _spans(request.question, today) or [(today, today)]
    return replace(request, as_of=(min(first for first, _ in spans), max(last for _, last in spans)))


def _spans(question: str, today: date) -> list[tuple[date, date]]:
    """The times that a question names: exact days where it has any, else its years."""
    if days := [day for match in _DAY.finditer(question) if (day := _day(*map(int, match.groups())))]:
        return [(min(days), max(days))]
    spans = []
    for match in _YEAR.finditer(_DAY.sub(lambda m: m[1], question)):
        before, after = match.string[: match.start()], match.string[match.end() :]
        units = quantities(before[-8:] + match[0] + after[:12]).get(match[0], frozenset({None}))
        if _NO_TIME.search(before) or not units & {None, "year"}:
            continue
        first, last = date(int(match[0]), 1, 1), date(int(match[0]), 12, 31)
        if _UNTIL.search(before) or _UNTIL_ZH.search(after):
            spans.append((_LONG_AGO, last))
        elif _SINCE.search(before) or _SINCE_ZH.search(after) or _NAMED.search(before) or _NAMED.search(after):
            spans.append((first, max(today, last)))  # a rule is named by a year and holds from then on
        else:
            spans.append((first, last))
    return spans


def mark_superseded(request: Request, answer: Answer, index: Index) -> Answer:
    """An answer that rests on a document that is no longer, or was never, in force says so."""
    cited = {c.title: _status({"status": c.status}) for c in answer.citations}
    old = [
        f"No longer in force: {title}. The answer describes an earlier time."
        for title, status in cited.items()
        if status in _ENDED
    ]
    never = [f"Not in force: {title} ({status})." for title, status in cited.items() if status in _NEVER_IN_FORCE]
    return replace(answer, notes=(*answer.notes, *old, *never))


def _day(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None
