"""DenseIndex: the vectors of all passages, in Chroma. The only home of chromadb."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from sectorkit.errors import ConfigurationError, StoreBroken

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_BATCH = 1000
# Recall of the graph search against an exact one is set by these two; the figures are in docs/BENCHMARKS.md.
_HNSW = {"space": "cosine", "ef_construction": 200, "ef_search": 200}


class DenseIndex:
    """Passages by their vectors: embedded in `folder`, or at a Chroma server where `url` is given.

    Holds ids and vectors alone: texts, and what filters need, are in the manifest. Every method raises StoreBroken
    where the files or the server fail.
    """

    def __init__(self, folder: Path, *, collection: str, url: str | None = None) -> None:
        self._where = url or str(folder)
        self._url, self._name = url, collection
        with self._clear_errors():
            self._client: Any = _client(folder, url)
            self._collection: Any = self._client.get_or_create_collection(
                collection, configuration={"hnsw": _HNSW}, embedding_function=None
            )

    def upsert(self, ids: Sequence[str], vectors: NDArray[np.float32]) -> None:
        """Add or replace vectors `(len(ids), dimension)` by id; unit length is not needed."""
        with self._clear_errors():
            for at in range(0, len(ids), _BATCH):
                part = slice(at, at + _BATCH)
                self._collection.upsert(ids=list(ids[part]), embeddings=vectors[part])

    def remove(self, ids: Sequence[str]) -> None:
        """Remove ids; those that are not there are passed over."""
        with self._clear_errors():
            for at in range(0, len(ids), _BATCH):
                self._collection.delete(ids=list(ids[at : at + _BATCH]))

    def search(self, vector: Sequence[float], k: int) -> list[tuple[str, float]]:
        """The `k` nearest `(passage id, cosine similarity)`, nearest first; no more than there are."""
        with self._clear_errors():
            found = self._collection.query(query_embeddings=[list(vector)], n_results=k, include=["distances"])
        distances = found["distances"] or [[]]
        return [(i, 1.0 - float(d)) for i, d in zip(found["ids"][0], distances[0], strict=True)]

    def vectors(self, ids: Sequence[str]) -> dict[str, NDArray[np.float32]]:
        """Those of `ids` that are in, with their vectors."""
        found: dict[str, NDArray[np.float32]] = {}
        with self._clear_errors():
            for at in range(0, len(ids), _BATCH):
                got = self._collection.get(ids=list(ids[at : at + _BATCH]), include=["embeddings"])
                found.update(zip(got["ids"], got["embeddings"], strict=True))
        return found

    def ids(self) -> set[str]:
        """All ids, for the consistency check."""
        with self._clear_errors():
            return set(self._collection.get(include=[])["ids"])

    def __len__(self) -> int:
        with self._clear_errors():
            return int(self._collection.count())

    def close(self) -> None:
        """Let go of the files, so that the next opening sees what other processes wrote."""
        self._client.close()

    def delete(self) -> None:
        """Remove the whole collection, where it is on a server; a folder is the caller's to remove."""
        if self._url is not None:
            with self._clear_errors():
                self._client.delete_collection(self._name)

    @contextmanager
    def _clear_errors(self) -> Iterator[None]:
        import httpx
        from chromadb.errors import ChromaError

        try:
            yield
        except (ChromaError, httpx.HTTPError, ValueError) as error:
            if self._url is not None:
                raise StoreBroken(
                    f"the Chroma server at {self._url} does not answer as it should ({_short(error)}); start it (chroma "
                    "run), or unset SECTORKIT_CHROMA_URL to keep vectors here"
                ) from error
            raise StoreBroken(f"the vectors in {self._where} cannot be used: {_short(error)}") from error


def _client(folder: Path, url: str | None) -> Any:
    import chromadb
    from chromadb.config import Settings as ChromaSettings

    quiet = ChromaSettings(anonymized_telemetry=False)
    if url is None:
        folder.mkdir(parents=True, exist_ok=True)
        with suppress(AttributeError):  # Chroma keeps what failed to open a folder before, and stumbles over it once
            return chromadb.PersistentClient(str(folder), settings=quiet)
        return chromadb.PersistentClient(str(folder), settings=quiet)
    try:
        address = urlsplit(url)
        port = address.port
    except ValueError:
        address, port = urlsplit(""), None
    if address.scheme not in ("http", "https") or not address.hostname:
        raise ConfigurationError(f"SECTORKIT_CHROMA_URL {url!r} is not http(s)://host:port")
    secure = address.scheme == "https"
    return chromadb.HttpClient(address.hostname, port or (443 if secure else 8000), ssl=secure, settings=quiet)


def _short(error: Exception) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__
