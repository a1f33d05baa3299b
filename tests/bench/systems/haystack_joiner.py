"""Haystack's hybrid pipeline: BM25 and embeddings of its in-memory store, joined by reciprocal ranks.

Splitter, store and retrievers are at their defaults (200 words, which the small embedder reads nearly whole; its
tutorial's 512 would be cut in half). The store can be saved to disk and is. Nothing in the library tells which files
have changed, so that an update ingests everything anew.
"""

from __future__ import annotations

from pathlib import Path

from haystack import Pipeline
from haystack.components.converters import TextFileToDocument
from haystack.components.joiners import DocumentJoiner
from haystack.components.preprocessors import DocumentSplitter
from haystack.components.retrievers.in_memory import InMemoryBM25Retriever, InMemoryEmbeddingRetriever
from haystack.components.writers import DocumentWriter
from haystack.document_stores.in_memory import InMemoryDocumentStore
from haystack_integrations.components.embedders.sentence_transformers import (
    SentenceTransformersDocumentEmbedder,
    SentenceTransformersTextEmbedder,
)
from worker import Job, run


class Haystack:
    libraries = ("haystack-ai", "sentence-transformers-haystack", "sentence-transformers", "torch")

    def __init__(self, job: Job) -> None:
        self._job = job
        self._model = {"model": str(job.model), "progress_bar": False, "model_kwargs": {"dtype": job.dtype}}
        SentenceTransformersTextEmbedder(**self._model).warm_up()  # the library keeps it for all components

    def ingest(self, documents: Path, index: Path) -> None:
        length, overlap = self._job.splitting
        self._store = InMemoryDocumentStore()
        indexing = Pipeline()
        indexing.add_component("read", TextFileToDocument())
        indexing.add_component("split", DocumentSplitter(split_length=length, split_overlap=overlap))
        embedder = SentenceTransformersDocumentEmbedder(prefix=self._job.passage_prompt, **self._model)
        indexing.add_component("embed", embedder)
        indexing.add_component("write", DocumentWriter(self._store))
        for one, after in (("read", "split"), ("split", "embed"), ("embed", "write")):
            indexing.connect(one, after)
        indexing.run({"read": {"sources": sorted(documents.glob("*.txt"))}})
        index.mkdir(exist_ok=True)
        self._store.save_to_disk(str(index / "store.json"))
        self._asking = {"hybrid": self._hybrid(), "vectors": self._vectors()}

    update = ingest

    def _vectors(self) -> Pipeline:
        asking = Pipeline()
        embedder = SentenceTransformersTextEmbedder(prefix=self._job.query_prompt, **self._model)
        asking.add_component("embed", embedder)
        asking.add_component("vectors", InMemoryEmbeddingRetriever(self._store, top_k=self._job.depth))
        asking.connect("embed.embedding", "vectors.query_embedding")
        return asking

    def _hybrid(self) -> Pipeline:
        asking = self._vectors()
        asking.add_component("words", InMemoryBM25Retriever(self._store, top_k=self._job.depth))
        asking.add_component("join", DocumentJoiner(join_mode="reciprocal_rank_fusion"))
        asking.connect("vectors", "join")
        asking.connect("words", "join")
        return asking

    def search(self, question: str, mode: str) -> list[str]:
        said = {"embed": {"text": question}} | ({"words": {"query": question}} if mode == "hybrid" else {})
        found = self._asking[mode].run(said)["join" if mode == "hybrid" else "vectors"]["documents"]
        return [document.meta["file_path"] for document in found]

    def passages(self) -> int:
        return self._store.count_documents()


run(Haystack)
