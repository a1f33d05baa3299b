"""Charts of tables: a Pareto chart of a column's values, and rows ranked by a rating, as a list of bars that a phone can show.

A row of a chart is a name, a bar and a number; places are percentages of the width. Numbers stand as text, so that nothing has to be
read off, and a screen reader hears them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate

from sectorkit.query import COUNT, Aggregate, Frame, Order, TableQuery
from sectorkit.table_words import ADDITIVE
from sectorkit.ui.text import esc, numbered, plural

ROW = 34  # pixels
_ROWS = 12  # that a table has at least, to be drawn
_VALUES = range(2, 41)  # that a column has, to be drawn by
_BARS = 25  # at most
_RATING = "rpn"  # what rows are ranked by, in a column of that name


@dataclass(frozen=True)
class Chart:
    """What can be drawn of a table: `query` gives a name and a number a row. `shares` is whether the numbers add up to a whole."""

    frame: Frame
    query: TableQuery
    title: str
    shares: bool


def charts_of(frames: Sequence[Frame]) -> Iterator[Chart]:
    """The charts that tables allow: counts and sums for each value of a column, and rows by their risk priority number."""
    for frame in frames:
        if len(frame.table.rows) < _ROWS:
            continue
        named = [column for column in frame.kinds if frame.kinds[column] == "text"]
        for column in frame.kinds:
            if column.casefold() == _RATING and frame.kinds[column] == "number" and named:
                telling = [c for c in named[:4] if len(frame.distinct(c)) > 1][-2:]
                query = TableQuery(
                    select=[*telling, column], order_by=[Order(column=column, descending=True)], limit=_BARS
                )
                yield Chart(frame, query, f"{frame.name}: the highest {column}", shares=False)
        for column in named:
            if len(frame.counts(column)) in _VALUES and frame.repeats(column):
                for number in (
                    None,
                    *(c for c in frame.kinds if frame.kinds[c] == "number" and ADDITIVE.search(c.casefold())),
                ):
                    of = Aggregate(function="sum", column=number) if number else Aggregate(function="count")
                    order = [Order(column=of.name if number else COUNT, descending=True)]
                    query = TableQuery(group_by=[column], aggregate=of, order_by=order)
                    yield Chart(frame, query, f"{frame.name}: {number or 'rows'} by {column}", shares=True)


def titled(frames: Sequence[Frame]) -> dict[str, Chart]:
    """The charts by their titles, a number behind those of which there are several."""
    charts = list(charts_of(frames))
    return dict(zip(numbered(chart.title for chart in charts), charts, strict=True))


def draw(chart: Chart) -> str:
    """The chart as HTML. Of shares, a line runs along their running total, and bars beyond four fifths of it are pale."""
    every = chart.frame.run(chart.query).rows
    rows = [row for row in every if isinstance(row[-1], int | float) and row[-1] >= 0]
    names = [", ".join("–" if cell is None else str(cell) for cell in row[:-1]) for row in rows][:_BARS]
    numbers = [float(row[-1]) for row in rows]
    total = sum(numbers)
    if not total:
        return f'<p class="sk-small">{esc(chart.title)}: nothing to draw.</p>'
    running = [100 * part / total for part in accumulate(numbers)]
    places = 0 if all(number.is_integer() for number in numbers) else 2
    body, before = "", 0.0
    for name, number, share in zip(names, numbers, running, strict=False):
        bar = f'<rect width="{100 * number / max(numbers):.2f}%" y="{ROW // 2 - 9}" height="18" rx="3"/>'
        line = f'<line x1="{before:.2f}%" y1="{-ROW // 2}" x2="{share:.2f}%" y2="{ROW // 2}"/><circle cx="{share:.2f}%" cy="{ROW // 2}" r="3.5"/>'
        pale = ' class="sk-pale"' if chart.shares and before >= 80 else ""
        said = f'<td class="sk-number">{share:.0f} %</td>' if chart.shares else ""
        body += (
            f'<tr{pale}><th scope="row" dir="auto">{esc(name)}</th><td class="sk-drawn"><svg height="{ROW}" aria-hidden="true">{bar}'
            f'{line if chart.shares else ""}</svg></td><td class="sk-number">{number:,.{places}f}</td>{said}</tr>'
        )
        before = share
    lost = len(every) - len(rows)
    less = (
        f'<p class="sk-small">{plural(lost, "group")} without a number, or below zero, took no part.</p>'
        if lost
        else ""
    )
    more = f'<p class="sk-small">{len(rows) - len(names)} more are not drawn.</p>' if len(rows) > len(names) else ""
    head = '<th scope="col" class="sk-number">running total</th>' if chart.shares else ""
    return (
        f'<figure class="sk-answer sk-chart" aria-label="Chart" data-announce="{esc(chart.title)}"><figcaption>{esc(chart.title)}</figcaption>'
        f"<table><thead><tr><td></td><td></td><td></td>{head}</tr></thead><tbody>{body}</tbody></table>{less}{more}</figure>"
    )
