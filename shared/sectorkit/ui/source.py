"""A document -> HTML: its text as it was indexed, with a span of it marked to the character."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sectorkit.retrieval.manifest import StoredDocument
from sectorkit.retrieval.passage import Passage
from sectorkit.times import standing
from sectorkit.ui.text import attr, day, esc, humanise, icon

MAX_CHARACTERS = 400_000  # of one document on one page; the part around the quote is shown of a longer one
_BLOCK = re.compile(r"\S(?:[^\n]|\n(?!\s*\n))*")  # a run of lines without an empty one
_ROW = re.compile(r"[^\n]+")


@dataclass(frozen=True)
class Outline:
    """What a document's passages tell of its shape: heading -> level, and where each page (slide, sheet) begins."""

    levels: Mapping[str, int] = field(default_factory=dict)
    pages: Mapping[int, str] = field(default_factory=dict)  # start -> "Page 3"


def outline(passages: Sequence[Passage]) -> Outline:
    levels: dict[str, int] = {}
    pages: dict[str, int] = {}
    for passage in passages:
        for level, heading in enumerate(filter(None, str(passage.metadata.get("heading", "")).split(" › "))):
            levels.setdefault(heading, level)
        if (page := passage.metadata.get("page")) is not None:
            name = f"{str(passage.metadata.get('page_name', 'page')).capitalize()} {page}"
            pages[name] = min(pages.get(name, passage.metadata["start"]), passage.metadata["start"])
    return Outline(levels, {start: name for name, start in pages.items()})


def article(document: StoredDocument, shape: Outline, start: int = 0, end: int = 0) -> str:
    """The document's title, what is known of it, and its text with `[start:end]` in `<mark>`; no mark where empty."""
    meta = document.metadata
    quote = (max(0, start), min(end, len(document.text)))
    return (
        f'<article class="sk-document"{attr("lang", meta.get("language"))}>'
        f'<h2 class="sk-document-title" tabindex="-1" dir="auto">{esc(document.title or document.source)}</h2>'
        f"{_facts(document)}{_notes(document)}"
        f'<div class="sk-document-text">{_body(document.text, shape, quote)}</div></article>'
    )


def page(document: StoredDocument, shape: Outline, start: int, end: int) -> str:
    """The same as a page of its own, at `text.document_url`: for a link opened in a new tab, or without scripts."""
    title = esc(document.title or document.source)
    root = "../" * (2 + document.source.count("/"))
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<link rel="stylesheet" href="{root}ui/page.css"></head>'
        f'<body class="sk-standalone"><main>{article(document, shape, start, end)}</main></body></html>'
    )


def _facts(document: StoredDocument) -> str:
    meta = document.metadata
    facts = [(humanise(name), str(meta[name])) for name in ("issuer", "kind") if meta.get(name)]
    facts = [(name, humanise(value) if name == "Kind" else value) for name, value in facts]
    begins, ends = meta.get("valid_from"), meta.get("valid_to")
    if begins or ends:
        span = [f"from {day(begins)}" if begins else "", f"until {day(ends)}" if ends else ""]
        facts.append(("In force" if ends or meta.get("status") != "final" else "Dated", _span(span, meta)))
    facts.append(("File", document.source))
    rows = "".join(f'<div><dt>{name}</dt><dd dir="auto">{esc(value)}</dd></div>' for name, value in facts)
    return f'{_badge(meta)}<dl class="sk-facts">{rows}</dl>'


def _span(parts: list[str], meta: Mapping[str, Any]) -> str:
    if meta.get("status") == "final" and not meta.get("valid_to"):
        return day(meta["valid_from"])
    return " ".join(part for part in parts if part)


def _badge(meta: Mapping[str, Any]) -> str:
    status = str(meta.get("status") or "")
    if not standing(meta):
        return ""
    ends = f": no longer in force since {day(meta['valid_to'])}" if meta.get("valid_to") else ""
    return f'<p class="sk-superseded">{icon("warn")}{esc(humanise(status))}{esc(ends)}</p>'


def _notes(document: StoredDocument) -> str:
    rows = "".join(f"<li>{icon('info')}<span>{esc(note)}</span></li>" for note in document.notes)
    return f'<ul class="sk-notes" aria-label="Notes about this file">{rows}</ul>' if rows else ""


def _body(text: str, shape: Outline, quote: tuple[int, int]) -> str:
    first, last = 0, len(text)
    if len(text) > MAX_CHARACTERS:
        first = max(0, min(quote[0] - MAX_CHARACTERS // 2, len(text) - MAX_CHARACTERS))
        last = first + MAX_CHARACTERS
    marks = _Marks(text, quote)
    out = [] if first == 0 else ['<p class="sk-cut">The beginning of this long document is left out here.</p>']
    for block in _BLOCK.finditer(text, first, last):
        # A passage begins below its heading, and a page above it.
        above = next((i for i in range(len(out), 0, -1) if not out[i - 1].startswith("<h")), 0)
        out[above:above] = [
            f'<p class="sk-page-break">{name}</p>'
            for at, name in shape.pages.items()
            if block.start() <= at < block.end()
        ]
        out.append(_block(block, shape, marks))
    if last < len(text):
        out.append('<p class="sk-cut">The rest of this long document is left out here.</p>')
    return "".join(out)


def _block(block: re.Match[str], shape: Outline, marks: _Marks) -> str:
    level = shape.levels.get(block[0].strip())
    if level is not None:
        tag = f"h{min(3 + level, 6)}"
        return f'<{tag} dir="auto">{marks.html(block.start(), block.end())}</{tag}>'
    if " | " in block[0] and "\n" in block[0]:
        rows = (
            f'<p dir="auto">{marks.html(r.start(), r.end())}</p>' for r in _ROW.finditer(block.string, *block.span())
        )
        return f'<div class="sk-table">{"".join(rows)}</div>'
    return f'<p dir="auto">{marks.html(block.start(), block.end())}</p>'


class _Marks:
    """Turns spans of the text into HTML; the part of a span that lies in the quote is marked."""

    def __init__(self, text: str, quote: tuple[int, int]) -> None:
        self._text, self._quote, self._named = text, quote, False

    def html(self, start: int, end: int) -> str:
        a, b = max(start, self._quote[0]), min(end, self._quote[1])
        if a >= b:
            return esc(self._text[start:end])
        name = "" if self._named else ' id="quote"'
        self._named = True
        return f"{esc(self._text[start:a])}<mark{name}>{esc(self._text[a:b])}</mark>{esc(self._text[b:end])}"
