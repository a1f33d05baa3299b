"""Golden questions: an app's own test of itself. `golden.jsonl` beside its corpus, one case a line:

    {"id": "en-01", "question": "...", "language": "en", "answerable": true, "answer": "...",
     "evidence": [{"source": "rule.pdf", "quote": "words of the document"}]}

Evidence is named by its words and not by passage ids, so that the cases survive another chunking.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from sectorkit.errors import ConfigurationError, UnknownName
from sectorkit.retrieval.index import Index
from sectorkit.retrieval.passage import Hit


@dataclass(frozen=True)
class Quote:
    """Words of a document that answer a question; white space does not count."""

    source: str
    text: str


@dataclass(frozen=True)
class GoldenCase:
    """A question, whether the documents answer it, a reference answer and the words that it rests on."""

    id: str
    question: str
    language: str
    answerable: bool
    answer: str
    evidence: tuple[Quote, ...]


def read_golden(path: Path) -> list[GoldenCase]:
    """The cases of a file, in order. ConfigurationError names a malformed line."""
    cases: list[GoldenCase] = []
    for number, line in enumerate(path.read_text(encoding="utf-8").split("\n"), start=1):
        if not line.strip():
            continue
        try:
            entry = json.loads(line)
            quotes = tuple(Quote(q["source"], q["quote"]) for q in entry["evidence"])
            case = GoldenCase(
                entry["id"], entry["question"], entry["language"], entry["answerable"], entry["answer"], quotes
            )
        except (json.JSONDecodeError, KeyError, TypeError) as error:
            raise ConfigurationError(f"{path}, line {number}: not a golden case ({error!r})") from None
        if not all(quote.text.strip() for quote in quotes):
            raise ConfigurationError(f"{path}, line {number}: an empty quote")
        if case.answerable != bool(quotes):
            raise ConfigurationError(f"{path}, line {number}: an answerable case has evidence, another has none")
        cases.append(case)
    if len({case.id for case in cases}) != len(cases):
        raise ConfigurationError(f"{path}: two cases share an id")
    return cases


def locate(quote: Quote, index: Index) -> tuple[int, int] | None:
    """Character span of the quote in its document's text, or None where it is not there."""
    try:
        text = index.document(quote.source).text
    except UnknownName:
        return None
    pattern = r"\s*".join(re.escape(piece) for piece in re.findall(r"\S", quote.text))
    found = re.search(pattern, text) if pattern else None
    return found.span() if found else None


def evidence_found(case: GoldenCase, hits: Sequence[Hit], index: Index) -> float:
    """Share of the case's evidence that some hit holds, wholly or in part: Recall@len(hits)."""
    held = 0
    for quote in case.evidence:
        span = locate(quote, index)
        held += span is not None and any(
            h.passage.metadata["source"] == quote.source
            and h.passage.metadata["start"] < span[1]
            and span[0] < h.passage.metadata["end"]
            for h in hits
        )
    return held / len(case.evidence)
