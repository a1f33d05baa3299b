"""Request and Answer: what goes into the pipeline and what comes out, and the events in between."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import date
from typing import Any, Literal, TypeAlias

from sectorkit.retrieval.passage import Hit, Passage

Verdict = Literal["supported", "partial", "quoted", "abstained"]
Reason = Literal["nothing_found", "not_answered", "not_supported", "model_unavailable", "interrupted", "stopped"]


@dataclass(frozen=True)
class Request:
    """A question and what narrows it.

    `where` filters by metadata. `as_of` is the span of days whose rules are asked for: passages that were not in
    force in it are left out of the evidence; None leaves the choice to the app's rules, and without one, nothing
    is left out.
    """

    question: str
    where: Mapping[str, Any] = field(default_factory=dict)
    as_of: tuple[date, date] | None = None
    k: int = 10
    notes: tuple[str, ...] = ()

    def with_note(self, note: str) -> Request:
        """The same request with one more note for the user."""
        return replace(self, notes=(*self.notes, note))


@dataclass(frozen=True)
class Citation:
    """A quote that supports a claim: `quote` is the document's text from `start` to `end`, to the character.

    `n` is the number that stands in the answer's text as `[n]`.
    """

    n: int
    passage_id: str
    source: str
    title: str
    locator: str
    quote: str
    start: int
    end: int
    status: str | None = None

    @property
    def where(self) -> str:
        """For a person: the document's title, and the place in it."""
        return ", ".join(filter(None, (self.title, self.locator)))


@dataclass(frozen=True)
class Claim:
    """One sentence of the answer. `support` in [0, 1]; `citations` are the numbers that support it.

    A claim that says nothing checkable ("Yes.") is `neutral`: it neither needs nor gives support.
    """

    text: str
    supported: bool
    support: float
    citations: tuple[int, ...] = ()
    neutral: bool = False


@dataclass(frozen=True)
class Computed:
    """A query to a document's table, run by code, and its result.

    `query` is a `TableQuery` as JSON, `said` the same in words; `left` are words of the question that took no part in it.
    `beside` tells that it stands beside an answer and is no part of it; `by` is the model that wrote the query, none where rules did. `total` rows met its conditions; `used` are the rows that the result rests on, as spans of the document's text with
    their numbers in the table (0 where it has none), the first 500 of them. `unread` cells were not of their column's kind and took no part.
    """

    source: str
    title: str
    query: Mapping[str, Any]
    said: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]
    total: int
    used: tuple[tuple[int, int, int], ...]
    cut: bool = False
    unread: int = 0
    left: tuple[str, ...] = ()
    beside: bool = False
    by: str = ""


@dataclass(frozen=True)
class Evidence:
    """One passage as it was put into the prompt: its number there, its hit, and the text that the model saw."""

    n: int
    hit: Hit
    text: str

    @property
    def passage(self) -> Passage:
        return self.hit.passage


@dataclass(frozen=True)
class Answer:
    """A verified answer. `text` holds [n] after what is supported and [?] after what is not.

    One that is "quoted" is in the documents' own words, since nothing supports the model's: the sentences that are nearest to
    the question.

    `raw` is the model's text as it came. `timings` are seconds: retrieve, first_token, generate, ground, total.
    `usage` are token counts: prompt, completion. `fields` is the sector's own structured result;
    `warnings` are safety warnings that belong to what is cited, whose `n` is 0; `computed` is the query that answered in
    the model's place; where it leaves out words of the question, it stands beside the answer and is no part of it.
    """

    question: str
    verdict: Verdict
    text: str
    raw: str = ""
    reason: Reason | None = None
    citations: tuple[Citation, ...] = ()
    claims: tuple[Claim, ...] = ()
    evidence: tuple[str, ...] = ()
    hits: tuple[Hit, ...] = ()
    notes: tuple[str, ...] = ()
    warnings: tuple[Citation, ...] = ()
    model: str | None = None
    timings: Mapping[str, float] = field(default_factory=dict)
    usage: Mapping[str, int] = field(default_factory=dict)
    fields: Mapping[str, Any] = field(default_factory=dict)
    computed: Computed | None = None

    @property
    def by_code(self) -> bool:
        """Whether the answer is what a query computed, and no model's."""
        return self.computed is not None and not self.computed.beside

    @property
    def by_rule(self) -> bool:
        """Whether the words are a rule's own: no sentence of them was checked against the documents."""
        return self.verdict == "supported" and not self.claims and not self.by_code

    def to_dict(self) -> dict[str, Any]:
        """JSON form; `evidence` is the ids of the passages that the model saw, in order."""
        return {
            "question": self.question,
            "verdict": self.verdict,
            "reason": self.reason,
            "text": self.text,
            "citations": [asdict(citation) for citation in self.citations],
            "claims": [asdict(claim) for claim in self.claims],
            "evidence": list(self.evidence),
            "hits": [hit.to_dict() for hit in self.hits],
            "notes": list(self.notes),
            "warnings": [asdict(warning) for warning in self.warnings],
            "fields": dict(self.fields),
            "computed": asdict(self.computed) if self.computed else None,
            "model": self.model,
            "timings": {name: round(seconds, 4) for name, seconds in self.timings.items()},
            "usage": dict(self.usage),
        }


@dataclass(frozen=True)
class Retrieved:
    """Event: the search is done; the evidence can be shown while the model still reads it."""

    hits: tuple[Hit, ...]
    evidence: tuple[Evidence, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Delta:
    """Event: a piece of the model's text, not yet verified."""

    text: str


@dataclass(frozen=True)
class Done:
    """Event, the last one: the verified answer."""

    answer: Answer


Event: TypeAlias = Retrieved | Delta | Done
