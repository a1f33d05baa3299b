"""OMoS-QA, retrieval: the German page that answers a question, among all 617, asked in five languages, no filter.

One page counts as right, though another city's may say the same: a lower bound. Questions are the test split's
answerable ones (197 in each language); tuning has train and dev (`--set split=dev`).
"""

from __future__ import annotations

from functools import partial

from sectoreval.benchmark import Benchmark
from sectoreval.benchmarks import _omos
from sectoreval.rankings import RETRIEVAL, score_ranking
from sectoreval.searching import search

_EVERY = ",".join(_omos.LANGUAGES)

BENCHMARK = Benchmark(
    name="omos_qa_retrieval",
    title="OMoS-QA, pages across languages",
    sector="governance",
    source="omos_qa",
    arms=("lexical", "dense", "hybrid", "reranked"),
    measures=RETRIEVAL,
    cases=partial(_omos.cases, default=_EVERY, answerable_only=True),
    solve=lambda context, arm: search(
        context, arm, opened=context.index(_omos.pages(context.data("omos_qa"), _omos.searched(context, _EVERY)))
    ),
    score=score_ranking,
    needs_model=False,
    options=("languages", "pages", "split"),
)
