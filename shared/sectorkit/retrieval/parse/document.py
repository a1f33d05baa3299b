"""ParsedDocument: the readable text of one file, and where its headings, paragraphs and rows lie in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Literal, TypeAlias

from sectorkit.retrieval.parse.normalise import clean, clean_code

Kind: TypeAlias = Literal["heading", "paragraph", "item", "row", "quote", "code"]
PageName: TypeAlias = Literal["page", "slide", "sheet"]
_TIGHT = frozenset({"item", "row"})


@dataclass(frozen=True, slots=True)
class Block:
    """A span of a document's text: `text[start:end]`, never empty, without white space at its ends.

    `level` is a heading's, from 1 (outermost), else 0. `page` counts from 1; None where there are no pages.
    `row` is a spreadsheet's number of the row that the block stands in, from 1; None outside of spreadsheets.
    """

    start: int
    end: int
    kind: Kind
    level: int
    page: int | None
    row: int | None = None


@dataclass(frozen=True)
class ParsedDocument:
    """What a file says. `blocks` ascend and do not overlap; only line breaks lie between them.

    `title`, `language` (a primary subtag such as "fr") and `metadata` are what the file declares, no guesses;
    only a first heading serves as the title where none is declared. `notes` tell a person what was lost.
    `page_name` is what pages are called: a sheet's name is the heading of level 1 above its rows. `scanned` are the pages
    that have something on them and no text, and `recognised` those of them whose text is OCR's.
    """

    text: str
    blocks: tuple[Block, ...]
    title: str | None = None
    language: str | None = None
    metadata: Mapping[str, str | date] = field(default_factory=dict)
    pages: int | None = None
    notes: tuple[str, ...] = ()
    page_name: PageName = "page"
    scanned: tuple[int, ...] = ()
    recognised: tuple[int, ...] = ()


class Draft:
    """Collects blocks in reading order. Text is cleaned here, so that every format agrees."""

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._blocks: list[Block] = []
        self._length = 0
        self._apart = False

    def add(
        self,
        text: str,
        kind: Kind = "paragraph",
        *,
        level: int = 0,
        page: int | None = None,
        row: int | None = None,
    ) -> None:
        """Append one block; text that is empty once cleaned is no block."""
        text = clean_code(text) if kind == "code" else clean(text)
        if not text:
            return
        if self._blocks:
            last = self._blocks[-1].kind
            gap = "\n" if kind == last and kind in _TIGHT and not self._apart else "\n\n"
            self._parts.append(gap)
            self._length += len(gap)
        self._apart = False
        end = self._length + len(text)
        self._blocks.append(Block(self._length, end, kind, level if kind == "heading" else 0, page, row))
        self._parts.append(text)
        self._length = end

    def apart(self) -> None:
        """Set the next block apart from the one before: where a table begins, which may follow on another."""
        self._apart = True

    def __len__(self) -> int:
        return len(self._blocks)

    @property
    def length(self) -> int:
        """Characters of text so far."""
        return self._length

    def first_heading(self) -> str | None:
        """The document's first heading, where it is of the outermost level in use."""
        text = "".join(self._parts)
        headings = [b for b in self._blocks if b.kind == "heading"]
        if not headings or headings[0].level > min(b.level for b in headings):
            return None
        return text[headings[0].start : headings[0].end].replace("\n", " ")

    def finish(
        self,
        *,
        title: str | None = None,
        language: str | None = None,
        metadata: Mapping[str, str | date] | None = None,
        pages: int | None = None,
        notes: tuple[str, ...] = (),
        page_name: PageName = "page",
    ) -> ParsedDocument:
        """The document; a title that is not declared is its first heading, unless that is the name of a sheet."""
        title = clean(title or "").replace("\n", " ") or (None if page_name == "sheet" else self.first_heading())
        text = "".join(self._parts)
        return ParsedDocument(text, tuple(self._blocks), title, language, metadata or {}, pages, notes, page_name)
