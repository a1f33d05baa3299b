"""DenseIndex: the vectors of all passages, in Chroma. The only home of chromadb."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from sectorkit.errors import ConfigurationError, StoreBroken
from sectorkit.retrieval.filters import Where, filterable

_BATCH = 1000
# Recall of the graph search against an exact one is set by these two; the figures are in docs/BENCHMARKS.md.
_HNSW = {"space": "cosine", "ef_construction": 200, "ef_search": 200}


class DenseIndex:
    """Passages by their vectors: embedded in `folder`, or at a Chroma server where `url` is given.

    Holds ids, vectors and the metadata that filters need; texts are in the manifest. Every method raises
    StoreBroken where the files or the server fail.
    """

    def __init__(self, folder: Path, *, collection: str, url: str | None = None) -> None:
        self._where = url or str(folder)
        self._url, self._name = url, collection
        with self._clear_errors():
            self._client: Any = _client(folder, url)
            self._collection: Any = self._client.get_or_create_collection(
                collection, configuration={"hnsw": _HNSW}, embedding_function=None
            )

    def upsert(
        self, ids: Sequence[str], vectors: Sequence[Sequence[float]], metadatas: Sequence[Mapping[str, Any]]
    ) -> None:
        """Add or replace vectors by id; unit length is not needed."""
        with self._clear_errors():
            for at in range(0, len(ids), _BATCH):
                part = slice(at, at + _BATCH)
                self._collection.upsert(
                    ids=list(ids[part]),
                    embeddings=[list(vector) for vector in vectors[part]],
                    metadatas=[filterable(metadata) for metadata in metadatas[part]],
                )

    def remove(self, ids: Sequence[str]) -> None:
        """Remove ids; those that are not there are passed over."""
        with self._clear_errors():
            for at in range(0, len(ids), _BATCH):
                self._collection.delete(ids=list(ids[at : at + _BATCH]))

    def search(self, vector: Sequence[float], k: int, *, where: Where | None = None) -> list[tuple[str, float]]:
        """The `k` nearest `(passage id, cosine similarity)`, nearest first."""
        count = len(self)
        if count == 0:
            return []
        with self._clear_errors():
            found = self._collection.query(
                query_embeddings=[list(vector)], n_results=min(k, count), where=_clause(where), include=["distances"]
            )
        distances = found["distances"] or [[]]
        return [(i, 1.0 - float(d)) for i, d in zip(found["ids"][0], distances[0], strict=True)]

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


def _clause(where: Where | None) -> Any:
    if not where:
        return None
    clauses = [{k: v[0]} if len(v) == 1 else {k: {"$in": list(v)}} for k, v in where.items()]
    return clauses[0] if len(clauses) == 1 else {"$and": clauses}


def _short(error: Exception) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__
