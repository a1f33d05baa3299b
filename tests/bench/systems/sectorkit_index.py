"""Sectorkit, as its command line and its page use it: one index, brought to the folder's state."""

from __future__ import annotations

from pathlib import Path

from worker import Job, run

from sectorkit.models.catalogue import find_model
from sectorkit.retrieval import compiled
from sectorkit.retrieval.embed import LocalEmbedder
from sectorkit.retrieval.index import Index


class Sectorkit:
    libraries = ("sectorkit", "chromadb", "tantivy", "sentence-transformers", "transformers", "torch")

    def __init__(self, job: Job) -> None:
        self._depth = job.depth
        compiled.is_compiled = lambda model_dir: False  # in PyTorch, as the others are
        self._embedder = LocalEmbedder(find_model(job.model_name, "embedding"), job.model)
        self._embedder.load()

    def ingest(self, documents: Path, index: Path) -> None:
        self._index = Index.open(index, self._embedder)
        report = self._index.sync(documents)
        if report.failed or report.skipped:
            raise RuntimeError(f"left out: {report.failed | report.skipped}")

    update = ingest

    def search(self, question: str, mode: str) -> list[str]:
        stage = "dense" if mode == "vectors" else "hybrid"
        hits = self._index.search(question, self._depth, mode=stage, depth=self._depth)
        return [str(hit.passage.metadata["source"]) for hit in hits]

    def passages(self) -> int:
        return len(self._index)


run(Sectorkit)
