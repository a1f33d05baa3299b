"""Index: one corpus under one embedder: words in Tantivy, vectors in Chroma, and the manifest that rules both.

index = Index.open(folder, embedder)
report = index.sync(Path("corpus"))
hits = index.search("How loud may a bar be at night?", k=5)
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, get_args

from sectorkit.errors import (
    DocumentError,
    IndexBusy,
    IndexMismatch,
    IndexMissing,
    RequestError,
    StoreError,
    UnknownName,
)
from sectorkit.progress import Progress, silent
from sectorkit.retrieval.chunk import CHUNKING, chunk, context
from sectorkit.retrieval.corpus import CorpusFile, Skipped, plain, scan
from sectorkit.retrieval.dense import DenseIndex
from sectorkit.retrieval.embed import Embedder
from sectorkit.retrieval.fuse import fuse
from sectorkit.retrieval.language import detect_language
from sectorkit.retrieval.lexical import LexicalIndex, Where
from sectorkit.retrieval.manifest import Manifest, StoredDocument
from sectorkit.retrieval.parse import parse
from sectorkit.retrieval.passage import Hit, Passage

Mode = Literal["lexical", "dense", "hybrid"]
MAX_QUERY_CHARACTERS = 20_000
_LEXICAL_WEIGHT = 0.5  # against 1 for vectors; chosen on a development split, see docs/BENCHMARKS.md
_FLUSH_PASSAGES = 64  # embedded and stored together; a killed sync loses at most this much work


@dataclass(frozen=True)
class SyncReport:
    """What a sync did, by source. `failed` and `skipped` carry the reason, `notes` what is worth knowing."""

    added: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    unchanged: tuple[str, ...] = ()
    failed: dict[str, str] = field(default_factory=dict)
    skipped: dict[str, str] = field(default_factory=dict)
    notes: dict[str, tuple[str, ...]] = field(default_factory=dict)
    passages: int = 0

    def summary(self) -> str:
        """One line for a person."""
        counts = {"added": self.added, "changed": self.changed, "removed": self.removed, "unchanged": self.unchanged}
        parts = [f"{len(v)} {k}" for k, v in counts.items()]
        parts += [f"{len(self.failed)} failed", f"{len(self.skipped)} skipped"]
        return ", ".join(parts) + f"; {self.passages} passages"


class Index:
    """Passages of one corpus, searchable. Open it by `Index.open`."""

    def __init__(
        self,
        folder: Path,
        embedder: Embedder,
        manifest: Manifest,
        lexical: LexicalIndex,
        open_dense: Callable[[], DenseIndex],
    ) -> None:
        self.folder, self.embedder = folder, embedder
        self._manifest, self._lexical, self._open_dense = manifest, lexical, open_dense
        self._dense = open_dense()
        self._seen_generation = manifest.generation

    @classmethod
    def open(cls, folder: Path, embedder: Embedder, *, chroma_url: str | None = None, create: bool = True) -> Index:
        """The index in `folder`, made where there is none and `create` allows it.

        Raises IndexMissing, and IndexMismatch where another embedder or chunking made it.
        """
        path = folder / "manifest.sqlite"
        if not path.exists() and not create:
            raise IndexMissing(f"no index at {folder}; make one: sectorkit index sync")
        try:
            manifest = Manifest(path)
        except (sqlite3.DatabaseError, OSError) as error:
            raise StoreError(f"{path} cannot be opened: {error}; remove {folder} and sync again") from error
        fingerprint = json.dumps({"embedder": embedder.fingerprint, "chunking": CHUNKING}, sort_keys=True)
        known = manifest.get("fingerprint")
        if known is None:
            manifest.set("fingerprint", fingerprint)
        elif known != fingerprint:
            manifest.close()
            raise IndexMismatch(
                f"the index at {folder} was made with {known}, and this is {fingerprint}; rebuild it: "
                "sectorkit index sync --rebuild"
            )
        collection = "passages-" + hashlib.sha256(f"{folder.resolve()}{fingerprint}".encode()).hexdigest()[:16]
        lexical = LexicalIndex(folder / "tantivy")

        def open_dense() -> DenseIndex:
            return DenseIndex(folder / "chroma", collection=collection, url=chroma_url)

        return cls(folder, embedder, manifest, lexical, open_dense)

    def close(self) -> None:
        self._dense.close()
        self._manifest.close()

    # -- reading ----------------------------------------------------------------------------------------------

    def search(
        self, query: str, k: int = 10, *, where: Where | None = None, mode: Mode = "hybrid", depth: int = 50
    ) -> list[Hit]:
        """The `k` best passages for `query`, best first.

        `where` narrows by metadata: each key equal to its value, or to one of its values. `depth` is how many
        each stage brings to the fusion. Raises RequestError for an empty or overlong query.
        """
        if mode not in get_args(Mode):
            raise UnknownName("search mode", mode, list(get_args(Mode)))
        if not query.strip():
            raise RequestError("the question is empty; type one")
        if len(query) > MAX_QUERY_CHARACTERS:
            raise RequestError(
                f"the question has {len(query):,} characters, and {MAX_QUERY_CHARACTERS:,} are the limit; shorten it"
            )
        if k < 1:
            raise RequestError(f"k is {k}, and it must be at least 1")
        depth = max(depth, k)
        found: dict[str, list[tuple[str, float]]] = {}
        if mode != "dense":
            found["lexical"] = self._lexical.search(query, depth, where=where)
        if mode != "lexical":
            self._refresh()
            found["dense"] = self._dense.search(self.embedder.embed_query(query), depth, where=where)
        live = self._manifest.passages({i for ranking in found.values() for i, _ in ranking})
        rankings = {
            stage: [
                Hit(live[i], score, similarity=score if stage == "dense" else None) for i, score in ranking if i in live
            ]
            for stage, ranking in found.items()
        }
        # A question in another language than the documents shares only names and chance words with them.
        weights = {"lexical": _LEXICAL_WEIGHT * self._lexical.coverage(query) ** 2} if mode == "hybrid" else None
        return fuse(rankings, weights=weights)[:k]

    def _refresh(self) -> None:
        generation = self._manifest.generation
        if generation != self._seen_generation:
            # Another process has written: an open Chroma client keeps its own picture of the graph.
            self._dense.close()
            self._dense = self._open_dense()
            self._seen_generation = generation

    def document(self, source: str) -> StoredDocument:
        """A document with its text. Raises UnknownName."""
        found = self._manifest.document(source)
        if found is None:
            raise UnknownName("document", source, [d.source for d in self._manifest.documents()])
        return found

    def documents(self) -> list[StoredDocument]:
        """All documents by source, without their texts."""
        return self._manifest.documents()

    def passages_of(self, source: str) -> list[Passage]:
        """A document's passages in order."""
        ids = self._manifest.passage_ids(source)
        found = self._manifest.passages(ids)
        return [found[i] for i in ids]

    def passages(self, ids: Sequence[str]) -> dict[str, Passage]:
        """Those of `ids` that are in the index, by id."""
        return self._manifest.passages(ids)

    def status(self) -> dict[str, Any]:
        """Counts, embedder, size on disk and last sync, as JSON takes them."""
        indexed, failed, passages = self._manifest.counts()
        size = sum(f.stat().st_size for f in self.folder.rglob("*") if f.is_file())
        return {
            "folder": str(self.folder),
            "corpus": self._manifest.get("corpus"),
            "documents": indexed,
            "failed": failed,
            "passages": passages,
            "embedder": self.embedder.fingerprint,
            "bytes": size,
            "synced": self._manifest.get("synced"),
        }

    def check(self) -> list[str]:
        """Differences between the manifest and the two stores, in words; empty where they agree."""
        live = set(self._manifest.passage_ids())
        dense = self._dense.ids()
        problems = [f"{len(live - dense)} passages have no vector"] if live - dense else []
        problems += [f"{len(dense - live)} vectors have no passage"] if dense - live else []
        if len(self._lexical) != len(live):
            problems.append(f"{len(self._lexical)} passages in the word index, {len(live)} in the manifest")
        return problems

    # -- writing ----------------------------------------------------------------------------------------------

    def sync(self, corpus: Path, *, progress: Progress = silent) -> SyncReport:
        """Bring the index to the folder's state; only what changed is read and embedded again.

        A document that cannot be read is reported and the rest goes on; what was indexed of it before stays out of
        the way only if the file itself is gone or broken. Raises IndexBusy where another process is writing, and
        StoreError where the disk is full; what was stored until then stays, and the next sync goes on from there.
        """
        files, skipped = scan(corpus)
        with self._writing():
            try:
                return self._sync(corpus, files, skipped, progress)
            except (OSError, sqlite3.Error) as error:
                raise StoreError(
                    f"the index at {self.folder} could not be written: {error} "
                    f"({_free(self.folder)} free); make room and sync again, nothing stored is lost"
                ) from error

    def _sync(self, corpus: Path, files: list[CorpusFile], skipped: list[Skipped], progress: Progress) -> SyncReport:
        self._settle()
        before = self._manifest.digests()
        after, failed = _digests(files)
        removed = sorted(set(before) - {f.source for f in files})
        for source in removed:
            self._store_removal(source)
        todo = [f for f in files if f.source in after and before.get(f.source) != after[f.source]]
        total, done = sum(_size(f) for f in todo) or 1, 0
        notes: dict[str, tuple[str, ...]] = {}
        batch: list[tuple[StoredDocument, list[Passage]]] = []
        for file in todo:
            progress(f"indexing {file.source}", done / total)
            document, passages = self._read(file, after[file.source])
            if document.notes:
                notes[file.source] = document.notes
            batch.append((document, passages))
            done += _size(file)
            if sum(len(p) for _, p in batch) >= _FLUSH_PASSAGES:
                self._store(batch)
                batch = []
        self._store(batch)
        self._manifest.set("corpus", str(corpus.resolve()))
        self._manifest.set("synced", datetime.now(UTC).isoformat(timespec="seconds"))
        failed |= {d.source: d.problem or "" for d in self._manifest.documents() if d.status == "failed"}
        touched = {f.source for f in todo}
        progress("index is up to date", 1.0)
        return SyncReport(
            added=tuple(s for s in sorted(touched) if s not in before and s not in failed),
            changed=tuple(s for s in sorted(touched) if s in before and s not in failed),
            removed=tuple(removed),
            unchanged=tuple(f.source for f in files if f.source not in touched and f.source not in failed),
            failed=failed,
            skipped={s.source: s.reason for s in skipped},
            notes=notes,
            passages=self._manifest.counts()[2],
        )

    def _read(self, file: CorpusFile, digest: str) -> tuple[StoredDocument, list[Passage]]:
        try:
            parsed = parse(file.path)
        except DocumentError as error:
            return StoredDocument(file.source, digest, "failed", str(error)), []
        metadata = {**plain(parsed.metadata), **file.metadata}
        title = str(metadata.pop("title", None) or parsed.title or Path(file.source).stem)
        language = str(metadata.pop("language", None) or parsed.language or detect_language(parsed.text))
        metadata = {"title": title, "language": language, **metadata}
        passages = chunk(parsed, source=file.source, metadata=metadata, count=self.embedder.count_tokens)
        stored = StoredDocument(
            file.source, digest, "indexed", None, parsed.notes, title, {**metadata, "source": file.source}, parsed.text
        )
        return stored, passages

    def _store(self, batch: Sequence[tuple[StoredDocument, list[Passage]]]) -> None:
        """Vectors and words first, then each document in one transaction, then the old passages' removal."""
        fresh: list[Passage] = []
        stale: list[str] = []
        for document, passages in batch:
            old = set(self._manifest.passage_ids(document.source))
            known = self._manifest.document(document.source)
            same = known is not None and dict(known.metadata) == dict(document.metadata)
            kept = old if same else set()
            fresh += [p for p in passages if p.id not in kept]
            stale += sorted(old - {str(p.id) for p in passages})
        self._manifest.note([str(p.id) for p in fresh] + stale)
        if fresh:
            vectors = self.embedder.embed_documents([context(p) for p in fresh])
            self._dense.upsert([str(p.id) for p in fresh], vectors, [p.metadata for p in fresh])
            self._lexical.update(add=fresh)
        for document, passages in batch:
            self._manifest.replace(document, passages)
        self._drop(stale)
        self._manifest.settle()
        self._seen_generation = self._manifest.generation

    def _store_removal(self, source: str) -> None:
        ids = self._manifest.passage_ids(source)
        self._manifest.note(ids)
        self._manifest.forget(source)
        self._drop(ids)
        self._manifest.settle()
        self._seen_generation = self._manifest.generation

    def _drop(self, ids: Sequence[str]) -> None:
        if ids:
            self._dense.remove(ids)
            self._lexical.update(remove=ids)

    def _settle(self) -> None:
        """After a killed sync: remove from the stores what no document names, put back what one does."""
        dead, live = self._manifest.unsettled()
        self._drop(dead)
        if live:
            passages = list(self._manifest.passages(live).values())
            vectors = self.embedder.embed_documents([context(p) for p in passages])
            self._dense.upsert([str(p.id) for p in passages], vectors, [p.metadata for p in passages])
            self._lexical.update(add=passages)
        self._manifest.settle()

    @contextmanager
    def _writing(self) -> Iterator[None]:
        from filelock import FileLock, Timeout

        holder = self.folder / "writer.json"
        try:
            with FileLock(self.folder / "writer.lock", timeout=0):
                holder.write_text(json.dumps({"pid": os.getpid(), "since": datetime.now().isoformat("T", "seconds")}))
                yield
        except Timeout:
            who = holder.read_text() if holder.exists() else "another process"
            raise IndexBusy(f"{self.folder} is being written by {who}; wait until it is done") from None


def _digests(files: Sequence[CorpusFile]) -> tuple[dict[str, str], dict[str, str]]:
    digests: dict[str, str] = {}
    failed: dict[str, str] = {}
    for file in files:
        try:
            digests[file.source] = file.digest()
        except OSError as error:
            failed[file.source] = f"cannot be read: {error.strerror}; check its permissions"
    return digests, failed


def _size(file: CorpusFile) -> int:
    try:
        return file.path.stat().st_size
    except OSError:
        return 0


def _free(folder: Path) -> str:
    return f"{shutil.disk_usage(folder).free / 2**20:,.0f} MB"
