"""Sync: bring an index to the state of a folder. Safe to kill at any moment; one writer at a time.

Documents become visible in one transaction of the manifest, after their words and vectors are stored. What a kill
leaves behind is in the journal, and the next sync clears it up. No text is embedded twice: what was made of a document
that was moved, of which only the metadata changed, or in whose midst a sync was killed, is taken from where it lies.
"""

from __future__ import annotations

import json
import os
import shutil
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any, TypeAlias

from sectorkit.errors import DocumentError, IndexBusy, StoreBroken, StoreError
from sectorkit.progress import Progress
from sectorkit.retrieval.chunk import chunk, context
from sectorkit.retrieval.corpus import CorpusFile, plain, scan
from sectorkit.retrieval.embed import Embedder
from sectorkit.retrieval.filters import PASSAGE_FIELDS
from sectorkit.retrieval.known import text_key
from sectorkit.retrieval.language import detect_language
from sectorkit.retrieval.manifest import StoredDocument
from sectorkit.retrieval.parse import parse
from sectorkit.retrieval.parse.ocr import installed
from sectorkit.retrieval.passage import Passage
from sectorkit.retrieval.stores import EarlierVectors, Stores

_BATCH, _LARGEST_BATCH = 64, 512  # passages that are stored together: more of them where embedding is fast,
_BATCH_SECONDS = 5.0  # as many as take this long, since it is the work that a kill can lose
_AHEAD = 4  # documents that are read while others are embedded
_SLICE = 32  # passages that are embedded together: a sync can be stopped, and tells how far it is, in between
_STORED = 500  # vectors that are shared between their two places at a time
_RESERVED = PASSAGE_FIELDS | {"source"}
_Read: TypeAlias = tuple[StoredDocument, list[Passage]]


@dataclass(frozen=True)
class SyncReport:
    """What a sync did, by source. `failed` and `skipped` carry the reason, `notes` what is worth knowing.

    `moved` is where each file was that has another name or place now and is otherwise the same.
    """

    added: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    moved: dict[str, str] = field(default_factory=dict)
    unchanged: tuple[str, ...] = ()
    failed: dict[str, str] = field(default_factory=dict)
    skipped: dict[str, str] = field(default_factory=dict)
    notes: dict[str, tuple[str, ...]] = field(default_factory=dict)
    passages: int = 0

    def summary(self) -> str:
        """One line for a person."""
        counts = {"added": self.added, "changed": self.changed, "removed": self.removed, "unchanged": self.unchanged}
        parts = [f"{len(v)} {k}" for k, v in counts.items()]
        parts += [f"{len(self.moved)} moved"] * bool(self.moved)
        parts += [f"{len(self.failed)} failed", f"{len(self.skipped)} skipped"]
        return ", ".join(parts) + f"; {self.passages} passages"


def sync(
    stores: Stores, embedder: Embedder, corpus: Path, *, progress: Progress, earlier: EarlierVectors | None = None
) -> SyncReport:
    """Bring `stores` to the state of the folder `corpus`; see `Index.sync`. What `earlier` has is not embedded again."""
    try:
        files, skipped = scan(corpus)
        with writing(stores.folder):
            return _Sync(stores, embedder, progress, earlier).run(corpus, files, {s.source: s.reason for s in skipped})
    except (OSError, StoreBroken) as error:
        raise StoreBroken(
            f"the index at {stores.folder} could not be brought up to date: {error} ({_free(stores.folder)} free on its "
            "disk). Nothing stored is lost: remove the cause and sync again, or make it anew: "
            "sectorkit index sync APP --rebuild"
        ) from error


@contextmanager
def writing(folder: Path) -> Iterator[None]:
    """The right to write the index in `folder`. Raises IndexBusy, which names the process that has it."""
    from filelock import FileLock, Timeout

    holder = folder / "writer.json"
    try:
        with FileLock(folder / "writer.lock", timeout=0):
            holder.write_text(json.dumps({"pid": os.getpid(), "since": datetime.now().isoformat("T", "seconds")}))
            yield
    except Timeout:
        who = _holder(holder)
        raise IndexBusy(f"{folder} is being written by {who}; wait until it is done") from None


def _holder(file: Path) -> str:
    try:
        said = json.loads(file.read_text())
        return f"process {said['pid']} since {said['since'].replace('T', ' ')}"
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        return "another process"


class _Sync:
    """One run."""

    def __init__(self, stores: Stores, embedder: Embedder, progress: Progress, earlier: EarlierVectors | None) -> None:
        self._stores, self._manifest = stores, stores.manifest
        self._embedder, self._progress, self._earlier = embedder, progress, earlier
        self._ocr = installed()
        self._ended = threading.Event()
        self._total = self._done = 0  # bytes of files
        self._batch = _BATCH
        self._doing = ""
        self._moved: dict[str, str] = {}  # where a file was, by where it is
        self._half: dict[str, bytes] = {}  # what a killed sync had embedded of documents that are not in yet

    def run(self, corpus: Path, files: Sequence[CorpusFile], skipped: dict[str, str]) -> SyncReport:
        self._repair()
        before = self._manifest.digests()
        after, failed = _digests(files)
        gone = set(before) - {f.source for f in files}
        self._moved = _moved({s: before[s] for s in gone}, {s: d for s, d in after.items() if s not in before})
        removed = sorted(gone - set(self._moved.values()))
        self._remove(removed)
        todo = [f for f in files if f.source in after and not self._is_read(before.get(f.source, ""), after[f.source])]
        notes = self._index(todo, after)
        self._stores.drop(list(self._half))  # of a document that is no longer as it was
        self._stores.settle()
        self._manifest.set("corpus", str(corpus.resolve()))
        self._manifest.set("synced", datetime.now(UTC).isoformat(timespec="seconds"))
        failed |= {d.source: d.problem or "" for d in self._manifest.documents() if d.status == "failed"}
        self._progress("index is up to date", 1.0)
        touched = sorted({f.source for f in todo} - set(failed))
        return SyncReport(
            added=tuple(s for s in touched if s not in before and s not in self._moved),
            changed=tuple(s for s in touched if s in before),
            removed=tuple(removed),
            moved={new: old for new, old in sorted(self._moved.items()) if new in touched},
            unchanged=tuple(f.source for f in files if f.source not in touched and f.source not in failed),
            failed=failed,
            skipped=skipped,
            notes=notes,
            passages=self._manifest.counts()[2],
        )

    def _is_read(self, stored: str, digest: str) -> bool:
        """Whether a file is as it was read. What OCR could add to is read again where it knows other languages by now."""
        read, _, languages = stored.partition(" ")
        return read == digest and (not languages or self._ocr is None or languages == self._ocr.languages)

    def _repair(self) -> None:
        """After a kill, or the loss of a store: take out what no document names, put back what one does.

        What is whole of a document that is not in yet stays, to go on from. Where only words are missing, as after a change
        of what a word is, nothing is embedded; and no vector is that one of its two places still has.
        """
        self._share(self._stores.mend())
        self._stores.mended()
        wordless, vectorless, extra = self._stores.differences()
        in_doubt = set(self._manifest.unsettled()[1])  # written or not: nobody knows
        self._manifest.note(vectorless | extra)
        lost = self._share(sorted(vectorless - in_doubt))
        dead, live = self._manifest.unsettled()
        live = [i for i in live if i in in_doubt or i in lost]
        made = self._manifest.unsettled_made()
        held = self._stores.held(list(made))
        self._half = {i: made[i] for i in dead if i in held}
        self._stores.drop([i for i in dead if i not in self._half])
        if live:
            self._doing = "repairing the index"
            have = {made[i]: i for i in live if i in held}
            self._put(list(self._manifest.passages(live).values()), have, lambda share: share)
        if wordless := wordless - set(live):
            self._progress("indexing the words anew", 0.0)
            self._stores.lexical.update(add=self._manifest.each_passage(sorted(wordless)))
        self._stores.settle()
        self._stores.drop_old_words()

    def _share(self, ids: Sequence[str]) -> set[str]:
        lost: set[str] = set()
        for at in range(0, len(ids), _STORED):
            self._progress("repairing the vectors", at / len(ids))
            lost |= self._stores.share_vectors(ids[at : at + _STORED])
        return lost

    def _remove(self, sources: Sequence[str]) -> None:
        if sources:
            ids = [i for source in sources for i in self._manifest.passage_ids(source)]
            self._manifest.note(ids)
            self._manifest.forget(sources)
            self._stores.drop(ids)
            self._stores.settle()

    def _index(self, files: Sequence[CorpusFile], digests: dict[str, str]) -> dict[str, tuple[str, ...]]:
        notes: dict[str, tuple[str, ...]] = {}
        batch: list[_Read] = []
        batched = 0
        self._total = sum(map(_size, files)) or 1
        for file, reading in _ahead(lambda file: self._read(file, digests[file.source]), files, self._ended):
            self._doing = f"indexing {file.source}"
            self._progress(self._doing, self._done / self._total)
            document, passages = reading.result()
            if document.notes:
                notes[file.source] = document.notes
            batch.append((document, passages))
            batched += _size(file)
            if sum(len(p) for _, p in batch) >= self._batch:
                self._store(batch, batched)
                batch, batched = [], 0
        self._store(batch, batched)
        return notes

    def _read(self, file: CorpusFile, digest: str) -> _Read:
        by_ocr = f"{digest} {self._ocr.languages if self._ocr else 'none'}"

        def at_page(page: int) -> None:
            if self._ended.is_set():
                raise StoreError("stopped while reading")  # nobody waits for the rest of a long scan
            self._progress(f"reading {file.source}: page {page} by OCR", self._done / (self._total or 1))

        try:
            parsed = parse(file.path, ocr=self._ocr, at_page=at_page)
        except DocumentError as error:
            may_be_scanned = file.path.suffix.lower() == ".pdf"
            return StoredDocument(file.source, by_ocr if may_be_scanned else digest, "failed", str(error)), []
        digest = by_ocr if parsed.scanned else digest
        said = {**plain(parsed.metadata), **file.metadata}
        notes = parsed.notes + tuple(
            f"{key} is said of every passage by the index itself: ignored" for key in sorted(_RESERVED & said.keys())
        )
        metadata = {key: value for key, value in said.items() if key not in _RESERVED}
        title = str(metadata.pop("title", None) or parsed.title or Path(file.source).stem)
        language = str(metadata.pop("language", None) or parsed.language or detect_language(parsed.text))
        metadata = {"title": title, "language": language, **metadata}
        passages = chunk(parsed, source=file.source, metadata=metadata, count=self._embedder.count_tokens)
        metadata["source"] = file.source
        return StoredDocument(file.source, digest, "indexed", None, notes, title, metadata, parsed.text), passages

    def _store(self, batch: Sequence[_Read], size: int) -> None:
        """Vectors and words first, then the documents in one transaction, then the old passages' removal."""
        fresh: list[Passage] = []
        stale: list[str] = []
        have = {key: i for i, key in self._half.items()}
        gone = [self._moved[document.source] for document, _ in batch if document.source in self._moved]
        for document, passages in batch:
            was = self._moved.get(document.source, document.source)
            known, old = self._manifest.document(was), set(self._manifest.passage_ids(was))
            same = known is not None and dict(known.metadata) == dict(document.metadata)
            kept = old if same else set()
            fresh += [p for p in passages if p.id not in kept]
            stale += sorted(old - {str(p.id) for p in passages})
            if old and not same:
                have |= {text_key(context(p)): str(p.id) for p in self._manifest.each_passage(sorted(old))}
        if batch:
            self._manifest.note([str(p.id) for p in fresh] + stale)
            began = time.monotonic()
            self._put(fresh, have, lambda share: (self._done + share * size) / self._total)
            if fresh:
                rate = len(fresh) / max(0.001, time.monotonic() - began)
                self._batch = max(_BATCH, min(_LARGEST_BATCH, int(_BATCH_SECONDS * rate)))
            self._manifest.replace(batch, gone=gone)
            self._stores.drop(stale)
            for passage in fresh:
                self._half.pop(str(passage.id), None)
            self._stores.settle()
            self._done += size

    def _put(
        self, passages: Sequence[Passage], have: Mapping[bytes, str], share_done: Callable[[float], float]
    ) -> None:
        """Store vectors and words. `have` are the ids under which a text's vector is stored, by its `text_key`."""
        keys = {str(p.id): text_key(context(p)) for p in passages}
        have = {key: i for key, i in have.items() if keys.get(i, key) == key}  # not what is about to be another's
        ordered = sorted(passages, key=lambda p: len(p.page_content))  # alike in length: little is padded
        waiting: list[Passage] = []
        vectors: list[Sequence[float]] = []
        since = time.monotonic()
        for at in range(0, len(ordered), _SLICE):
            part = [p for p in ordered[at : at + _SLICE] if have.get(keys[str(p.id)]) != p.id]
            waiting += part
            vectors += self._vectors(part, [keys[str(p.id)] for p in part], have)
            done = min(at + _SLICE, len(ordered))
            self._progress(self._doing, share_done(done / len(ordered)))
            full = done == len(ordered) or len(waiting) >= _LARGEST_BATCH
            if waiting and (full or time.monotonic() - since > _BATCH_SECONDS):
                ids = [str(p.id) for p in waiting]
                self._manifest.unmake(ids)
                self._stores.put_vectors(waiting, vectors)
                self._manifest.made(ids, [keys[i] for i in ids])
                waiting, vectors, since = [], [], time.monotonic()
        if passages:
            self._stores.lexical.update(add=passages)

    def _vectors(
        self, passages: Sequence[Passage], keys: Sequence[bytes], have: Mapping[bytes, str]
    ) -> list[Sequence[float]]:
        """A vector for each passage, of which `keys` are known: the one that is stored for the same text, or a new one."""
        texts = dict(zip(keys, map(context, passages), strict=True))
        stored = {key: have[key] for key in texts if key in have}
        found: dict[bytes, Any] = dict(zip(stored, self._stores.vectors(list(stored.values())), strict=True))
        if self._earlier is not None:
            found |= self._earlier.get([key for key in texts if key not in found])
        new = [key for key in texts if key not in found]
        found |= zip(new, self._embedder.embed_documents([texts[key] for key in new]), strict=True)
        return [found[key] for key in keys]


def _moved(gone: Mapping[str, str], new: Mapping[str, str]) -> dict[str, str]:
    """Where each new file was, where one that is gone had the same digest."""
    places: dict[str, list[str]] = {}
    for source, stored in sorted(gone.items(), reverse=True):
        places.setdefault(stored.partition(" ")[0], []).append(source)
    return {source: places[digest].pop() for source, digest in sorted(new.items()) if places.get(digest)}


def _ahead(
    read: Callable[[CorpusFile], _Read], files: Sequence[CorpusFile], ended: threading.Event
) -> Iterator[tuple[CorpusFile, Future[_Read]]]:
    """Each file and what becomes of it, in order; the next few are read meanwhile, in a thread of their own.

    `ended` is set when nobody wants any more, so that a long `read` can leave off.
    """
    todo = iter(files)
    with ThreadPoolExecutor(1, "reading") as reader:
        waiting = deque((file, reader.submit(read, file)) for file in islice(todo, _AHEAD))
        try:
            while waiting:
                yield waiting.popleft()
                waiting.extend((file, reader.submit(read, file)) for file in islice(todo, 1))
        finally:
            ended.set()
            for _, reading in waiting:
                reading.cancel()


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
    try:
        return f"{shutil.disk_usage(folder).free / 2**20:,.0f} MB"
    except OSError:
        return "an unknown space is"
