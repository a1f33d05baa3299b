"""Worker: what every system is put through, alike, in a process of its own. Needs the standard library alone.

`peers.py` starts a system's file with a job, a JSON file, as its argument; what was measured is written where the job
says. A system's file defines how its library ingests, searches and updates, and ends with `run(ItsClass)`.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import tempfile
import time
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any, Protocol

_TRIAL = "The library is open from nine to five.\n\nOn Sundays it is closed."


@dataclass(frozen=True)
class Job:
    """One turn of one system: `task` is "ingest", or "update" in a process that has ingested nothing, then to be asked.

    `documents` is a folder of text files, `model` one of a sentence-transformers model, `dtype` the type of its
    numbers; the prompts go before a text. `depth` is how many passages each stage of a search brings, `splitting` a
    passage's length and overlap in the unit of the library's splitter.
    """

    task: str
    documents: Path
    index: Path
    model: Path
    model_name: str
    dtype: str
    query_prompt: str
    passage_prompt: str
    depth: int
    splitting: tuple[int, ...]
    modes: tuple[str, ...]
    questions: dict[str, str]
    result: Path


class System(Protocol):
    """What a system's file defines. Imports, and loading the model in the constructor, are timed for nobody.

    A search's `mode` is "hybrid" or "vectors". It returns the names of files, one for each passage that was found, best
    first: a document's rank is that of its best passage.
    """

    libraries: tuple[str, ...]  # whose versions are reported

    def __init__(self, job: Job) -> None: ...

    def ingest(self, documents: Path, index: Path) -> None: ...

    def update(self, documents: Path, index: Path) -> None: ...

    def search(self, question: str, mode: str) -> list[str]: ...

    def passages(self) -> int: ...


@dataclass
class Watch:
    """Counts what the embedding model is given and how long it takes, whichever library calls it."""

    texts: int = 0
    seconds: float = 0.0

    def start(self) -> None:
        from sentence_transformers import SentenceTransformer

        inner = SentenceTransformer.encode

        def encode(model: Any, inputs: Any, *args: Any, **options: Any) -> Any:
            began = time.perf_counter()
            try:
                return inner(model, inputs, *args, **options)
            finally:
                self.seconds += time.perf_counter() - began
                self.texts += 1 if isinstance(inputs, str) else len(inputs)

        SentenceTransformer.encode = encode  # type: ignore[method-assign]


@dataclass
class Turn:
    """What was measured; of each question's seconds, the first number is of all and the second of its embedding."""

    seconds: float = 0.0
    embedding_seconds: float = 0.0
    embedded: int = 0
    passages: int = 0
    bytes_on_disk: int = 0
    memory_bytes: int = 0
    rankings: dict[str, dict[str, list[str]]] = field(default_factory=dict)
    question_seconds: dict[str, dict[str, tuple[float, float]]] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)


def run(system: type[System]) -> None:
    said = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    job = Job(**said | {name: Path(said[name]) for name in ("documents", "index", "model", "result")})
    watch = Watch()
    watch.start()
    made = system(job)
    _try(made)
    turn = Turn(versions={name: version(name) for name in system.libraries})
    watch.texts, watch.seconds = 0, 0.0
    began = time.perf_counter()
    getattr(made, job.task)(job.documents, job.index)
    turn.seconds = time.perf_counter() - began
    turn.embedded, turn.embedding_seconds = watch.texts, watch.seconds
    turn.passages = made.passages()
    turn.bytes_on_disk = sum(file.stat().st_size for file in job.index.rglob("*") if file.is_file())
    for mode in job.modes:
        _ask(made, mode, job, turn, watch)
    turn.memory_bytes = _memory()
    job.result.write_text(json.dumps(vars(turn)), encoding="utf-8")


def _try(made: System) -> None:
    """One small document, so that what a library does once only (imports, processes) is timed for nobody."""
    folder = Path(tempfile.mkdtemp(dir=Path.home()))
    (folder / "documents").mkdir()
    for number in range(3):
        (folder / "documents" / f"{number}.txt").write_text(f"{_TRIAL} ({number})", encoding="utf-8")
    made.ingest(folder / "documents", folder / "index")
    made.search("when is it open", "hybrid")


def _ask(made: System, mode: str, job: Job, turn: Turn, watch: Watch) -> None:
    """All questions one at a time, after one to warm up."""
    made.search("warm up", mode)
    rankings, seconds = turn.rankings.setdefault(mode, {}), turn.question_seconds.setdefault(mode, {})
    for key, question in job.questions.items():
        began, before = time.perf_counter(), watch.seconds
        found = made.search(question, mode)
        seconds[key] = (time.perf_counter() - began, watch.seconds - before)
        rankings[key] = list(dict.fromkeys(found))[:10]


def _memory() -> int:
    """The most that this process has held, and on Linux the processes that it has started, in bytes."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    if sys.platform == "darwin":
        return peak
    for status in Path("/proc").glob("[0-9]*/status"):
        try:
            said = dict(line.split(":", 1) for line in status.read_text().splitlines() if ":" in line)
        except OSError:  # it has ended
            continue
        if int(said["PPid"]) == os.getpid():
            peak += int(said.get("VmHWM", "0").split()[0])
    return peak * 1024
