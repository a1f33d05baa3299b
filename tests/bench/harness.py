"""What the harness costs: the same kind of prompts, sent at the server bare and through `sectoreval`.

    .venv/bin/python tests/bench/harness.py --data-dir BENCHMARKS [--model qwen2.5-coder-0.5b] [-n 200] [--rounds 2]

`n` multiple-choice questions of FailureSensorIQ and their perturbed twins each way, 16 at once, in alternating order. A
server keeps what it has read, so that no question is asked twice: the questions of the two ways are different ones, drawn
by a seed, and throughput is prompt tokens a second, as the server counts them. Starting Inspect and reading data are not in
it: the clock runs from the first request to the last answer. Memory is the largest of the harness's process.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import httpx

from sectoreval.benchmarks import failuresensoriq
from sectoreval.choice import prompt
from sectoreval.context import Context
from sectoreval.served import Served, serve
from sectorkit.models.hardware import described
from sectorkit.settings import read_settings

CONCURRENCY = 16


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data-dir", type=Path, required=True)
    parser.add_argument("--model", default="qwen2.5-coder-0.5b")
    parser.add_argument("-n", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=2)
    options = parser.parse_args()
    settings = read_settings()
    cases = failuresensoriq.cases(Context(settings, options.data_dir))
    step = len(cases) // (2 * options.rounds * options.n)
    if not step:
        parser.error(f"{2 * options.rounds * options.n} questions are asked for, and there are {len(cases)}")
    picked = cases[::step]
    print(f"{options.model}, {described()}; {options.n} cases, two questions each, {CONCURRENCY} at once")
    with serve(settings, options.model) as served:
        for round_ in range(options.rounds):
            ways = ["bare", "harness"] if round_ % 2 == 0 else ["harness", "bare"]
            for way in ways:
                part, picked = picked[: options.n], picked[options.n :]
                questions = [q for case in part for q in failuresensoriq.questions(case.gold).values()]
                found = (
                    asyncio.run(bare(served, questions)) if way == "bare" else harness(served, questions, settings.home)
                )
                tokens, seconds, memory = found
                more = f", {memory:.0f} MB" if memory else ""
                print(
                    f"{way:<8} {len(questions)} prompts, {tokens} tokens in {seconds:.1f} s: {tokens / seconds:.0f} tokens/s{more}",
                    flush=True,
                )


async def bare(served: Served, questions: list[Any]) -> tuple[int, float, float]:
    """The requests that the harness makes, by an HTTP client and nothing else."""
    bodies = []
    for question in questions:
        messages = [{"role": m.role, "content": m.text} for m in prompt(question, range(len(question.options)))]
        choice = {"choice": list("ABCDEFGHIJ"[: len(question.options)])}
        bodies.append({
            "model": served.name, "messages": messages, "max_tokens": 1, "temperature": 0, "seed": 0, "logprobs": True,
            "top_logprobs": 20, "structured_outputs": choice,
        })  # fmt: skip
    tokens, gate = 0, asyncio.Semaphore(CONCURRENCY)
    async with httpx.AsyncClient(timeout=300, trust_env=False) as client:

        async def ask(body: dict[str, Any]) -> int:
            async with gate:
                answer = await client.post(f"{served.url}/chat/completions", json=body)
                return int(answer.raise_for_status().json()["usage"]["prompt_tokens"])

        began = time.perf_counter()
        tokens = sum(await asyncio.gather(*map(ask, bodies)))
        return tokens, time.perf_counter() - began, 0.0


def harness(served: Served, questions: list[Any], home: Path) -> tuple[int, float, float]:
    """`sectoreval run own_choices` of the same questions, in a process of its own; times are those of its log."""
    from inspect_ai.log import list_eval_logs, read_eval_log_samples

    with tempfile.TemporaryDirectory() as temporary:
        file, out = Path(temporary, "questions.jsonl"), Path(temporary, "run")
        lines = [{"question": q.question, "options": list(q.options), "answer": "A"} for q in questions]
        file.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
        command = [sys.executable, "-c", "from sectoreval.cli import main; main()", "run", "own_choices", "--data", file,
                   "--out", out, "--debias", "none", "--concurrency", str(CONCURRENCY), "--model", served.name]  # fmt: skip
        environment = os.environ | {"SECTORKIT_LLM_URL": served.url, "SECTORKIT_HOME": str(home)}
        subprocess.run([*map(str, command)], check=True, stdout=subprocess.DEVNULL, env=environment)
        memory = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
        (log,) = list_eval_logs(str(out / "logs"))
        calls = [e for s in read_eval_log_samples(log) for e in s.events if e.event == "model"]
        tokens = sum(call.output.usage.input_tokens for call in calls if call.output.usage)
        began, ended = min(call.timestamp for call in calls), max(call.completed for call in calls if call.completed)
        return tokens, (ended - began).total_seconds(), memory


if __name__ == "__main__":
    main()
