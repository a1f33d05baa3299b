"""An app's golden questions through its whole pipeline: Recall@10, quotes, abstentions.

    .venv/bin/python tests/bench/golden.py [APP] [--retrieval-only] [--out FILE.jsonl]

Every case counts: an answer that failed for any reason is scored as it stands. A case is answered *right* where a
citation overlaps its gold quote: a strict reading, since another passage may say the same.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from pathlib import Path

from rich.progress import track

from sectorkit.answer import Answer, Request
from sectorkit.answering import answer
from sectorkit.app import load_app
from sectorkit.golden import GoldenCase, evidence_found, locate, read_golden
from sectorkit.models.chat import connect
from sectorkit.models.hardware import described
from sectorkit.parts import limits_for, open_embedder, open_index, start_chat_server
from sectorkit.retrieval.index import Index
from sectorkit.settings import read_settings
from sectorkit.stats import interval


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("app", nargs="?", default="governance_search")
    parser.add_argument("--retrieval-only", action="store_true")
    parser.add_argument("--out", type=Path, help="write each case and its answer here")
    options = parser.parse_args()
    settings = read_settings()
    app = load_app(options.app)
    index = open_index(settings, app, open_embedder(settings))
    index.sync(app.corpus)
    cases = read_golden(app.golden)
    answerable = [case for case in cases if case.answerable]
    print(f"{options.app}: {len(cases)} cases, {len(answerable)} answerable; {settings.embed_model}; {described()}")
    for mode in ("lexical", "dense", "hybrid"):
        found = [evidence_found(c, index.search(c.question, 10, mode=mode), index) for c in answerable]
        print(f"Recall@10 {mode:<8} {interval(found)} (n={len(found)})", flush=True)
    if not options.retrieval_only:
        server = None if settings.llm_url else start_chat_server(settings)
        try:
            asyncio.run(answers(settings, app, index, cases, server, options.out))
        finally:
            if server is not None and server.started_here:
                server.stop()
    index.close()


async def answers(settings, app, index: Index, cases: list[GoldenCase], server, out: Path | None) -> None:  # type: ignore[no-untyped-def]
    chat = connect(settings, server=server)
    limits = limits_for(settings, chat.model_name, chat.context_limit)
    results: list[tuple[GoldenCase, Answer]] = []
    for case in track(cases, description="asking", disable=not sys.stderr.isatty()):
        got = await answer(app, Request(case.question), index=index, chat=chat, limits=limits)
        results.append((case, got))
        if out is not None:
            with out.open("a", encoding="utf-8") as stream:
                line = {"case": case.id, "answerable": case.answerable, "reference": case.answer, **got.to_dict()}
                stream.write(json.dumps(line, ensure_ascii=False) + "\n")
    citations = [c for _, got in results for c in got.citations]
    exact = [float(index.document(c.source).text[c.start : c.end] == c.quote) for c in citations]
    open_cases = [(case, got) for case, got in results if case.answerable]
    closed = [got for case, got in results if not case.answerable]
    print(f"model {chat.model_name}")
    print(f"packed evidence holds gold  {interval([packed(case, got, index) for case, got in open_cases])}")
    print(f"answered                    {interval([float(got.verdict != 'abstained') for _, got in open_cases])}")
    print(f"cites the gold words        {interval([cites(case, got, index) for case, got in open_cases])}")
    print(
        f"abstained rightly           {interval([float(got.verdict == 'abstained') for got in closed])} (n={len(closed)})"
    )
    print(f"quotes in their source      {sum(exact):.0f} of {len(exact)}")
    for name in ("retrieve", "first_token", "total"):
        times = sorted(got.timings.get(name, 0.0) for _, got in results)
        print(f"{name:<12} median {times[len(times) // 2]:.2f} s, p95 {times[int(len(times) * 0.95)]:.2f} s")


def packed(case: GoldenCase, got: Answer, index: Index) -> float:
    seen = [hit for hit in got.hits if hit.id in got.evidence]
    return evidence_found(case, seen, index)


def cites(case: GoldenCase, got: Answer, index: Index) -> float:
    spans = {quote.source: locate(quote, index) for quote in case.evidence}
    return float(
        any((span := spans.get(c.source)) is not None and c.start < span[1] and span[0] < c.end for c in got.citations)
    )


if __name__ == "__main__":
    main()
