"""Assessment: what the rules make of a patient, an estimate by examples, and the guidance that is nearest, each sentence with its place.

The level is the more urgent of the rules' floor and the `estimate`, and of the guidance's where a sentence of it is nearly what was said. Where
nothing was learned for the embedder, or no example is like it, the guidance stands in for the estimate: the section of the sentence that is
nearest to what was said, less what it denies, or a more urgent section that is about as near; where the rules are silent, too, nothing below
what the topic usually is, nor self-care. None is a language model's, whose `opinion` can be asked for.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeAlias

from healthcare_triage.estimate import READ, Estimate, estimate, searched_text, shipped
from healthcare_triage.patient import Patient
from healthcare_triage.rules import ESI, LEVELS, Floor, Rules
from sectorkit.answer import Citation
from sectorkit.errors import RequestError, SectorkitError, ServerUnavailable
from sectorkit.quoting import lines_of, quoter, searched
from sectorkit.reading import Kept
from sectorkit.retrieval.index import Index
from sectorkit.retrieval.passage import Hit

if TYPE_CHECKING:
    from healthcare_triage.opinion import Opinion

_DEPTH, _RANKED = 30, 10  # passages that are searched for, and of these the ones that tell the topic
_QUOTES = 5  # sentences of the guidance that are shown
_ASKED = 5  # questions at most
_GUIDANCE = {"kind": ["guidance"]}  # and no text for reference
_FAR = 0.28  # of similarity, below which the nearest sentence is about something else
_NARROW = 0.005  # of similarity, within which the more urgent of two sections counts
_SAME = 0.6  # of similarity, above which a sentence is nearly what was said
_QUESTIONS, _SAFETY_NET = "Questions that decide", "Safety net"
_NEEDED = ("heart rate", "respiratory rate", "oxygen saturation", "systolic pressure", "temperature")


_Read: TypeAlias = (
    "tuple[tuple[tuple[str, Citation], ...], tuple[tuple[str, str, Citation], ...], tuple[Citation, ...]]"
)


@dataclass(frozen=True)
class Guidance:
    """The guidance on a complaint: `level` is that of the section with the nearest sentence, or of a more urgent one that is about as
    near (`narrow`), `same` whether a sentence is nearly what was said, `usual` what it is without any sign of a more urgent one; `quotes` are the nearest sentences, `questions` what it
    says to ask, each with the reason, `safety_net` when to call again, `sentences` all that stand in a section of a level, with it."""

    source: str
    title: str
    level: str
    usual: str
    narrow: bool
    same: bool
    quotes: tuple[Citation, ...]
    questions: tuple[tuple[str, str, Citation], ...]
    safety_net: tuple[Citation, ...]
    sentences: tuple[tuple[str, Citation], ...]


@dataclass(frozen=True)
class Assessment:
    """`level` is one of LEVELS and `esi` from 1 to 5; `raised_by` is "rules", "examples", "guidance" or "model", or empty where
    none of them says anything, and the level is routine for want of one; `missing` are vital signs that nobody
    gave; `rules` is the version of the rules; `opinion` a model's, where it was asked.

    `notes` say what was not as it should be: a reading that cannot be used, an age that is not known, a search by words alone.
    """

    patient: Patient
    floor: Floor
    level: str
    esi: int
    raised_by: str
    guidance: Guidance | None
    missing: tuple[str, ...]
    notes: tuple[str, ...]
    rules: str
    estimate: Estimate | None = None
    opinion: Opinion | None = None


def assess(patient: Patient, rules: Rules, index: Index | None) -> Assessment:
    """The rules, and by an index's embedder and guidance the rest. Without it the level is the rules', or routine where they say nothing."""
    floor = rules.floor(patient)
    notes = list(floor.problems)
    if not floor.signs:
        notes.append("The rules found none of the signs that they know in what was said; they read five languages.")
    if not patient.ages:
        notes.append(
            "The age is not known: limits for "
            + ("the youngest" if patient.baby else "a small child" if patient.child else "adults")
            + " were used. Ask for it."
        )
    if len(patient.ages) > 1:
        notes.append("Several ages are named; the strictest limits were used. Give the patient's age.")
    made, guidance = None, None
    if index is None:
        notes.append("The guidance is not ready yet; only the rules were used.")
    else:
        made, unknown = _estimate_or_why_not(patient, index)
        guidance, away = _guidance_or_why_not(patient, rules, index)
        notes += filter(None, (unknown, away))
    level, esi, raised_by = weighed(floor, made.level if made else "", guidance)
    if guidance and guidance.narrow and (guidance.same or not made):
        notes.append(
            f"Another section of the guidance is about as near; the more urgent of them, {guidance.level}, was taken."
        )
    if made and raised_by == "examples" and made.level != made.likeliest:
        notes.append(f"By the examples {made.likeliest} is likeliest, and {made.level} costs least where it is wrong.")
    given = {reading.name for reading in floor.readings}
    missing = tuple(name for name in _NEEDED if name not in given) if level in ("urgent", "emergency") else ()
    return Assessment(
        patient, floor, level, esi, raised_by, guidance, missing, tuple(dict.fromkeys(notes)), rules.version, made
    )  # fmt: skip


def weighed(floor: Floor, examples: str, guidance: Guidance | None) -> tuple[str, int, str]:
    """Level, ESI and whose they are: the most urgent of the rules', the examples' and the guidance's, the first where two are alike."""
    by = {"rules": floor.level or "", "examples": examples, "guidance": ""}
    if guidance and (guidance.same or not examples):
        # What is only near sends nobody home.
        levels = [guidance.level] if guidance.same or floor.level else [guidance.level, guidance.usual, "routine"]
        by["guidance"] = max(levels, key=LEVELS.index)
    who = max((who for who in by if by[who]), key=lambda who: LEVELS.index(by[who]), default="")
    level = by.get(who, "routine")
    return level, floor.esi if who == "rules" and floor.esi else ESI[level], who


def _estimate_or_why_not(patient: Patient, index: Index) -> tuple[Estimate | None, str]:
    """The estimate of what was said itself: answers to questions count by the rules."""
    try:
        learned = shipped(index.embedder.fingerprint)
        if learned is None:
            return None, "Nothing was learned from the examples for this embedding model; the guidance alone was used."
        made = estimate(patient.said, learned, index.embedder)
        return made, "" if made else "No example is like what was said."
    except SectorkitError as error:
        return None, f"No estimate by the examples: {error}"


def _guidance_or_why_not(patient: Patient, rules: Rules, index: Index) -> tuple[Guidance | None, str]:
    """The guidance; where it fails, why: what the rules say must be shown whatever else is broken."""
    try:
        return _guidance(patient, rules, index)
    except SectorkitError as error:
        return None, f"The guidance could not be searched: {error}"


def _guidance(patient: Patient, rules: Rules, index: Index) -> tuple[Guidance | None, str]:
    """The guidance on what was said, and why it was searched by words alone, if it was."""
    # A vector takes "no fever" for a fever, and a name for a place or a people.
    said = searched_text(patient.said) or patient.said[:READ]
    said = "\n".join((rules.affirmed(said) or said, *patient.confirmed))
    try:
        hits, why = searched(index, said, _DEPTH, _GUIDANCE)
    except RequestError:  # of a folder that does not say what is guidance, all is
        hits, why = searched(index, said, _DEPTH)
    groups = {group for group, _ in patient.groups()}
    topics = _topics(index)
    topic = _topic([hit for hit in hits if _is_for(groups, hit) and topics.of(_source(hit))[0]])
    if topic is None:
        return None, "No guidance on this was found."
    source, title = _source(topic), str(topic.passage.metadata.get("title") or _source(topic))
    sentences, questions, net = topics.of(source)
    usual = str(topic.passage.metadata.get("usual"))
    level = usual = usual if usual in LEVELS else "routine"
    near: Sequence[tuple[float, str, Citation]] = ()
    if not why:
        try:
            scores = topics.vectors(source) @ index.embedder.embed_query(said)
        except ServerUnavailable as error:  # it went away since the search
            why = str(error)
        else:
            if max(scores) < _FAR:
                return None, "No guidance on this was found."
            found = zip(map(float, scores), *zip(*sentences, strict=True), strict=True)
            near = sorted(found, key=lambda one: -one[0])
            level = max((at for score, at, _ in near if score >= near[0][0] - _NARROW), key=LEVELS.index)
    narrow, same = bool(near) and level != near[0][1], bool(near) and near[0][0] >= _SAME
    quotes = tuple(quote for _, _, quote in near[:_QUOTES])
    return Guidance(source, title, level, usual, narrow, same, quotes, questions, net, sentences), (
        f"Searched by words alone: {why}" if why else ""
    )


class _Topics:
    """The sentences of an index's guidance by document; they, and their vectors, are made when they are first needed."""

    def __init__(self, index: Index) -> None:
        self._index = index
        self.of = lru_cache(maxsize=None)(self._read)
        self.vectors = lru_cache(maxsize=None)(self._embed)

    def _read(self, source: str) -> _Read:
        quoted, text = quoter(self._index, source), self._index.document(source).text
        sentences, questions, net = [], [], []
        for passage in self._index.passages_of(source):
            section = str(passage.metadata.get("locator", ""))
            level = section.partition(":")[0].casefold()
            for start, end in lines_of(passage, text):
                question, _, reason = text[start:end].partition(" - ")
                if level in LEVELS:
                    sentences.append((level, quoted(start, end)))
                elif section.startswith(_QUESTIONS) and reason:
                    questions.append((question.strip(), reason.strip(), quoted(start, end)))
                elif section.startswith(_SAFETY_NET):
                    net.append(quoted(start, end))
        return tuple(sentences), tuple(questions[:_ASKED]), tuple(net)

    def _embed(self, source: str) -> Any:
        import numpy as np

        texts = [quote.quote for _, quote in self.of(source)[0]]
        return np.asarray(self._index.embedder.embed_documents(texts), dtype=np.float32)


_topics = Kept(_Topics)


def _is_for(groups: set[str], hit: Hit) -> bool:
    """Whether the guidance is for a patient of such groups, where it names any."""
    named = {name.strip() for name in str(hit.passage.metadata.get("who") or "").split(",") if name.strip()}
    return not named or bool(named & groups)


def _topic(hits: Sequence[Hit]) -> Hit | None:
    """The best hit of the document that most of the best passages are of."""
    scores: Counter[str] = Counter()
    for hit in hits[:_RANKED]:
        scores[_source(hit)] += hit.score  # type: ignore[assignment]
    best = max(scores, key=lambda source: scores[source], default=None)
    return next((hit for hit in hits if _source(hit) == best), None)


def _source(hit: Hit) -> str:
    return str(hit.passage.metadata["source"])
