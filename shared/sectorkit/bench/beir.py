"""BEIR's format: documents, queries and judgements of a retrieval benchmark, in one folder.

    corpus.jsonl        {"_id": "d1", "title": "...", "text": "...", "metadata": {"kind": "rule"}}   one a line
    queries.jsonl       {"_id": "q1", "text": "..."}
    qrels/test.tsv      query-id <tab> corpus-id <tab> score, one file a split, with a header

Each may be compressed, with `.gz` behind its name. Title and metadata may be missing. Judgements without a header and
those of TREC (four columns, `query 0 document score`) are read as well.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sectorkit.bench.jsonl import lines, malformed, read_jsonl
from sectorkit.errors import ConfigurationError, UnknownName

_COLUMNS = ("query-id", "corpus-id", "score")
_ENTRY = 'an object with "_id" and "text"'
_LAYOUT = "corpus.jsonl, queries.jsonl and qrels/SPLIT.tsv"


@dataclass(frozen=True)
class BeirDocument:
    """One document of the corpus; `metadata` holds those of its values that are text, numbers or truth values."""

    id: str
    title: str
    text: str
    metadata: Mapping[str, str | int | float | bool] = field(default_factory=dict)


@dataclass(frozen=True)
class BeirFolder:
    """A benchmark on disk. `qrels` maps a query's id to its documents' scores: 0 and less are not relevant.

    `queries` are those of the split that have a text, by id. `notes` say in words what is not as it should be and what
    came of it; `all_queries` is how many queries there are, of every split.
    """

    folder: Path
    split: str
    corpus: Path
    queries: Mapping[str, str]
    qrels: Mapping[str, Mapping[str, int]]
    all_queries: int
    sha256: Mapping[str, str]
    notes: tuple[str, ...] = ()

    def documents(self) -> Iterator[BeirDocument]:
        """The corpus, line by line. Raises ConfigurationError for a malformed line and for an id that comes twice."""
        seen: dict[str, int] = {}
        for number, entry in read_jsonl(self.corpus, each=_ENTRY):
            identifier = _identifier(self.corpus, number, entry, seen)
            title, text = entry.get("title"), entry.get("text")
            if not isinstance(text, str) or not isinstance(title, str | None):
                raise malformed(self.corpus, number, '"text" and "title" should be text')
            said = entry.get("metadata")
            said = said if isinstance(said, dict) else {}
            metadata = {key: value for key, value in said.items() if isinstance(value, str | int | float | bool)}
            yield BeirDocument(identifier, title or "", text, metadata)


def read_beir(folder: Path, split: str = "test") -> BeirFolder:
    """The benchmark in `folder`; its corpus is read later, by `documents`.

    Raises ConfigurationError, with the line where there is one, for a folder that lacks a file and for one that is
    malformed, UnknownName for a split that there is not.
    """
    if not folder.is_dir():
        raise ConfigurationError(f"{folder} is not a folder; name one that holds {_LAYOUT}")
    corpus, queries = _file(folder / "corpus.jsonl"), _file(folder / "queries.jsonl")
    files = [*(folder / "qrels").glob("*.tsv"), *(folder / "qrels").glob("*.tsv.gz")]
    splits = {path.name.removesuffix(".gz").removesuffix(".tsv") for path in files}
    if not splits:
        raise ConfigurationError(f"{folder / 'qrels'} holds no judgements; put them there as {split}.tsv")
    if split not in splits:
        raise UnknownName(f"split of {folder}", split, list(splits))
    judged = _file(folder / "qrels" / f"{split}.tsv")
    texts = _read_queries(queries)
    qrels, notes = _read_qrels(judged)
    asked = {query: texts[query] for query in qrels if query in texts}
    if not asked:
        raise ConfigurationError(
            f"none of the {len(qrels)} queries that {judged} names is in {queries}; do the ids of both agree?"
        )
    if missing := len(qrels) - len(asked):
        notes.append(f"{missing} queries of the split have no text in {queries.name}: they cannot be asked, left out")
    hopeless = sum(all(score <= 0 for score in qrels[query].values()) for query in asked)
    if hopeless:
        notes.append(f"{hopeless} queries have no relevant document: they score 0, as in BEIR")
    return BeirFolder(
        folder=folder, split=split, corpus=corpus, queries=asked, qrels={query: qrels[query] for query in asked},
        all_queries=len(texts), notes=tuple(notes),
        sha256={str(path.relative_to(folder)): _sha256(path) for path in (corpus, queries, judged)},
    )  # fmt: skip


def _read_queries(path: Path) -> dict[str, str]:
    seen: dict[str, int] = {}
    texts: dict[str, str] = {}
    for number, entry in read_jsonl(path, each=_ENTRY):
        identifier = _identifier(path, number, entry, seen)
        if not isinstance(entry.get("text"), str):
            raise malformed(path, number, '"text" should be text')
        texts[identifier] = entry["text"]
    return texts


def _read_qrels(path: Path) -> tuple[dict[str, dict[str, int]], list[str]]:
    qrels: dict[str, dict[str, int]] = {}
    order, trec, headed = (0, 1, 2), False, False
    for number, line in lines(path):
        cells = [cell.strip() for cell in line.split("\t")] if "\t" in line else line.split()
        if not headed and not qrels and _score(cells[-1]) is None:
            names = [cell.lower().replace("_", "-") for cell in cells]
            if sorted(names) != sorted(_COLUMNS):
                raise malformed(path, number, f"the header should be {' <tab> '.join(_COLUMNS)}")
            order = (names.index("query-id"), names.index("corpus-id"), names.index("score"))
            headed = True
            continue
        if len(cells) == 4 and not headed and (trec or not qrels):
            trec, cells = True, [cells[0], cells[2], cells[3]]
        elif trec or len(cells) != 3:
            raise malformed(path, number, f"{len(cells)} columns, and {4 if trec else 3} should stand there")
        query, document, score = cells[order[0]], cells[order[1]], _score(cells[order[2]])
        if score is None:
            raise malformed(path, number, f"the score {cells[order[2]]!r} is not a whole number")
        known = qrels.setdefault(query, {}).setdefault(document, score)
        if known != score:
            raise malformed(path, number, f"{query!r} and {document!r} are judged {score} here and {known} above")
    if not qrels:
        raise ConfigurationError(f"{path} holds no judgements; each line should be {' <tab> '.join(_COLUMNS)}")
    columns = "query 0 document score, as in TREC" if trec else ", ".join(_COLUMNS)
    return qrels, [] if headed else [f"{path.name} has no header: its columns were read as {columns}"]


def _score(text: str) -> int | None:
    try:
        number = float(text)
        return int(number) if number == int(number) else None
    except (ValueError, OverflowError):
        return None


def _identifier(path: Path, number: int, entry: Mapping[str, Any], seen: dict[str, int]) -> str:
    found = entry.get("_id")
    if isinstance(found, bool) or not isinstance(found, str | int) or not str(found).strip():
        raise malformed(path, number, '"_id" should be text, and not empty')
    identifier = str(found).strip()
    if not identifier.isascii():
        try:
            identifier.encode()
        except UnicodeEncodeError:
            raise malformed(path, number, 'the "_id" holds half of a character') from None
    if identifier in seen:
        raise malformed(path, number, f'the "_id" {identifier!r} stands on line {seen[identifier]} already')
    seen[identifier] = number
    return identifier


def _file(path: Path) -> Path:
    for found in (path, path.with_name(f"{path.name}.gz")):
        if found.is_file():
            return found
    raise ConfigurationError(f"{path} is not there; a benchmark in BEIR's format has {_LAYOUT}")


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
