"""The page "Diagnose": a machine, what one notices, readings with units; below, what limits and FMEA make of it, and a report's draft."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from functools import partial
from typing import Any

import gradio as gr

from manufacturing_qa.diagnosis import Cause, Diagnosis, Plant, diagnose, read_plant
from manufacturing_qa.report import FORMS, report
from sectorkit.app import SectorApp
from sectorkit.drafts import Draft
from sectorkit.errors import RequestError
from sectorkit.reading import Kept
from sectorkit.retrieval.index import Index
from sectorkit.runtime import Runtime
from sectorkit.ui import working
from sectorkit.ui.drafts import draft_buttons
from sectorkit.ui.findings import badge, finding, in_words, overall
from sectorkit.ui.page import example_chips, html, index_of
from sectorkit.ui.text import esc, notes, quote_link

_FIELDS, _ROWS = 14, 2  # readings of one machine that the form has room for, and rows of the FMEA for each cause
_SHOWN = ("Effect", "Cause", "Recommended action")

plant_of = Kept(read_plant)


def diagnose_page(runtime: Runtime, app: SectorApp) -> None:
    """The form and its result."""
    with gr.Column(elem_classes="sk-page"), gr.Column(elem_classes="sk-form"):
        machine = gr.Dropdown([], label="Machine", allow_custom_value=True, interactive=True)
        symptoms = gr.Textbox(label="What do you notice?", placeholder="A noise, a smell, an alarm …", lines=2)
        with gr.Row():
            fields = [gr.Textbox(label=f"Reading {n + 1}", visible=False, min_width=220) for n in range(_FIELDS)]
        # Of the fields: a sync in between may change what the machine's limits compare.
        names = gr.Textbox(visible=False)
        check = gr.Button("Check", variant="primary", elem_classes="sk-go")
    chips = example_chips(app, "Diagnose")
    result = html("")

    def machines() -> Any:
        return gr.Dropdown(choices=plant_of(index_of(runtime, app)).machines) if runtime.index(app.name) else gr.skip()

    def readings(chosen: str, read: Mapping[str, str] | None = None) -> list[Any]:
        limits, read = plant_of(index_of(runtime, app)).limits, read or {}
        named = limits.readings_of(chosen or "")[:_FIELDS]
        units = {name: f"in {kind.unit}" for name, kind in limits.plausible.items()}
        texts = [(name.capitalize(), units.get(name, "with its unit"), read.get(name, "")) for name in named]
        used = [gr.Textbox(label=name, placeholder=hint, value=text, visible=True) for name, hint, text in texts]
        return ["\n".join(named), *used] + [gr.Textbox(value="", visible=False)] * (_FIELDS - len(named))

    def filled(example: Mapping[str, Any]) -> list[Any]:
        return [example["machine"], example["symptoms"], *readings(example["machine"], example["readings"]), ""]

    def diagnosed(chosen: str, noticed: str, named: str, *values: str) -> tuple[Index, Plant, Diagnosis]:
        index = index_of(runtime, app)
        plant = plant_of(index)
        read = dict(zip(filter(None, (named or "").split("\n")), (value or "" for value in values), strict=False))
        found = diagnose(chosen or "", noticed or "", read, plant=plant, index=index)
        if not found.known:
            raise RequestError(f"No limits and no FMEA for {chosen or 'no machine'}; choose one of the list.")
        return index, plant, found

    @working.or_problem
    def checked(*values: str) -> str:
        _, plant, found = diagnosed(*values)
        return shown(app.name, found, plant.limits.problems)

    def drafted(form: str, *values: str) -> Draft:
        index, plant, found = diagnosed(*values)
        if not (found.causes or found.symptoms.strip()):
            raise RequestError("Nothing was noticed, and no reading is beyond a limit: there is nothing to report.")
        return report(form, found, plant=plant, index=index, made=date.today())

    given = [machine, symptoms, names, *fields]
    written = draft_buttons(app.name, FORMS, drafted, given)
    quiet: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
    machine.focus(machines, None, machine, **quiet)
    machine.input(readings, machine, [names, *fields], **quiet)
    sent = [check.click, symptoms.submit, *(field.submit for field in fields)]
    gr.on(sent, lambda: "", None, written, **quiet).then(checked, given, result, **quiet)
    for chip, example in chips:
        chip.click(partial(filled, example), None, [*given, written], **quiet).then(checked, given, result, **quiet)


def shown(app: str, found: Diagnosis, unread: Sequence[str] = ()) -> str:
    """The diagnosis as HTML; `unread` are rows of the documents that were not read as limits."""
    said = [f"To decide, read: {', '.join(found.ask)}."] if found.ask else []
    said += dict.fromkeys((*found.notes, *found.problems, *(f"Not read as a limit: {row}" for row in unread[:_ROWS])))
    within = [finding(app, f) for f in found.findings if f.state == "within"]
    return "".join((
        f'<article class="sk-answer" aria-label="Diagnosis" data-announce="{esc(in_words(found.findings))}">',
        f'<div class="sk-top">{overall(found.findings)}',
        f'<span class="sk-hint">{esc(found.machine)}, limits in force today</span></div>',
        notes(said),
        f'<ol class="sk-causes">{"".join(_cause(app, cause) for cause in found.causes)}</ol>',
        f'<details class="sk-closest"><summary>Limits that hold <span class="sk-count">{len(within)}</span></summary>'
        f'<ul class="sk-points">{"".join(within)}</ul></details>' if within else "",
        '<p class="sk-small">Readings were compared by code with the limits of the documents; no model took part.</p></article>',
    ))  # fmt: skip


def _cause(app: str, cause: Cause) -> str:
    points = [finding(app, f) for f in cause.findings]
    for row in cause.rows[:_ROWS]:
        said = [f"{name}: {row.cells[name]}" for name in _SHOWN if row.cells.get(name)]
        points.append(f'<li dir="auto">{esc("; ".join(said))} ({quote_link(app, row.quote)})</li>')
    return f'<li><h3>{esc(cause.mode)}{badge(cause.level, "Suggested by the symptoms")}</h3><ul class="sk-points">{"".join(points)}</ul></li>'
