"""Assessment: what the rules make of a patient, and the guidance that is nearest to what was said, each sentence with its place.

The level is the more urgent of two: the floor of the rules, and the section of the guidance in which the sentence stands that is
nearest to what was said. Neither is a model's: what the small ones choose was measured to be no better than chance.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from healthcare_triage.patient import Patient
from healthcare_triage.rules import ESI, LEVELS, Floor, Rules
from sectorkit.answer import Citation
from sectorkit.errors import SectorkitError
from sectorkit.quoting import quoter, searched
from sectorkit.reading import Kept
from sectorkit.retrieval.index import Index
from sectorkit.retrieval.passage import Hit, Passage

_DEPTH, _RANKED = 30, 10  # passages that are searched for, and of these the ones that tell the topic
_READ = 2_000  # characters of what was said that are searched with
_QUOTES = 5  # sentences of the guidance that are shown
_ASKED = 5  # questions at most
_QUESTIONS = "Questions that decide"
_NEEDED = ("heart rate", "respiratory rate", "oxygen saturation", "systolic pressure", "temperature")


@dataclass(frozen=True)
class Guidance:
    """The guidance on a complaint: `level` is that of the section with the nearest sentence, `usual` what it is without any sign of
    a more urgent one; `quotes` are the nearest sentences, `questions` what it says to ask, each with the reason."""

    source: str
    title: str
    level: str
    usual: str
    quotes: tuple[Citation, ...]
    questions: tuple[tuple[str, str, Citation], ...]


@dataclass(frozen=True)
class Assessment:
    """`level` is one of LEVELS and `esi` from 1 to 5; `raised_by` is "rules" or "guidance"; `missing` are vital signs that nobody gave.

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


def assess(patient: Patient, rules: Rules, index: Index | None) -> Assessment:
    """The rules, and the guidance of an index where there is one. Without it the level is the rules', or routine where they say nothing."""
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
    guidance, away = (
        _guidance_or_why_not(patient, index)
        if index is not None
        else (None, "The guidance is not ready yet; only the rules were used.")
    )
    notes += [away] if away else []
    level = max(floor.level or "self-care", guidance.level if guidance else "routine", key=LEVELS.index)
    by_rules = floor.level == level
    esi = floor.esi if by_rules and floor.esi else ESI[level]
    given = {reading.name for reading in floor.readings}
    missing = tuple(name for name in _NEEDED if name not in given) if level in ("urgent", "emergency") else ()
    return Assessment(
        patient, floor, level, esi, "rules" if by_rules else "guidance", guidance, missing, tuple(dict.fromkeys(notes))
    )


def _guidance_or_why_not(patient: Patient, index: Index) -> tuple[Guidance | None, str]:
    """The guidance; where it fails, why: what the rules say must be shown whatever else is broken."""
    try:
        return _guidance(patient, index)
    except SectorkitError as error:
        return None, f"The guidance could not be searched; only the rules were used: {error}"


def _guidance(patient: Patient, index: Index) -> tuple[Guidance | None, str]:
    """The guidance on what was said, and why it was searched by words alone, if it was."""
    said = patient.said[:_READ]
    hits, why = searched(index, said, _DEPTH)
    away = f"Searched by words alone: {why}" if why else ""
    groups = {group for group, _ in patient.groups()}
    topic = _topic([hit for hit in hits if _is_for(groups, hit)])
    if topic is None:
        return None, "No guidance on this was found; only the rules were used."
    about = topic.passage.metadata
    source, usual = str(about["source"]), str(about.get("usual"))
    sentences, vectors, questions = _topics(index).of(source)
    usual = usual if usual in LEVELS else "routine"
    near = (
        ()
        if away or not sentences
        else tuple(sentences[n] for n in (-(vectors @ index.embedder.embed_query(said))).argsort()[:_QUOTES])
    )
    level = near[0][0] if near else usual
    return Guidance(
        source, str(about.get("title") or source), level, usual, tuple(quote for _, quote in near), questions
    ), away


class _Topics:
    """The sentences of an index's guidance by document, with their vectors; those of a document are made when it is first needed."""

    def __init__(self, index: Index) -> None:
        self.of = lru_cache(maxsize=None)(lambda source: self._read(index, source))

    def _read(
        self, index: Index, source: str
    ) -> tuple[tuple[tuple[str, Citation], ...], Any, tuple[tuple[str, str, Citation], ...]]:
        import numpy as np

        quoted, text = quoter(index, source), index.document(source).text
        sentences, questions = [], []
        for passage in index.passages_of(source):
            section = str(passage.metadata.get("locator", ""))
            level = section.partition(":")[0].casefold()
            for start, end in _lines(passage, text):
                question, _, reason = text[start:end].partition(" - ")
                if level in LEVELS:
                    sentences.append((level, quoted(start, end)))
                elif section.startswith(_QUESTIONS) and reason:
                    questions.append((question.strip(), reason.strip(), quoted(start, end)))
        vectors = np.asarray(index.embedder.embed_documents([quote.quote for _, quote in sentences]), dtype=np.float32)
        return tuple(sentences), vectors, tuple(questions[:_ASKED])


_topics = Kept(_Topics)


def _lines(passage: Passage, text: str) -> list[tuple[int, int]]:
    """The spans of a passage's lines in its document."""
    spans, at = [], int(passage.metadata["start"])
    for line in text[at : int(passage.metadata["end"])].split("\n"):
        if line.strip():
            spans.append((at, at + len(line)))
        at += len(line) + 1
    return spans


def _is_for(groups: set[str], hit: Hit) -> bool:
    """Whether the guidance is for a patient of such groups, where it names any."""
    named = {name.strip() for name in str(hit.passage.metadata.get("who") or "").split(",") if name.strip()}
    return not named or bool(named & groups)


def _topic(hits: Sequence[Hit]) -> Hit | None:
    """The best hit of the document that most of the best passages are of."""
    scores: Counter[str] = Counter()
    for hit in hits[:_RANKED]:
        scores[str(hit.passage.metadata["source"])] += hit.score  # type: ignore[assignment]
    best = max(scores, key=lambda source: scores[source], default=None)
    return next((hit for hit in hits if hit.passage.metadata["source"] == best), None)
