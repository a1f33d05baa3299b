"""Passage: the unit that is indexed, found and cited.

A passage is a LangChain `Document`: `id`, `page_content` (an exact slice of its document's text) and `metadata`:

    source    path below the corpus folder, with forward slashes
    title     the document's title
    locator   where in it, for a person: "p. 3 › Article 4 › Night hours"
    start,end character span in the document's parsed text
    language, valid_from, valid_to, status, kind, ...: of the document, as far as it is known

`valid_from` and `valid_to` are ISO dates as text, so that they compare and filter in every store.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from langchain_core.documents import Document

Passage: TypeAlias = Document


@dataclass(frozen=True)
class Hit:
    """A passage that a search found, its score (higher is better) and the stages that found it.

    `ranks` gives its rank, from 1, in each stage that had it: `{"lexical": 3, "dense": 1}`. `similarity` is the
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


def passage_id(source: str, heading: str, text: str, occurrence: int) -> str:
    """Stable id: of the words and their place in the outline, so that an edit elsewhere leaves it alone."""
    digest = hashlib.sha256("\0".join((source, heading, text, str(occurrence))).encode())
    return digest.hexdigest()[:20]
