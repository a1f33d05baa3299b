"""Safety: warnings of a section are shown wherever a step of it is cited, by rule and not by a model's choice.

A warning is a paragraph that begins with a signal word in the sense of ANSI Z535 and ISO 3864 ("WARNING: ..."), in one of the
languages below. It belongs to its section: who is told one step of a procedure is about to do the others, too.
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
_WARNING = re.compile(rf"^[ \t]*(?:⚠\ufe0f?[ \t]*)?(?:{'|'.join(_SIGNALS)})[ \t]*[:：!！].*$", re.MULTILINE)


def with_warnings(request: Request, answer: Answer, index: Index) -> Answer:
    """The answer with the warnings that belong to what it cites. An after-rule of a SectorApp."""
    found = {(w.source, w.start): w for citation in answer.citations for w in warnings_of(citation, index)}
    return replace(answer, warnings=tuple(found.values()))


def warnings_of(citation: Citation, index: Index) -> Iterator[Citation]:
    """The warnings of the cited words' section."""
    text = index.document(citation.source).text
    for section in _sections(index.passages_of(citation.source)):
        start, end = section[0].metadata["start"], section[-1].metadata["end"]
        if not start <= citation.start < end:
            continue
        for match in _WARNING.finditer(text, start, end):
            holder = next((p for p in section if p.metadata["start"] <= match.start() < p.metadata["end"]), section[0])
            yield replace(
                citation, n=0, passage_id=str(holder.id), locator=str(holder.metadata.get("locator", "")),
                quote=match[0].strip(), start=match.start(), end=match.end(),
            )  # fmt: skip
        return


def _sections(passages: list[Passage]) -> Iterator[list[Passage]]:
    """Runs of passages under the same heading."""
    for _, run in groupby(passages, key=lambda passage: passage.metadata.get("heading", "")):
        yield list(run)
