"""Grounding: which sentence of an answer is supported by which words of the evidence.

The model's own [n] marks are not trusted. A sentence is supported where a span of a passage that the model saw has

1. all of its numbers, with no other unit (quantities.py),
2. the same polarity: none of the two denies what the other says, limits point the same way (polarity.py), and
3. its meaning: nearly all of its weighted words; or a good part of them and a vector that is near; or, where the two
   are in different languages or the model paraphrases, a vector that is near.

What is quoted is always an exact substring of the source.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sectorkit.answer import Citation, Claim, Evidence
from sectorkit.cells import FUNCTION, cells_of, contradicts, spoken_of
from sectorkit.polarity import opposed
from sectorkit.quantities import Found, holds, merged, quantities, without_months
from sectorkit.retrieval.language import detect_language
from sectorkit.retrieval.words import sentences, stem, words
from sectorkit.spans import LIST_NUMBER, Span, in_turns, named_numbers, says_something, spans_of

Vectors = Callable[[list[str]], list[list[float]]]

WORDS_DECIDE = 0.85  # share of a claim's weighted words in the span from which the vectors are not asked
WORDS_OF_A_ROW = 0.97  # in a row of a table, where the one word that is missing is as often as not the value
# With so many of its words, claims of two FMEAs' rows put into other words reach it in 95 of 100 cases; with the effect or the cause of
# another row they have fewer words (docs/BENCHMARKS.md).
SUPPORT_OF_A_ROW = 0.70
SUPPORT_BY_WORDS = 0.62  # share from which words are good evidence, if the vectors agree (or there are none)
# Cosine from which claim and span say the same, set on training pages of OMoS-QA: of lines and their translations 96 %
# (English) and 85 % (Arabic) reach it, of the most alike other lines of the page 15 %.
SUPPORT_BY_VECTOR = 0.75
# In one language, what shares few words has to be nearer: there, sentences about one subject are near each other anyway.
# Set by hand, above the 0.77 of a false sentence that the smallest model wrote; not yet measured on many.
SUPPORT_IN_OTHER_WORDS = 0.85
_MAX_COMPARED = 24  # spans whose vectors are compared with a claim's
_OWN_SHARE = 0.5  # of the words that support a claim, at least so much stands in the span and not in its heading
# What a model writes for a citation: [2], [1, 3], 【2】, (passage 2), and [?].
_MARK = re.compile(
    r"\s*(?:\[(?:passages?\s*)?(?:\d+(?:\s*[,;–-]\s*\d+)*|\?)\]|【[^】]{0,12}】|\((?:passages?\s*)\d+(?:\s*(?:,|and)\s*\d+)*\))",
    re.IGNORECASE,
)
_YEAR = re.compile(r"(?<!\d)(?:19|20)\d\d(?!\d)")
# "In 2021", and neither "since 2021" nor "in May 2021".
_DURING = r"(?:\b(?:in|during|en)(?: the year| l'année)? YEAR\b|(?:(?<=[，,。\s])|^|(?<=在))YEAR年(?=[，,]|[^\d起以之前后後底末初])),?"
# Stems of words that any sentence about an amount may have: they name no subject.
_NO_SUBJECT = (
    "amoun apply charg costs cost could each every fee fees fine for from have limit mainta make maxim may minim must need "
    "paid pay payab payme per pric requi shoul than that the their them there these they this total under value when "
    "where which who will with within would you your coute paie payer tarif montan droit doit doive peut peuve avec dans "
    "pour par plus sont est les des une qui que votre vous kost koste zahle zahlt gebuh betra muss musse kann darf der die "
    "das und fur mit von bei ein eine sie ihr nach"
)
_COMMON = frozenset(_NO_SUBJECT.split())


@dataclass(frozen=True)
class Grounded:
    """An answer's sentences with their support, the citations, and the text with its marks set anew."""

    text: str
    claims: tuple[Claim, ...]
    citations: tuple[Citation, ...]


@dataclass(frozen=True)
class _Claim:
    text: str
    terms: frozenset[str]
    quantities: Found
    weight: float


def ground(
    answer: str, evidence: Sequence[Evidence], *, vectors: Vectors | None = None, year: str | None = None
) -> Grounded:
    """Find the support of each sentence of `answer` in `evidence`.

    `vectors` embeds texts for comparison in any two languages, the same spans for several claims (see `remembered`);
    without it, words alone decide. A number in a claim that no single span has makes the claim unsupported, however
    alike the words are. `year` is the one that the question names and that the evidence was chosen for: "in 2021 the
    limit was 45" is supported by "the limit is 45" of a rule that was in force all that year.
    """
    plain = without_marks(answer)
    spans = [span for e in evidence for span in spans_of(e)]
    weight = _weights(spans)
    citations: list[Citation] = []
    claims: list[Claim] = []
    text, at = "", 0
    for start, end in sentences(plain):
        sentence = plain[start:end]
        if number := LIST_NUMBER.match(sentence):
            sentence = sentence[number.end() :]
        if not sentence:
            continue  # a list's own number, which `sentences` takes for one
        text += plain[at:end]
        at = end
        if not says_something(sentence):
            claims.append(Claim(sentence, False, 0.0, neutral=True))
            continue
        score, span = _support(sentence, spans, weight, vectors)
        if span is None and year:
            at_the_time, span = _support_at(year, sentence, spans, weight, vectors)
            score = max(score, at_the_time)
        if span is None:
            claims.append(Claim(sentence, False, round(min(score, 0.99), 3)))
            text += " [?]"
        else:
            n = _cite(citations, span)
            claims.append(Claim(sentence, True, round(min(score, 1.0), 3), (n,)))
            text += f" [{n}]"
    return Grounded((text + plain[at:]).strip(), tuple(claims), tuple(citations))


def without_marks(answer: str) -> str:
    """The answer without the citation marks that the model set."""
    return _MARK.sub("", answer)


def _support(
    sentence: str, spans: Sequence[Span], weight: Callable[[str], float], vectors: Vectors | None
) -> tuple[float, Span | None]:
    """`(score, span)`: the best span for a claim, or None with the score that was not enough."""
    claim = _claim(sentence, weight)
    fitting = [span for span in spans if _has_numbers(span, claim)]
    fitting = [span for span in fitting if not _denies(span, claim)]
    fitting = [span for span in fitting if not _borrows(claim, span, spans)]
    score, span = _by_words(claim, fitting, weight)
    decides = WORDS_OF_A_ROW if span is not None and cells_of(span.text) else WORDS_DECIDE
    if span is not None and score >= (decides if vectors else SUPPORT_BY_WORDS):
        return score, span
    if vectors is None or not fitting:
        return score, None
    likely = [span] if span is not None and score >= SUPPORT_BY_WORDS else []
    candidates = likely + in_turns([s for s in fitting if s.single and s not in likely], _MAX_COMPARED)
    if not candidates:
        return score, None
    texts = [spoken_of(one.text, claim.terms - _COMMON - FUNCTION, claim.quantities) for one in candidates]
    ours, *theirs = vectors([sentence, *texts])
    cosines = [cosine(ours, other) for other in theirs]
    if likely and cosines[0] >= (SUPPORT_OF_A_ROW if cells_of(likely[0].text) else SUPPORT_BY_VECTOR):
        return max(score, cosines[0]), span
    best = max(range(len(candidates)), key=cosines.__getitem__)
    same = candidates[best].evidence.passage.metadata.get("language") == detect_language(sentence)
    if cosines[best] >= (SUPPORT_IN_OTHER_WORDS if same else SUPPORT_BY_VECTOR):
        return cosines[best], candidates[best]
    return max(score, cosines[best]), None


def remembered(vectors: Vectors) -> Vectors:
    """`vectors` that embeds each text once: claims and the question are compared with the same spans."""
    known: dict[str, list[float]] = {}

    def looked_up(texts: list[str]) -> list[list[float]]:
        new = [text for text in dict.fromkeys(texts) if text not in known]
        known.update(zip(new, vectors(new), strict=True) if new else ())
        return [known[text] for text in texts]

    return looked_up


def _claim(sentence: str, weight: Callable[[str], float]) -> _Claim:
    terms = frozenset(map(stem, words(without_months(sentence))))
    return _Claim(sentence, terms, quantities(sentence), sum(map(weight, terms)))


def _support_at(
    year: str, sentence: str, spans: Sequence[Span], weight: Callable[[str], float], vectors: Vectors | None
) -> tuple[float, Span | None]:
    """The support of a claim that says "in 2021", by rules that held all that year and speak of no year themselves.

    All of its words that name anything have to be there: what else a claim may say of a year ("only in 2021") is not
    for a score to outvote.
    """
    undated = re.sub(_DURING.replace("YEAR", year), "", sentence, flags=re.IGNORECASE)
    if undated == sentence:
        return 0.0, None
    named = {term for term in _claim(undated, weight).terms if len(term) > 2} - _COMMON
    return _support(undated, [s for s in spans if _held_in(year, s) and named <= s.terms | s.lead], weight, vectors)


def _held_in(year: str, span: Span) -> bool:
    """Whether a span is of a rule that was in force from the first day of a year to its last, and names no year."""
    passage = span.evidence.passage
    said = passage.metadata
    whole = (
        str(said.get("valid_from", "9999")) <= f"{year}-01-01" and str(said.get("valid_to", "9999")) >= f"{year}-12-31"
    )
    rule = said.get("status") in ("in_force", "superseded")  # and no report of what happened once
    heading, title = str(said.get("heading", "")), str(said.get("title", ""))
    first = heading.partition(" › ")[0]
    if first and title and (first in title or title in first):  # "Procurement Rule 2019" names the document itself
        heading = heading.removeprefix(first)
    return whole and rule and not _YEAR.search(f"{heading} {passage.page_content}")


def _weights(spans: Sequence[Span]) -> Callable[[str], float]:
    """A word's weight: high where few sentences have it, highest where none does (then nothing supports it)."""
    single = [span for span in spans if span.single]
    counts: dict[str, int] = {}
    for span in single:
        for term in span.sentences[0].terms | span.lead:
            counts[term] = counts.get(term, 0) + 1
    total = len(single) + 1

    def weight(term: str) -> float:
        share = 0.0 if term in FUNCTION else 0.3 if len(term) <= 2 else 1.0
        return share * math.log(1 + total / (0.5 + counts.get(term, 0)))

    return weight


def _has_numbers(span: Span, claim: _Claim) -> bool:
    """Whether the span has the claim's numbers; one that belongs to a name ("Rule 2019") may stand in the heading."""
    own = merged(sentence.quantities for sentence in span.sentences)
    if holds(own, claim.quantities):
        return True
    named = {number for _, number in named_numbers(claim.text) & span.lead_numbers}
    return holds(own, {value: units for value, units in claim.quantities.items() if value not in named})


def _by_words(
    claim: _Claim, spans: Sequence[Span], weight: Callable[[str], float]
) -> tuple[float, Span | None]:  # fmt: skip
    """The span that holds most of the claim's weighted words; the shortest among equals."""
    best: tuple[float, float, Span | None] = (0.0, 0.0, None)
    for span in spans:
        own = _lent(span, claim)
        held = sum(map(weight, claim.terms & own))
        lead = sum(map(weight, (claim.terms & span.lead) - own))
        score = min(held + lead, held / _OWN_SHARE) / claim.weight if claim.weight else 0.0
        # A longer window must earn its length: quotes should be short.
        ranked = score - 0.04 * (len(span.sentences) - 1)
        if ranked > best[0]:
            best = (ranked, score, span)
    return best[1], best[2]


def _borrows(claim: _Claim, span: Span, spans: Sequence[Span]) -> bool:
    """Whether the claim joins the span's number with a subject that the passage gives another number.

    "The limit is 45 in the north. In the south it is 50." does not say "the limit is 50 in the north": the word that
    the span lacks stands in a sentence of the same passage with another amount in the same unit.
    """
    units = {unit for held in claim.quantities.values() for unit in held} - {None}
    if not units:
        return False
    missing = {t for t in claim.terms - _lent(span, claim) - span.lead if len(t) > 2 and t not in _COMMON}
    for other in spans:
        if other.evidence is not span.evidence or not other.single:
            continue
        (rival,) = other.sentences
        amounts = {value for value, held in rival.quantities.items() if held & units}
        if amounts and not amounts & claim.quantities.keys() and missing & rival.terms:
            return True
    return False


def _lent(span: Span, claim: _Claim) -> frozenset[str]:
    """The words of the span that may support the claim: a sentence about other numbers than the claim's lends none.

    "The limit is 45 in the north. In the south it is 50." does not say "in the north it is 50".
    """
    if span.single or not claim.quantities:
        return span.terms
    return frozenset().union(
        *(s.terms for s in span.sentences if not s.quantities or s.quantities.keys() & claim.quantities.keys())
    )


def _denies(span: Span, claim: _Claim) -> bool:
    """Whether the sentence of the span that shares most words with the claim says the opposite; of a row, whether its cells do."""
    if cells_of(span.text):
        return contradicts(span.text, claim.text, span.heading)
    return opposed(claim.text, max(span.sentences, key=lambda s: len(claim.terms & s.terms)).text)


def _cite(citations: list[Citation], span: Span) -> int:
    """The number of the citation of a span, which is made where there is none."""
    new = span.citation(len(citations) + 1)
    for known in citations:
        if (known.passage_id, known.start, known.end) == (new.passage_id, new.start, new.end):
            return known.n
    citations.append(new)
    return new.n


def cosine(a: Sequence[float], b: Sequence[float]) -> float:
    """Of two vectors; 0 where one of them is none."""
    dot = sum(x * y for x, y in zip(a, b, strict=True))
    size = math.sqrt(sum(x * x for x in a)) * math.sqrt(sum(y * y for y in b))
    return dot / size if size else 0.0
