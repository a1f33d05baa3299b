"""FMEA: the rows of failure mode and effects analyses in an index's documents, by whatever names their columns have.

A table is one if it has a failure mode, an effect, and what they are of. Names are those of the plant's own sheets, of the AIAG
handbook ("Potential Failure Mode", "Potential Effect(s) of Failure"), and Chinese ones.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from sectorkit.answer import Citation
from sectorkit.quoting import quoter, searched
from sectorkit.retrieval.index import Index
from sectorkit.retrieval.words import words
from sectorkit.table_words import key
from sectorkit.tables import tables_of
from sectorkit.times import is_in_force

_DEPTH = 60  # passages that are looked at for symptoms
# What is wrong, where it is there: "does not vibrate" and "no leak" are no symptoms, and "no flow" and "does not start" are.
_FAULT = r"(?:vibrat|shak|leak|drip|nois|rattl|knock|squeal|grind|smell|smok|spark|crack|corro|rust|overheat|alarm|damag|wear|worn|loose|block|clog|seiz)\w*"
_ABSENT = re.compile(
    rf"\b(?:no|not|never|without|nor|neither|(?:does|do|is|are|did|was|were|has|have)n['’]?t)\s+(?:(?:any|a|the|at|all|really|been|signs?|of|unusual|visible|abnormal|strange|more)\s+)*"
    rf"{_FAULT}(?:\s*,?\s*\b(?:n?or)\s+{_FAULT})*"
    r"|(?:没有|并无|无|不|未见|未|没)(?:明显|异常|任何|出现|发现|有)*(?:振动|震动|抖动|泄漏|渗漏|漏[油水气]|异响|噪音|噪声|异味|冒烟|过热|报警|松动|磨损|裂纹|腐蚀|堵塞|卡滞)",
    re.IGNORECASE,
)
_BY_WORDS = "Symptoms were searched for by words alone, since vectors are not available"
# What a column is called here, and what else it may be called; the first of a sheet's columns that fits.
_NAMES: Mapping[str, Sequence[str]] = {
    "Machine": ("machine", "equipment", "asset", "product", "subsystem", "system", "item", "process step", "机器", "设备", "机型"),
    "Failure mode": ("failure mode", "失效模式", "故障模式"),
    "Effect": ("effect", "effect of failure", "effects of failure", "失效后果", "后果", "影响"),
    "Cause": ("cause", "cause of failure", "causes of failure", "cause mechanism of failure", "cause mechanism", "mechanism", "失效原因", "原因"),
    "Severity": ("severity", "sev", "s", "严重度"),
    "Occurrence": ("occurrence", "occ", "o", "频度", "发生度"),
    "Detection": ("detection", "det", "d", "探测度"),
    "RPN": ("rpn", "风险优先数"),
    "Recommended action": ("recommended action", "recommended actions", "action", "建议措施", "措施"),
}  # fmt: skip


@dataclass(frozen=True)
class FmeaRow:
    """A row of an FMEA: its cells by the names of `_NAMES` (and by its own where it has others), and the row as a quotation."""

    cells: Mapping[str, str]
    quote: Citation

    @property
    def machine(self) -> str:
        return self.cells["Machine"]

    @property
    def mode(self) -> str:
        return self.cells["Failure mode"]


def read_fmea(index: Index) -> tuple[FmeaRow, ...]:
    """Every row of every FMEA among the documents that are in force, in their order."""
    found = []
    for source in (d.source for d in index.documents() if is_in_force(d.metadata, date.today())):
        quoted = None
        for table in tables_of(index.document(source).text, index.passages_of(source)):
            named = _named(table.columns)
            if {"Machine", "Failure mode", "Effect"} <= set(named):
                quoted = quoted or quoter(index, source)
                # Of two columns of one name, such as an RPN before and after an action, the first counts.
                found += [
                    FmeaRow(dict(reversed(list(zip(named, row.cells, strict=True)))), quoted(row.start, row.end))
                    for row in table.rows
                ]
    return tuple(found)


def _named(columns: Sequence[str]) -> list[str]:
    """The columns by our names; a name is given once, to the column whose own comes first in `_NAMES`."""
    plain = [re.sub(r"\(s\)|\bpotential\b|[^\w\s]", " ", column.casefold()).split() for column in columns]
    own = [" ".join(words) for words in plain]
    named = list(columns)
    for name, others in _NAMES.items():
        at = next((own.index(other) for other in others if other in own), None)
        if at is not None:
            named[at] = name
    return named


def by_symptoms(symptoms: str, rows: Iterable[FmeaRow], index: Index) -> tuple[list[FmeaRow], list[str]]:
    """The rows that a search for the symptoms finds, best first; notes of what was said not to be there, and of a search by words alone."""
    rows = list(rows)
    sources = sorted({row.quote.source for row in rows})
    absent = [match[0] for match in _ABSENT.finditer(symptoms)]
    notes = [f"No symptom: {', '.join(f'“{words}”' for words in absent)}."] if absent else []
    symptoms = _ABSENT.sub(" ", symptoms)
    if not re.search(r"\w", symptoms) or not sources:
        return [], notes
    found: list[FmeaRow] = []
    hits, away = searched(index, symptoms, _DEPTH, {"source": sources})
    for hit in hits:
        place = hit.passage.metadata
        held = [
            row for row in rows
            if row.quote.source == place["source"] and row.quote.start < place["end"] and place["start"] < row.quote.end
            and row not in found
        ]  # fmt: skip
        found += sorted(held, key=lambda row: -alike(symptoms, row.cells["Effect"]))  # of one passage, by their words
    return found, notes + ([f"{_BY_WORDS}: {away}"] if away else [])


def alike(first: str, second: str) -> int:
    """How many words two texts share, whatever their endings; those for what is said not to be there are none."""
    ours, theirs = ({key(word) for word in words(_ABSENT.sub(" ", text))} for text in (first, second))
    return len(ours & theirs)
