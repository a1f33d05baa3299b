"""Ingest: a benchmark's documents into an index of their own, made once and kept, and how fast that went."""

from __future__ import annotations

import json
import time
from array import array
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

from sectorkit.bench.beir import BeirFolder
from sectorkit.bench.documents import WrittenCorpus, write_documents
from sectorkit.errors import IndexMismatch, StoreBroken
from sectorkit.models.hardware import described
from sectorkit.parts import place_digest
from sectorkit.progress import Progress, silent
from sectorkit.retrieval.embed import Embedder
from sectorkit.retrieval.index import Index, SyncReport
from sectorkit.settings import Settings

_RECORD = "ingestion.json"


@dataclass(frozen=True)
class Ingestion:
    """What the last run that embedded anything did: `seconds` from files to a synced index, embedding among them."""

    documents: int
    passages: int
    seconds: float
    embedding_seconds: float
    hardware: str
    measured: str

    @property
    def documents_per_second(self) -> float:
        return self.documents / self.seconds


@dataclass(frozen=True)
class Ingested:
    """An open index of the benchmark, its documents by source, those that could not be read, and its making."""

    index: Index
    corpus: WrittenCorpus
    failed: dict[str, str]
    ingestion: Ingestion | None


class WatchedEmbedder:
    """An embedder that counts the passages it embeds and keeps the vectors of queries.

    A query is embedded once, by `time_query`, and later searches find its vector here: what they take is theirs alone.
    """

    def __init__(self, inner: Embedder) -> None:
        self.fingerprint = inner.fingerprint
        self.passages, self.seconds = 0, 0.0
        self._inner = inner
        self._queries: dict[str, array[float]] = {}

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        began = time.perf_counter()
        vectors = self._inner.embed_documents(texts)
        self.seconds += time.perf_counter() - began
        self.passages += len(texts)
        return vectors

    def embed_query(self, text: str) -> list[float]:
        known = self._queries.get(text)
        return self._inner.embed_query(text) if known is None else known.tolist()

    def time_query(self, text: str) -> float:
        """Embed a query anew, remember its vector, and return the seconds that it took."""
        began = time.perf_counter()
        vector = self._inner.embed_query(text)
        seconds = time.perf_counter() - began
        self._queries[text] = array("f", vector)
        return seconds

    def count_tokens(self, text: str) -> int:
        return self._inner.count_tokens(text)


def ingest(
    data: BeirFolder, settings: Settings, embedder: WatchedEmbedder, *, rebuild: bool = False,
    progress: Progress = silent,
) -> Ingested:  # fmt: skip
    """The index of the benchmark, brought to its corpus's state; what was embedded by an earlier run is kept.

    An index that another embedder or chunking made is made anew, as is any where `rebuild` asks for it. The caller
    closes `index`. Raises ConfigurationError for a malformed corpus, IndexBusy, StoreBroken, ServerUnavailable.
    """
    corpus = write_documents(data, settings.home / "benchmarks" / _key(data.folder), progress=progress)
    folder = settings.indexes_dir / f"benchmark-{_key(data.folder)}" / settings.embed_model
    try:
        began = time.perf_counter()
        index, report = _synced(folder, corpus.folder, settings, embedder, rebuild, progress)
    except StoreBroken as error:
        raise StoreBroken(f"{error} (of a benchmark: sectorkit bench retrieval --data DIR --rebuild)") from error
    ingestion = _recorded(folder)
    if embedder.passages:
        ingestion = Ingestion(
            documents=len(report.added) + len(report.changed), passages=embedder.passages,
            seconds=time.perf_counter() - began, embedding_seconds=embedder.seconds, hardware=described(),
            measured=datetime.now(UTC).isoformat(timespec="seconds"),
        )  # fmt: skip
        (folder / _RECORD).write_text(json.dumps(asdict(ingestion)))
    return Ingested(index, corpus, report.failed, ingestion)


def _synced(
    folder: Path, corpus: Path, settings: Settings, embedder: WatchedEmbedder, rebuild: bool, progress: Progress
) -> tuple[Index, SyncReport]:
    if not rebuild:
        try:
            index = Index.open(folder, embedder, chroma_url=settings.chroma_url)
        except IndexMismatch:  # nothing but embeddings of files that are here is lost
            rebuild = True
    if rebuild:
        report = Index.rebuild(folder, embedder, corpus, chroma_url=settings.chroma_url, progress=progress)
        return Index.open(folder, embedder, chroma_url=settings.chroma_url), report
    try:
        return index, index.sync(corpus, progress=progress)
    except BaseException:
        index.close()
        raise


def _key(data: Path) -> str:
    """A folder's name and a hash of where it is: two benchmarks may both be called `data`."""
    place = data.resolve()
    return f"{quote(place.name, safe='')[:60]}-{place_digest(place)}"


def _recorded(folder: Path) -> Ingestion | None:
    try:
        return Ingestion(**json.loads((folder / _RECORD).read_text()))
    except (OSError, ValueError, TypeError):  # none yet, or of another version
        return None
