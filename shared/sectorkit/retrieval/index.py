"""Index: one corpus under one embedder: words in Tantivy, vectors in Chroma, and the manifest that rules both.

index = Index.open(folder, embedder)
report = index.sync(Path("corpus"))
hits = index.search("How loud may a bar be at night?", k=5)
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any, Literal, get_args

from sectorkit.errors import IndexMismatch, IndexMissing, RequestError, SectorkitError, StoreBroken, UnknownName
from sectorkit.progress import Progress, silent
from sectorkit.retrieval.chunk import CHUNKING
from sectorkit.retrieval.embed import Embedder
from sectorkit.retrieval.filters import parse_where
from sectorkit.retrieval.fuse import Fused, fuse
from sectorkit.retrieval.manifest import LAYOUT, Manifest, StoredDocument
from sectorkit.retrieval.passage import Hit, Passage
from sectorkit.retrieval.stores import EarlierVectors, Stores
from sectorkit.retrieval.sync import SyncReport, sync, writing

__all__ = ["Index", "Mode", "SyncReport"]

Mode = Literal["lexical", "dense", "hybrid"]
MAX_QUERY_CHARACTERS = 20_000
_MANIFEST = "manifest.sqlite"


class Index:
    """Passages of one corpus, searchable. Open it by `Index.open`. Any thread may use it."""

    def __init__(self, embedder: Embedder, stores: Stores) -> None:
        self.folder, self.embedder, self.stores = stores.folder, embedder, stores
        self._manifest = stores.manifest

    @classmethod
    def open(cls, folder: Path, embedder: Embedder, *, chroma_url: str | None = None, create: bool = True) -> Index:
        """The index in `folder`, made where there is none and `create` allows it.

        Raises IndexMissing, StoreBroken, and IndexMismatch where another embedder or chunking made it.
        """
        path = folder / _MANIFEST
        if not path.exists() and not create:
            raise IndexMissing(f"no index at {folder}; make one: sectorkit index sync APP")
        try:
            manifest = Manifest(path)
        except StoreBroken as error:
            raise StoreBroken(f"{error}; make the index anew: sectorkit index sync APP --rebuild") from error
        try:
            made = _made(embedder.fingerprint)
            fingerprint = json.dumps(made, sort_keys=True)
            known = manifest.get("fingerprint")
            if known is None:
                manifest.set("fingerprint", fingerprint)
            elif known != fingerprint:
                raise IndexMismatch(
                    f"the index at {folder} was made with {_other(json.loads(known), made)}; make it anew: sectorkit index "
                    "sync APP --rebuild"
                )
            return cls(embedder, Stores(folder, manifest, chroma_url=chroma_url))
        except SectorkitError:
            manifest.close()
            raise

    @classmethod
    def rebuild(
        cls, folder: Path, embedder: Embedder, corpus: Path, *, chroma_url: str | None = None,
        progress: Progress = silent,
    ) -> SyncReport:  # fmt: skip
        """Make the index in `folder` anew beside what is there, and put it in its place when it is complete.

        Until then, and where anything fails, the old one stays; one that was killed is gone on with. An index of the
        same embedder that another version of this program made lends its vectors, so that no text is embedded twice;
        one of this version is not trusted so far. Raises IndexBusy where another process writes it.
        """
        new, old = folder.with_name(f"{folder.name}.new"), folder.with_name(f"{folder.name}.old")
        with writing(folder) if folder.exists() else nullcontext():
            shutil.rmtree(old, ignore_errors=True)
            try:
                index = cls.open(new, embedder, chroma_url=chroma_url)
            except (IndexMismatch, StoreBroken):  # of a rebuild that was killed, and is not of this kind
                shutil.rmtree(new, ignore_errors=True)
                index = cls.open(new, embedder, chroma_url=chroma_url)
            try:
                report = sync(
                    index.stores, embedder, corpus, progress=progress, earlier=_lent(folder, embedder.fingerprint)
                )
            finally:
                index.close()
            if folder.exists():
                folder.rename(old)
            new.rename(folder)
            if chroma_url is not None and (old / _MANIFEST).exists():
                Stores(old, Manifest(old / _MANIFEST), chroma_url=chroma_url).delete_remote()
            shutil.rmtree(old, ignore_errors=True)
        return report

    def close(self) -> None:
        self.stores.close()

    # -- reading ----------------------------------------------------------------------------------------------

    def search(
        self,
        query: str,
        k: int = 10,
        *,
        where: Mapping[str, Any] | None = None,
        mode: Mode = "hybrid",
        depth: int = 50,
    ) -> list[Hit]:
        """The `k` best passages for `query`, best first.

        `where` narrows by metadata: each key equal to its value, or to one of its values. `depth` is how many each
        stage brings to the fusion. Raises RequestError for an empty or overlong query and for a filter that no
        document can meet, StoreBroken where a store fails, ServerUnavailable where the embedder is away.
        """
        check_mode(mode)
        check_query(query)
        check_k(k)
        wanted = parse_where(where, self._manifest.metadata_keys()) if where else {}
        depth = max(depth, k)
        found: dict[str, list[tuple[str, float]]] = {}
        if mode != "dense":
            found["lexical"] = self.stores.by_words(query, depth, where=wanted)
        if mode != "lexical":
            vector = self.embedder.embed_query(query)
            found["dense"] = self.stores.nearest(vector, depth, where=wanted)
        # A question in another language than the documents shares only names and chance words with them.
        weights = {"lexical": self.stores.lexical.coverage(query) ** 2} if mode == "hybrid" else None
        fused = fuse({stage: [i for i, _ in ranking] for stage, ranking in found.items()}, weights=weights)
        return self._hits(fused, k, dict(found.get("dense", ())))

    def _hits(self, fused: Sequence[Fused], k: int, similar: Mapping[str, float]) -> list[Hit]:
        """The first `k` of `fused` that are still in. Only what is wanted is read: texts cost more than ranks."""
        hits: list[Hit] = []
        for at in range(0, len(fused), k):
            part = fused[at : at + k]
            live = self._manifest.passages([f.id for f in part])
            hits += [Hit(live[f.id], f.score, f.ranks, similar.get(f.id)) for f in part if f.id in live]
            if len(hits) >= k:
                break
        return hits[:k]

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

    def __len__(self) -> int:
        """How many passages are in."""
        return self._manifest.counts()[2]

    def status(self) -> dict[str, Any]:
        """Counts, embedder, size on disk and last sync, as JSON takes them."""
        indexed, failed, passages = self._manifest.counts()
        return {
            "folder": str(self.folder),
            "corpus": self._manifest.get("corpus"),
            "documents": indexed,
            "failed": failed,
            "passages": passages,
            "embedder": self.embedder.fingerprint,
            "bytes": bytes_on_disk(self.folder),
            "synced": self._manifest.get("synced"),
        }

    def check(self) -> list[str]:
        """Differences between the manifest and the two stores, in words; empty where they agree."""
        wordless, vectorless, extra = self.stores.differences()
        missing = wordless | vectorless
        problems = [f"{len(missing)} passages lack their words or their vector"] if missing else []
        return problems + ([f"{len(extra)} stored ids belong to no passage"] if extra else [])

    # -- writing ----------------------------------------------------------------------------------------------

    def sync(self, corpus: Path, *, progress: Progress = silent) -> SyncReport:
        """Bring the index to the folder's state; only what changed is read and embedded again.

        A document that cannot be read is reported and the rest goes on; what was indexed of it before stays out of
        the way only if the file itself is gone or broken. Raises ConfigurationError for a folder that is none,
        IndexBusy where another process is writing, and StoreBroken where the disk is full or a store fails; what was
        stored until then stays, and the next sync goes on from there.
        """
        return sync(self.stores, self.embedder, corpus, progress=progress)


def check_mode(mode: str, known: Sequence[str] = get_args(Mode)) -> None:
    """UnknownName for a mode that is not among those known."""
    if mode not in known:
        raise UnknownName("search mode", mode, list(known))


def check_k(k: int) -> None:
    """RequestError for a number of results that is none."""
    if k < 1:
        raise RequestError(f"k is {k}, and it must be at least 1")


def check_text(question: str) -> None:
    """RequestError for a question without a letter in it, or with broken ones."""
    if not question.strip():
        raise RequestError("the question is empty; type one")
    try:
        question.encode()
    except UnicodeEncodeError as error:
        raise RequestError(
            f"the question holds characters that are not valid UTF-8 (at {error.start}); type it anew"
        ) from None


def check_query(query: str) -> None:
    """RequestError for a question that a search does not take: one that is empty, broken or too long."""
    check_text(query)
    if len(query) > MAX_QUERY_CHARACTERS:
        raise RequestError(
            f"the question has {len(query):,} characters, and {MAX_QUERY_CHARACTERS:,} are the limit; shorten it"
        )


def bytes_on_disk(folder: Path) -> int:
    """Of all files below `folder`; while an index is open, that includes its log of what it is about to write."""
    return sum(_size(file) for file in folder.rglob("*"))


def _lent(folder: Path, embedder: str) -> EarlierVectors | None:
    """The vectors of the index in `folder`, where the same embedder and another version of this program made it."""
    if not (folder / _MANIFEST).exists():
        return None
    try:
        manifest = Manifest(folder / _MANIFEST)
        try:
            made = json.loads(manifest.get("fingerprint") or "{}")
        finally:
            manifest.close()
        if made.get("embedder") != embedder or made == _made(embedder):
            return None
        return EarlierVectors(folder)
    except (StoreBroken, ValueError):
        return None


def _made(embedder: str) -> dict[str, Any]:
    """What an index is made with: another of any of these is another index."""
    return {"embedder": embedder, "chunking": CHUNKING, "layout": LAYOUT}


def _other(known: Mapping[str, Any], made: Mapping[str, Any]) -> str:
    """What differs: "chunking outline-1, and this is outline-2"."""
    return ", ".join(
        f"{key} {known.get(key)}, and this is {value}" for key, value in made.items() if known.get(key) != value
    )


def _size(file: Path) -> int:
    try:
        return file.stat().st_size if file.is_file() else 0
    except OSError:  # a store's own temporary file, gone by now
        return 0
