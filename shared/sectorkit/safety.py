"""Safety: warnings of a section are shown wherever a step of it is cited, by rule and not by a model's choice.

A warning is a paragraph that begins with a signal word in the sense of ANSI Z535 and ISO 3864 ("WARNING: ..."), in one of the
languages below. It belongs to its section and to the sections within it: who is told one step of a procedure is about to do the
others, too.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from itertools import groupby

from sectorkit.answer import Answer, Citation, Request
from sectorkit.retrieval.index import Index
from sectorkit.retrieval.passage import Passage

_SIGNALS = (
    "DANGER", "WARNING", "CAUTION", "危险", "警告", "注意", "GEFAHR", "WARNUNG", "VORSICHT", "AVERTISSEMENT", "ATTENTION", "PELIGRO",
    "ADVERTENCIA", "ATENCIÓN",
)  # fmt: skip
# "DANGER: ...", "⚠ Warning – ...", "1. WARNING: ...", "[!WARNING]", or the word alone on a line above what it says.
_WARNING = re.compile(
    rf"^[ \t]*(?:\d+[.)]\s+|[-•*]\s+)?(?:⚠\ufe0f?\s*)?\[?!?(?:{'|'.join(_SIGNALS)})\]?[ \t]*(?:[:：!！–—].*|$)",
    re.MULTILINE | re.IGNORECASE,
)


_STEP = re.compile(r"\n\n|\n\d+[.)]\s")  # where the next paragraph or step begins


def with_warnings(request: Request, answer: Answer, index: Index) -> Answer:
    """The answer with the warnings that belong to what it cites. An after-rule of a SectorApp."""
    found = {(w.source, w.start): w for citation in answer.citations for w in warnings_of(citation, index)}
    return replace(answer, warnings=tuple(found.values()))


def warnings_of(citation: Citation, index: Index) -> Iterator[Citation]:
    """The warnings of the cited words' section, and of the sections that it is part of, in the document's order."""
    text = index.document(citation.source).text
    passages = index.passages_of(citation.source)
    held = [p for p in passages if p.metadata["start"] <= citation.start < p.metadata["end"]]
    if not held:
        return
    path = _path(held[0])
    for section in _sections(passages):
        if _path(section[0]) != path[: len(_path(section[0]))]:
            continue
        at = section[0].metadata["start"]
        for match in _WARNING.finditer(text, at, section[-1].metadata["end"]):
            if match.start() < at:
                continue  # within the one before
            at = _end(text, match, section[-1].metadata["end"])
            holder = next((p for p in section if p.metadata["start"] <= match.start() < p.metadata["end"]), section[0])
            yield replace(
                citation, n=0, passage_id=str(holder.id), locator=str(holder.metadata.get("locator", "")),
                quote=text[match.start() : at].strip(), start=match.start(), end=at,
            )  # fmt: skip


def _end(text: str, match: re.Match[str], most: int) -> int:
    """Where a warning ends: with its paragraph; with the next one where that is a word alone, or announces a list."""
    said = match[0].rstrip()
    if re.search(r"[:：!！–—]", said) and not said.endswith((":", "：", "]")):
        return min(match.end(), most)
    begins = len(text) - len(text[match.end() :].lstrip("\n"))
    rest = _STEP.search(text, begins)
    return min(rest.start() if rest else most, most)


def _path(passage: Passage) -> list[str]:
    heading = str(passage.metadata.get("heading", ""))
    return heading.split(" › ") if heading else []


def _sections(passages: list[Passage]) -> Iterator[list[Passage]]:
    """Runs of passages under the same heading."""
    for _, run in groupby(passages, key=lambda passage: passage.metadata.get("heading", "")):
        yield list(run)
