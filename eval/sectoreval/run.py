"""Run: benchmarks, arms and one model become Inspect tasks, and their logs become results.

A run has a folder. `logs/` holds Inspect's logs, with every prompt and reply; `results.json` and the reports are made
from them. The same run in the same folder goes on where it stopped: cases that have a reply are not asked again.
"""

from __future__ import annotations

import hashlib
import json
import random
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sectoreval.arms import ARMS, Arm, check_arms
from sectoreval.benchmark import Benchmark, Case, load_benchmark
from sectoreval.context import Context
from sectoreval.logs import read_arms
from sectoreval.replies import EVIDENCE, FAILURE, REPLY
from sectoreval.results import RunResult
from sectoreval.run_folder import begun, code_hash
from sectorkit.errors import ConfigurationError, RequestError, UnknownName

if TYPE_CHECKING:
    from inspect_ai import Task
    from inspect_ai.scorer import Scorer


CASE_SECONDS = 3600  # after which a case is given up: several calls, of PATIENCE each
_TRIES = 1  # more, after the first, for cases that failed by the server and not by the model


@dataclass(frozen=True)
class RunSpec:
    """What is run. `arms` are those that each benchmark has of them; none means all but `reranked`.

    `limit` asks a sample of so many cases, drawn by `seed`, the same for all arms and models.
    """

    benchmarks: tuple[str, ...]
    arms: tuple[str, ...] = ()
    model: str | None = None
    limit: int | None = None
    seed: int = 0
    debias: tuple[str, ...] = ("calibrated",)
    options: Mapping[str, str] = field(default_factory=dict)
    embedder: str | None = None
    concurrency: int = 16

    def __post_init__(self) -> None:
        if self.limit is not None and self.limit < 1:
            raise RequestError("--limit asks at least one case")
        if self.concurrency < 1:
            raise RequestError("--concurrency is at least 1")
        if len(set(self.benchmarks)) < len(self.benchmarks):
            raise RequestError("a benchmark is named twice")

    def arms_of(self, benchmark: Benchmark) -> list[Arm]:
        """The arms to run. UnknownName where the benchmark has none of those that are asked for."""
        if not self.arms:
            return [arm for arm in benchmark.arms if arm != "reranked"]
        several = len(self.benchmarks) > 1  # then each is run under those arms that it has
        wanted = [str(arm) for arm in self.arms if not several or arm in benchmark.arms]
        for arm in self.arms:
            if arm not in ARMS:
                raise UnknownName("arm", arm, list(ARMS))
        if not wanted:
            raise RequestError(f"{benchmark.name} has none of these arms; it has {', '.join(benchmark.arms)}")
        return check_arms(wanted, benchmark.name, benchmark.arms)

    @property
    def key(self) -> str:
        """Short and the same for the same run: the name of its folder where none is given."""
        digest = hashlib.sha256(json.dumps(self.identity, sort_keys=True).encode()).hexdigest()[:8]
        return "-".join([*self.benchmarks[:2], *([self.model] if self.model else []), digest]).replace("/", "_")

    @property
    def identity(self) -> dict[str, Any]:
        """What makes it this run and no other, in JSON form. How many cases are asked at a time is no part of it."""
        said = asdict(self) | {"options": dict(self.options)}
        del said["concurrency"]
        found: dict[str, Any] = json.loads(json.dumps(said))
        return found


@dataclass(frozen=True)
class Plan:
    """What a run is made of: the cases of each benchmark, and Inspect's tasks, a task an arm; indexes are open."""

    spec: RunSpec
    benchmarks: tuple[Benchmark, ...]
    cases: Mapping[str, list[Case]]
    tasks: tuple[Task, ...]


def read_cases(spec: RunSpec, context: Context) -> dict[str, list[Case]]:
    """The cases to ask, by benchmark. ConfigurationError for data that is missing or malformed."""
    return {name: sample(load_benchmark(name).cases(context), spec) for name in spec.benchmarks}


def prepare(spec: RunSpec, context: Context, cases: Mapping[str, list[Case]]) -> Plan:
    """Open or make the indexes of these cases, which may take long.

    Raises UnknownName, ConfigurationError where a model is to be asked and none is served, and what opening an index
    raises.
    """
    benchmarks = tuple(load_benchmark(name) for name in spec.benchmarks)
    if context.served is None and (asking := [b.name for b in benchmarks if b.asks(spec.arms_of(b))]):
        raise ConfigurationError(f"{', '.join(asking)} ask a model; name one by --model")
    tasks = [make_task(b, arm, cases[b.name], context) for b in benchmarks for arm in spec.arms_of(b)]
    return Plan(spec, benchmarks, cases, tuple(tasks))


def run(plan: Plan, context: Context, folder: Path) -> RunResult:
    """Run what is not run yet, and read all of it. Every case of every arm is in the result, the failed ones as wrong.

    Raises RequestError where the folder holds another run.
    """
    spec, logs = plan.spec, folder / "logs"
    logs.mkdir(parents=True, exist_ok=True)
    began = begun(folder, spec.identity, plan.cases, context)
    ask(plan.tasks, context, logs, concurrency=spec.concurrency)
    model = context.served.name if context.served else "none"
    arms = [arm for b in plan.benchmarks for arm in read_arms(b, spec.arms_of(b), plan.cases[b.name], logs, model)]
    return RunResult(about(spec, plan.benchmarks, context, began), tuple(arms))


def ask(tasks: Sequence[Task], context: Context, logs: Path, *, concurrency: int) -> None:
    """Ask what `logs` does not hold yet."""
    from inspect_ai import eval_set

    from sectoreval.served import inspect_model

    seconds = context.settings.answer_timeout
    eval_set(
        list(tasks), model=[inspect_model(context.served, concurrency=concurrency, seconds=seconds)],
        log_dir=str(logs), max_samples=concurrency, max_tasks=1, retry_attempts=_TRIES, retry_wait=5,
        retry_cleanup=True, fail_on_error=True, continue_on_fail=True, score_on_error=True, log_model_api=False,
        log_buffer=10, log_level="error", display=_display(), log_dir_allow_dirty=True,
    )  # fmt: skip


def sample(cases: list[Case], spec: RunSpec) -> list[Case]:
    """The cases to ask, in the benchmark's order: all, or `limit` of them, drawn by the seed."""
    if spec.limit is None or spec.limit >= len(cases):
        return cases
    chosen = set(random.Random(spec.seed).sample(range(len(cases)), spec.limit))
    return [case for number, case in enumerate(cases) if number in chosen]


def make_task(benchmark: Benchmark, arm: Arm, cases: Sequence[Case], context: Context) -> Task:
    """One benchmark under one arm, as Inspect runs it."""
    from inspect_ai import Task
    from inspect_ai.dataset import MemoryDataset, Sample
    from inspect_ai.model import GenerateConfig

    samples = [Sample(id=case.id, input=case.asked, metadata={"gold": dict(case.gold)}) for case in cases]
    return Task(
        dataset=MemoryDataset(samples, name=benchmark.name), solver=benchmark.solve(context, arm),
        scorer=case_scorer(benchmark), name=task_name(benchmark.name, arm), time_limit=CASE_SECONDS,
        config=GenerateConfig(temperature=0.0, seed=0),
        metadata={"benchmark": benchmark.name, "arm": arm, "debias": list(context.debias)},
    )  # fmt: skip


def task_name(benchmark: str, arm: str) -> str:
    return f"{benchmark}-{arm}"


def case_scorer(benchmark: Benchmark) -> Scorer:
    """The benchmark's own scoring as an Inspect scorer, so that Inspect's viewer shows it and can score a log again."""
    from inspect_ai.scorer import Score, Target, mean, scorer
    from inspect_ai.solver import TaskState

    @scorer(metrics={"*": [mean()]}, name=benchmark.name)
    def scoring() -> Scorer:
        async def score(state: TaskState, target: Target) -> Score:
            scored = benchmark.score(state.metadata["gold"], state.store.get(REPLY))
            # Beside the score, since what a killed run had answered comes back with its scores and without its store.
            kept = {key: state.store.get(key) for key in (REPLY, FAILURE, EVIDENCE)}
            return Score(
                value=dict(scored.values), answer=scored.said, metadata=kept,
                explanation=f"{scored.outcome}; expected: {scored.expected}",
            )  # fmt: skip

        return score

    return scoring()


def about(spec: RunSpec, benchmarks: Sequence[Benchmark], context: Context, began: Mapping[str, Any]) -> dict[str, Any]:
    """What the numbers depend on, and how to get them again."""
    from importlib.metadata import version

    from sectoreval.data import find_source
    from sectorkit.models.catalogue import load_catalogue
    from sectorkit.models.hardware import described

    sources = {b.source: find_source(b.source) for b in benchmarks if b.source}
    embedder = load_catalogue(context.settings.home).get(context.settings.embed_model)
    return {
        "spec": asdict(spec) | {"options": dict(spec.options)},
        "command": command(spec),
        "seed": spec.seed,
        "sample": "all cases"
        if spec.limit is None
        else f"{spec.limit} cases of each benchmark, drawn by seed {spec.seed}",
        "model": context.served.to_dict() if context.served else "none",
        "embedder": {"name": context.settings.embed_model, "revision": embedder.revision if embedder else None},
        "documents": context.fingerprints(),
        "data": {
            key: {"title": s.title, "licence": s.licence, "citation": s.citation, "url": s.url, "sha256": s.sha256}
            for key, s in sources.items()
        },
        "code": {"asked by": began["code"], "scored by": code_hash()},
        "versions": {
            name: version(name) for name in ("sectorkit", "inspect-ai", "langchain-openai", "chromadb", "tantivy")
        },
        "hardware": described(),
        "began": began["began"],
        "finished": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def command(spec: RunSpec) -> str:
    """The command that gives these numbers again."""
    parts = ["sectoreval", "run", *spec.benchmarks]
    parts += ["--arms", ",".join(spec.arms)] if spec.arms else []
    parts += ["--model", spec.model] if spec.model else []
    parts += ["--limit", str(spec.limit), "--seed", str(spec.seed)] if spec.limit else []
    parts += ["--debias", ",".join(spec.debias) or "none"] if spec.debias != ("calibrated",) else []
    parts += ["--embedder", spec.embedder] if spec.embedder else []
    for key, value in spec.options.items():
        parts += ["--data", value] if key == "data" else ["--set", f"{key}={value}"]
    return shlex.join(parts)


def _display() -> Any:
    import sys

    return "rich" if sys.stderr.isatty() else "none"
