"""MTRAG-UN, government pages: conversations whose last turn is answerable, answerable in part, or not at all.

132 tasks: 88 answerable, 17 in part, 27 not (the 25 underspecified ones have a judge of their own upstream and are left
out). The pool is the 435 passages of these tasks, not upstream's corpus of 72,422, which is too large to be had here: an
easier search, and no official figure. An unanswerable task has no passages of its own: every arm, `oracle` too, searches
the pool for it, so that abstaining is never free.

Upstream scores a generation by three overlaps, two of which need a BERT model, and conditions them on whether the answer
says that it does not know: unanswerable, 1 for saying so and 0 else; otherwise 0 for saying so, else the overlap. The first
measure is that, with ROUGE-L as the overlap, and "says so" is the app's own verdict, not a judge's.

The app takes one question: the last turn. `--set history=turns` puts the two user turns before it in front.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache, partial
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
from sectoreval.asking import ask_app
from sectoreval.benchmark import Benchmark, Case, Outcome, Reply, Scored
from sectoreval.context import Context
from sectoreval.corpora import Corpus
from sectoreval.measures import mean, ratio
from sectorkit.bench.beir import BeirDocument
from sectorkit.bench.jsonl import read_jsonl
from sectorkit.errors import UnknownName

_FILE = "mtragun-human/generation_tasks/reference.jsonl"
_ASKED = ("ANSWERABLE", "PARTIAL", "UNANSWERABLE")
HISTORIES = ("last", "turns")


def tasks(folder: Path) -> list[dict[str, Any]]:
    """The government tasks, as upstream has them."""
    return [entry for _, entry in read_jsonl(folder / _FILE) if entry["Collection"] == "govt"]


def cases(context: Context) -> list[Case]:
    """The 132 tasks; those of one conversation are a cluster."""
    history = context.option("history", "last")
    if history not in HISTORIES:
        raise UnknownName("history", history, list(HISTORIES))
    found = []
    for entry in tasks(context.data("mtrag_un")):
        (kind,) = entry["answerability"]
        if kind not in _ASKED:
            continue
        turns = [turn["text"].strip() for turn in entry["input"] if turn["speaker"] == "user"]
        question = "\n".join(turns[-3:]) if history == "turns" else turns[-1]
        gold = {
            "question": question, "right": [c["document_id"] for c in entry["contexts"]],
            "reference": entry["targets"][0]["text"], "unanswerable": kind == "UNANSWERABLE",
        }  # fmt: skip
        groups = {"answerability": kind.lower(), "turn": "first" if len(turns) == 1 else "later"}
        found.append(Case(entry["task_id"], question, gold, cluster=entry["conversation_id"], groups=groups))
    return found


@cache
def pool(folder: Path) -> Corpus:
    """Every passage of a government task, once."""
    documents: dict[str, BeirDocument] = {}
    questions: dict[str, str] = {}
    qrels: dict[str, dict[str, int]] = {}
    for entry in tasks(folder):
        for passage in entry["contexts"]:
            text, title = passage["text"].strip(), (passage.get("title") or "").strip()
            documents[passage["document_id"]] = BeirDocument(passage["document_id"], title, text)
        if entry["contexts"]:
            questions[entry["task_id"]] = entry["input"][-1]["text"]
            qrels[entry["task_id"]] = {passage["document_id"]: 1 for passage in entry["contexts"]}
    return Corpus("mtrag-govt-pool", list(documents.values()), questions, qrels)


def score(gold: Mapping[str, Any], reply: Reply | None) -> Scored:
    declines = abstains(reply) is True
    unanswerable = bool(gold["unanswerable"])
    overlap = rouge_columns(gold, reply)
    values = {
        "conditioned": float(declines) if unanswerable else overlap["f1"],
        **abstention_columns(answerable=not unanswerable, abstains=abstains(reply)),
        "decided": float(reply is not None and declines == unanswerable),
        "overlap": 0.0 if unanswerable else overlap["f1"], "recall": 0.0 if unanswerable else overlap["recall"],
        **citation_columns(gold, reply), **judge_columns(reply, answerable=not unanswerable),
    }  # fmt: skip
    if unanswerable:
        what: Outcome = "failed" if reply is None else "right" if declines else "answered wrongly"
    else:
        what = outcome(gold, reply, overlap=overlap["recall"])
    return Scored(values, what, str(reply["text"]) if reply else "", gold["reference"])


BENCHMARK = Benchmark(
    name="mtrag_govt",
    title="MTRAG-UN, government pages",
    sector="governance",
    source="mtrag_un",
    arms=("closed_book", "lexical", "dense", "hybrid", "reranked", "oracle"),
    measures=(
        mean(
            "conditioned ROUGE-L",
            "conditioned",
            about="ROUGE-L F1, and abstaining is right exactly where no answer is known",
        ),
        mean("decided rightly", "decided", about="abstains exactly where the passages do not answer"),
        *ABSTENTION,
        ratio("ROUGE-L F1", "overlap", "answerable", about="of the tasks with an answer; 0 where it abstains"),
        ratio("ROUGE-L recall", "recall", "answerable", about="of the tasks with an answer; 0 where it abstains"),
        *CITATIONS,
        JUDGED,
    ),
    cases=cases,
    solve=lambda context, arm: ask_app(
        context, arm, app="governance_search", corpus=partial(pool, context.data("mtrag_un"))
    ),
    score=score,
    options=("history",),
)
