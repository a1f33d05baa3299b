"""The page "Tables": a question to the tables of an app's documents, the query that it was understood as, its result, its rows."""

from __future__ import annotations

from typing import Any

import gradio as gr

from sectorkit.app import SectorApp
from sectorkit.errors import SectorkitError
from sectorkit.query import Frame, Result
from sectorkit.retrieval.index import Index
from sectorkit.runtime import Runtime
from sectorkit.table_questions import Understood, understand
from sectorkit.tables import tables_of
from sectorkit.ui import working
from sectorkit.ui.page import html
from sectorkit.ui.reading import Kept
from sectorkit.ui.text import document_url, esc, icon, plural

_ROWS = 8  # that a result rests on, shown as links
_UNREAD = "This was not understood as a question to a table. Name a column, a value or a number of one of the tables below; or ask it on the first page."


def tables_page(runtime: Runtime, app: SectorApp) -> None:
    """A question box and its result. Named by an app: `AppPage("Tables", "sectorkit.ui.tables:tables_page")`."""
    with gr.Column(elem_classes="sk-page"), gr.Column(elem_classes="sk-form"):
        question = gr.Textbox(
            label="A question to the tables",
            placeholder="How many …, which … has the most …, the average … of each …",
            lines=1,
        )
        ask = gr.Button("Compute", variant="primary", elem_classes="sk-go")
    result = html("")
    opened = Kept(runtime, app, frames_of)

    def computed(asked: str) -> str:
        try:
            _, frames = opened()
            got = understand(asked or "", frames)
            return shown(app.name, got, got.frame.run(got.query)) if got else _not_understood(frames)
        except SectorkitError as error:
            return working.problem(str(error))

    gr.on([ask.click, question.submit], computed, question, result, show_progress="hidden", api_visibility="private")


def frames_of(index: Index) -> list[Frame]:
    """Every table of the index's documents that are in force."""
    found = []
    for source in (document.source for document in index.documents()):
        document = index.document(source)
        if document.metadata.get("status") != "superseded":
            title = str(document.title or source)
            found += [Frame(table, source, title) for table in tables_of(document.text, index.passages_of(source))]
    return found


def shown(app: str, got: Understood, result: Result) -> str:
    """The query in words, the result as a table with bars where it compares, and the rows it rests on."""
    if not result.rows or (result.value is None and len(result.columns) == 1 and not result.used):
        body = '<p class="sk-text">None: no row meets this.</p>'
    elif result.value is not None and got.query.aggregate:
        body = f'<p class="sk-text">{esc(_number(result.value))}</p>'
    else:
        body = _table(result)
    links = ", ".join(
        f'<a class="sk-open" href="{esc(document_url(app, got.frame.source, row.start, row.end))}">'
        f"{f'row {row.number}' if row.number else 'row'}</a>"
        for row in result.used[:_ROWS]
    )
    more = f" and {len(result.used) - _ROWS:,} more" if len(result.used) > _ROWS else ""
    cut = " The list is cut." if result.cut else ""
    cut += (
        f" {plural(result.unread, 'cell')} could not be read as its column's kind and took no part."
        if result.unread
        else ""
    )
    return (
        f'<article class="sk-answer" aria-label="Result" data-announce="{esc(got.query.in_words())}">'
        f'<ul class="sk-notes"><li>{icon("info")}<span>Understood as: {esc(got.query.in_words())}.</span></li></ul>'
        f'{body}<p class="sk-small sk-links">{esc(got.frame.name)}; {plural(result.total, "row")} met the conditions.{cut} '
        f"{f'Rests on {links}{more}.' if links else ''} Computed by code; no model took part.</p></article>"
    )


def _table(result: Result) -> str:
    """Rows and columns; the last column with bars where it is all numbers and there are several."""
    last = [row[-1] for row in result.rows]
    bars = len(last) > 1 and all(isinstance(v, int | float) and v >= 0 for v in last) and max(last) > 0
    head = "".join(f'<th scope="col">{esc(column)}</th>' for column in result.columns)
    rows = ""
    for row in result.rows:
        cells = "".join(f'<td dir="auto">{esc(_number(cell))}</td>' for cell in row)
        bar = (
            f'<td class="sk-bar" aria-hidden="true"><i style="width:{100 * row[-1] / max(last):.1f}%"></i></td>'
            if bars
            else ""
        )
        rows += f"<tr>{cells}{bar}</tr>"
    return f'<div class="sk-result" tabindex="0"><table><thead><tr>{head}{"<td></td>" if bars else ""}</tr></thead><tbody>{rows}</tbody></table></div>'


def _number(value: Any) -> str:
    if value is None:
        return "–"
    if isinstance(value, float):
        return f"{value:,.2f}"
    return (
        f"{value:,}" if isinstance(value, int) and abs(value) >= 10_000 else str(value)
    )  # 2025 is a year, as often as not


def _not_understood(frames: list[Frame]) -> str:
    named = dict.fromkeys(
        f"{frame.name}: {', '.join(frame.kinds)}"
        for frame in frames
        if len(frame.kinds) > 3 and len(frame.table.rows) > 8
    )
    listed = "".join(f'<li dir="auto">{esc(name)}</li>' for name in named)
    return f'<div class="sk-answer sk-problem">{icon("info")}<div><p>{_UNREAD}</p><ul class="sk-points">{listed}</ul></div></div>'
