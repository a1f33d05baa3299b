"""Grounding: which sentence of an answer is supported by which words of the evidence.

The model's own [n] marks are not trusted: a sentence is supported where its content words and all of its numbers
are found in a span of a passage that the model saw. Where words cannot decide, since question and document are in
two languages or the model paraphrases, vectors of the sentence and the span do. What is quoted is always an exact
substring of the source.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sectorkit.answer import Citation, Claim, Evidence
from sectorkit.injection import injected_spans
from sectorkit.retrieval.passage import Passage
from sectorkit.retrieval.words import numbers, sentences, stem, words

Vectors = Callable[[list[str]], list[list[float]]]

SUPPORT_BY_WORDS = 0.62  # share of a claim's weighted words that must stand in the span
# Cosine from which claim and span say the same, set on training pages of OMoS-QA: of lines and their translations 96 %
# (English) and 85 % (Arabic) reach it, of the most alike other lines of the page 15 %.
SUPPORT_BY_VECTOR = 0.75
_WORDS_DECIDE = 0.85  # from here on the vectors are not asked
_WINDOW = 3  # a claim may draw on up to this many neighbouring sentences
_MAX_COMPARED = 24  # spans whose vectors are compared for one answer
_MARK = re.compile(r"\s*\[(?:\d+(?:\s*[,;–-]\s*\d+)*|\?)\]")
_NEGATION = re.compile(
    r"\b(?:not|no|never|neither|nor|without|cannot|none|nothing|\w+n't|ne|n'|pas|jamais|aucune?|sans|ni|non|kein\w*|nicht|nie"
    r"|ohne|no|sin|nunca)\b|不得|不能|不可|不予|不应|没有|尚未|未经|禁止|无需|不需|不必|严禁|لا|لم|لن|ليس",
    re.IGNORECASE,
)
# "must not exceed 45" and "the limit is 45" say the same: a bound is not a denial.
_BOUND = re.compile(
    r"\b(?:not|no)\s+(?:more|less|fewer|later|earlier|exceed\w*|above|below)\b|\bno\."
    r"|(?:ne|n')\s*\w*\s*(?:dépass|excéd)\w*(?:\s+pas)?"
    r"|\bne (?:peut|peuvent|doit|doivent) (?:pas )?(?:dépasser|excéder|être (?:inférieur|supérieur))|nicht\s+(?:mehr|länger|über)"
    r"|不得?(?:超过|少于|低于|高于|多于|迟于|晚于|早于)",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Grounded:
    """An answer's sentences with their support, the citations, and the text with its marks set anew."""

    text: str
    claims: tuple[Claim, ...]
    citations: tuple[Citation, ...]


@dataclass(frozen=True)
class _Span:
    evidence: Evidence
    start: int  # in the passage
    end: int
    text: str
    terms: frozenset[str]
    numbers: frozenset[str]
    sentences: int


def ground(answer: str, evidence: Sequence[Evidence], *, vectors: Vectors | None = None) -> Grounded:
    """Find the support of each sentence of `answer` in `evidence`.

    `vectors` embeds texts for comparison in any two languages; without it, words alone decide. A number in a claim
    that no single span has makes the claim unsupported, however alike the words are.
    """
    plain = _MARK.sub("", answer)
    spans = [span for e in evidence for span in _spans(e)]
    weights = _weights(spans)
    pieces = [(start, end, plain[start:end]) for start, end in sentences(plain)]
    scored = [(piece, *_by_words(piece[2], spans, weights)) for piece in pieces]
    undecided = [piece[2] for piece, score, _ in scored if score < _WORDS_DECIDE and _content(piece[2])]
    nearest = _by_vectors(undecided, spans, vectors, weights) if vectors and undecided and spans else {}

    citations: list[Citation] = []
    claims: list[Claim] = []
    text, at = "", 0
    for (_, end, sentence), word_score, word_span in scored:
        text += plain[at:end]
        at = end
        score, span = word_score, word_span if word_score >= SUPPORT_BY_WORDS else None
        if span is None and sentence in nearest:
            cosine, near = nearest[sentence]
            score, span = (cosine, near) if cosine >= SUPPORT_BY_VECTOR else (max(word_score, cosine), None)
        if not _content(sentence):
            claims.append(Claim(sentence, False, 0.0, neutral=True))
        elif span is None:
            claims.append(Claim(sentence, False, round(min(score, 0.99), 3)))
            text += " [?]"
        else:
            n = _cite(citations, span)
            claims.append(Claim(sentence, True, round(min(score, 1.0), 3), (n,)))
            text += f" [{n}]"
    return Grounded((text + plain[at:]).strip(), tuple(claims), tuple(citations))


def closest(question: Sequence[float], evidence: Sequence[Evidence], *, vectors: Vectors) -> Citation | None:
    """The one sentence of the evidence that is nearest to the question's vector: what to show where no answer holds.

    A quotation and no claim: it is exact, and whether it answers is for the reader to see.
    """
    single = [span for e in evidence for span in _spans(e) if span.sentences == 1 and _content(span.text)]
    single = single[:_MAX_COMPARED]
    if not single:
        return None
    found = vectors([span.text for span in single])
    best = max(range(len(single)), key=lambda i: _cosine(question, found[i]))
    citations: list[Citation] = []
    _cite(citations, single[best])
    return citations[0]


def _spans(evidence: Evidence) -> list[_Span]:
    """Windows of one to three neighbouring sentences of a passage, without paragraphs aimed at a model."""
    source = evidence.passage.page_content
    barred = injected_spans(source)

    def seen(part: tuple[int, int]) -> bool:
        # Only what the model saw can support what it says: a passage may have been cut to the budget.
        return source[slice(*part)] in evidence.text and not any(a < part[1] and part[0] < b for a, b in barred)

    meta = evidence.passage.metadata
    lead = f"{meta.get('title', '')} {meta.get('heading', '')}"
    lead_terms, lead_numbers = frozenset(map(stem, words(lead))), numbers(lead)
    parts = sentences(source)
    spans = []
    for first in range(len(parts)):
        for last in range(first, min(first + _WINDOW, len(parts))):
            if not seen(parts[last]):
                break
            start, end = parts[first][0], parts[last][1]
            text = source[start:end]
            terms = lead_terms | frozenset(map(stem, words(text)))
            span = _Span(evidence, start, end, text, terms, lead_numbers | numbers(text), last - first + 1)
            spans.append(span)
    return spans


def _weights(spans: Sequence[_Span]) -> Callable[[str], float]:
    """A word's weight: high where few spans have it, highest where none does (then nothing supports it)."""
    single = [span for span in spans if span.sentences == 1]
    counts: dict[str, int] = {}
    for span in single:
        for term in span.terms:
            counts[term] = counts.get(term, 0) + 1
    total = len(single) + 1
    return lambda term: math.log(1 + total / (0.5 + counts.get(term, 0))) * (0.3 if len(term) <= 2 else 1.0)


def _content(sentence: str) -> bool:
    terms = words(sentence)
    return len(terms) >= 3 or bool(numbers(sentence)) or any(len(term) > 4 for term in terms)


def _by_words(claim: str, spans: Sequence[_Span], weight: Callable[[str], float]) -> tuple[float, _Span | None]:
    """The span that holds most of the claim's weighted words and all of its numbers; the shortest among equals."""
    terms = set(map(stem, words(claim)))
    whole = sum(map(weight, terms))
    wanted = numbers(claim)
    best: tuple[float, _Span | None] = (0.0, None)
    for span in spans:
        if not wanted <= span.numbers or _contradicts(claim, span.text):
            continue
        score = sum(weight(term) for term in terms & span.terms) / whole if whole else 0.0
        # A longer window must earn its length: quotes should be short.
        if score - 0.04 * (span.sentences - 1) > best[0] - 0.04 * ((best[1].sentences if best[1] else 1) - 1):
            best = (score, span)
    return best


def _by_vectors(
    claims: list[str], spans: Sequence[_Span], vectors: Vectors, weight: Callable[[str], float]
) -> dict[str, tuple[float, _Span]]:
    """For each claim the span whose vector is nearest, among those that have its numbers."""
    single = [span for span in spans if span.sentences == 1][:_MAX_COMPARED]
    if not single:
        return {}
    found = vectors([*claims, *(span.text for span in single)])
    ours, theirs = found[: len(claims)], found[len(claims) :]
    nearest: dict[str, tuple[float, _Span]] = {}
    for claim, vector in zip(claims, ours, strict=True):
        wanted = numbers(claim)
        for span, other in zip(single, theirs, strict=True):
            if wanted <= span.numbers and not _contradicts(claim, span.text):
                cosine = _cosine(vector, other)
                if cosine > nearest.get(claim, (-1.0, span))[0]:
                    nearest[claim] = (cosine, span)
    return nearest


def _contradicts(claim: str, span: str) -> bool:
    """Whether one of the two denies and the other does not, judged by the span's sentence that is nearest."""
    terms = set(map(stem, words(claim)))
    nearest = max((span[a:b] for a, b in sentences(span)), key=lambda s: len(terms & set(map(stem, words(s)))))
    return _denies(claim) != _denies(nearest)


def _denies(text: str) -> bool:
    return bool(_NEGATION.search(_BOUND.sub(" ", text.replace("’", "'"))))


def _cite(citations: list[Citation], span: _Span) -> int:
    passage = span.evidence.passage
    base = int(passage.metadata["start"])
    start, end = base + span.start, base + span.end
    for known in citations:
        if (known.passage_id, known.start, known.end) == (passage.id, start, end):
            return known.n
    citations.append(_citation(len(citations) + 1, passage, start, end, span.text))
    return len(citations)


def _citation(n: int, passage: Passage, start: int, end: int, quote: str) -> Citation:
    meta = passage.metadata
    return Citation(
        n=n,
        passage_id=str(passage.id),
        source=str(meta["source"]),
        title=str(meta.get("title", meta["source"])),
        locator=str(meta.get("locator", "")),
        quote=quote,
        start=start,
        end=end,
        status=meta.get("status"),
    )


def _cosine(a: Sequence[float], b: Sequence[float]) -> float:
    dot = sum(x * y for x, y in zip(a, b, strict=True))
    size = math.sqrt(sum(x * x for x in a)) * math.sqrt(sum(y * y for y in b))
    return dot / size if size else 0.0
