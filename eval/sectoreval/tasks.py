"""The benchmarks as tasks of Inspect's own command line, for whoever already works with it:

    inspect eval sectoreval/medqa --model openai-api/sectorkit/NAME --model-base-url http://127.0.0.1:8000/v1 -T limit=50

Arguments: `arm` (the benchmark's last one, if none is named), `limit`, `seed`, `debias` (by commas), and a benchmark's own
options, such as `languages` or `data`. The provider asks for an API key (SECTORKIT_API_KEY=none, where there is none).
Scores are those that `sectoreval run` gives; its intervals, differences and reports are not part of this.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from inspect_ai import Task, task
from inspect_ai.model import Model, get_model

from sectoreval.arms import check_arms
from sectoreval.benchmark import benchmark_names, load_benchmark
from sectoreval.context import Context
from sectoreval.run import RunSpec, make_task, sample
from sectoreval.served import Served
from sectorkit.models.preflight import preflight
from sectorkit.settings import read_settings


def _served(model: Model) -> Served | None:
    """What Inspect's model is, where it is a server that can be asked what it can do."""
    url, key = model.api.base_url, model.api.api_key
    name = str(model.name).split("/", 1)[-1] if str(model.name).startswith("sectorkit/") else str(model.name)
    return Served(name, url, key, preflight(url, name, key)) if url else None


def _define(name: str) -> Any:
    @task(name=f"sectoreval/{name}")  # as `inspect eval` looks for the tasks of a package
    def defined(
        arm: str | None = None, limit: int | None = None, seed: int = 0, debias: str = "calibrated", **options: str
    ) -> Task:
        benchmark = load_benchmark(name)
        (chosen,) = check_arms([arm or benchmark.arms[-1]], name, benchmark.arms)
        said = {key: str(value) for key, value in options.items()}
        spec = RunSpec((name,), (chosen,), None, limit, seed, tuple(filter(None, debias.split(","))), said)
        folder = os.environ.get("SECTOREVAL_DATA_DIR")
        context = Context(read_settings(), Path(folder) if folder else None, debias=spec.debias, options=said)
        context.served = _served(get_model()) if benchmark.asks([chosen]) else None
        return make_task(benchmark, chosen, sample(benchmark.cases(context), spec), context)

    return defined


for _name in benchmark_names():
    globals()[_name] = _define(_name)
