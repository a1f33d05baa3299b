"""Small pieces of HTML: escaping, attributes, icons, dates. Everything shown passes through `esc`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from html import escape
from typing import Any
from urllib.parse import quote, urlencode

from sectorkit.answer import Citation

_ICONS = {
    "check": '<path d="m5 12.5 4.5 4.5L19 7.5"/>',
    "half": '<circle cx="12" cy="12" r="8"/><path d="M12 4a8 8 0 0 1 0 16z" fill="currentColor" stroke="none"/>',
    "none": '<circle cx="12" cy="12" r="8"/><path d="M8.5 12h7"/>',
    "info": '<circle cx="12" cy="12" r="8.5"/><path d="M12 11.2v5M12 7.6v.2"/>',
    "warn": '<path d="M12 4.2 21 19.6H3z"/><path d="M12 10.2v4.2M12 16.9v.2"/>',
    "copy": '<rect x="8.5" y="8.5" width="11" height="11" rx="2"/><path d="M15.5 8.5v-4h-11v11h4"/>',
}


def esc(value: object) -> str:
    """Text as HTML, fit for elements and double-quoted attributes."""
    return escape(str(value), quote=True)


def attr(name: str, value: object | None) -> str:
    """` name="value"`, or nothing where the value is None or empty."""
    return f' {name}="{esc(value)}"' if value not in (None, "") else ""


def numbered(names: Iterable[str]) -> list[str]:
    """The names, a number behind those that were there before."""
    found: dict[str, None] = {}
    for name in names:
        own, n = name, 2
        while own in found:
            own, n = f"{name} ({n})", n + 1
        found[own] = None
    return list(found)


def icon(name: str) -> str:
    """An inline picture that screen readers skip: the words beside it say the same."""
    return (
        '<svg class="sk-icon" viewBox="0 0 24 24" aria-hidden="true" focusable="false" fill="none" '
        'stroke="currentColor" stroke-width="2" stroke-linecap="round" stroke-linejoin="round">'
        f"{_ICONS[name]}</svg>"
    )


def document_url(app: str, source: str, start: int | None = None, end: int | None = None) -> str:
    """Address of a document's page, relative to the page's root, so that it holds behind any path prefix."""
    path = f"documents/{quote(app, safe='')}/{quote(source, safe='/')}"
    if start is None or end is None:
        return path
    return f"{path}?{urlencode({'start': start, 'end': end})}#quote"


def quote_link(app: str, quote: Citation, text: str = "") -> str:
    """A link that opens a quotation in its document, named by where it stands unless `text` is given."""
    return f'<a class="sk-open" href="{esc(document_url(app, quote.source, quote.start, quote.end))}">{esc(text or quote.where)}</a>'


def cite(app: str, n: int, quote: Citation) -> str:
    """The number of a source as a link that opens it."""
    return (
        f'<a class="sk-cite sk-open" href="{esc(document_url(app, quote.source, quote.start, quote.end))}"'
        f' aria-label="Source {n}: {esc(quote.where)}" title="{esc(quote.where)}">{n}</a>'
    )


def notes(said: Sequence[str]) -> str:
    """Notes as a list; nothing where there are none."""
    rows = "".join(f'<li>{icon("info")}<span dir="auto">{esc(note)}</span></li>' for note in said)
    return f'<ul class="sk-notes" aria-label="Notes">{rows}</ul>' if rows else ""


def day(value: Any) -> str:
    """`2024-05-01` as "1 May 2024"; what is no ISO date stays as it is."""
    try:
        read = date.fromisoformat(str(value))
    except ValueError:
        return str(value)
    return f"{read.day} {read:%B} {read.year}"


def humanise(name: str) -> str:
    """A metadata word for a person: `in_force` -> "In force"."""
    words = name.replace("_", " ").replace("-", " ").strip()
    return words[:1].upper() + words[1:]


def plural(count: int, noun: str) -> str:
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"
