"""QMSum, committee meetings: a question about one meeting, answered from its turns. 66 questions on 6 meetings (test).

Official metric: ROUGE-1, -2 and -L F1 against the human answer; published figures are over all of QMSum's domains, so
none is comparable. A document is one turn; every arm searches the question's meeting alone, and `oracle` its gold turns.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache, partial
from pathlib import Path
from typing import Any

from sectoreval.answers import CITATIONS, JUDGED, answered, citation_columns, judge_columns, outcome
from sectoreval.asking import ask_app
from sectoreval.benchmark import Benchmark, Case, Reply, Scored
from sectoreval.context import Context
from sectoreval.corpora import Corpus
from sectoreval.measures import mean
from sectoreval.texts import rouge
from sectorkit.bench.beir import BeirDocument
from sectorkit.bench.jsonl import read_json

_KINDS = ("rouge1", "rouge2", "rougeL")


def meetings(folder: Path) -> dict[str, dict[str, Any]]:
    """The test meetings, by name."""
    return {path.stem: read_json(path) for path in sorted((folder / "data/Committee/test").glob("*.json"))}


def cases(context: Context) -> list[Case]:
    """The specific questions; those on one meeting are a cluster."""
    return [
        Case(
            f"{name}-{number}", asked["query"],
            {
                "question": asked["query"], "reference": asked["answer"], "where": {"meeting": name},
                "right": [f"{name}-{turn}" for a, b in asked["relevant_text_span"] for turn in range(int(a), int(b) + 1)],
            },
            cluster=name, groups={"meeting": name, "kind": "summarize" if _summarizes(asked["query"]) else "other"},
        )
        for name, meeting in meetings(context.data("qmsum_committee")).items()
        for number, asked in enumerate(meeting["specific_query_list"])
    ]  # fmt: skip


@cache
def turns(folder: Path) -> Corpus:
    """Every turn of the test meetings, under its speaker."""
    documents: list[BeirDocument] = []
    questions: dict[str, str] = {}
    qrels: dict[str, dict[str, int]] = {}
    for name, meeting in meetings(folder).items():
        for number, turn in enumerate(meeting["meeting_transcripts"]):
            documents.append(BeirDocument(f"{name}-{number}", turn["speaker"], turn["content"], {"meeting": name}))
        for number, asked in enumerate(meeting["specific_query_list"]):
            key = f"{name}-{number}"
            questions[key] = asked["query"]
            spans = [(int(a), int(b)) for a, b in asked["relevant_text_span"]]
            qrels[key] = {f"{name}-{turn}": 1 for a, b in spans for turn in range(a, b + 1)}
    return Corpus("qmsum-committee-test", documents, questions, qrels)


def score(gold: Mapping[str, Any], reply: Reply | None) -> Scored:
    said = str(reply["text"]) if reply and answered(reply) else ""
    overlaps = {kind: rouge(said, gold["reference"], kind) for kind in _KINDS} if said else None
    values = {kind: overlaps[kind].f1 if overlaps else 0.0 for kind in _KINDS}
    values |= {"answered": float(answered(reply)), **citation_columns(gold, reply), **judge_columns(reply)}
    what = outcome(gold, reply, overlap=overlaps["rouge1"].f1 if overlaps else 0.0)
    return Scored(values, what, str(reply["text"]) if reply else "", gold["reference"])


def _summarizes(query: str) -> bool:
    return query.lower().startswith("summari")


BENCHMARK = Benchmark(
    name="qmsum_committee",
    title="QMSum, committee meetings",
    sector="governance",
    source="qmsum_committee",
    arms=("closed_book", "lexical", "dense", "hybrid", "reranked", "oracle"),
    measures=(
        mean("ROUGE-L", "rougeL", about="F1 against the human answer; 0 where there is no answer"),
        mean("ROUGE-1", "rouge1", about="F1 against the human answer; 0 where there is no answer"),
        mean("ROUGE-2", "rouge2", about="F1 against the human answer; 0 where there is no answer"),
        mean("answered", about="the app did not abstain"),
        *CITATIONS,
        JUDGED,
    ),
    cases=cases,
    solve=lambda context, arm: ask_app(
        context, arm, app="governance_search", corpus=partial(turns, context.data("qmsum_committee"))
    ),
    score=score,
)
