"""Eight processes that ask while another one syncs: does any of them fail, wait long, or see what never was?

    .venv/bin/python tests/bench/readers.py [--readers 8] [--documents 200] [--rounds 6] [--graph] [--seed 0]

Every reader opens the index for itself, and anew now and then, and asks by words, by vectors, by both and with a filter:
first while nothing is written, then while a folder is added to, changed and removed from, round after round. So small an
index compares vectors one by one; with --graph it asks Chroma's graph, as a large one does. Of every answer must hold:

- it comes, without an error, within 30 seconds;
- no passage is in it twice, and each is one that its document has, all of one document's in the same version;
- that version is the one before the sync or the one after it, and from five seconds after the sync only the latter.

Real Chroma, Tantivy and SQLite; vectors of 384 numbers, and fake, since their making is no part of what is tested.
"""

from __future__ import annotations

import argparse
import multiprocessing
import random
import sys
import tempfile
import time
from collections import Counter, defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from sectorkit.fakes import FakeEmbedder
from sectorkit.retrieval.index import Index
from sectorkit.retrieval.manifest import Manifest
from sectorkit.retrieval.passage import Hit
from sectorkit.retrieval.stores import Stores

MODES = ("lexical", "dense", "hybrid")
_CHANGES = 0.3  # share of the documents that a round touches
_LONGEST = 30.0  # seconds of one answer
_MOMENT = 5.0  # seconds after a sync, from which on its outcome is seen
_PARTS = 5
_TOPICS = "water noise parking waste housing permits fees schools taxis libraries".split()  # noqa: SIM905


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--readers", type=int, default=8)
    parser.add_argument("--documents", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=6)
    parser.add_argument("--quiet", type=float, default=20, help="seconds of asking before the first sync")
    parser.add_argument("--graph", action="store_true", help="vectors by Chroma's graph")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        trial = Trial(Path(folder), options.documents, graph=options.graph, seed=options.seed)
        wrong = trial.run(options.readers, options.rounds, options.quiet)
    for line in trial.table():
        print(line)
    print(
        f"\n{options.readers} readers, {options.rounds} syncs: {wrong} errors, {trial.hung} hangs; seed {options.seed}"
    )
    sys.exit(bool(wrong or trial.hung))


@dataclass(frozen=True)
class Shared:
    """What writer and readers share. `turn` is odd while a sync runs, from `old` to `new`, and 0 a document that is not there.

    `since` is when the last sync ended, by the clock that all processes have in common.
    """

    turn: Any
    since: Any
    old: Any
    new: Any
    ended: Any
    results: Any


def text_of(number: int, version: int) -> str:
    """A document in one of its versions, each part of which says which it is."""
    topic = _TOPICS[number % len(_TOPICS)]
    parts = (
        f"## Part {part}\n\nDocument{number:04} version{version} part{part}: {f'rules on {topic} of the city ' * 30}"
        for part in range(1 + number % _PARTS)
    )
    return f"---\nkind: {topic}\n---\n# Document{number:04}\n\n" + "\n\n".join(parts)


class Trial:
    """The writer: a folder of documents, and the readers of its index."""

    def __init__(self, folder: Path, documents: int, *, graph: bool, seed: int) -> None:
        self.folder, self.corpus, self.graph = folder / "index", folder / "corpus", graph
        self.corpus.mkdir()
        self.random = random.Random(seed)
        self.seed, self.hung = seed, 0
        self.processes = multiprocessing.get_context("forkserver")
        self.processes.set_forkserver_preload(["sectorkit.retrieval.index", "sectorkit.fakes", "chromadb", "tantivy"])
        made = [self.processes.Array("i", documents) for _ in range(2)]
        self.shared = Shared(
            self.processes.Value("i", 0),
            self.processes.Value("d", 0.0),
            *made,
            self.processes.Event(),
            self.processes.Queue(),
        )
        self.times: dict[tuple[str, str], list[float]] = defaultdict(list)
        self.syncs: list[float] = []
        self.late = 0.0

    def run(self, readers: int, rounds: int, quiet: float) -> int:
        """Errors of all readers."""
        index = opened(self.folder, self.graph)
        for number in range(len(self.shared.new)):
            self._write(number, 1)
        self._sync(index)
        crew = [
            self.processes.Process(target=read, args=(self.folder, self.graph, self.shared, f"{self.seed} {n}"))
            for n in range(readers)
        ]
        for reader in crew:
            reader.start()
        time.sleep(quiet)
        for version in range(2, rounds + 2):
            for number in self.random.sample(range(len(self.shared.new)), int(_CHANGES * len(self.shared.new))):
                self._write(number, 0 if self.random.random() < 0.2 else version)
            self._sync(index)
            print(f"sync {version - 1} of {rounds}: {self.syncs[-1]:.1f} s, {len(index)} passages", flush=True)
            time.sleep(_MOMENT + 3)
        self.shared.ended.set()
        wrong = self._collect(crew)
        problems = index.check()
        index.close()
        for problem in problems:
            print(f"!! after all of it: {problem}", flush=True)
        return wrong + len(problems)

    def _write(self, number: int, version: int) -> None:
        path = self.corpus / f"d{number:04}.md"
        if version:
            path.write_text(text_of(number, version), encoding="utf-8")
        else:
            path.unlink(missing_ok=True)
        self.shared.new[number] = version

    def _sync(self, index: Index) -> None:
        self.shared.turn.value += 1
        began = time.perf_counter()
        index.sync(self.corpus)
        self.syncs.append(time.perf_counter() - began)
        self.shared.old[:] = self.shared.new[:]
        self.shared.since.value = time.monotonic()
        self.shared.turn.value += 1

    def _collect(self, crew: list[Any]) -> int:
        wrong, until = 0, time.monotonic() + 2 * _LONGEST
        for _ in crew:
            try:
                times, errors, late = self.shared.results.get(timeout=max(0.1, until - time.monotonic()))
            except Exception:  # nothing more has come
                break
            for key, found in times.items():
                self.times[key] += found
            wrong += sum(errors.values())
            self.late = max(self.late, late)
            for what, count in errors.items():
                print(f"!! {count} x {what}", flush=True)
        for reader in crew:
            reader.join(5)
            if reader.is_alive():
                self.hung += 1
                reader.kill()
            elif reader.exitcode:
                wrong += 1
                print(f"!! a reader ended with {reader.exitcode}", flush=True)
        return wrong

    def table(self) -> list[str]:
        lines = [f"{'':12} {'while':10} {'answers':>8} {'p50 ms':>8} {'p95 ms':>8} {'max ms':>8}"]
        for (what, phase), found in sorted(self.times.items()):
            p50, p95, most = (1000 * float(np.percentile(found, share)) for share in (50, 95, 100))
            lines.append(f"{what:12} {phase:10} {len(found):8} {p50:8.1f} {p95:8.1f} {most:8.1f}")
        lines.append(f"syncs: {', '.join(f'{seconds:.1f}' for seconds in self.syncs)} s; the first had no readers")
        lines.append(f"what a sync had changed was last missed {self.late:.1f} s after its end")
        return lines


def opened(folder: Path, graph: bool) -> Index:
    """The index in `folder`; with `graph`, one that compares no vectors by itself."""
    index = Index.open(folder, FakeEmbedder(dimension=384))
    if graph:
        index.close()
        manifest = Manifest(folder / "manifest.sqlite")
        index = Index(index.embedder, Stores(folder, manifest, exact=0))
    return index


def read(folder: Path, graph: bool, shared: Shared, seed: str) -> None:
    """A reader's whole life; its last word is its times and its errors."""
    reader = Reader(folder, graph, shared, seed)
    while not shared.ended.is_set():
        reader.ask()
    shared.results.put((dict(reader.times), dict(reader.errors), reader.late))


def _phase(turn: int) -> str:
    return "in a sync" if turn % 2 else "quiet"


class Reader:
    """Asks, looks at what comes, and remembers how long it took."""

    def __init__(self, folder: Path, graph: bool, shared: Shared, seed: str) -> None:
        self.folder, self.graph, self.shared, self.random = folder, graph, shared, random.Random(seed)
        self.times: dict[tuple[str, str], list[float]] = defaultdict(list)
        self.errors: Counter[str] = Counter()
        self.late = 0.0
        self.index: Index | None = None

    def ask(self) -> None:
        number, mode = self.random.randrange(len(self.shared.new)), self.random.choice(MODES)
        where = self.random.choice(({}, {"kind": _TOPICS[number % len(_TOPICS)]}, {"source": f"d{number:04}.md"}))
        turn, asked = self.shared.turn.value, time.monotonic()
        try:
            index = self._opened()
            began = time.perf_counter()
            hits = index.search(f"rules of document{number:04}", 10, mode=mode, where=where)
        except Exception as error:
            self._wrong(f"{type(error).__name__}: {error}"[:300], mode, turn)
            return
        self._took(f"{mode}{' where' if where else ''}", began, turn)
        old, new = self.shared.old[:], self.shared.new[:] if turn % 2 else self.shared.old[:]
        if (
            turn == self.shared.turn.value
        ):  # else a sync began or ended meanwhile, and any of three versions may be there
            seen = self._look(hits, mode, turn)
            whole = 1 + number % _PARTS if old[number] else 0
            is_whole = "source" not in where or turn % 2 == 1 or len(hits) == whole
            if not is_whole or any(not versions <= {old[d], new[d]} for d, versions in seen.items()):
                late = asked - self.shared.since.value
                self.late = max(self.late, late)
                if turn % 2 or late > _MOMENT:
                    self._wrong("a document is not there as it is", mode, turn)

    def _opened(self) -> Index:
        if self.index is None or self.random.random() < 0.02:
            if self.index is not None:
                self.index.close()
            began, turn = time.perf_counter(), self.shared.turn.value
            self.index = opened(self.folder, self.graph)
            self._took("opening", began, turn)
        return self.index

    def _took(self, what: str, began: float, turn: int) -> None:
        taken = time.perf_counter() - began
        self.times[what, _phase(turn)].append(taken)
        if taken > _LONGEST:
            self._wrong(f"took more than {_LONGEST:.0f} s", what, turn)

    def _wrong(self, what: str, mode: str, turn: int) -> None:
        self.errors[f"{mode}, {_phase(turn)}: {what}"] += 1

    def _look(self, hits: list[Hit], mode: str, turn: int) -> dict[int, set[int]]:
        """The versions in an answer, by document."""
        if len({hit.id for hit in hits}) < len(hits):
            self._wrong("a passage is in the answer twice", mode, turn)
        seen: dict[int, set[int]] = defaultdict(set)
        for hit in hits:
            name, version, _ = hit.passage.page_content.partition(":")[0].split()
            number = int(name.removeprefix("Document"))
            seen[number].add(int(version.removeprefix("version")))
            if hit.passage.page_content not in text_of(number, min(seen[number])):
                self._wrong("a passage is in no version of its document", mode, turn)
        if any(len(versions) > 1 for versions in seen.values()):
            self._wrong("two versions of one document in one answer", mode, turn)
        return seen


if __name__ == "__main__":
    main()
