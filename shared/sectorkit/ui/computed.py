"""A computed result -> HTML: how the question was understood, the values with bars where they compare, and the rows they rest on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sectorkit.answer import Computed
from sectorkit.table_answers import USED, places, plain
from sectorkit.ui.text import document_url, esc, notes, plural

_NONE = "None: no row meets this."


def computed(app: str, found: Computed, *, asked: bool = True) -> str:
    """The query in words, what took no part, the result, and every row behind it as a link; `asked` in a question's words."""
    said = [f"{'Understood as' if asked else 'The query'}: {found.said}, in {found.title}."]
    if found.by:
        said.append(
            f"The query was written by {found.by}; each part of it was checked against the question and the table."
        )
    if found.left:
        said.append(f"Not taken into account: {', '.join(found.left)}.")
    if found.unread:
        said.append(f"{plural(found.unread, 'cell')} could not be read as its column's kind and took no part.")
    if found.cut:
        said.append("The list is cut.")
    return f"{notes(said)}{_result(found)}{_behind(app, found)}"


def _result(found: Computed) -> str:
    if not found.rows or (found.total == 0 and len(found.rows) == len(found.columns) == 1):
        return f'<p class="sk-text">{_NONE}</p>'
    if len(found.rows) == len(found.columns) == 1 and found.query.get("aggregate"):
        return f'<p class="sk-text sk-value">{esc(plain(found.rows[0][0]))}</p>'
    return table(found.columns, found.rows)


def table(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    """Rows and columns; the last column with bars where it is all numbers and there are several."""
    last = [row[-1] for row in rows]
    bars = len(set(last)) > 1 and all(isinstance(v, int | float) and v >= 0 for v in last) and max(last) > 0
    head = "".join(f'<th scope="col">{esc(column)}</th>' for column in columns)
    body = ""
    for row, texts in zip(rows, zip(*(_alike(column) for column in zip(*rows, strict=True)), strict=True), strict=True):
        cells = "".join(f'<td dir="auto">{esc(text)}</td>' for text in texts)
        share = f"{100 * row[-1] / max(last):.1f}" if bars else ""
        bar = f'<td class="sk-bars" aria-hidden="true"><i style="width:{share}%"></i></td>' if bars else ""
        body += f"<tr>{cells}{bar}</tr>"
    return (
        f'<div class="sk-result" tabindex="0" role="region" aria-label="Result"><table><thead><tr>{head}{"<td></td>" if bars else ""}</tr></thead>'
        f"<tbody>{body}</tbody></table></div>"
    )


def _alike(column: Sequence[Any]) -> list[str]:
    """The values of a column as texts, numbers with as many decimals as one of them needs, and thousands set apart in all or none."""
    numbers = [value for value in column if isinstance(value, int | float)]
    apart = "," if any(abs(value) >= 10_000 for value in numbers) else ""
    decimals = max((places(value) for value in numbers if isinstance(value, float)), default=0)
    return [f"{v:{apart}.{decimals}f}" if isinstance(v, int | float) else plain(v) for v in column]


def _behind(app: str, found: Computed) -> str:
    if not found.used:
        return ""
    links = ", ".join(
        f'<a class="sk-open" href="{esc(document_url(app, found.source, start, end))}">{number or n}</a>'
        for n, (start, end, number) in enumerate(found.used, start=1)
    )
    cut = len(found.used) >= USED and found.total > len(found.used)
    rows = (
        f"{plural(found.total, 'row')}, the first {len(found.used)} of them here"
        if cut
        else plural(len(found.used), "row")
    )
    return (
        f'<details class="sk-closest"{" open" if len(found.used) <= 12 else ""}><summary>Rests on {rows}</summary>'
        f'<p class="sk-links" aria-label="Rows">{links}</p></details>'
    )
