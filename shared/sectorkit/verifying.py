"""Verifying: the model's text becomes an answer, of which every sentence is supported, marked, or not shown.

Where nothing holds, the sentences of the documents that come closest are quoted: as the answer, where they are so near
to the question that they most likely answer it, else beside an abstention.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import islice

from sectorkit.answer import Answer, Citation, Evidence, Reason, Request, Verdict
from sectorkit.cells import cells_of, codes, named_codes
from sectorkit.errors import ServerUnavailable
from sectorkit.grounding import Vectors, ground, remembered, without_marks
from sectorkit.nearest import as_citations, nearest_spans
from sectorkit.retrieval.chunk import context
from sectorkit.retrieval.index import Index
from sectorkit.retrieval.passage import Hit
from sectorkit.retrieval.words import sentences
from sectorkit.spans import Span

DECLINED = "NOT IN THE DOCUMENTS"
_QUOTES = 3  # at most, of what comes closest
_BEHIND = 0.08  # what is further behind the first quote than this is no part of an answer (docs/BENCHMARKS.md)
CHECKED_BY_WORDS = "Checked by words alone, since vectors are not available"  # a note that says why follows it
WITHOUT_MODEL = "Without a model there is no written answer: these are the passages that were found."
_ABSTENTIONS: dict[Reason, str] = {
    "stopped": "The question was stopped.",
    "nothing_found": "The documents hold nothing about this question.",
    "not_answered": "The documents do not seem to answer this question.",
    "not_supported": "The model's answer was not supported by the documents, so it is not shown.",
    "model_unavailable": WITHOUT_MODEL,
    "interrupted": "The model stopped before it had said anything that the documents support. "
    "The closest passages are shown.",
}


@dataclass(frozen=True)
class Draft:
    """What is known before the model has written: the question, what was found, what the model sees, the notes.

    `quotes` is whether the sentence nearest to the question may be its answer.
    """

    request: Request
    hits: tuple[Hit, ...]
    evidence: tuple[Evidence, ...]
    notes: tuple[str, ...]
    quotes: bool = True


def verify(draft: Draft, raw: str, index: Index, interrupted: Reason | None) -> Answer:
    """The answer that the model's text `raw` amounts to; `interrupted` says why it is not whole, if so."""
    vectors = remembered(index.embedder.embed_documents)
    said = _without_declining(raw)
    if said is None:
        return _with_closest(replace(abstain(draft, "not_answered"), raw=raw), draft, index, vectors)
    notes, year = draft.notes, _year_asked(draft.request)
    try:
        grounded = ground(said, draft.evidence, vectors=vectors, year=year)
    except ServerUnavailable as error:
        notes = (*notes, f"{CHECKED_BY_WORDS}: {error}")
        grounded = ground(said, draft.evidence, year=year)
    checkable = [claim for claim in grounded.claims if not claim.neutral]
    supported = [claim for claim in checkable if claim.supported]
    if not supported:
        refused = replace(abstain(draft, interrupted or "not_supported"), raw=raw, notes=notes)
        return _with_closest(replace(refused, claims=grounded.claims), draft, index, vectors)
    verdict: Verdict = "supported" if len(supported) == len(checkable) and not interrupted else "partial"
    return replace(
        abstain(draft, "not_answered"),
        verdict=verdict,
        reason=interrupted,
        text=grounded.text,
        raw=raw,
        notes=notes,
        claims=grounded.claims,
        citations=grounded.citations,
    )


def without_model(draft: Draft, index: Index) -> Answer:
    """What there is to say where no model writes: the sentences that come closest, and the passages."""
    vectors = remembered(index.embedder.embed_documents)
    return _with_closest(abstain(draft, "model_unavailable"), draft, index, vectors)


def _year_asked(request: Request) -> str | None:
    """The one year that the question names and whose rules were searched for it."""
    if request.as_of is None:
        return None
    first, last = request.as_of
    year = str(first.year)
    return year if first.year == last.year and year in request.question else None


def abstain(draft: Draft, reason: Reason) -> Answer:
    """The answer that is none, with the hits."""
    return Answer(
        question=draft.request.question,
        verdict="abstained",
        text=_ABSTENTIONS[reason],
        reason=reason,
        evidence=tuple(e.hit.id for e in draft.evidence),
        hits=draft.hits,
        notes=draft.notes,
    )


def _without_declining(raw: str) -> str | None:
    """The model's text without sentences that only decline; None where it declines as a whole."""
    plain = without_marks(raw).strip()
    if plain.strip(" .*\"'“”").casefold().startswith(DECLINED.casefold()):
        return None
    declining = [plain[a:b] for a, b in sentences(plain) if plain[a:b].strip(" .*\"'“”") == DECLINED]
    for sentence in declining:
        plain = plain.replace(sentence, "")
    return plain


def _with_closest(abstention: Answer, draft: Draft, index: Index, vectors: Vectors) -> Answer:
    """The sentences that come nearest to the question as quotations: as an answer, or beside the abstention.

    A model that declines is believed; where there is none, and where nothing supports its words, the nearness decides.
    """
    asked, embedder = draft.request.question, index.embedder
    try:
        question = embedder.embed_query(asked)
        near = list(islice(nearest_spans(question, draft.evidence, vectors=vectors, asked=asked), _QUOTES))
    except ServerUnavailable:
        near = []  # the passages are shown all the same
    floor: float | None = getattr(embedder, "quotes_from", None)
    if draft.quotes and floor is not None and abstention.reason in ("not_supported", "model_unavailable"):
        answers = [
            n for n in near if n.similarity >= floor and n.score >= near[0].score - _BEHIND and _names(n.span, asked)
        ]
        if answers:
            citations = as_citations(n.span for n in answers)
            return replace(abstention, verdict="quoted", text=_quotes(citations), citations=citations)
    if not near:
        return abstention
    citations = as_citations(n.span for n in near)
    return replace(abstention, text=f"{abstention.text} What comes closest:\n{_quotes(citations)}", citations=citations)


def _names(span: Span, asked: str) -> bool:
    """Whether it is of each thing that the question names by a code, such as "P-102": a row by its cells, else its passage."""
    said = f"{span.heading} {span.text}" if cells_of(span.text) else context(span.evidence.passage)
    return named_codes(asked).keys() <= codes(said).keys()


def _quotes(citations: Sequence[Citation]) -> str:
    return "\n".join(f"“{citation.quote}” [{citation.n}]" for citation in citations)
