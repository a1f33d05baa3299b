"""What search costs at 10,000, 100,000 and 1,000,000 passages, filtered and not: latency, Recall, memory, disk.

    .venv/bin/python tests/bench/scale.py [-n 10000 100000] [--keep FOLDER] [--server]

So many passages cannot be embedded on a small machine. Their vectors are drawn around those of the sample corpus (one of
them, plus noise along the principal directions of all, half as strong as these vary), and their texts are sentences of
the sample corpus in random order: some 160 words each, of a vocabulary that does not grow, which is harder on the words
than real text. Everything else is real: the manifest, Tantivy, Chroma, and the search as an app calls it, of one question
at a time, its vector at hand. Recall@10 is that of the vectors against an exact search.

`--server` keeps the vectors' graph at a `chroma run` that is started for it, as where several machines share one index.

Filters: of two languages, of 5 %, of 0.5 % and of 0.01 % of the documents. A question's own passages meet them no more
than others do.
"""

from __future__ import annotations

import argparse
import random
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import psutil
from langchain_core.documents import Document
from numpy.typing import NDArray
from rich.progress import track

from sectorkit.app import load_app
from sectorkit.fakes import FakeEmbedder
from sectorkit.models.hardware import described
from sectorkit.parts import current_index, index_folder, open_embedder
from sectorkit.retrieval.index import Index, Mode, bytes_on_disk
from sectorkit.retrieval.manifest import StoredDocument
from sectorkit.retrieval.words import sentences
from sectorkit.settings import read_settings

DOCUMENT, BATCH, QUESTIONS = 20, 1000, 200
FILTERS: dict[str, dict[str, Any]] = {
    "none": {}, "50 %": {"language": "de"}, "5 %": {"group": "5"}, "0.5 %": {"group": "0.5"}, "0.01 %": {"group": "0.01"},
}  # fmt: skip


class Given(FakeEmbedder):
    """Embeds a question by the vector that it was given for it."""

    def __init__(self, dimension: int) -> None:
        super().__init__(dimension=dimension)
        self.vector: list[float] = []

    def embed_query(self, text: str) -> list[float]:
        return self.vector


class Source:
    """Passages like those of the sample corpus, in any number."""

    def __init__(self, vectors: NDArray[np.float32], texts: list[str], seed: int = 0) -> None:
        self.vectors = vectors
        _, spread, self._directions = np.linalg.svd(vectors - vectors.mean(0), full_matrices=False)
        self._spread = spread / np.sqrt(len(vectors))
        self._sentences = [text[a:b] for text in texts for a, b in sentences(text) if b - a > 20]
        self._numbers, self._random = np.random.default_rng(seed), random.Random(seed)

    def draw(self, count: int, noise: float = 0.5) -> NDArray[np.float32]:
        chosen = self.vectors[self._numbers.integers(0, len(self.vectors), count)]
        drawn = (
            chosen
            + noise * (self._numbers.standard_normal((count, len(self._spread))) * self._spread) @ self._directions
        )
        return np.asarray(drawn / np.linalg.norm(drawn, axis=1, keepdims=True), np.float32)

    def text(self, characters: int) -> str:
        parts: list[str] = []
        while sum(map(len, parts)) < characters:
            parts.append(self._random.choice(self._sentences))
        return " ".join(parts)

    def said(self, document: int) -> dict[str, Any]:
        """A document's metadata, with its groups in the shares that `FILTERS` names."""
        share = self._random.random()
        group = "0.01" if share < 0.0001 else "0.5" if share < 0.0051 else "5" if share < 0.0551 else "rest"
        language = self._random.choice(("de", "en"))
        return {"language": language, "group": group, "title": f"Document {document}", "source": f"d{document}.md"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-n", type=int, nargs="+", default=[10_000, 100_000])
    parser.add_argument("--keep", type=Path, help="a folder for the indexes, which a second run finds again")
    parser.add_argument("--server", action="store_true", help="vectors at a Chroma server of its own")
    options = parser.parse_args()
    print(f"{described()}; one question at a time, {QUESTIONS} of them; milliseconds, median / 95th percentile")
    source = sample()
    for count in options.n:
        with tempfile.TemporaryDirectory() as temporary:
            folder = (options.keep or Path(temporary)) / f"n{count}"
            if not options.server:
                measure(folder, source, count)
                continue
            with chroma_server(folder.with_name(f"{folder.name}-chroma")) as (url, process):
                measure(folder.with_name(f"{folder.name}-served"), source, count, url)
                print(f"memory of the server: {process.memory_info().rss / 2**20:,.0f} MB\n")


@contextmanager
def chroma_server(folder: Path) -> Iterator[tuple[str, psutil.Process]]:
    """A `chroma run` with its files in `folder`: its address and its process."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [Path(sys.executable).with_name("chroma"), "run", "--path", folder, "--host", "127.0.0.1"]
    with subprocess.Popen([*command, "--port", str(port)], stdout=subprocess.DEVNULL) as process:
        while process.poll() is None:
            with socket.socket() as trial:
                if trial.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.1)
        yield f"http://127.0.0.1:{port}", psutil.Process(process.pid)
        process.terminate()


def sample() -> Source:
    """Vectors and texts of the sample corpus, which is indexed first where it is not."""
    settings, app = read_settings(), load_app("governance_search")
    index = current_index(settings, app, open_embedder(settings))
    index.sync(app.corpus)
    passages = [p for d in index.documents() for p in index.passages_of(d.source)]
    slots = index.stores.manifest.slots([str(p.id) for p in passages])
    width = len(index.embedder.embed_query("how wide is a vector?"))
    matrix = np.fromfile(index_folder(settings, app) / "vectors.f32", np.float32).reshape(-1, width)
    index.close()
    return Source(matrix[[slots[str(p.id)] for p in passages]], [p.page_content for p in passages])


def measure(folder: Path, source: Source, count: int, url: str | None = None) -> None:
    embedder = Given(source.vectors.shape[1])
    made = folder.exists()
    index = Index.open(folder, embedder, chroma_url=url)
    if not made:
        began = time.perf_counter()
        for at in track(range(0, count, BATCH), description=f"{count:,} passages"):
            store(index, source, at, min(BATCH, count - at))
        index.stores.settle()
        spent = time.perf_counter() - began
        print(f"\n{count:,} passages stored in {spent:.0f} s, {count / spent:.0f} a second", flush=True)
        index.close()
        index = Index.open(folder, embedder, chroma_url=url)
    before = psutil.Process().memory_info().rss
    questions = [(source.text(60), vector) for vector in source.draw(QUESTIONS, noise=0.6)]
    began = time.perf_counter()
    ask(index, embedder, questions[0], "hybrid", {})
    print(f"first answer after {time.perf_counter() - began:.1f} s", end="; ")
    print(f"{bytes_on_disk(folder) / 2**20:,.0f} MB on disk")
    print("\n| filter | words | vectors | hybrid | Recall@10 of the vectors |\n|---|---|---|---|---|")
    said = [document.metadata for document in index.documents()]
    for name, where in FILTERS.items():
        if not any(where.items() <= metadata.items() for metadata in said):
            print(f"| {name} | no document | | | |")
            continue
        cells = []
        for mode in ("lexical", "dense", "hybrid"):
            times, found = zip(*(ask(index, embedder, question, mode, where) for question in questions), strict=True)
            cells.append(f"{1000 * np.percentile(times, 50):.1f} / {1000 * np.percentile(times, 95):.1f}")
            if mode == "dense":
                best = exact(index, where, [vector for _, vector in questions])
                recall = np.mean([len({*f} & {*b}) / len(b) for f, b in zip(found, best, strict=True)])
        print(f"| {name} | {' | '.join(cells)} | {recall:.3f} |", flush=True)
    print(f"\nmemory that searching took: {(psutil.Process().memory_info().rss - before) / 2**20:,.0f} MB\n")
    index.close()


def store(index: Index, source: Source, at: int, count: int) -> None:
    passages: list[Document] = []
    documents: list[tuple[StoredDocument, list[Document]]] = []
    for first in range(at, at + count, DOCUMENT):
        said = source.said(first // DOCUMENT)
        own = [
            Document(id=f"{n:020x}", page_content=source.text(900), metadata={**said, "start": 0, "end": 0})
            for n in range(first, min(first + DOCUMENT, at + count))
        ]
        documents.append((StoredDocument(said["source"], "", "indexed", metadata=said), own))
        passages += own
    index.stores.put_vectors(passages, source.draw(count))
    index.stores.lexical.update(add=passages)
    index.stores.manifest.replace(documents)


def ask(
    index: Index, embedder: Given, question: tuple[str, Any], mode: Mode, where: dict[str, Any]
) -> tuple[float, list[str]]:
    embedder.vector = question[1].tolist()
    began = time.perf_counter()
    hits = index.search(question[0], 10, mode=mode, where=where)
    return time.perf_counter() - began, [hit.id for hit in hits]


def exact(index: Index, where: dict[str, Any], asked: list[Any]) -> list[list[str]]:
    """The ids of the ten nearest passages that meet `where`, for each vector of `asked`, by comparing with all."""
    manifest = index.stores.manifest
    met = [d.source for d in manifest.documents() if where.items() <= d.metadata.items()]
    slots = manifest.slots([i for source in met for i in manifest.passage_ids(source)])
    names, rows = list(slots), np.sort(np.array(list(slots.values())))
    order = sorted(names, key=slots.__getitem__)
    matrix = np.memmap(index.folder / "vectors.f32", np.float32, "r").reshape(-1, len(asked[0]))
    similar = np.concatenate([matrix[rows[at : at + 50_000]] @ np.array(asked).T for at in range(0, len(rows), 50_000)])
    return [[order[n] for n in np.argsort(-column)[:10]] for column in similar.T]


if __name__ == "__main__":
    main()
