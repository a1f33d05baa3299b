"""Governance document search: what a city's rules, minutes and decisions say, as of the day that is asked about."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date
from pathlib import Path

from sectorkit.answer import Answer, Request
from sectorkit.app import SectorApp

_YEAR = re.compile(r"(?<!\d)(19[5-9]\d|20[0-9]\d)(?!\d)")
_ISO_DAY = re.compile(r"(?<!\d)((?:19|20)\d\d)-(\d\d)-(\d\d)(?!\d)")


def asked_about(request: Request) -> Request:
    """Rules are asked for as they stand today, unless the question names a day or a year."""
    if request.as_of is not None:
        return request
    if (day := _ISO_DAY.search(request.question)) and (exact := _day(*map(int, day.groups()))):
        return replace(request, as_of=(exact, exact))
    if years := [int(year) for year in _YEAR.findall(request.question)]:
        return replace(request, as_of=(date(min(years), 1, 1), date(max(years), 12, 31)))
    return replace(request, as_of=(date.today(), date.today()))


def mark_superseded(request: Request, answer: Answer) -> Answer:
    """An answer that rests on a rule no longer in force says so."""
    old = dict.fromkeys(c.title for c in answer.citations if c.status == "superseded")
    notes = tuple(f"No longer in force: {title}. The answer describes an earlier time." for title in old)
    return replace(answer, notes=(*answer.notes, *notes))


def _day(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None


APP = SectorApp(
    name="governance_search",
    title="Governance document search",
    tagline="Ask a city's ordinances, minutes and decisions, and open the passage behind every sentence.",
    corpus=Path(__file__).parent / "corpus",
    instructions=(
        "You answer questions about the documents of a city and its regulator for residents, officials and journalists."
    ),
    before=(asked_about,),
    after=(mark_superseded,),
    examples=(
        "From what value must a contract be put out to open tender?",
        "How loud may a bar be at night?",
        "Combien coûte la carte de résident pour stationner ?",
        "押金最多可以收几个月的租金？",
        "What were the procurement thresholds in 2020?",
    ),
    disclaimer="A demonstration on fictional documents. Check the cited passage before you rely on an answer.",
)
