"""Your own retrieval benchmark: any folder in BEIR's format, `--data FOLDER` (corpus.jsonl, queries.jsonl, qrels/test.tsv).

`sectorkit bench retrieval` measures latency and index size of such a folder besides.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

from sectoreval.benchmark import Benchmark, Case
from sectoreval.context import Context
from sectoreval.rankings import RETRIEVAL, score_ranking
from sectoreval.searching import search
from sectorkit.bench.beir import BeirFolder, read_beir


@cache
def folder(path: Path, split: str) -> BeirFolder:
    return read_beir(path, split)


def of(context: Context) -> BeirFolder:
    """The folder that `--data` names, with the judgements of `--set split=NAME` (test)."""
    return folder(context.own("a folder in BEIR's format"), context.option("split", "test"))


def cases(context: Context) -> list[Case]:
    """The split's queries."""
    data = of(context)
    return [Case(key, text, {"question": text, "qrels": dict(data.qrels[key])}) for key, text in data.queries.items()]


BENCHMARK = Benchmark(
    name="own_retrieval",
    title="Retrieval on a folder of your own (BEIR)",
    sector="own",
    source=None,
    arms=("lexical", "dense", "hybrid", "reranked"),
    measures=RETRIEVAL,
    cases=cases,
    solve=lambda context, arm: search(context, arm, opened=context.beir(of(context))),
    score=score_ranking,
    needs_model=False,
    options=("data", "split"),
)
