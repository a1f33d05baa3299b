"""Damaged files of every format in a sync: is every one read or reported, and every whole one beside them found?

    .venv/bin/python tests/bench/fuzz.py [-n 2000] [--seed 0] [--batch 25] [--keep FOLDER]

Each batch is a folder of damaged documents with a whole one among them, brought into one index after the other. Of every
batch must hold:

- the sync raises nothing, and the stores agree afterwards;
- each file is indexed, or is named in the report with a reason that says what to do and speaks no Python;
- a passage is an exact slice of its document, in text that encodes to UTF-8;
- no file takes longer than a parser may, and the sync's own memory stays small;
- the whole document is indexed and found.

At the end no process and no temporary file may be left. Files that break a rule are kept. Real Chroma, Tantivy, SQLite and
parsers; the vectors are fake, since their making is no part of what is tested.
"""

from __future__ import annotations

import argparse
import inspect
import os
import random
import re
import shutil
import sys
import tempfile
import time
from collections import Counter, defaultdict
from pathlib import Path

import psutil
from damage import damage
from seeds import FORMATS, documents

from sectorkit.fakes import FakeEmbedder
from sectorkit.progress import Progress
from sectorkit.retrieval.index import Index, SyncReport
from sectorkit.retrieval.parse import parse
from sectorkit.retrieval.parse.isolate import isolated

_SECONDS = (
    inspect.signature(parse).parameters["max_seconds"].default + 10
)  # the parser's own, and the storing of a batch
_MEMORY = 2**30  # bytes that a sync may hold: far below what a parser's process may
_PYTHON = re.compile(
    r"\w(Error|Exception|Warning)\b|Traceback|NoneType|has no attribute|\bline \d+, in |<class |0x[0-9a-f]{8}"
)
_ADVICE = re.compile(
    r"\b(open|save|give|split|replace|remove|convert|print|put|check|supply|copy|rename|unhide|let|write|add|run)\b",
    re.I,
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-n", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--batch", type=int, default=25)
    parser.add_argument("--keep", type=Path, default=Path("fuzz-kept"), help="where files that break a rule go")
    options = parser.parse_args()
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        trial = Trial(Path(folder), options.seed, options.keep)
        for start in range(0, options.n, options.batch):
            trial.batch(range(start, min(start + options.batch, options.n)))
            print(
                f"{min(start + options.batch, options.n)} files, {len(trial.wrong)} violations so far, "
                f"{trial.memory / 2**20:.0f} MB",
                flush=True,
            )
        trial.end()
    print(trial.table())
    print(
        f"\n{options.n} files in {time.monotonic() - began:.0f} s, {len(trial.wrong)} violations; seed {options.seed}"
    )
    sys.exit(bool(trial.wrong))


class Trial:
    """One index, and a folder that each batch fills anew."""

    def __init__(self, folder: Path, seed: int, keep: Path) -> None:
        self.corpus, self.seed, self.keep = folder / "corpus", seed, keep
        self.temporary = folder / "tmp"  # of everything that this process and its parsers do
        self.temporary.mkdir()
        tempfile.tempdir = os.environ["TMPDIR"] = str(self.temporary)
        self.whole = documents()
        self.index = Index.open(folder / "index", FakeEmbedder(dimension=64))
        self.wrong: list[str] = []
        self.done: dict[str, str] = {}  # what was done to each file of the batch
        self.ends: dict[str, Counter[str]] = defaultdict(Counter)  # how files ended, by their format
        self.reasons: dict[str, Counter[str]] = defaultdict(Counter)
        self.slowest = (0.0, "")
        self.memory = self.peak = 0

    def batch(self, numbers: range) -> None:
        shutil.rmtree(self.corpus, ignore_errors=True)
        self.corpus.mkdir()
        self.done = {}
        for number in numbers:
            self._write(number)
        good = f"A whole document called whole{numbers.start}."
        (self.corpus / "whole.md").write_text(good, encoding="utf-8")
        try:
            report = self.index.sync(self.corpus, progress=self._clock())
        except Exception as error:
            self._say(f"the sync raised {error!r}", *self.done)
            return
        self.memory = psutil.Process().memory_info().rss
        self.peak = max(self.peak, self.memory)
        for source in self.done:
            self._look(source, report)
        for problem in self.index.check():
            self._say(f"the stores differ: {problem}", *self.done)
        hits = self.index.search(f"whole{numbers.start}", 1, mode="lexical")
        if [hit.passage.page_content for hit in hits] != [good]:
            self._say("the whole document is not found", *self.done)
        if self.memory > _MEMORY:
            self._say(f"the sync holds {self.memory / 2**20:.0f} MB", *self.done)

    def _write(self, number: int) -> None:
        rng = random.Random(f"{self.seed} {number}")
        suffix = FORMATS[number % len(FORMATS)]
        raw, given, done = damage(rng.choice(self.whole[suffix]), suffix, rng)
        source = f"{number:05}-{suffix[1:]}{given}"
        (self.corpus / source).write_bytes(raw)
        self.done[source] = done

    def _clock(self) -> Progress:
        """A progress that looks how long each file is waited for and stored."""
        at, doing = time.monotonic(), ""

        def progress(what: str, share: float | None = None) -> None:
            nonlocal at, doing
            if what != doing and not what.startswith("reading "):  # ahead of what is indexed, by another thread
                taken, source = time.monotonic() - at, doing.removeprefix("indexing ")
                at, doing = time.monotonic(), what
                self.slowest = max(self.slowest, (taken, f"{source}: {self.done.get(source, '')}"))
                if taken > _SECONDS:
                    self._say(f"{source} took {taken:.0f} s", source)

        return progress

    def _look(self, source: str, report: SyncReport) -> None:
        suffix = "." + source.split(".")[0].split("-")[1]
        reason = report.failed.get(source, report.skipped.get(source))
        if reason is None:
            self.ends[suffix]["with notes" if source in report.notes else "indexed"] += 1
            self._slices(source)
        else:
            self.ends[suffix]["refused"] += 1
            self.reasons[suffix][_kind(reason, source)] += 1
            if not _ADVICE.search(reason):
                self._say(f"{source}: no advice in {reason!r}", source)
        for said in (reason or "", *report.notes.get(source, ())):
            if _PYTHON.search(said):
                self._say(f"{source}: speaks Python: {said!r}", source)

    def _slices(self, source: str) -> None:
        document, passages = self.index.document(source), self.index.passages_of(source)
        if document.status != "indexed" or not passages:
            self._say(f"{source} is {document.status} with {len(passages)} passages, and nothing is said", source)
        for passage in passages:
            meta = passage.metadata
            if document.text[meta["start"] : meta["end"]] != passage.page_content or not passage.page_content.strip():
                self._say(f"{source}: {passage.id} is no slice of its document", source)
        try:
            repr((document.text, document.title, document.metadata, document.notes)).encode()
            "".join(
                (document.text, document.title or "", *map(str, document.metadata.values()), *document.notes)
            ).encode()
        except UnicodeEncodeError as error:
            self._say(f"{source}: {error}", source)

    def end(self) -> None:
        """Nothing may be left of the parsers."""
        self.index.close()
        isolated.close()
        if left := psutil.Process().children(recursive=True):
            self._say(f"processes are left: {left}")
        if files := [str(path) for path in self.temporary.rglob("*")]:
            self._say(f"temporary files are left: {files[:9]}")

    def _say(self, what: str, *sources: str) -> None:
        self.wrong.append(what)
        print(f"!! {what}" + (f" ({self.done.get(sources[0])})" if len(sources) == 1 else ""), flush=True)
        self.keep.mkdir(parents=True, exist_ok=True)
        for source in sources:
            shutil.copy(self.corpus / source, self.keep / source)

    def table(self) -> str:
        lines = ["", f"{'format':7} {'files':>6} {'indexed':>8} {'with notes':>11} {'refused':>8}  reasons"]
        for suffix, ends in sorted(self.ends.items()):
            common = "; ".join(f"{count} {reason}" for reason, count in self.reasons[suffix].most_common(4))
            lines.append(
                f"{suffix:7} {ends.total():6} {ends['indexed']:8} {ends['with notes']:11} {ends['refused']:8}  {common}"
            )
        lines.append(f"slowest file: {self.slowest[0]:.1f} s, {self.slowest[1]}")
        lines.append(f"most memory of the sync after a batch: {self.peak / 2**20:.0f} MB")
        return "\n".join(lines)


def _kind(reason: str, source: str) -> str:
    """A reason without what is the file's own."""
    first = reason.replace(source, "").strip().split(". ")[0].split("; ")[0].split(" (")[0]
    return re.sub(r"\d[\d,.]*", "N", first)[:60]


if __name__ == "__main__":
    main()
