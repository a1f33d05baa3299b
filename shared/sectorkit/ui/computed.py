"""A computed result -> HTML: how the question was understood, the values with bars where they compare, and the rows they rest on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sectorkit.answer import Computed
from sectorkit.table_answers import plain
from sectorkit.ui.text import document_url, esc, icon, plural

_NONE = "None: no row meets this."


def computed(app: str, found: Computed) -> str:
    """The query in words, what took no part, the result, and every row behind it as a link."""
    notes = [f"Understood as: {found.said}, in {found.title}."]
    if found.left:
        notes.append(f"Not taken into account: {', '.join(found.left)}.")
    if found.unread:
        notes.append(f"{plural(found.unread, 'cell')} could not be read as its column's kind and took no part.")
    if found.cut:
        notes.append("The list is cut.")
    listed = "".join(f'<li>{icon("info")}<span dir="auto">{esc(note)}</span></li>' for note in notes)
    return f'<ul class="sk-notes">{listed}</ul>{_result(found)}{_behind(app, found)}'


def _result(found: Computed) -> str:
    if not found.rows or (found.total == 0 and len(found.rows) == len(found.columns) == 1):
        return f'<p class="sk-text">{_NONE}</p>'
    if len(found.rows) == len(found.columns) == 1 and found.query.get("aggregate"):
        return f'<p class="sk-text sk-value">{esc(plain(found.rows[0][0]))}</p>'
    return table(found.columns, found.rows)


def table(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    """Rows and columns; the last column with bars where it is all numbers and there are several."""
    last = [row[-1] for row in rows]
    bars = len(last) > 1 and all(isinstance(v, int | float) and v >= 0 for v in last) and max(last) > 0
    head = "".join(f'<th scope="col">{esc(column)}</th>' for column in columns)
    body = ""
    for row in rows:
        cells = "".join(f'<td dir="auto">{esc(plain(cell))}</td>' for cell in row)
        bar = f'<td class="sk-bar" aria-hidden="true"><i style="width:{100 * row[-1] / max(last):.1f}%"></i></td>'
        body += f"<tr>{cells}{bar if bars else ''}</tr>"
    return (
        f'<div class="sk-result" tabindex="0"><table><thead><tr>{head}{"<td></td>" if bars else ""}</tr></thead>'
        f"<tbody>{body}</tbody></table></div>"
    )


def _behind(app: str, found: Computed) -> str:
    if not found.used:
        return ""
    links = ", ".join(
        f'<a class="sk-open" href="{esc(document_url(app, found.source, start, end))}">{number or n}</a>'
        for n, (start, end, number) in enumerate(found.used, start=1)
    )
    rows = plural(len(found.used), "row")
    return (
        f'<details class="sk-closest"{" open" if len(found.used) <= 12 else ""}><summary>Rests on {rows}</summary>'
        f'<p class="sk-links" aria-label="Rows">{links}</p></details>'
    )
