"""LeCoQA: the articles of Chinese statutes that answer a layperson's question. 309 questions of LeCoQA's test split.

The pool is the 1,445 articles that any question names, not the corpus of 55,348, which is too large to be had here: call
it gold-pool retrieval, never STARD retrieval. Articles are keyed by name, since upstream's ids are not aligned with it.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from sectoreval.benchmark import Benchmark, Case
from sectoreval.context import Context
from sectoreval.corpora import Corpus
from sectoreval.rankings import RETRIEVAL, score_ranking
from sectoreval.searching import search
from sectorkit.bench.beir import BeirDocument
from sectorkit.bench.jsonl import read_json
from sectorkit.errors import UnknownName

QUESTION, ARTICLES = "问题", "相关法规"
SPLITS = ("train", "test")


def asked(folder: Path, split: str) -> list[dict[str, Any]]:
    """A split's records; every one names an article."""
    found: list[dict[str, Any]] = read_json(folder / "data" / "example" / f"{split}.json")
    return found


def cases(context: Context) -> list[Case]:
    split = context.option("split", "test")
    if split not in SPLITS:
        raise UnknownName("split of LeCoQA", split, list(SPLITS))
    return [
        Case(
            str(entry["query_id"]),
            entry[QUESTION],
            {"question": entry[QUESTION], "qrels": dict.fromkeys(entry[ARTICLES], 1)},
        )
        for entry in asked(context.data("lecoqa"), split)
        if entry[ARTICLES]
    ]


@cache
def articles(folder: Path) -> Corpus:
    """The pool; a document's id is its article's name."""
    texts: dict[str, str] = {}
    for entry in read_json(folder / "data" / "queries.json"):
        texts |= entry[ARTICLES]
    documents = [BeirDocument(name, name, text.strip()) for name, text in texts.items()]
    test = [entry for entry in asked(folder, "test") if entry[ARTICLES]]
    return Corpus(
        "lecoqa-gold-pool", documents, {str(e["query_id"]): e[QUESTION] for e in test},
        {str(e["query_id"]): dict.fromkeys(e[ARTICLES], 1) for e in test},
    )  # fmt: skip


BENCHMARK = Benchmark(
    name="lecoqa_retrieval",
    title="LeCoQA, Chinese statutes (gold pool)",
    sector="governance",
    source="lecoqa",
    arms=("lexical", "dense", "hybrid", "reranked"),
    measures=RETRIEVAL,
    cases=cases,
    solve=lambda context, arm: search(context, arm, opened=context.index(articles(context.data("lecoqa")))),
    score=score_ranking,
    needs_model=False,
    options=("split",),
)
