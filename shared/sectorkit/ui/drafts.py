"""A draft -> HTML: its sections with what is to be filled in marked, its sources as links, and the whole to download.

The files travel within the page, so that nothing of a draft is kept on the server.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import gradio as gr

from sectorkit.drafts import FILL, REPORTED, Draft, Line, docx, markdown
from sectorkit.ui import working
from sectorkit.ui.page import html
from sectorkit.ui.text import cite, esc, icon, plural

_WORD = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"


def draft_buttons(
    app: str, forms: Mapping[str, Mapping[str, Any]], make: Callable[..., Draft], given: Sequence[Any]
) -> gr.HTML:
    """A button for each form, and the place below them where a draft is shown, which is returned.

    `make(name, *values)` makes the draft of the form of that name from the values of the components `given`.
    """
    with gr.Column(elem_classes="sk-page"), gr.Row(elem_classes="sk-chips sk-drafts"):
        buttons = [gr.Button(f"Draft: {form['title']}", elem_classes="sk-chip", scale=0) for form in forms.values()]
    place = html("")

    @working.or_problem
    def made(name: str, *values: Any) -> str:
        found = make(name, *values)
        about = re.sub(r"[^\w.-]+", "-", found.title.partition(": ")[2]).strip("-.")[:60]
        return draft(app, found, "-".join(filter(None, (name, about, found.made.isoformat()))))

    quiet: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
    for name, button in zip(forms, buttons, strict=True):
        begun = button.click(lambda: working.waiting("Writing the draft"), None, place, **quiet)
        begun.then(partial(made, name), list(given), place, **quiet)
    return place


def draft(app: str, shown: Draft, name: str) -> str:
    """The draft with links to download it; `name` is the files' name, without an ending."""
    sections = "".join(
        f"<section><h4>{esc(section.title)}</h4><ul>{''.join(_line(app, shown, line) for line in section.lines)}</ul></section>"
        for section in shown.sections
    )
    open_ = sum(bool(line.by) for section in shown.sections for line in section.lines)
    files = (("Word", "docx", _WORD, docx(shown)), ("Markdown", "md", "text/markdown", markdown(shown).encode()))
    links = "".join(
        f'<a class="sk-button" download="{esc(name)}.{ending}" href="data:{kind};base64,{b64encode(held).decode()}">Download as {what}</a>'
        for what, ending, kind, held in files
    )
    return (
        f'<article class="sk-answer sk-draft" aria-label="Draft" data-announce="{esc(shown.title)}, {plural(open_, "field")} to fill in">'
        f'<h3>{esc(shown.title)}</h3><p class="sk-hint">{esc(shown.note)} {plural(open_, "field")} to fill in.</p>'
        f'<p class="sk-files">{links}</p>{sections}</article>'
    )


def _line(app: str, shown: Draft, line: Line) -> str:
    label = f"<strong>{esc(line.label)}:</strong> " if line.label else ""
    cites = "".join(f"&#8239;{cite(app, n, shown.sources[n - 1])}" for n in shown.numbers(line))
    said = f' <mark class="sk-fill">{icon("info")}{FILL}: {esc(line.by)}</mark>' if line.by else ""
    said += f' <span class="sk-small">({REPORTED})</span>' if line.reported else ""
    return f'<li dir="auto">{label}{esc(line.text)}{cites}{said}</li>'
