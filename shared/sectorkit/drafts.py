"""Drafts: reports that code begins and people finish. Every line rests on a citation, was reported, or is left to a named role.

A form is a table of sections, such as one of a TOML file: `title`, `blocks` (names of what code found) and `fill` (what a
person has to write: label -> role). `fill_in` makes a draft of a form; `markdown` and `docx` write it out.
"""

from __future__ import annotations

import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Any

from sectorkit.answer import Citation

FILL = "to be filled in by"
REPORTED = "as reported"
_BLANK = "________"
_MARKDOWN = re.compile(
    r"([\\`*_{}\[\]<>#|~&])|^(\d{1,9})([.)])(?=\s|$)|^([-+=])(?=\s|$|[-+=])"
)  # what means something in it
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff\ud800-\udfff]")  # what XML cannot hold


@dataclass(frozen=True)
class Line:
    """One statement, or one field. It rests on `citations`, or was `reported` by whoever asked, or is for the role `by` to fill in.

    A line with `by` may have a text that says what is wanted. ValueError for a statement that rests on nothing.
    """

    text: str = ""
    label: str = ""
    citations: tuple[Citation, ...] = ()
    reported: bool = False
    by: str = ""

    def __post_init__(self) -> None:
        if not (self.citations or self.reported or self.by):
            raise ValueError(f"{self.label or self.text!r} rests on nothing, and nobody is to fill it in")


@dataclass(frozen=True)
class Section:
    """A heading and its lines."""

    title: str
    lines: tuple[Line, ...]


@dataclass(frozen=True)
class Draft:
    """A report that was begun: `made` is the day; `note` says what it is and what it is not."""

    title: str
    sections: tuple[Section, ...]
    made: date
    note: str = ""

    @cached_property
    def sources(self) -> tuple[Citation, ...]:
        """What it cites, each once, in the order of the lines; its number is its place, from 1."""
        cited = (citation for section in self.sections for line in section.lines for citation in line.citations)
        return tuple({(c.source, c.start, c.end): c for c in cited}.values())

    def numbers(self, line: Line) -> list[int]:
        """The numbers of a line's sources."""
        return list(dict.fromkeys(self._places[c.source, c.start, c.end] for c in line.citations))

    @cached_property
    def _places(self) -> Mapping[tuple[str, int, int], int]:
        return {(c.source, c.start, c.end): n for n, c in enumerate(self.sources, start=1)}


def fill_in(form: Mapping[str, Any], blocks: Mapping[str, Sequence[Line]], *, about: str, made: date) -> Draft:
    """The draft of a form: its sections with the lines of their blocks, then what people fill in. KeyError for an unknown block."""
    sections = [
        Section(
            part["title"],
            tuple(
                [line for name in part.get("blocks", ()) for line in blocks[name]]
                + [Line(label=label, by=role) for label, role in part.get("fill", {}).items()]
            ),
        )
        for part in form["sections"]
    ]
    return Draft(f"{form['title']}: {about}", tuple(s for s in sections if s.lines), made, form.get("note", ""))


def markdown(draft: Draft) -> str:
    """The draft as Markdown (CommonMark)."""
    out = [f"# {_md(draft.title)}", "", f"Draft of {draft.made.isoformat()}. {_md(draft.note)}".strip(), ""]
    for section in draft.sections:
        out += [f"## {_md(section.title)}", ""]
        for line in section.lines:
            marks = "".join(f" [{n}]" for n in draft.numbers(line))
            label = f" **{_md(line.label)}:**" if line.label else ""
            out.append(" ".join(filter(None, (f"-{label}", _md(line.text) + marks, _said(line, _md(line.by), "*")))))
        out.append("")
    if draft.sources:
        out += ["## Sources", ""]
        out += [f"{n}. {_md(c.where)}: “{_md(c.quote)}”" for n, c in enumerate(draft.sources, start=1)] + [""]
    return "\n".join(out)


def docx(draft: Draft) -> bytes:
    """The draft as a Word document, fields to fill in highlighted."""
    import docx as word
    from docx.enum.text import WD_COLOR_INDEX

    document = word.Document()
    document.core_properties.title = _plain(draft.title)[:255]
    document.core_properties.author = document.core_properties.comments = ""
    document.add_heading(_plain(draft.title), 0)
    document.add_paragraph(_plain(f"Draft of {draft.made.isoformat()}. {draft.note}".strip()))
    for section in draft.sections:
        document.add_heading(_plain(section.title), 1)
        for line in section.lines:
            paragraph = document.add_paragraph(style="List Bullet")
            if line.label:
                paragraph.add_run(f"{_plain(line.label)}: ").bold = True
            paragraph.add_run(_plain(line.text) + "".join(f" [{n}]" for n in draft.numbers(line)))
            said = _said(line, _plain(line.by), "")
            mark = paragraph.add_run(f" {said}" if line.text else said)
            if line.by:
                mark.font.highlight_color = WD_COLOR_INDEX.YELLOW
            else:
                mark.italic = True
    if draft.sources:
        document.add_heading("Sources", 1)
        for n, citation in enumerate(draft.sources, start=1):
            document.add_paragraph(f"[{n}] {_plain(citation.where)}: “{_plain(citation.quote)}”")
    held = io.BytesIO()
    document.save(held)
    return held.getvalue()


def _said(line: Line, by: str, slant: str) -> str:
    """What stands behind a line that rests on no document."""
    if line.by:
        return f"{_BLANK} {slant}({FILL}: {by}){slant}"
    return f"{slant}({REPORTED}){slant}" if line.reported else ""


def _plain(text: str) -> str:
    return " ".join(_CONTROL.sub(" ", text).split())


def _md(text: str) -> str:
    return _MARKDOWN.sub(lambda m: f"{m[2]}\\{m[3]}" if m[2] else f"\\{m[1] or m[4]}", _plain(text))
