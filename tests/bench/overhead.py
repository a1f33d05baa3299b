"""What the layer costs: time to first token through the pipeline against the bare server, same prompts, one run.

    .venv/bin/python tests/bench/overhead.py [-n 20]

Both sides read every prompt afresh: a number of equal length at its start keeps it out of the server's prefix cache.
Retrieval is left out of the pipeline's time, as its own figure says what it costs. The two sides take turns at
going first.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import time
from dataclasses import replace
from typing import Any, cast

import httpx
from langchain_core.messages import convert_to_openai_messages

from sectorkit.answer import Delta, Request
from sectorkit.answering import Limits, prompt, stream
from sectorkit.app import SectorApp, load_app
from sectorkit.golden import read_golden
from sectorkit.models.chat import SectorChat, connect
from sectorkit.models.hardware import described
from sectorkit.packing import pack
from sectorkit.parts import current_index, limits_for, open_embedder, start_chat_server
from sectorkit.retrieval.index import Index
from sectorkit.settings import read_settings
from sectorkit.stats import interval


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-n", type=int, default=20)
    options = parser.parse_args()
    settings = read_settings()
    app = replace(load_app("governance_search"), before=(), after=())
    index = current_index(settings, app, open_embedder(settings))
    index.sync(app.corpus)
    server = start_chat_server(settings)
    try:
        asyncio.run(compare(app, index, connect(settings, server=server), settings, options.n))
    finally:
        if server.started_here:
            server.stop()
        index.close()


async def compare(app: SectorApp, index: Index, chat: SectorChat, settings, n: int) -> None:  # type: ignore[no-untyped-def]
    limits = limits_for(settings, chat.model_name, chat.context_limit)
    questions = [case.question for case in read_golden(app.golden)][: n + 1]
    through, bare = [], []
    for at, question in enumerate(questions):
        nonce = f"Run {at:05}{int(time.time()) % 100000:05}."
        order = [(through, "A", pipeline), (bare, "B", server_alone)]
        for times, side, measure in order if at % 2 else reversed(order):
            marked = replace(app, instructions=f"{side} {nonce} {app.instructions}")
            seconds = await measure(marked, index, chat, limits, question)
            if at:  # the first round warms both up
                times.append(seconds)
    ratios = [a / b - 1 for a, b in zip(through, bare, strict=True)]
    ratio = interval(ratios)
    print(f"{chat.model_name}; {described()}; n={len(ratios)} prompts")
    print(f"first token through the pipeline, retrieval apart: {sum(through) / len(through):.3f} s")
    print(f"first token from the bare server:                  {sum(bare) / len(bare):.3f} s")
    print(
        f"overhead per prompt: {ratio.mean:+.1%} [{ratio.low:+.1%}, {ratio.high:+.1%}], median {sorted(ratios)[len(ratios) // 2]:+.1%}"
    )


async def pipeline(app: SectorApp, index: Index, chat: SectorChat, limits: Limits, question: str) -> float:
    """Seconds to the first token less those of the search; packing and prompt building count."""
    watched = _Watched(index)
    began = time.perf_counter()
    events = stream(app, Request(question), index=cast(Index, watched), chat=chat, limits=limits)
    async for event in events:
        if isinstance(event, Delta):
            seconds = time.perf_counter() - began - watched.seconds
            async for _ in events:  # let it end, so that the server is idle for the other side
                pass
            return seconds
    return time.perf_counter() - began - watched.seconds


class _Watched:
    """An index that adds up what its searches take: the same question is quicker to search a second time."""

    def __init__(self, index: Index) -> None:
        self._index = index
        self.seconds = 0.0

    def search(self, *args: Any, **options: Any) -> Any:
        began = time.perf_counter()
        try:
            return self._index.search(*args, **options)
        finally:
            self.seconds += time.perf_counter() - began

    def __getattr__(self, name: str) -> Any:
        return getattr(self._index, name)


async def server_alone(app: SectorApp, index: Index, chat: SectorChat, limits: Limits, question: str) -> float:
    hits = index.search(question, 50)[:10]
    count = index.embedder.count_tokens
    evidence = pack(hits, budget=limits.evidence_budget(count(question)), count=count, max_passages=app.max_passages)
    messages = convert_to_openai_messages(prompt(app, Request(question), evidence, limits))
    body = {
        "model": chat.model_name,
        "messages": messages,
        "temperature": 0,
        "max_tokens": limits.answer,
        "stream": True,
    }
    first = 0.0
    async with httpx.AsyncClient(timeout=300, trust_env=False) as client:
        began = time.perf_counter()
        async with client.stream("POST", f"{chat.openai_api_base}/chat/completions", json=body) as reply:
            async for line in reply.aiter_lines():
                if line.startswith("data: {") and not first:
                    choices = json.loads(line[6:])["choices"]
                    if choices and choices[0]["delta"].get("content"):
                        first = time.perf_counter() - began
    return first


if __name__ == "__main__":
    main()
