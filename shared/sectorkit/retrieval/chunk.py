"""Chunking: a parsed document becomes passages along its own structure."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import groupby
from typing import Any

from langchain_core.documents import Document

from sectorkit.retrieval.parse import Block, ParsedDocument
from sectorkit.retrieval.passage import Passage, named_rows, passage_id
from sectorkit.retrieval.words import sentences

CHUNKING = "outline-2"  # part of an index's fingerprint: raise it when passages would come out otherwise
_RECORDS = 3  # of a long sheet's rows a passage holds a third of what another may: each row is a record of its own
Span = tuple[int, int]


def chunk(
    document: ParsedDocument,
    *,
    source: str,
    metadata: Mapping[str, Any],
    count: Callable[[str], int],
    max_tokens: int = 220,
) -> list[Passage]:
    """Passages of `document`, in order, each at most `max_tokens` by `count` (one long word excepted).

    A passage never crosses a heading, never mixes OCR's words with the file's own, and is never cut inside a block that
    fits; a block that does not fit is cut between sentences, and a sentence that does not fit between words. Rows of a sheet
    that is no one passage are records: each is one, or a few where they are short. `metadata` is carried by every passage.
    """
    passages: list[Passage] = []
    seen: Counter[tuple[str, str]] = Counter()
    for path, blocks, ocr in _runs(document):
        starts = [block.start for block in blocks]
        pieces = list(_pieces(document.text, blocks, count, max_tokens))
        groups = _pack(document.text, pieces, count, max_tokens)
        if any(b.row is not None for b in blocks) and sum(tokens for _, tokens in pieces) > max_tokens:
            numbers = [blocks[bisect_right(starts, at) - 1].row for (at, _), _ in pieces]
            groups = _records(document.text, pieces, numbers, count, max_tokens)
        for group in groups:
            start, end = group[0][0], group[-1][1]
            text = document.text[start:end]
            heading = " › ".join(path)
            seen[heading, text] += 1
            first, last = bisect_right(starts, start) - 1, bisect_left(starts, end)
            page = blocks[first].page
            # A block that was cut begins before the passage that its rest is in.
            rows = [[max(start, b.start), b.row] for b in blocks[first:last] if b.row is not None]
            passages.append(
                Document(
                    id=passage_id(source, heading, text, seen[heading, text]),
                    page_content=text,
                    metadata={
                        **metadata,
                        "source": source,
                        "locator": _locator(document, page, [row for _, row in rows], path, ocr=ocr),
                        "heading": heading,
                        "start": start,
                        "end": end,
                        **({"page": page} if page is not None else {}),
                        **({"page_name": document.page_name} if document.page_name != "page" else {}),
                        **({"rows": rows} if rows else {}),
                    },
                )
            )
    return passages


def context(passage: Passage) -> str:
    """What is embedded for a passage: its title and outline ahead of its words, so that it can stand alone."""
    title = str(passage.metadata.get("title", ""))
    heading = str(passage.metadata.get("heading", ""))
    lead = " › ".join(part for part in (title, heading) if part and part not in passage.page_content)
    return f"{lead}\n{passage.page_content}" if lead else passage.page_content


def _locator(document: ParsedDocument, page: int | None, rows: list[int], path: list[str], *, ocr: bool) -> str:
    if document.page_name == "sheet":
        return ", ".join([f"sheet {name}" for name in path[:1]] + ([named_rows(rows)] if rows else []))
    parts = [] if page is None else [f"p. {page}" if document.page_name == "page" else f"{document.page_name} {page}"]
    if ocr:
        parts[0] += " (read by OCR)"
    parts += [heading for heading in path if heading != document.title and heading.lower() not in parts]
    return " › ".join(parts)


def _runs(document: ParsedDocument) -> Iterator[tuple[list[str], list[Block], bool]]:
    """Sections, divided where OCR's words begin or end, so that a passage is either its or the file's own."""
    for path, section in _sections(document):
        for ocr, blocks in groupby(section, key=lambda block: block.page in document.recognised):
            yield path, list(blocks), ocr


def _sections(document: ParsedDocument) -> Iterator[tuple[list[str], list[Block]]]:
    """Runs of blocks under one heading path; a heading with nothing under it is carried as its own text."""
    stack: list[tuple[int, str]] = []
    pending: list[Block] = []
    heading: Block | None = None
    for block in document.blocks:
        if block.kind != "heading":
            pending.append(block)
            continue
        if pending:
            yield [text for _, text in stack], pending
        elif heading is not None and (block.level <= heading.level):
            yield [text for _, text in stack[:-1]], [heading]
        pending, heading = [], block
        while stack and stack[-1][0] >= block.level:
            stack.pop()
        stack.append((block.level, document.text[block.start : block.end]))
    if pending:
        yield [text for _, text in stack], pending
    elif heading is not None:
        yield [text for _, text in stack[:-1]], [heading]


def _pieces(text: str, blocks: list[Block], count: Callable[[str], int], limit: int) -> Iterator[tuple[Span, int]]:
    """What passages are made of, each with its tokens."""
    for block in blocks:
        tokens = count(text[block.start : block.end])
        if tokens <= limit:
            yield (block.start, block.end), tokens
            continue
        inner = [(block.start + a, block.start + b) for a, b in sentences(text[block.start : block.end])]
        for start, end in inner:
            tokens = count(text[start:end])
            if tokens <= limit:
                yield (start, end), tokens
            else:
                yield from _cut(text, start, end, count, limit)


def _cut(text: str, start: int, end: int, count: Callable[[str], int], limit: int) -> Iterator[tuple[Span, int]]:
    """Halve until it fits, at a space where there is one near the middle."""
    piece = text[start:end]
    start, end = start + len(piece) - len(piece.lstrip()), start + len(piece.rstrip())
    if start >= end:
        return  # nothing but white space, as in code
    tokens = count(text[start:end])
    if end - start < 2 or tokens <= limit:
        yield (start, end), tokens
        return
    middle = (start + end) // 2
    space = text.rfind(" ", start + (middle - start) // 2, middle)
    middle = space if space > start else middle
    yield from _cut(text, start, middle, count, limit)
    yield from _cut(text, middle, end, count, limit)


def _records(
    text: str, pieces: list[tuple[Span, int]], rows: list[int | None], count: Callable[[str], int], limit: int
) -> Iterator[list[Span]]:
    """The pieces of a row, whose number `rows` has for each, together, however many lines it has; rows together while they fit into a third of `limit`."""
    held: list[Span] = []
    for _, of_row in groupby(zip(rows, pieces, strict=True), key=lambda one: one[0]):
        groups = list(_pack(text, (piece for _, piece in of_row), count, limit))
        if held and (len(groups) > 1 or count(text[held[0][0] : groups[0][-1][1]]) > limit // _RECORDS):
            yield held
            held = []
        held += groups.pop()
        yield from groups
    if held:
        yield held


def _pack(
    text: str, pieces: Iterable[tuple[Span, int]], count: Callable[[str], int], limit: int
) -> Iterator[list[Span]]:
    """Neighbouring pieces together, as many as fit.

    Pieces with white space between them have no more tokens together than each alone, and one for each byte between, as
    near as a tokenizer comes to that: counted is where this is not well below the limit.
    """
    group: list[Span] = []
    most = 0
    for piece, tokens in pieces:
        gap = len(text[group[-1][1] : piece[0]].encode()) if group else 0
        most += gap + tokens
        if group and (most > limit - limit // 16 or not gap):
            most = count(text[group[0][0] : piece[1]])
            if most > limit:
                yield group
                group, most = [], tokens
        group.append(piece)
    if group:
        yield group
