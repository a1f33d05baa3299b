"""What is shown while a question is being answered: the wait, the passages, the draft; and what went wrong."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import wraps
from typing import ParamSpec

from sectorkit.answer import Evidence
from sectorkit.errors import SectorkitError
from sectorkit.ui.rows import link, name, short
from sectorkit.ui.text import esc, icon, plural

P = ParamSpec("P")
_DRAFT_MARK = re.compile(r"\[\d+(?:\s*[,;–-]\s*\d+)*\]")
_CLOCK = '<span class="sk-clock" aria-hidden="true"></span>'


def waiting(message: str, fraction: float | None = None) -> str:
    """A question that waits for something to be ready."""
    value = "" if fraction is None else f' value="{min(max(fraction, 0.0), 1.0):.3f}"'
    return (
        f'<div class="sk-work" data-announce="{esc(message)}"><p class="sk-busy">{_dots()}{esc(message)}</p>'
        f'<progress max="1"{value} aria-label="Progress"></progress></div>'
    )


def reading(app: str, evidence: Sequence[Evidence], *, writing: bool = False) -> str:
    """What the model was given, while it reads and writes."""
    found = plural(len(evidence), "passage")
    head = f"From {found}" if writing else f"{_dots()}Reading {found} …{_CLOCK}"
    rows = "".join(
        f'<li><a class="sk-open sk-n" href="{esc(link(app, e.hit))}" aria-label="Passage {e.n}">{e.n}</a> '
        f'<span class="sk-row">{name(e.hit)}<span class="sk-snippet" dir="auto">{esc(short(e.text))}</span>'
        "</span></li>"
        for e in evidence
    )
    spoken = "The model is writing" if writing else f"Reading {found}"
    return (
        f'<div class="sk-work" data-announce="{esc(spoken)}"><p class="sk-busy">{head}</p>'
        f'<ol class="sk-reading">{rows}</ol></div>'
    )


def draft(text: str, *, stopped: bool = False) -> str:
    """The model's words before they are verified. Its own marks are numbers of the list above, no links."""
    body = _DRAFT_MARK.sub(lambda m: f"<sup>{esc(m[0].strip('[]'))}</sup>", esc(text))
    if not stopped:
        return (
            f'<div class="sk-answer sk-draft" aria-busy="true"><p class="sk-busy">{_dots()}Writing …{_CLOCK}'
            '<span class="sk-hint">not checked against the documents yet</span></p>'
            f'<p class="sk-text" dir="auto">{body}<span class="sk-caret" aria-hidden="true"></span></p></div>'
        )
    shown = f'<p class="sk-text" dir="auto">{body}</p>' if text.strip() else ""
    return (
        '<div class="sk-answer sk-draft" data-announce="Stopped.">'
        f'<p class="sk-badge sk-abstained">{icon("none")}Stopped</p>{shown}'
        '<p class="sk-small">You stopped this answer. What there is of it was not checked against the documents.</p>'
        "</div>"
    )


def problem(message: str) -> str:
    """An error's text, in the place of the answer."""
    return f'<div class="sk-answer sk-problem" role="alert">{icon("warn")}<p dir="auto">{esc(message)}</p></div>'


def _dots() -> str:
    return '<span class="sk-dots" aria-hidden="true"><i></i><i></i><i></i></span>'


def or_problem(shown: Callable[P, str]) -> Callable[P, str]:
    """A handler whose expected errors are shown in the place of its HTML."""

    @wraps(shown)
    def guarded(*args: P.args, **named: P.kwargs) -> str:
        try:
            return shown(*args, **named)
        except SectorkitError as error:
            return problem(str(error))

    return guarded
