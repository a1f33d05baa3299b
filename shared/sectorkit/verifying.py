"""Verifying: the model's text becomes an answer, of which every sentence is supported, marked, or not shown.

Where nothing holds it becomes an abstention, which quotes what comes closest.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from sectorkit.answer import Answer, Evidence, Reason, Request, Verdict
from sectorkit.errors import ServerUnavailable
from sectorkit.grounding import Vectors, closest, ground, remembered, without_marks
from sectorkit.retrieval.index import Index
from sectorkit.retrieval.passage import Hit
from sectorkit.retrieval.words import sentences

DECLINED = "NOT IN THE DOCUMENTS"
CHECKED_BY_WORDS = "Checked by words alone, since vectors are not available"  # a note that says why follows it
_ABSTENTIONS: dict[Reason, str] = {
    "stopped": "The question was stopped.",
    "nothing_found": "The documents hold nothing about this question.",
    "not_answered": "The documents do not seem to answer this question.",
    "not_supported": "The model's answer was not supported by the documents, so it is not shown.",
    "model_unavailable": "Without a model there is no written answer: these are the passages that were found.",
    "interrupted": "The model stopped before it had said anything that the documents support. "
    "The closest passages are shown.",
}


@dataclass(frozen=True)
class Draft:
    """What is known before the model has written: the question, what was found, what the model sees, the notes."""

    request: Request
    hits: tuple[Hit, ...]
    evidence: tuple[Evidence, ...]
    notes: tuple[str, ...]


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
    """The abstention, with the sentences that come nearest to the question as quotations."""
    try:
        question = index.embedder.embed_query(draft.request.question)
        nearest = closest(question, draft.evidence, vectors=vectors)
    except ServerUnavailable:
        nearest = ()  # the passages are shown all the same
    if not nearest:
        return abstention
    quotes = "\n".join(f"“{citation.quote}” [{citation.n}]" for citation in nearest)
    return replace(abstention, text=f"{abstention.text} What comes closest:\n{quotes}", citations=nearest)
