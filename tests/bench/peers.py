"""Sectorkit beside LangChain's ensemble, LlamaIndex's fusion and Haystack's hybrid pipeline: quality and speed, one run.

    make peers                                                            # their environment, .venv-peers
    .venv/bin/python tests/bench/peers.py --data-dir BENCHMARKS [--sets s10 omos-en medquad] [--out FILE.json]
    .venv/bin/python tests/bench/peers.py --sets my/beir/folder           # a benchmark of your own

Every system gets the same text files, the same model files with the same prompts and type of numbers, and the same
threads; splitters, batches, stores and fusion are each library's own (systems/, a file each; other lengths of passages
that their guides name are there by `--systems`). One system runs at a time, in a process of its own, and another begins
each set. What is measured:

- ingestion, from files to an index that can be searched and is kept on disk; with and without what embedding takes
- every question, hybrid and by vectors alone: the first ten documents, the seconds with and without its embedding
- an update in a new process after one document has changed: seconds, passages embedded, is the change found

`BENCHMARKS` and the sets are described in peer_sets.py. Nothing leaves the machine: the libraries' telemetry is off, and
the way out is closed to those that obey a proxy.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from peer_report import OURS, score, show
from peer_sets import BenchSet, read_set

from sectorkit.models.catalogue import ModelSpec, find_model
from sectorkit.models.hardware import described, detect
from sectorkit.models.pull import pull
from sectorkit.retrieval.compiled import fastest_dtype
from sectorkit.settings import read_settings

ROOT = Path(__file__).resolve().parents[2]
PEERS_PYTHON = ROOT / ".venv-peers" / "bin" / "python"
SYSTEMS: dict[str, tuple[str, tuple[int, ...]]] = {  # file in systems/; length and overlap for the library's splitter
    "sectorkit": ("sectorkit_index.py", ()),
    "langchain": ("langchain_ensemble.py", (1000, 200)),
    "llamaindex": ("llamaindex_fusion.py", (256, 20)),
    "haystack": ("haystack_joiner.py", (200, 0)),
    # What else their defaults and guides say: longer than the small embedder reads, or nearly all of it twice and more.
    "llamaindex-default": ("llamaindex_fusion.py", (1024, 200)),
    "llamaindex-guide": ("llamaindex_fusion.py", (256, 200)),
    "haystack-tutorial": ("haystack_joiner.py", (512, 32)),
}
USUAL = list(SYSTEMS)[:4]
MODES = ("hybrid", "vectors")
DEPTH = 50  # passages of each stage, so that ten distinct documents are among them
CHANGE = "The reference number of this text is Zephyr48213 from now on."
CHANGE_ASKED = "Which text has the reference number Zephyr48213 ?"
NOWHERE = "http://127.0.0.1:9"
QUIET = {
    "ANONYMIZED_TELEMETRY": "False", "DO_NOT_TRACK": "1", "HAYSTACK_TELEMETRY_ENABLED": "False",
    "HF_HUB_DISABLE_TELEMETRY": "1", "HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1",
    "LANGCHAIN_TRACING_V2": "false", "LANGSMITH_TRACING": "false",
    **dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"), NOWHERE),
}  # fmt: skip


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data-dir", type=Path, default=Path(os.environ.get("SECTOREVAL_DATA_DIR", ".")))
    parser.add_argument("--sets", nargs="+", default=["s10", "omos-en", "medquad"])
    parser.add_argument("--systems", nargs="+", choices=SYSTEMS, default=USUAL)
    parser.add_argument("--embedder", default="minilm-l6-v2")
    parser.add_argument("--rounds", type=int, default=1, help="turns of each system at each set; medians are printed")
    parser.add_argument("--documents", type=int, help="at most so many of a set, its right ones among them")
    parser.add_argument("--limit", type=int, help="ask at most so many questions of a set")
    parser.add_argument("--threads", type=int, default=detect().cores, help="of the embedding model, for all systems")
    parser.add_argument("--timeout", type=float, default=3600, help="seconds for one turn of one system")
    parser.add_argument("--out", type=Path, help="write all that was measured here, as JSON")
    parser.add_argument("--plot", type=Path, help="write a picture here, as SVG")
    options = parser.parse_args()
    if not PEERS_PYTHON.exists() and set(options.systems) != {OURS}:
        parser.error(f"{PEERS_PYTHON} is not there; make the peers' environment: make peers")
    settings = read_settings()
    spec = find_model(options.embedder, "embedding", home=settings.home)
    model = pull(spec, models_dir=settings.models_dir)
    results: dict[str, Any] = {
        "machine": f"{processor()}; {described()}",
        "load": os.getloadavg(),
        "measured": datetime.now(UTC).isoformat(timespec="seconds"),
        "embedder": f"{spec.name}@{spec.revision}",
        "dtype": dtype(),
        "depth": DEPTH,
        "threads": options.threads,
        "rounds": options.rounds,
        "sets": {},
    }
    for number, name in enumerate(options.sets):
        bench = read_set(name, options.data_dir, documents=options.documents, questions=options.limit)
        turns: dict[str, list[dict[str, Any]]] = {system: [] for system in options.systems}
        for at in range(options.rounds):
            first = (number + at) % len(options.systems)
            for system in options.systems[first:] + options.systems[:first]:
                print(f"{datetime.now():%H:%M:%S} {name}, {system}, round {at + 1}", file=sys.stderr, flush=True)
                turns[system].append(take_turns(system, bench, spec, model, options.threads, options.timeout))
        results["sets"][name] = {
            "documents": len(bench.documents),
            "characters": sum(map(len, bench.documents.values())),
            "questions": len(bench.questions),
            "systems": {system: {"rounds": rounds, "scores": score(bench, rounds)} for system, rounds in turns.items()},
        }
        if options.out is not None:
            options.out.write_text(json.dumps(results), encoding="utf-8")
    print(show(results))
    if options.plot is not None:
        from peer_plot import plot

        options.plot.write_text(plot(results), encoding="utf-8")
    failed = [turn for found in results["sets"].values() for s in found["systems"].values() for turn in s["rounds"]]
    return int(any("failed" in part for turn in failed for part in turn.values()))


def take_turns(
    system: str, bench: BenchSet, spec: ModelSpec, model: Path, threads: int, timeout: float
) -> dict[str, Any]:
    """`{"ingest": ..., "update": ...}`, each what the worker measured or `{"failed": why}`."""
    with work_folder() as work:
        documents = Path(work, "documents")
        documents.mkdir()
        for file, text in bench.documents.items():
            (documents / file).write_text(text, encoding="utf-8", newline="\n")
        job = {
            "documents": str(documents), "index": str(Path(work, "index")), "model": str(model), "model_name": spec.name,
            "dtype": dtype(), "query_prompt": spec.as_query(""), "passage_prompt": spec.as_passage(""), "depth": DEPTH,
            "splitting": SYSTEMS[system][1],
        }  # fmt: skip
        ingest = run(
            system, job | {"task": "ingest", "modes": MODES, "questions": bench.questions}, work, threads, timeout
        )
        if "failed" in ingest:
            return {"ingest": ingest, "update": {"failed": "not tried, as the ingestion failed"}}
        changed = next(iter(bench.documents))
        (documents / changed).write_text(f"{bench.documents[changed]}\n\n{CHANGE}\n", encoding="utf-8")
        asked = {"task": "update", "modes": ["hybrid"], "questions": {changed: CHANGE_ASKED}}
        return {"ingest": ingest, "update": run(system, job | asked, work, threads, timeout)}


@contextmanager
def work_folder() -> Iterator[str]:
    """A folder of one name for all turns: a system that embeds a document's path gets the same one each time."""
    work = Path(tempfile.gettempdir(), "sectorkit-peers")
    if work.exists():
        sys.exit(f"{work} is there: another run uses it, or one was killed; wait for it, or remove the folder")
    work.mkdir()
    try:
        yield str(work)
    finally:
        shutil.rmtree(work)


def run(system: str, job: dict[str, Any], work: str, threads: int, timeout: float) -> dict[str, Any]:
    """What the worker measured; `{"failed": why}` where it ended otherwise or took too long."""
    script = Path(__file__).parent / "systems" / SYSTEMS[system][0]
    task, result = Path(work, "job.json"), Path(work, "result.json")
    result.unlink(missing_ok=True)
    task.write_text(json.dumps(job | {"result": str(result)}), encoding="utf-8")
    env = os.environ | QUIET | {"HOME": work, "OMP_NUM_THREADS": str(threads), "MKL_NUM_THREADS": str(threads)}
    command = [sys.executable if system == OURS else PEERS_PYTHON, script, task]
    try:
        done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=timeout, check=False)
    except subprocess.TimeoutExpired:
        return {"failed": f"took more than {timeout:.0f} s"}
    if done.returncode or not result.exists():
        print(done.stderr, file=sys.stderr)
        lines = done.stderr.strip().splitlines()
        return {"failed": lines[-1] if lines else f"exit {done.returncode}"}
    return json.loads(result.read_text(encoding="utf-8"))  # type: ignore[no-any-return]


def dtype() -> str:
    """The type that Sectorkit loads an embedder in here, for all: the peers would take float32."""
    return str(fastest_dtype()).removeprefix("torch.")


def processor() -> str:
    """The processor's name, where the system tells."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    return next(
        (line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "processor unknown"
    )


if __name__ == "__main__":
    sys.exit(main())
