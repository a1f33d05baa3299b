"""Corpora: a benchmark's documents, indexed as a user's documents are.

They are written out in BEIR's format, below SECTORKIT_HOME, so that `sectorkit bench retrieval --data` can be pointed
at them too, and synced by the index that users search. The index is kept: a second run embeds nothing.
"""

from __future__ import annotations

import filecmp
import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from sectoreval.results import write_whole
from sectorkit.bench.beir import BeirDocument, BeirFolder, read_beir
from sectorkit.errors import ConfigurationError
from sectorkit.retrieval.index import Index

if TYPE_CHECKING:
    from sectoreval.context import Context

DOCUMENT = "document"  # the metadata of a passage that names its document, and by which an oracle filters


@dataclass(frozen=True)
class Corpus:
    """Documents by a name that is unique among benchmarks, with questions and judgements (question -> document -> score).

    Questions and judgements are not searched: they make the folder a benchmark of its own.
    """

    name: str
    documents: Sequence[BeirDocument]
    questions: Mapping[str, str]
    qrels: Mapping[str, Mapping[str, int]]


@dataclass(frozen=True)
class CorpusIndex:
    """An open index; `documents` names the document of each of its sources. `passages` is how many it holds."""

    index: Index
    documents: Mapping[str, str]
    passages: int

    @cached_property
    def _sources(self) -> dict[str, str]:
        return {document: source for source, document in self.documents.items()}

    def shown(self, names: Sequence[str], *, characters: int = 1500) -> list[dict[str, str]]:
        """The beginnings of these documents, as a report shows them."""
        found = [(name, self.index.document(self._sources[name])) for name in names]
        return [
            {"id": name, "title": str(stored.metadata.get("title", "")), "text": stored.text[:characters]}
            for name, stored in found
        ]


def open_corpus(corpus: Corpus, context: Context) -> CorpusIndex:
    """The corpus's index, brought to its state. Raises what `sectorkit.bench.ingest` raises."""
    folder = context.settings.home / "benchmarks" / "corpora" / corpus.name
    write_beir(corpus, folder)
    return open_beir(read_beir(folder), context)


def open_beir(data: BeirFolder, context: Context) -> CorpusIndex:
    """The index of a folder in BEIR's format, brought to its state."""
    from sectorkit.bench.ingest import WatchedEmbedder, ingest

    found = ingest(data, context.settings, WatchedEmbedder(context.embedder), progress=context.progress)
    place = found.index.folder
    found.index.close()
    # Opened again by the embedder itself, as in an app: it knows how far from all passages a question may be.
    index = Index.open(place, context.embedder, chroma_url=context.settings.chroma_url)
    return CorpusIndex(index, found.corpus.ids, len(index))


def write_beir(corpus: Corpus, folder: Path) -> None:
    """`corpus.jsonl`, `queries.jsonl` and `qrels/test.tsv`; files that are as they should be stay untouched."""
    documents = (
        {"_id": d.id, "title": d.title, "text": d.text, "metadata": {**d.metadata, DOCUMENT: d.id}}
        for d in corpus.documents
    )
    rows = [
        f"{question}\t{document}\t{score}"
        for question, judged in corpus.qrels.items()
        for document, score in judged.items()
    ]
    _write(folder / "corpus.jsonl", "".join(map(_line, documents)))
    _write(
        folder / "queries.jsonl", "".join(_line({"_id": key, "text": text}) for key, text in corpus.questions.items())
    )
    _write(folder / "qrels" / "test.tsv", "\n".join(["query-id\tcorpus-id\tscore", *rows]) + "\n")


def as_files(corpus: Corpus, context: Context, folder: Path) -> int:
    """Write the documents as text files, each marked as of the kind "reference", and say how many. The folder must hold nothing else."""
    from sectorkit.bench.documents import STAMP, write_documents

    if folder.exists() and (not folder.is_dir() or (any(folder.iterdir()) and not (folder / STAMP).exists())):
        raise ConfigurationError(f"{folder} holds something else; name a new or empty folder")
    marked = [replace(document, metadata={**document.metadata, "kind": "reference"}) for document in corpus.documents]
    place = context.settings.home / "benchmarks" / "corpora" / f"{corpus.name}-files"
    write_beir(replace(corpus, documents=marked), place)
    return len(write_documents(read_beir(place), folder, progress=context.progress).ids)


def copied(paths: Sequence[Path], folder: Path) -> Path:
    """Brings the folder to hold a copy of each of these files and no other file, and returns it. The folder is ours to empty."""
    copies = {folder / path.name: path for path in paths}
    folder.mkdir(parents=True, exist_ok=True)
    for other in folder.rglob("*"):
        if other not in copies and not other.is_dir():
            other.unlink()
    for copy, path in copies.items():
        if not copy.exists() or not filecmp.cmp(path, copy, shallow=False):
            shutil.copyfile(path, copy)
    return folder


def _line(entry: Mapping[str, object]) -> str:
    return json.dumps(entry, ensure_ascii=False) + "\n"


def _write(path: Path, text: str) -> None:
    if not path.exists() or path.read_bytes() != text.encode():
        write_whole(path, text)
