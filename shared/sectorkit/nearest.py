"""Nearest: the sentences of the evidence that come closest to a question, to be quoted where no model's words hold."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from sectorkit.answer import Citation, Evidence
from sectorkit.grounding import Vectors, cosine
from sectorkit.retrieval.words import stem, words
from sectorkit.spans import Span, in_turns, says_something, spans_of

_MAX_COMPARED = 48  # sentences that are compared with a question


@dataclass(frozen=True)
class Near:
    """A span near a question: the cosine of its first sentence with it, and the score by which such spans are ordered."""

    span: Span
    similarity: float
    score: float


def nearest_spans(
    question: Sequence[float], evidence: Sequence[Evidence], *, vectors: Vectors, asked: str = ""
) -> Iterator[Near]:
    """The sentences of the evidence, from the nearest to the question's vector on; none twice.

    Quotations and no claims: they are exact, and whether they answer is for the reader to see. How near a sentence's
    passage is counts half as much as how near it is itself, since a sentence alone often lacks its subject. One that
    only says again what is `asked` ("Which clinics are there?" - "Clinics:") comes with what follows it.
    """
    spans = [span for e in evidence for span in spans_of(e)]
    single = in_turns([span for span in spans if span.single and says_something(span.text)], _MAX_COMPARED)
    found = [cosine(question, v) for v in vectors([span.text for span in single])] if single else []
    score = [near + (span.evidence.hit.similarity or 0.0) / 2 for span, near in zip(single, found, strict=True)]
    longest = {(span.evidence.n, span.start): span for span in spans}  # the last of those that begin there
    terms = frozenset(map(stem, words(asked)))
    given: list[Span] = []
    for i in sorted(range(len(single)), key=score.__getitem__, reverse=True):
        span = single[i]
        if asked and _repeats(span, terms):
            span = longest[span.evidence.n, span.start]
        if not any(span.evidence.n == g.evidence.n and g.start < span.end and span.start < g.end for g in given):
            given.append(span)
            yield Near(span, found[i], score[i])


def as_citations(spans: Iterable[Span]) -> tuple[Citation, ...]:
    """Spans as citations, numbered from 1."""
    return tuple(span.citation(n) for n, span in enumerate(spans, start=1))


def _repeats(span: Span, asked: frozenset[str]) -> bool:
    """Whether a sentence announces an answer rather than gives one: a question, "...:", or next to nothing that was not asked."""
    if span.text.endswith((":", "：", "?", "？", "؟")):
        return True
    new = {term for term in span.terms - asked - span.lead if term.isdigit() or len(term.encode()) > 3}
    return len(new) < 2 and not any(map(str.isdigit, new))
