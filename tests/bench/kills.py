"""Syncs that are killed at random moments: is anything lost, doubled or half there?

    .venv/bin/python tests/bench/kills.py [-n 200] [--documents 120] [--seed 0]

Each round changes the folder (adds, changes, moves, removes; at times a document of a thousand passages), starts a sync
in a process of its own and kills it with SIGKILL at a random moment of the time that a whole sync takes. Then the index is opened as it was left:

- every document that it names must be found by its own word, in both stores, as one whole state (old or new);
- every hit must be an exact slice of its document;

and after half of the rounds, chosen at random, a sync must bring it to the folder's state, with nothing left over in
any store, the vector of every passage that of its own text, and what Chroma's graph finds as near as it says. Real Chroma,
Tantivy and SQLite; the vectors are fake, since their making is no part of what is tested. Vectors are searched in the
graph, however few they are.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import random
import signal
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.progress import track

from sectorkit.fakes import FakeEmbedder
from sectorkit.retrieval.chunk import context
from sectorkit.retrieval.index import Index

_CHANGES = 0.3  # share of the documents that a round touches


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-n", type=int, default=200)
    parser.add_argument("--documents", type=int, default=120)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        found = Trial(Path(folder), options.documents, options.seed).run(options.n)
    print(", ".join(f"{what}: {count}" for what, count in sorted(found.items())))
    print(f"{options.n} kills, {found['inconsistent']} inconsistencies; seed {options.seed}")
    sys.exit(bool(found["inconsistent"]))


class Trial:
    """A folder of documents and its index; `texts` is what the folder holds, by source."""

    def __init__(self, folder: Path, documents: int, seed: int) -> None:
        self.corpus, self.index = folder / "corpus", folder / "index"
        self.corpus.mkdir()
        self.random = random.Random(seed)
        self.most = documents
        self.texts: dict[str, str] = {}
        self.past: dict[str, set[str]] = {}  # every text that a source ever had
        self.found: Counter[str] = Counter(inconsistent=0)
        self.processes = multiprocessing.get_context("forkserver")
        self.processes.set_forkserver_preload(["sectorkit.retrieval.index", "sectorkit.fakes", "chromadb", "tantivy"])

    def run(self, kills: int) -> Counter[str]:
        for n in range(self.most):
            self.write(f"d{n:04}.md", n)
        whole = self.sync()
        self.look()
        for n in track(range(kills), description="killing", disable=not sys.stderr.isatty()):
            self.change(n)
            self.kill(self.random.uniform(0, whole * _CHANGES * 1.5 + 0.2))
            self.look()
            if (n + 1) % 20 == 0:
                print(f"{n + 1} kills, {self.found['inconsistent']} inconsistencies so far", flush=True)
            if self.random.random() < 0.5:
                self.sync()
                self.settled()
        self.sync()
        self.settled()
        return self.found

    def change(self, n: int) -> None:
        for at in range(int(self.most * _CHANGES)):
            what, source = self.random.random(), f"d{self.random.randrange(self.most):04}.md"
            if what < 0.2 and source in self.texts:
                (self.corpus / source).unlink()
                del self.texts[source]
            elif what < 0.3 and source in self.texts:
                moved = f"m{self.random.randrange(self.most):04}.md"
                (self.corpus / source).rename(self.corpus / moved)
                self.texts[moved] = self.texts.pop(source)
                self.past.setdefault(moved, set()).update(self.past[source])
            else:
                self.write(source, 1000 * n + at)

    def write(self, source: str, version: int) -> None:
        parts = 1_000 if self.random.random() < 0.02 else self.random.randint(1, 12)
        body = "\n\n".join(f"## Part {i}\n\n{'Fees and permits of the city. ' * 40}v{version}" for i in range(parts))
        text = f"# Document {source[:5]}\n\n{body}\n"
        (self.corpus / source).write_text(text, encoding="utf-8")
        self.texts[source] = text
        self.past.setdefault(source, set()).add(f"v{version}")

    def sync(self) -> float:
        """Seconds of a sync that nobody disturbs."""
        began = time.perf_counter()
        process = self.processes.Process(target=sync, args=(self.index, self.corpus))
        process.start()
        process.join()
        if process.exitcode:
            self.wrong(f"a sync after a kill failed with {process.exitcode}")
        return time.perf_counter() - began

    def kill(self, after: float) -> None:
        process = self.processes.Process(target=sync, args=(self.index, self.corpus))
        process.start()
        time.sleep(after)
        if process.is_alive() and process.pid:
            os.kill(process.pid, signal.SIGKILL)
            self.found["killed under way"] += 1
        else:
            self.found["had ended"] += 1
        process.join()

    def look(self) -> None:
        """What a reader finds right after the kill, without any repair."""
        if not (self.index / "manifest.sqlite").exists():
            return
        index = Index.open(self.index, FakeEmbedder())
        index.stores.exact = 0
        self.found["graph in doubt"] += (self.index / "graph.changing").exists()
        try:
            named = {d.source for d in index.documents() if d.status == "indexed"}
            for source in self.random.sample(sorted(named), min(8, len(named))):
                name = index.document(source).text.split()[2]
                for mode in ("lexical", "dense"):
                    hits = index.search(f"Document {name}", 40, mode=mode, where={"source": source})
                    text = index.document(source).text
                    versions = {part for part in text.split() if part.startswith("v")}
                    if not hits:
                        self.wrong(f"{source} is not found by {mode}")
                    if len(versions) != 1 or not versions <= self.past[source]:
                        self.wrong(f"{source} is in no state that it ever had: {versions}")
                    for hit in hits:
                        meta = hit.passage.metadata
                        if text[meta["start"] : meta["end"]] != hit.passage.page_content:
                            self.wrong(f"{hit.id} is no slice of {source}")
        finally:
            index.close()

    def settled(self) -> None:
        """After a whole sync: the folder's state, and the same passages in every store."""
        index = Index.open(self.index, FakeEmbedder())
        try:
            for problem in index.check():
                self.wrong(problem)
            stored = {d.source: index.document(d.source).text for d in index.documents()}
            if stored.keys() != self.texts.keys():
                self.wrong(f"documents differ: {sorted(stored.keys() ^ self.texts.keys())}")
            for source in stored.keys() & self.texts.keys():
                if stored[source].split()[-1] != self.texts[source].split()[-1]:
                    self.wrong(f"{source} is not the folder's")
            passages = [p for source in stored for p in index.passages_of(source)]
            if passages:
                made = np.asarray(FakeEmbedder().embed_documents([context(p) for p in passages]), np.float32)
                made /= np.linalg.norm(made, axis=1, keepdims=True)
                kept = index.stores.vectors([str(p.id) for p in passages])
                for passage, far in zip(passages, np.abs(kept - made).max(axis=1), strict=True):
                    if far > 1e-5:
                        self.wrong(f"{passage.metadata['source']} has a vector that is not its own")
                self.searched(index, {str(p.id): v for p, v in zip(passages, made, strict=True)})
            self.found["whole syncs"] += 1
        finally:
            index.close()

    def searched(self, index: Index, made: dict[str, NDArray[np.float32]]) -> None:
        """Whether what the graph finds is as near as it says. It need not be the very nearest: the texts are much alike."""
        index.stores.exact = 0
        for name in self.random.sample(sorted(made), min(20, len(made))):
            found = index.stores.nearest(made[name].tolist(), 10)
            if not found or found[0][1] < 0.99:
                self.wrong(f"the graph does not find what is near to {name}")
            for i, similarity in found:
                if abs(float(made[i] @ made[name]) - similarity) > 1e-4:
                    self.wrong(f"the graph holds another vector for {i}")

    def wrong(self, what: str) -> None:
        self.found["inconsistent"] += 1
        print(f"!! {what}", file=sys.stderr, flush=True)


def sync(index: Path, corpus: Path) -> None:
    opened = Index.open(index, FakeEmbedder())
    opened.sync(corpus)
    opened.close()


if __name__ == "__main__":
    main()
