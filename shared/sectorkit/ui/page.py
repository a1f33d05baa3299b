"""The Gradio page: per app its title, the status, the question box and the answer. Sources open by static/page.js."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any

import gradio as gr

from sectorkit.app import SectorApp
from sectorkit.errors import StoreError
from sectorkit.retrieval.index import Index
from sectorkit.runtime import Runtime
from sectorkit.ui import shell
from sectorkit.ui.asking import Run, ask

CONCURRENT_QUESTIONS = 16
_FONTS = ["system-ui", "-apple-system", "Segoe UI", "Roboto", "Noto Sans", "Noto Sans CJK SC", "sans-serif"]


def build(runtime: Runtime) -> gr.Blocks:
    """The page of `runtime`'s apps: one app alone, or several behind tabs."""
    apps = list(runtime.apps.values())
    page: gr.Blocks
    with gr.Blocks(title=shell.title(apps), analytics_enabled=False, fill_width=True) as page:
        if len(apps) == 1:
            _section(runtime, apps[0])
        else:
            html(f'<p class="sk-suite">{shell.SUITE}</p>')
            with gr.Tabs(elem_classes="sk-tabs"):
                for app in apps:
                    with gr.Tab(app.title, id=app.name):
                        _section(runtime, app)
    # No gr.State and no unload event anywhere: either would hold one connection open per tab, and browsers
    # allow six per host, so that the third tab would hang.
    page.queue(default_concurrency_limit=CONCURRENT_QUESTIONS)
    return page


def theme() -> gr.themes.Base:
    """System fonts only, so that no font is fetched; colours are in static/page.css."""
    return gr.themes.Base(font=_FONTS, font_mono=["ui-monospace", "monospace"])


def _section(runtime: Runtime, app: SectorApp) -> None:
    """One app's part of the page."""
    with gr.Column(elem_id=f"sk-{app.name}", elem_classes="sk-app"):
        html(shell.header(app))
        if not app.pages:
            _asking(runtime, app)
            return
        with gr.Tabs(elem_classes="sk-pages"):
            for page in sorted((None, *app.pages), key=lambda page: page is None or not page.first):
                with gr.Tab(page.title if page else "Ask"):
                    if page:
                        page.build(runtime, app)
                    else:
                        _asking(runtime, app)


def _asking(runtime: Runtime, app: SectorApp) -> None:
    """The question box, its examples, the status and the answer."""
    with gr.Column(elem_classes="sk-page"):
        with gr.Row(elem_classes="sk-ask"):
            question = gr.Textbox(
                label="Your question",
                placeholder="Ask a question",
                lines=1,
                max_lines=8,
                scale=1,
                container=False,
                show_label=False,
                elem_classes="sk-question",
                html_attributes=gr.InputHTMLAttributes(enterkeyhint="send", autocomplete="off"),
            )
            ask_button = gr.Button("Ask", variant="primary", elem_classes="sk-go", scale=0, min_width=96)
            stop_button = gr.Button("Stop", elem_classes="sk-stop", scale=0, min_width=96, visible=False)
        html(shell.status_strip(app))
        chips = _chips(app.examples)
        answer, work = html(""), html("")

    outputs = [work, answer, ask_button, stop_button]
    asking, stop = _handlers(runtime, app.name)
    shared: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
    gr.on([question.submit, ask_button.click], asking, question, outputs, trigger_mode="multiple", **shared)
    for chip, text in zip(chips, app.examples, strict=True):
        fill = chip.click(None, None, question, js=f"() => {json.dumps(text)}", **shared)
        fill.then(asking, question, outputs, **shared)
    # Not through the queue: a stop must not wait for anything.
    stop_button.click(stop, None, None, queue=False, **shared)


def _handlers(
    runtime: Runtime, app: str
) -> tuple[Callable[[str, gr.Request], AsyncIterator[tuple[Any, ...]]], Callable[[gr.Request], None]]:
    """Asking and stopping, for every tab that is open; a tab asks one question at a time, the last one."""
    runs: dict[str, Run] = {}

    async def asking(question: str, request: gr.Request) -> AsyncIterator[tuple[Any, ...]]:
        session = request.session_hash or ""
        if earlier := runs.get(session):
            earlier.drop()
        run = runs[session] = Run()
        busy: bool | None = None
        try:
            async for view in ask(runtime, app, question, run):
                if run.dropped:
                    return
                buttons: tuple[Any, ...] = (gr.skip(), gr.skip())
                if view.busy != busy:
                    busy = view.busy
                    buttons = (gr.Button(visible=not busy), gr.Button(visible=busy))
                parts = (gr.skip() if part is None else part for part in (view.work, view.answer))
                yield (*parts, *buttons)
        finally:
            if runs.get(session) is run:
                del runs[session]

    def stop(request: gr.Request) -> None:
        if run := runs.get(request.session_hash or ""):
            run.stop()

    return asking, stop


def example_chips(app: SectorApp, title: str) -> list[tuple[gr.Button, dict[str, Any]]]:
    """A row with a button for each example of the page of that title, each with what it is to fill in; none, no row."""
    examples = app.page_examples(title)
    return list(zip(_chips([example["label"] for example in examples]), examples, strict=True))


def _chips(labels: Sequence[str]) -> list[gr.Button]:
    if not labels:
        return []
    with gr.Row(elem_classes="sk-chips"):
        return [gr.Button(label, size="sm", elem_classes="sk-chip", scale=0) for label in labels]


def index_of(runtime: Runtime, app: SectorApp) -> Index:
    """The app's index. StoreError while it is not open yet."""
    index = runtime.index(app.name)
    if index is None:
        raise StoreError("the documents are not ready yet; try again in a moment")
    return index


def html(value: str) -> gr.HTML:
    """HTML of our own, which no script of Gradio's touches."""
    return gr.HTML(value, js_on_load=None, apply_default_css=False)
