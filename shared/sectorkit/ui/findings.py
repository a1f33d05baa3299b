"""What limits say of readings -> HTML: how urgent it is, what was compared with what, and where the limit stands."""

from __future__ import annotations

from collections.abc import Sequence

from sectorkit.limits import Finding, Limit, worst
from sectorkit.ui.text import document_url, esc, icon

_LEVELS = {"alarm": ("warn", "Alarm"), "warning": ("half", "Warning")}


def badge(level: str, otherwise: str, *, look: str = "info", style: str = "") -> str:
    """A level by picture, word and colour; `otherwise` are the words where there is none."""
    looks, words = _LEVELS.get(level, (look, otherwise))
    return f'<span class="sk-badge sk-{level or style}">{icon(looks)}{esc(words)}</span>'


def overall(findings: Sequence[Finding]) -> str:
    """The badge of all findings: green only where every limit could be checked and holds."""
    every = bool(findings) and all(found.state == "within" for found in findings)
    look, style = ("check", "supported") if every else ("none", "")
    return badge(worst(findings), in_words(findings), look=look, style=style)


def in_words(findings: Sequence[Finding]) -> str:
    """What the findings come to."""
    told = sum(found.state != "missing" for found in findings)
    if level := worst(findings):
        return _LEVELS[level][1]
    if told == len(findings) > 0:
        return f"All {told} limits hold"
    return f"{told} of {len(findings)} limits could be checked, none is exceeded"


def finding(app: str, found: Finding) -> str:
    """A list item: the comparison, the limit with its document, older ones that it overrules, what to check next."""
    limit = found.limit
    other = "".join(
        f" {esc(o.title)} says {_link(app, o, o.condition.text)}; the newer document decides." for o in found.overruled
    )
    check = f"<br>{esc(limit.check)}" if limit.check and found.state == "exceeded" else ""
    where = f"{_link(app, limit, limit.name or limit.title)}, {esc(limit.title)}"
    return f'<li dir="auto">{esc(found.computed)} ({where}){other}{check}</li>'


def _link(app: str, limit: Limit, text: str) -> str:
    return f'<a class="sk-open" href="{esc(document_url(app, limit.source, limit.start, limit.end))}">{esc(text)}</a>'
