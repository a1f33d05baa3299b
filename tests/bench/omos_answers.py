"""Answers on pages that nobody here wrote: OMoS-QA's German pages, asked in other languages.

    .venv/bin/python tests/bench/omos_answers.py --data-dir BENCHMARKS [--split test] [--languages en,ar] [-n 30]

The first `n` answerable and the first `n // 4` unanswerable questions of the split, in a seeded order. Every case
counts. *Right page*: a citation lies in the page that the question was asked about. *Gold line*: a citation overlaps a
line that annotators marked as an answer. Another city's page may answer as well, so both are lower bounds; and an
unanswerable question may be answered by another page than its own, so abstention is one, too.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import sys
from pathlib import Path
from typing import Any

from omos_retrieval import page, write_pages
from rich.progress import track

from sectorkit.answer import Answer, Request
from sectorkit.answering import Limits, answer
from sectorkit.app import load_app
from sectorkit.models.chat import SectorChat, connect
from sectorkit.models.hardware import described
from sectorkit.parts import limits_for, open_embedder, open_index, start_chat_server
from sectorkit.retrieval.index import Index
from sectorkit.settings import read_settings
from sectorkit.stats import interval

Case = dict[str, Any]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data-dir", type=Path, required=True)
    parser.add_argument("--split", choices=("train", "dev", "test"), default="test")
    parser.add_argument("--languages", default="en,ar")
    parser.add_argument("-n", type=int, default=30)
    parser.add_argument("--out", type=Path, help="write each case and its answer here")
    options = parser.parse_args()
    settings = read_settings()
    data = options.data_dir / "governance" / "omos-qa" / "dataset" / "languages"
    pages = write_pages(data, settings)
    index = open_index(settings, load_app("governance_search"), open_embedder(settings), corpus=pages)
    index.sync(pages)
    server = None if settings.llm_url else start_chat_server(settings)
    try:
        chat = connect(settings, server=server)
        limits = limits_for(settings, chat.model_name, chat.context_limit)
        print(f"{chat.model_name}; {settings.embed_model}; split {options.split}; {described()}")
        for language in options.languages.split(","):
            cases = chosen(data / language / "splits" / f"{options.split}_{language}.jsonl", options.n)
            gold = {case["id"]: case for case in read(data / "de" / "splits" / f"{options.split}_de.jsonl")}
            chat = connect(settings, server=server)  # its connections belong to one event loop
            results = asyncio.run(ask_all(cases, index, chat, limits, options.out))
            report(language, results, gold, index)
    finally:
        if server is not None and server.started_here:
            server.stop()
        index.close()


def read(path: Path) -> list[Case]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def chosen(path: Path, n: int) -> list[Case]:
    cases = read(path)
    random.Random(0).shuffle(cases)
    return [c for c in cases if c["answers"]][:n] + [c for c in cases if not c["answers"]][: n // 4]


async def ask_all(
    cases: list[Case], index: Index, chat: SectorChat, limits: Limits, out: Path | None
) -> list[tuple[Case, Answer]]:  # fmt: skip
    app = load_app("governance_search")
    results = []
    for case in track(cases, description="asking", disable=not sys.stderr.isatty()):
        got = await answer(app, Request(case["question"]), index=index, chat=chat, limits=limits)
        results.append((case, got))
        if out is not None:
            with out.open("a", encoding="utf-8") as stream:
                stream.write(
                    json.dumps({"case": case["id"], "raw": got.raw, **got.to_dict()}, ensure_ascii=False) + "\n"
                )
    return results


def report(language: str, results: list[tuple[Case, Answer]], gold: dict[Any, Case], index: Index) -> None:
    open_cases = [(case, got) for case, got in results if case["answers"]]
    closed = [got for case, got in results if not case["answers"]]
    citations = [c for _, got in results for c in got.citations]
    exact = sum(index.document(c.source).text[c.start : c.end] == c.quote for c in citations)
    answered = [(case, got) for case, got in open_cases if got.verdict != "abstained"]
    print(f"\n{language} on German pages: {len(open_cases)} answerable, {len(closed)} not answered by their page")
    print(f"answered                   {interval([float(got.verdict != 'abstained') for _, got in open_cases])}")
    print(f"cites the right page       {interval([float(right_page(c, g)) for c, g in open_cases])}")
    print(f"cites a gold line          {interval([float(gold_line(c, g, gold, index)) for c, g in open_cases])}")
    if answered:
        print(
            f"right page, if answered    {interval([float(right_page(c, g)) for c, g in answered])} (n={len(answered)})"
        )
    print(f"abstained, if unanswerable {interval([float(got.verdict == 'abstained') for got in closed])}")
    print(f"quotes in their source     {exact} of {len(citations)}")
    times = sorted(got.timings["total"] for _, got in results)
    print(f"seconds an answer          median {times[len(times) // 2]:.1f}", flush=True)


def right_page(case: Case, got: Answer) -> bool:
    """Whether some citation is in the page of the question; what an abstention quotes counts, as it is shown."""
    return any(citation.source == page(case) for citation in got.citations)


def gold_line(case: Case, got: Answer, gold: dict[Any, Case], index: Index) -> bool:
    """Whether some citation overlaps a line that answers, in the German page as it was read."""
    lines = gold[case["id"]]["context"].split("\n")
    wanted = [" ".join(lines[n].split()) for n in gold[case["id"]]["answers"]]
    quoted = [" ".join(c.quote.split()) for c in got.citations if c.source == page(case)]
    return any(line and (line in quote or quote in line) for line in wanted for quote in quoted)


if __name__ == "__main__":
    main()
