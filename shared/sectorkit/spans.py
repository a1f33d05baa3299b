"""Spans: the sentences of the evidence, one to three in a row, as they can be quoted."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain, pairwise, zip_longest

from sectorkit.answer import Citation, Evidence
from sectorkit.cells import cells_of
from sectorkit.injection import injected_spans
from sectorkit.quantities import Found, quantities
from sectorkit.retrieval.passage import locator
from sectorkit.retrieval.words import sentences, stem, words

_WINDOW = 3  # a claim may draw on up to this many neighbouring sentences
_LINE = re.compile(r"\S[^\n]*(?<=\S)")
LIST_NUMBER = re.compile(r"\s*(?:\d{1,2}[.)]|[-*•])(?:\s+|$)")


@dataclass(frozen=True)
class Sentence:
    """One sentence of a source: its stems, and its numbers with their units."""

    text: str
    terms: frozenset[str]
    quantities: Found


@dataclass(frozen=True)
class Span:
    """One to three neighbouring sentences of a passage: `start` and `end` are in the passage.

    `lead` holds the stems of the passage's title and headings, `lead_numbers` the numbers that they name.
    """

    evidence: Evidence
    start: int
    end: int
    text: str
    sentences: tuple[Sentence, ...]
    lead: frozenset[str]
    lead_numbers: frozenset[tuple[str, str]]

    @property
    def single(self) -> bool:
        """Whether it is one sentence."""
        return len(self.sentences) == 1

    @property
    def heading(self) -> str:
        """The passage's title and headings."""
        return _lead(self.evidence)

    @property
    def terms(self) -> frozenset[str]:
        """The stems of its own words, without those of `lead`."""
        return frozenset().union(*(sentence.terms for sentence in self.sentences))

    def citation(self, n: int) -> Citation:
        """The span as citation number `n`."""
        passage, meta = self.evidence.passage, self.evidence.passage.metadata
        start, end = int(meta["start"]) + self.start, int(meta["start"]) + self.end
        source = str(meta["source"])
        return Citation(
            n, str(passage.id), source, str(meta.get("title", source)), locator(passage, start, end), self.text, start, end,
            meta.get("status"),
        )  # fmt: skip


def spans_of(evidence: Evidence) -> list[Span]:
    """Windows of neighbouring sentences of a passage, without paragraphs aimed at a model."""
    source = evidence.passage.page_content
    barred = injected_spans(source)

    def seen(part: tuple[int, int]) -> bool:
        # Only what the model saw can support what it says: a passage may have been cut to the budget.
        return source[slice(*part)] in evidence.text and not any(a < part[1] and part[0] < b for a, b in barred)

    lead = _lead(evidence)
    lead_terms, lead_numbers = frozenset(map(stem, words(lead))), named_numbers(lead)
    parts = [part for part in _parts(source) if not LIST_NUMBER.fullmatch(source[slice(*part)])]
    read = [Sentence(t, frozenset(map(stem, words(t))), quantities(t)) for t in (source[a:b] for a, b in parts)]
    rows = [bool(cells_of(sentence.text)) for sentence in read]
    spans = []
    for first in range(len(parts)):
        for last in range(first, min(first + _WINDOW, len(parts))):
            if not seen(parts[last]) or (last > first and (rows[first] or rows[last])):
                break  # a row stands by itself: its neighbour's value is not its own
            start, end = parts[first][0], parts[last][1]
            held = tuple(read[first : last + 1])
            spans.append(Span(evidence, start, end, source[start:end], held, lead_terms, lead_numbers))
    return spans


def _lead(evidence: Evidence) -> str:
    meta = evidence.passage.metadata
    return f"{meta.get('title', '')} {meta.get('heading', '')}"


def _parts(source: str) -> list[tuple[int, int]]:
    """Spans of the sentences; the line of a row is one, whatever its cells say."""
    rows = [match.span() for match in _LINE.finditer(source) if cells_of(match[0])]
    within = [part for part in sentences(source) if not any(a <= part[0] < b for a, b in rows)]
    return sorted(within + rows)


def says_something(sentence: str) -> bool:
    """Whether there is anything in it to check, or to quote: "Yes.", "See above." and a bare "8" have nothing."""
    if not any(character.isalpha() for character in sentence):
        return False
    terms = words(sentence)
    return len(terms) >= 3 or bool(quantities(sentence)) or any(len(term) > 4 for term in terms)


def named_numbers(text: str) -> frozenset[tuple[str, str]]:
    """Pairs of a number and the word before it: `("artic", "5")` of "Article 5"."""
    terms = words(text)
    return frozenset((stem(a), b) for a, b in pairwise(terms) if b.isdigit() and not a.isdigit())


def in_turns(spans: Sequence[Span], most: int) -> list[Span]:
    """At most `most` of them, taken from the passages in turns, so that no passage is left out."""
    by_passage: dict[int, list[Span]] = {}
    for span in spans:
        by_passage.setdefault(span.evidence.n, []).append(span)
    turns = chain.from_iterable(zip_longest(*by_passage.values()))
    return [span for span in turns if span is not None][:most]
