"""Your own questions with answers: `--data FILE`, JSON Lines, one question a line, over documents of your own:

    {"id": "q1", "question": "...", "answer": "...", "sources": ["file.pdf"], "cluster": "...", "groups": {"topic": "..."}}

An empty `answer` says that the documents do not answer the question. `sources` names the files that do, for scoring what
was found and cited. `--set docs=FOLDER` names the documents, and without it the app's own are asked; `--set app=NAME`
names another app than governance_search.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sectoreval.answers import (
    ABSTENTION,
    CITATIONS,
    JUDGED,
    abstains,
    abstention_columns,
    citation_columns,
    judge_columns,
    outcome,
    rouge_columns,
)
from sectoreval.arms import Arm
from sectoreval.asking import ask_app
from sectoreval.benchmark import Benchmark, Case, Outcome, Reply, Scored
from sectoreval.context import Context
from sectoreval.measures import mean, ratio
from sectoreval.own import checked_groups, checked_ids
from sectorkit.app import load_app
from sectorkit.bench.jsonl import field, read_jsonl
from sectorkit.errors import ConfigurationError


def cases(context: Context) -> list[Case]:
    """The file's questions. ConfigurationError names a malformed line."""
    path = context.own("a file of questions in JSON Lines")
    docs = context.option("docs", "")
    folder = Path(docs) if docs else load_app(context.option("app", "governance_search")).corpus
    return checked_ids(path, [(number, _case(path, number, entry, folder)) for number, entry in read_jsonl(path)])


def _case(path: Path, number: int, entry: dict[str, Any], docs: Path) -> Case:
    question, answer = field(path, number, entry, "question", str), field(path, number, entry, "answer", str)
    sources = entry.get("sources", [])
    if not isinstance(sources, list) or not all(isinstance(source, str) for source in sources):
        raise ConfigurationError(f'{path}, line {number}: "sources" should be a list of file names')
    if missing := [source for source in sources if not (docs / source).is_file()]:
        raise ConfigurationError(
            f"{path}, line {number}: {missing[0]!r} is no file of {docs}; name its path below that"
        )
    gold = {"question": question, "reference": answer, "right": sources, "answerable": bool(answer.strip())}
    groups = checked_groups(path, number, entry)
    return Case(str(entry.get("id", number)), question, gold, cluster=str(entry.get("cluster", "")), groups=groups)


def score(gold: Mapping[str, Any], reply: Reply | None) -> Scored:
    declines = abstains(reply) is True
    answerable = bool(gold["answerable"])
    overlap = rouge_columns(gold, reply)
    values = {
        **abstention_columns(answerable=answerable, abstains=abstains(reply)),
        "decided": float(reply is not None and declines != answerable),
        "recall": overlap["recall"] if answerable else 0.0, "f1": overlap["f1"] if answerable else 0.0,
        **citation_columns(gold, reply), **judge_columns(reply, answerable=answerable),
    }  # fmt: skip
    if answerable and not gold["right"] and "cited" in values:
        values["cited"] = 0.0  # nothing says which citation would be right
    if answerable:
        what: Outcome = outcome(gold, reply, overlap=overlap["recall"])
    else:
        what = "failed" if reply is None else "right" if declines else "answered wrongly"
    return Scored(
        values, what, str(reply["text"]) if reply else "", gold["reference"] or "the documents do not answer it"
    )


def solve(context: Context, arm: Arm) -> Any:
    docs = context.option("docs", "")
    app = context.option("app", "governance_search")
    return ask_app(context, arm, app=app, corpus=None, docs=Path(docs) if docs else None)


BENCHMARK = Benchmark(
    name="own_questions",
    title="Questions and answers of your own",
    sector="own",
    source=None,
    arms=("closed_book", "lexical", "dense", "hybrid", "reranked"),
    measures=(
        ratio(
            "ROUGE-L recall",
            "recall",
            "answerable",
            about="share of the reference's words, in order; 0 where it abstains",
        ),
        ratio("ROUGE-L F1", "f1", "answerable", about="overlap with the reference; 0 where it abstains"),
        mean("decided rightly", "decided", about="abstains exactly where the documents do not answer"),
        ABSTENTION[0],
        *CITATIONS,
        JUDGED,
    ),
    cases=cases,
    solve=solve,
    score=score,
    note="ROUGE counts words of the Latin alphabet; for other scripts read the decisions and the citations.",
    options=("data", "docs", "app"),
)
