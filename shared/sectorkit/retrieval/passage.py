"""Passage: the unit that is indexed, found and cited.

A passage is a LangChain `Document`: `id`, `page_content` (an exact slice of its document's text) and `metadata`:

    source    path below the corpus folder, with forward slashes
    title     the document's title
    locator   where in it, for a person: "p. 3 › Article 4 › Night hours", "slide 4 › Pumps", "sheet Pumps, rows 12-15"
    page      number of the page, slide or sheet, from 1, where there are any; `page_name` says which, unless a page
    rows      of a spreadsheet: [[start, row], ...], where in the document's text each row's words begin
    start,end character span in the document's parsed text
    language, valid_from, valid_to, status, kind, ...: of the document, as far as it is known

`valid_from` and `valid_to` are ISO dates as text, so that they compare and filter in every store.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, TypeAlias

from langchain_core.documents import Document

from sectorkit.retrieval.ranges import ranges

Passage: TypeAlias = Document


@dataclass(frozen=True)
class Hit:
    """A passage that a search found, its score (higher is better) and the stages that found it.

    `ranks` gives its rank, from 1, in each stage that had it: `{"lexical": 3, "dense": 1}`. The score is that of the
    last stage that had it: a reranker's for a hit with a rank under `reranked`, else the fusion's. `similarity` is the
    cosine of its vector with the question's, where the dense stage has seen it.
    """

    passage: Passage
    score: float
    ranks: Mapping[str, int] = field(default_factory=dict)
    similarity: float | None = None

    @property
    def id(self) -> str:
        return str(self.passage.id)

    def to_dict(self) -> dict[str, Any]:
        """JSON form: the passage's id, text and metadata beside score and ranks."""
        return {
            "passage_id": self.id,
            "score": round(self.score, 6),
            "similarity": None if self.similarity is None else round(self.similarity, 4),
            "ranks": dict(self.ranks),
            "text": self.passage.page_content,
            **self.passage.metadata,
        }


def locator(passage: Passage, start: int, end: int) -> str:
    """Where in its document `text[start:end]` of the passage stands: its locator, with only the rows that it touches."""
    whole = str(passage.metadata.get("locator", ""))
    rows = passage.metadata.get("rows")
    if not rows:
        return whole
    ends = [following[0] for _, following in pairwise(rows)] + [passage.metadata["end"]]
    touched = [row for (at, row), until in zip(rows, ends, strict=True) if at < end and start < until]
    return whole.removesuffix(named_rows([row for _, row in rows])) + named_rows(touched) if touched else whole


def named_rows(rows: Sequence[int]) -> str:
    """ "row 12", "rows 12-15"."""
    return f"row {rows[0]}" if len(set(rows)) == 1 else f"rows {ranges(rows)}"


def passage_id(source: str, heading: str, text: str, occurrence: int) -> str:
    """Stable id: of the words and their place in the outline, so that an edit elsewhere leaves it alone."""
    digest = hashlib.sha256("\0".join((source, heading, text, str(occurrence))).encode())
    return digest.hexdigest()[:20]
