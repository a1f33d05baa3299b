"""The status strip: what is ready, what is being loaded and how far it is, and what one can do meanwhile."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from sectorkit.runtime import Runtime, Stage
from sectorkit.ui.text import esc

SEARCH_ONLY = "The model is not available: search only."
_NAMES = {"documents": "Documents", "model": "Model", "reranker": "Reranker"}
_STATES = {"waiting": "waiting", "working": "loading", "ready": "ready", "failed": "not available", "off": "off"}


def ready(stages: Sequence[Stage]) -> bool:
    """Whether nothing more is to come: then the strip is one quiet line."""
    states: list[str] = [stage.state for stage in stages]
    return all(state in ("ready", "off") for state in states)


def headline(stages: Sequence[Stage], *, searchable: bool) -> str:
    """What the user can do now, in one or two sentences."""
    by_name: dict[str, str] = {stage.name: stage.state for stage in stages}
    documents, model = by_name["documents"], by_name["model"]
    if not searchable:
        if documents == "failed":
            return "The documents could not be opened, so nothing can be asked yet."
        return "Getting ready. You can already ask: your question runs as soon as the documents are open."
    if model == "ready":
        return "Ready." if documents == "ready" else "Ready. The documents are being brought up to date."
    if model == "failed":
        return f"{SEARCH_ONLY} Questions find passages, without a written answer."
    if model == "off":
        return "Search only: no model was started. Questions find passages, without a written answer."
    return "You can search already. Written answers follow as soon as the model is loaded."


def report(runtime: Runtime) -> dict[str, Any]:
    """All of it as JSON, for health checks and forks."""
    stages = runtime.stages()
    return {
        "ready": ready(stages),
        "stages": [asdict(stage) for stage in stages],
        "apps": {
            name: {"title": app.title, "searchable": runtime.index(name) is not None}
            for name, app in runtime.apps.items()
        },
    }


def shown(runtime: Runtime, app: str, *, page: bool) -> dict[str, Any]:
    """What the page's script asks for: the strip, and whether the whole `page` is there yet. Raises UnknownName."""
    stages, searchable = runtime.stages(), runtime.index(app) is not None
    return {
        "page": page,
        "ready": page and ready(stages),
        "answers": any(stage.name == "model" and stage.state == "ready" for stage in stages),
        "headline": headline(stages, searchable=searchable),
        "html": strip(stages, searchable=searchable),
    }


def strip(stages: Sequence[Stage], *, searchable: bool) -> str:
    """The strip's inner HTML."""
    text = headline(stages, searchable=searchable)
    if ready(stages):
        details = " · ".join(esc(stage.message) for stage in stages if stage.message and stage.state == "ready")
        return (
            f'<p class="sk-ready"><span class="sk-lamp sk-lamp-ready" aria-hidden="true"></span>{esc(text)} '
            f'<span class="sk-details">{details}</span><span class="sk-keys">Enter asks, Shift + Enter: new line</span></p>'
        )
    rows = "".join(_row(stage) for stage in stages)
    return f'<p class="sk-headline">{esc(text)}</p><ul class="sk-stages">{rows}</ul>'


def _row(stage: Stage) -> str:
    state = _STATES[stage.state]
    bar = ""
    if stage.state == "working":
        value = "" if stage.fraction is None else f' value="{min(max(stage.fraction, 0.0), 1.0):.3f}"'
        share = "" if stage.fraction is None else f'<span class="sk-share">{stage.fraction:.0%}</span>'
        bar = f'<progress max="1"{value} aria-label="{_NAMES[stage.name]}"></progress>{share}'
    return (
        f'<li class="sk-stage sk-stage-{esc(stage.state)}"><span class="sk-lamp sk-lamp-{esc(stage.state)}" '
        f'aria-hidden="true"></span><strong>{_NAMES[stage.name]}</strong> <span class="sk-state">{state}</span>'
        f'<span class="sk-message" dir="auto">{esc(stage.message)}</span>{bar}</li>'
    )
