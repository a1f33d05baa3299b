"""A passage in a list -> HTML: its title, where it is, the beginning of its words."""

from __future__ import annotations

from sectorkit.retrieval.passage import Hit
from sectorkit.times import standing
from sectorkit.ui.text import document_url, esc, humanise

_SNIPPET = 220


def name(hit: Hit) -> str:
    meta = hit.passage.metadata
    return (
        f'<span class="sk-name" dir="auto"><strong>{esc(meta.get("title") or meta.get("source", ""))}</strong>'
        f'{status(meta.get("status"))}</span><span class="sk-where" dir="auto">{esc(meta.get("locator", ""))}</span>'
    )


def status(status: str | None) -> str:
    """A badge for what a reader must know: a document that is no longer, or not yet, in force."""
    if not status or not standing({"status": status}):
        return ""
    return f' <span class="sk-status-badge">{esc(humanise(status))}</span>'


def link(app: str, hit: Hit) -> str:
    meta = hit.passage.metadata
    return document_url(app, str(meta.get("source", "")), meta.get("start"), meta.get("end"))


def short(text: str) -> str:
    line = " ".join(text.split())
    if len(line) <= _SNIPPET:
        return line
    space = line.rfind(" ", _SNIPPET // 2, _SNIPPET)
    return f"{line[: space if space > 0 else _SNIPPET]} …"
