"""Stores: the manifest, the words and the vectors of one index folder, kept in step.

The manifest is the truth. Words and vectors are written ahead of it, and what it does not name is never shown;
what is about to change in them is noted in its journal, which the next writer clears up after a kill.
"""

from __future__ import annotations

import shutil
import threading
from collections.abc import Sequence
from pathlib import Path
from uuid import uuid4

from sectorkit.retrieval.dense import DenseIndex
from sectorkit.retrieval.filters import Where
from sectorkit.retrieval.lexical import LexicalIndex
from sectorkit.retrieval.manifest import Manifest
from sectorkit.retrieval.passage import Passage
from sectorkit.retrieval.words import TERMS


class Stores:
    """The three stores of `folder`. Any number of threads may read while one writes."""

    def __init__(self, folder: Path, manifest: Manifest, *, chroma_url: str | None = None) -> None:
        self.folder, self.manifest = folder, manifest
        # Words of another kind cannot be searched together with these: a new kind starts empty, and a sync fills it.
        self.lexical = LexicalIndex(folder / "tantivy" / TERMS)
        self._chroma_url = chroma_url
        self._lock = threading.RLock()  # the client of the vectors is replaced under its users
        self._seen = manifest.generation
        self._dense = self._open_dense()

    def _open_dense(self) -> DenseIndex:
        if self._chroma_url is None:
            return DenseIndex(self.folder / "chroma", collection="passages")
        name = self.manifest.get("collection")
        if name is None:  # a name of its own, since others may use the same server
            name = f"passages-{uuid4().hex[:16]}"
            self.manifest.set("collection", name)
        return DenseIndex(self.folder / "chroma", collection=name, url=self._chroma_url)

    def close(self) -> None:
        with self._lock:
            self._dense.close()
        self.manifest.close()

    def delete_remote(self) -> None:
        """Remove what is kept elsewhere than in the folder: the collection at a Chroma server."""
        with self._lock:
            self._dense.delete()

    def refresh(self) -> None:
        """See what another process has written: an open Chroma client keeps its own picture of the graph."""
        generation = self.manifest.generation
        with self._lock:
            if generation != self._seen:
                self._dense.close()
                self._dense = self._open_dense()
                self._seen = generation

    def nearest(self, vector: Sequence[float], k: int, *, where: Where | None = None) -> list[tuple[str, float]]:
        """The `k` nearest `(passage id, cosine similarity)`, as of the last change by any process."""
        with self._lock:
            self.refresh()
            return self._dense.search(vector, k, where=where)

    def put_vectors(self, passages: Sequence[Passage], vectors: Sequence[Sequence[float]]) -> None:
        with self._lock:
            self._dense.upsert([str(p.id) for p in passages], vectors, [p.metadata for p in passages])

    def drop(self, ids: Sequence[str]) -> None:
        """Remove words and vectors of `ids`."""
        if ids:
            with self._lock:
                self._dense.remove(ids)
            self.lexical.update(remove=ids)

    def settle(self) -> None:
        """The stores are as the manifest says: empty its journal. Our own change needs no refresh."""
        with self._lock:
            self.manifest.settle()
            self._seen = self.manifest.generation

    def drop_old_words(self) -> None:
        """Remove the words that an earlier version of `words` made."""
        for entry in (self.folder / "tantivy").iterdir():
            if entry.name == TERMS:
                continue
            if entry.is_dir():
                shutil.rmtree(entry, ignore_errors=True)
            else:
                entry.unlink(missing_ok=True)

    def differences(self) -> tuple[set[str], set[str], set[str]]:
        """`(no words, no vector, extra)`: ids that a store lacks though the manifest names them; ids of nothing."""
        with self._lock:
            self.refresh()
            _, _, passages = self.manifest.counts()
            if len(self._dense) == len(self.lexical) == passages:
                return set(), set(), set()
            dense = self._dense.ids()
        live, lexical = set(self.manifest.passage_ids()), self.lexical.ids()
        return live - lexical, live - dense, (dense | lexical) - live
