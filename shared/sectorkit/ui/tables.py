"""The page "Tables": a question to the tables of an app's documents, also one that is understood in part; charts; and what tables there are."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from typing import Any

import gradio as gr

from sectorkit.answer import Request
from sectorkit.answering import with_model
from sectorkit.app import SectorApp
from sectorkit.errors import SectorkitError
from sectorkit.query import Frame
from sectorkit.runtime import Runtime
from sectorkit.table_answers import checked_answer, name_of, proposed, table_answer, tables_in
from sectorkit.table_proposals import Proposal
from sectorkit.table_questions import understand
from sectorkit.ui import render, working
from sectorkit.ui.charts import draw, titled
from sectorkit.ui.page import example_chips, html, index_of
from sectorkit.ui.query_form import QueryForm
from sectorkit.ui.text import esc, icon

_UNREAD = "This was not understood as a question to a table. Name a column, a value or a number of one of the tables below; build the query above; or ask it on the first page."

_DENIED = "Not computed: “{}” was not understood, and without it the answer would be another. The rest stands in the form above; complete it and run it."


def tables_page(runtime: Runtime, app: SectorApp) -> None:
    """A question box with its result, and charts. Named by an app: `AppPage("Tables", "sectorkit.ui.tables:tables_page")`."""
    with gr.Column(elem_classes="sk-page"), gr.Column(elem_classes="sk-form"):
        question = gr.Textbox(
            label="A question to the tables",
            placeholder="How many …, which … has the most …, the average … of each …",
            lines=1,
        )
        ask = gr.Button("Compute", variant="primary", elem_classes="sk-go")
    chips = example_chips(app, "Tables")
    form = QueryForm(runtime, app)
    result = html("")
    with gr.Column(elem_classes="sk-page sk-further"), gr.Column(elem_classes="sk-form"):
        chart = gr.Dropdown([], label="A chart of a table", filterable=True, interactive=True)
    drawn = html("")

    newest: dict[str, object] = {}  # of each tab, the question that was asked last

    async def computed(asked: str, request: gr.Request) -> AsyncIterator[list[Any]]:
        """What was computed of the last question of a tab; an earlier one that is not done yet is dropped."""
        tab = request.session_hash or ""
        mine = newest[tab] = object()
        async for view in computing(asked):
            if newest.get(tab) is not mine:
                return
            yield view
        newest.pop(tab, None)

    async def computing(asked: str) -> AsyncIterator[list[Any]]:
        """By rules; where these do not understand all of it, by the model, if it is here and its query stands the check; else what
        rules understood. The form then shows the query, or one of the model's that a person may judge."""
        kept = [gr.skip()] * len(form.outputs)
        try:
            index = index_of(runtime, app)
            tables = await asyncio.to_thread(tables_in, index)
            got = await asyncio.to_thread(understand, asked or "", tables)
            chat, proposal = runtime.rules_chat, None
            if (got is None or not got.whole) and chat is not None and (asked or "").strip():
                yield [working.waiting("The model writes a query"), *kept]
                proposal = await with_model(proposed, Request(asked), index, chat)
            if proposal and chat and (found := checked_answer(asked, proposal, index, name_of(chat))):
                query = proposal.understood.query if proposal.understood else proposal.query
                yield [render.answer(app.name, found), *form.filled(proposal.frame, query)]
                return
            if got and got.denies:
                shown = working.problem(_DENIED.format(", ".join(got.left)))
            else:
                shown = (
                    render.answer(app.name, table_answer(asked, got, index)) if got else _not_understood(tables.asked)
                )
            if proposal and chat and not (got and got.query == proposal.query):
                suggestion = _suggestion(proposal, name_of(chat))
                yield [suggestion + shown, *form.filled(proposal.frame, proposal.query, opened=True)]
            else:
                yield [shown, *(form.filled(got.frame, got.query, opened=got.denies) if got else kept)]
        except SectorkitError as error:
            yield [working.problem(str(error)), *kept]

    def charts() -> Any:
        if runtime.index(app.name) is None:
            return gr.skip()
        return gr.Dropdown(choices=list(titled(tables_in(index_of(runtime, app)).asked)))

    @working.or_problem
    def drawing(title: str) -> str:
        found = titled(tables_in(index_of(runtime, app)).asked).get(title)
        return draw(found) if found else ""

    quiet: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
    gr.on([ask.click, question.submit], computed, question, [result, *form.outputs], trigger_mode="multiple", **quiet)
    form.run.click(working.or_problem(form.computed), form.fields, result, **quiet)
    for chip, example in chips:
        filled = chip.click(None, None, question, js=f"() => {json.dumps(example['label'])}", **quiet)
        filled.then(computed, question, [result, *form.outputs], trigger_mode="multiple", **quiet)
    chart.focus(charts, None, chart, **quiet)
    chart.change(drawing, chart, drawn, **quiet)


def _suggestion(proposal: Proposal, model: str) -> str:
    """A query that stood no check: in words, and where it can be judged and run."""
    said = f"{proposal.query.in_words()}, in {proposal.frame.name}"
    return (
        f'<div class="sk-answer sk-suggestion">{icon("info")}<div><p dir="auto">{esc(model)} suggests: {esc(said)}.</p>'
        '<p class="sk-small">A model\'s query is computed by itself only where code finds each part of it in the question. '
        "This one stands in the form above: run it if it is what you mean.</p></div></div>"
    )


def _not_understood(frames: Sequence[Frame]) -> str:
    named = dict.fromkeys(
        f"{frame.name}: {', '.join(frame.kinds)}"
        for frame in frames
        if len(frame.kinds) > 3 and len(frame.table.rows) > 8
    )
    listed = "".join(f'<li dir="auto">{esc(name)}</li>' for name in named)
    return f'<div class="sk-answer sk-problem">{icon("info")}<div><p>{_UNREAD}</p><ul class="sk-points">{listed}</ul></div></div>'
