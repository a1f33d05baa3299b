"""Stores: the manifest, the words and the vectors of one index folder, kept in step.

The manifest is the truth. Words and vectors are written ahead of it, and what it does not name is never shown;
what is about to change in them is noted in its journal, which the next writer clears up after a kill.

Vectors are kept twice: in Chroma, whose graph finds the nearest of many, and in a flat file, which compares exactly.
The nearest of a small index, and of the few passages that a narrow filter leaves, come from the file; a wide filter
sifts what the graph brings. Figures are in docs/BENCHMARKS.md.

Chroma writes its graph down in place, and one that was killed then finds too little, fails, or takes its process along. So a
mark is set while the graph is changed. Where it was left, nobody loads the graph: searches compare with the file, until
the next writer has found that nothing was written, or has made the graph anew from the file.
"""

from __future__ import annotations

import json
import shutil
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext, suppress
from math import ceil
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

from sectorkit.errors import StoreBroken
from sectorkit.retrieval.chunk import context
from sectorkit.retrieval.columns import Columns
from sectorkit.retrieval.dense import DenseIndex
from sectorkit.retrieval.filters import Where
from sectorkit.retrieval.known import text_key
from sectorkit.retrieval.lexical import LexicalIndex
from sectorkit.retrieval.manifest import Manifest
from sectorkit.retrieval.passage import Passage
from sectorkit.retrieval.vectors import VectorFile
from sectorkit.retrieval.words import TERMS

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import ArrayLike, NDArray

_EXACT = 5_000  # passages: so many are compared with a question one by one
_HIT_COST = 6  # of one more hit from the graph, in comparisons of two vectors
_TRIES = 5  # pictures of the graph that are taken until a search agrees with its ids
_SHARE = 10  # what another process writes is looked at for a tenth of the time at most,
_QUICK = 0.2  # unless it takes no longer than this, in seconds
_MARK = "graph.changing"  # holds how the graph's files were before


class EarlierVectors:
    """Vectors of an index that another is made in the place of, by what they were made of."""

    def __init__(self, folder: Path) -> None:
        manifest = Manifest(folder / "manifest.sqlite")
        try:
            self._file, self._dimension = VectorFile(folder / "vectors.f32"), int(manifest.get("dimension") or 1)
            held = self._file.rows(self._dimension)
            slots = {i: slot for i, slot in manifest.slots().items() if slot < held}
            self._slots = {text_key(context(p)): slots[str(p.id)] for p in manifest.each_passage(list(slots))}
        finally:
            manifest.close()

    def get(self, keys: Sequence[bytes]) -> dict[bytes, NDArray[np.float32]]:
        """Key -> unit vector of those `keys`, made by `text_key`, that were embedded."""
        known = [key for key in keys if key in self._slots]
        vectors = self._file.read([self._slots[key] for key in known], self._dimension)
        return {key: vector for key, vector in zip(known, vectors, strict=True) if vector.any()}  # zeros: never written


class Stores:
    """The stores of `folder`. Any number of threads may read while one writes."""

    def __init__(self, folder: Path, manifest: Manifest, *, chroma_url: str | None = None, exact: int = _EXACT) -> None:
        self.folder, self.manifest = folder, manifest
        # Words of another kind cannot be searched together with these: a new kind starts empty, and a sync fills it.
        self.lexical = LexicalIndex(folder / "tantivy" / TERMS)
        self._vectors = VectorFile(folder / "vectors.f32")
        self.exact = exact if chroma_url is None else 0  # who names a server wants it asked
        self._chroma_url = chroma_url
        self._lock = threading.RLock()  # the client of the vectors is replaced under its users
        self._seen = self._counted = manifest.generation
        self._opened: DenseIndex | None = None
        self._columns: Columns | None = None
        self._count: int | None = None  # of passages, as of the last look
        self._patience = 0.0  # until then, what was read last is good enough

    @property
    def _dense(self) -> DenseIndex:
        if self._opened is None:
            self._opened = self._open_dense()
        return self._opened

    def _close_dense(self) -> None:
        opened, self._opened = self._opened, None
        if opened is not None:
            opened.close()

    @contextmanager
    def _guard(self, *, alone: bool) -> Iterator[None]:
        """Chroma writes its graph down in place: nobody may load it then, in whatever process."""
        import fcntl

        how = fcntl.LOCK_EX if alone else fcntl.LOCK_SH
        with (self.folder / "graph.gate").open("a") as gate, (self.folder / "graph.lock").open("a") as file:
            fcntl.flock(gate, how)  # a writer that waits keeps the next readers out: many of them would starve it
            fcntl.flock(file, how)
            if not alone:
                fcntl.flock(gate, fcntl.LOCK_UN)
            yield

    @contextmanager
    def _changing(self) -> Iterator[None]:
        """The right to change the graph, marked as long as it is not done. A mark that is there stays: see `mend`."""
        mark = self.folder / _MARK
        with self._guard(alone=True):
            marked = mark.exists()
            if not marked and self._chroma_url is None:
                mark.write_text(json.dumps(self._graph_files()))
            yield
            if not marked:
                mark.unlink(missing_ok=True)

    def _graph_files(self) -> dict[str, list[int]]:
        """Size and time of each file of a graph that was written down; before the first time, Chroma reads none of them."""
        graphs = [file.parent for file in (self.folder / "chroma").glob("*/index_metadata.pickle")]
        found = {str(f.relative_to(self.folder)): f.stat() for graph in graphs for f in sorted(graph.iterdir())}
        return {name: [seen.st_size, seen.st_mtime_ns] for name, seen in found.items()}

    def _in_doubt(self) -> bool:
        """Whether a writer was killed while it changed the graph, or has not yet mended it since."""
        return (self.folder / _MARK).exists()

    def _by_graph(self, vector: Sequence[float], k: int) -> list[tuple[str, float]]:
        for left in reversed(range(_TRIES)):
            try:
                loaded = self._opened is not None  # the first search loads the graph
                with nullcontext() if loaded else self._guard(alone=False):
                    if not loaded and self._in_doubt():
                        raise StoreBroken(
                            f"the graph in {self.folder} was not written to its end; the next sync mends it"
                        )
                    return self._dense.search(vector, k)
            except StoreBroken:
                # A writer removes ids while this client's picture of the graph still has them: take a new one.
                self._close_dense()
                if not left or self._chroma_url is not None:
                    raise
        return []

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
            self._close_dense()
        self.manifest.close()

    def delete_remote(self) -> None:
        """Remove what is kept elsewhere than in the folder: the collection at a Chroma server."""
        with self._lock:
            self._dense.delete()

    # -- reading ----------------------------------------------------------------------------------------------

    def nearest(self, vector: Sequence[float], k: int, *, where: Where | None = None) -> list[tuple[str, float]]:
        """The `k` nearest `(passage id, cosine similarity)`, as of the last change by any process.

        Where seeing that change takes long, as with a million passages, a change may be seen that much later.
        """
        with self._lock:
            began = time.monotonic()
            changed = self._look(began)
            try:
                found = self._filtered(vector, k, where) if where else self._nearest(vector, k)
            except StoreBroken:  # the graph, of which the file knows all
                if self._chroma_url is not None:
                    raise
                found = self._compared(vector, k, self._places().matching(where) if where else None)
            spent = time.monotonic() - began
            if changed and spent > _QUICK:
                self._patience = began + _SHARE * spent
            return found

    def by_words(self, query: str, k: int, *, where: Where | None = None) -> list[tuple[str, float]]:
        """The `k` best `(passage id, BM25 score)` for the words of `query`, of what is in."""
        return self._live(lambda asked: self.lexical.search(query, asked, where=where), k)

    def _look(self, now: float) -> bool:
        """Whether there was something new, which is then read: Chroma's client keeps its own picture of the graph."""
        generation = self.manifest.generation
        if generation == self._counted or now < self._patience:
            return False
        if generation != self._seen:
            self._close_dense()
        self._seen = self._counted = generation
        self._columns = self._count = None
        return True

    def _places(self) -> Columns:
        if self._columns is None:
            self._columns = Columns(self.manifest)
        return self._columns

    def _nearest(self, vector: Sequence[float], k: int) -> list[tuple[str, float]]:
        if self._count is None:
            self._count = self.manifest.counts()[2]
        if self._count <= self.exact and self._places().complete:
            return self._compared(vector, k, None)
        return self._live(lambda asked: self._by_graph(vector, asked), k)

    def _live(self, search: Callable[[int], list[tuple[str, float]]], k: int) -> list[tuple[str, float]]:
        """The `k` best that are in, of a store that holds what a sync is about to bring, or was when it was killed, too."""
        asked = k
        while True:
            found = search(asked)
            live = self.manifest.live([i for i, _ in found])
            if len(live) >= k or len(found) < asked:
                return [hit for hit in found if hit[0] in live][:k]
            asked *= 4

    def _filtered(self, vector: Sequence[float], k: int, where: Where) -> list[tuple[str, float]]:
        import numpy as np

        places = self._places()
        matching = places.matching(where)
        left = int(np.count_nonzero(matching))
        asked = ceil(1.5 * k * len(places) / left) if left else 0
        while 0 < asked * _HIT_COST < left or (left and not places.complete):
            found = self._by_graph(vector, asked)
            passes = places.among([i for i, _ in found], matching)
            sifted = [hit for hit, passed in zip(found, passes, strict=True) if passed]
            if len(sifted) >= min(k, left) or asked >= len(places):
                return sifted[:k]
            asked *= 4
        return self._compared(vector, k, matching)

    def _compared(self, vector: Sequence[float], k: int, matching: NDArray[np.bool_] | None) -> list[tuple[str, float]]:
        import numpy as np

        places = self._places()
        rows = np.flatnonzero(places.slots >= 0 if matching is None else matching & (places.slots >= 0))
        similar = self._vectors.similarities(vector, places.slots[rows])
        best = np.argpartition(-similar, k - 1)[:k] if k < len(similar) else np.arange(len(similar))
        best = best[np.argsort(-similar[best], kind="stable")]
        return [(i, float(s)) for i, s in zip(places.names(rows[best]), similar[best], strict=True)]

    def vectors(self, ids: Sequence[str]) -> NDArray[np.float32]:
        """The unit vectors of passages, `(len(ids), dimension)`. Raises StoreBroken where one is missing."""
        slots = self._slots(ids)
        if missing := [i for i in ids if i not in slots]:
            raise StoreBroken(f"{len(missing)} passages have no vector in {self.folder}; the next sync restores them")
        return self._vectors.read([slots[i] for i in ids], self._dimension())

    # -- writing ----------------------------------------------------------------------------------------------

    def put_vectors(self, passages: Sequence[Passage], vectors: ArrayLike) -> None:
        """Store the vector of each passage, `(len(passages), dimension)`."""
        self._put([str(p.id) for p in passages], vectors)

    def _put(self, ids: Sequence[str], vectors: ArrayLike) -> None:
        import numpy as np

        matrix = np.asarray(vectors, np.float32)
        with self._lock:
            self._vectors.write(self.manifest.take_slots(ids), matrix)
            with self._changing():
                self._dense.upsert(ids, matrix)
            if self._dimension() != matrix.shape[1]:
                self.manifest.set("dimension", str(matrix.shape[1]))

    def mend(self) -> list[str]:
        """After a kill in the midst of a change of the graph: the ids whose vectors it has lost, since it begins anew.

        None where its files are as they were before the change, and can be read. Else the mark stays until the vectors are
        shared again, and `mended` is called: nobody takes the part for the whole.
        """
        mark = self.folder / _MARK
        with self._lock, self._guard(alone=True):
            if not mark.exists():
                return []
            self._close_dense()
            if _read(mark) == self._graph_files():
                with suppress(StoreBroken):
                    len(self._dense)  # takes in what is in its log, while nobody else does
                    mark.unlink()
                    return []
                self._close_dense()
            mark.write_text("")  # what no graph is like: who is killed from here on begins anew, too
            shutil.rmtree(self.folder / "chroma", ignore_errors=True)
        return sorted(self._slots())

    def mended(self) -> None:
        """The graph has all vectors again."""
        (self.folder / _MARK).unlink(missing_ok=True)

    def share_vectors(self, ids: Sequence[str]) -> set[str]:
        """Give Chroma what only the file has, and the file what only Chroma has; back come those that neither has."""
        with self._lock:
            slots = self._slots(ids)
            read = self._vectors.read(list(slots.values()), self._dimension())
            held = {i: vector for i, vector in zip(slots, read, strict=True) if vector.any()}  # zeros: never written
            with self._guard(alone=False):
                held |= self._dense.vectors([i for i in ids if i not in held])
            if held:
                self._put(list(held), list(held.values()))
        return set(ids) - held.keys()

    def drop(self, ids: Sequence[str]) -> None:
        """Remove words and vectors of `ids`."""
        if ids:
            with self._lock:
                with self._changing():
                    self._dense.remove(ids)
                self.manifest.free_slots(ids)
            self.lexical.update(remove=ids)

    def settle(self) -> None:
        """The stores are as the manifest says: empty its journal. Our own change needs no other client."""
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
        """`(no words, no vector, extra)`: ids that a store lacks though the manifest names them; ids of nothing.

        A vector that only one of its two places has counts as none.
        """
        with self._lock:
            self._patience = 0.0
            self._look(time.monotonic())
            _, _, passages = self.manifest.counts()
            held = self.manifest.count_slots(self._vectors.rows(self._dimension()))
            with self._guard(alone=False):
                doubtful = self._in_doubt()
                if not doubtful and len(self._dense) == len(self.lexical) == held == passages:
                    return set(), set(), set()
                dense, slots = set() if doubtful else self._dense.ids(), self._slots()
        live, lexical = set(self.manifest.passage_ids()), self.lexical.ids()
        return live - lexical, live - (dense & slots.keys()), (dense | lexical | slots.keys()) - live

    def held(self, ids: Sequence[str]) -> set[str]:
        """Those of `ids` whose vectors the file has."""
        return set(self._slots(ids))

    def _slots(self, ids: Sequence[str] | None = None) -> dict[str, int]:
        """Id -> slot of everything (or of `ids`) whose vector is in the file: it may have been cut off or lost."""
        end = self._vectors.rows(self._dimension())
        return {i: slot for i, slot in self.manifest.slots(ids).items() if slot < end}

    def _dimension(self) -> int:
        return int(self.manifest.get("dimension") or 1)


def _read(mark: Path) -> object:
    """What a mark says; None where it is not whole, or says that the graph is being made anew."""
    try:
        return json.loads(mark.read_text())
    except ValueError:
        return None
