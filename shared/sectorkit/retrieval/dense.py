"""DenseIndex: the vectors of all passages, in Chroma. The only home of chromadb."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from sectorkit.errors import ConfigurationError, StoreError
from sectorkit.retrieval.lexical import Where

_BATCH = 1000
# Recall of the graph search against an exact one is set by these two; the figures are in docs/BENCHMARKS.md.
_HNSW = {"space": "cosine", "ef_construction": 200, "ef_search": 200}
_OWN_FIELDS = ("heading", "locator", "start", "end")  # not for filtering; the manifest has them


class DenseIndex:
    """Passages by their vectors: embedded in `folder`, or at a Chroma server where `url` is given.

    Holds ids, vectors and the metadata that filters need; texts are in the manifest.
    """

    def __init__(self, folder: Path, *, collection: str, url: str | None = None) -> None:
        import chromadb
        from chromadb.config import Settings as ChromaSettings

        quiet = ChromaSettings(anonymized_telemetry=False)
        self._url = url
        if url is None:
            folder.mkdir(parents=True, exist_ok=True)
            self._client: Any = chromadb.PersistentClient(str(folder), settings=quiet)
        else:
            address = urlsplit(url)
            if address.scheme not in ("http", "https") or not address.hostname:
                raise ConfigurationError(f"SECTORKIT_CHROMA_URL {url!r} is not http(s)://host:port")
            secure = address.scheme == "https"
            port = address.port or (443 if secure else 8000)
            try:
                self._client = chromadb.HttpClient(address.hostname, port, ssl=secure, settings=quiet)
            except ValueError as error:
                raise StoreError(f"no Chroma server at {url}: {error}; start one: chroma run") from error
        self._collection: Any = self._client.get_or_create_collection(
            collection, configuration={"hnsw": _HNSW}, embedding_function=None
        )

    def upsert(
        self, ids: Sequence[str], vectors: Sequence[Sequence[float]], metadatas: Sequence[Mapping[str, Any]]
    ) -> None:
        """Add or replace vectors by id; unit length is not needed."""
        for at in range(0, len(ids), _BATCH):
            part = slice(at, at + _BATCH)
            self._collection.upsert(
                ids=list(ids[part]),
                embeddings=[list(vector) for vector in vectors[part]],
                metadatas=[_filterable(metadata) for metadata in metadatas[part]],
            )

    def remove(self, ids: Sequence[str]) -> None:
        """Remove ids; those that are not there are passed over."""
        for at in range(0, len(ids), _BATCH):
            self._collection.delete(ids=list(ids[at : at + _BATCH]))

    def search(self, vector: Sequence[float], k: int, *, where: Where | None = None) -> list[tuple[str, float]]:
        """The `k` nearest `(passage id, cosine similarity)`, nearest first."""
        count = len(self)
        if count == 0:
            return []
        found = self._collection.query(
            query_embeddings=[list(vector)], n_results=min(k, count), where=_clause(where), include=["distances"]
        )
        distances = found["distances"] or [[]]
        return [(i, 1.0 - float(d)) for i, d in zip(found["ids"][0], distances[0], strict=True)]

    def ids(self) -> set[str]:
        """All ids, for the consistency check."""
        return set(self._collection.get(include=[])["ids"])

    def __len__(self) -> int:
        return int(self._collection.count())

    def close(self) -> None:
        """Let go of the files, so that the next opening sees what other processes wrote."""
        self._client.close()


def _filterable(metadata: Mapping[str, Any]) -> dict[str, Any]:
    return {k: v for k, v in metadata.items() if k not in _OWN_FIELDS and isinstance(v, str | int | float | bool)}


def _clause(where: Where | None) -> Any:
    if not where:
        return None
    clauses = [{k: v} if isinstance(v, str) else {k: {"$in": list(v)}} for k, v in where.items()]
    return clauses[0] if len(clauses) == 1 else {"$and": clauses}
