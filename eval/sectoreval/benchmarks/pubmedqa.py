"""PubMedQA: does a study answer its own question with yes, no or maybe? 500 cases labelled by experts.

`closed_book` is MIRAGE's setting, which hides the abstract. `oracle` gives it, as PubMedQA itself does. Between them the
abstract has to be found among all 500, by the question alone. Official metrics: accuracy, and macro-F1 of PubMedQA.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from sectoreval.arms import Arm
from sectoreval.benchmark import Benchmark, Case, Reply, Scored
from sectoreval.choice import choose
from sectoreval.choices import choice_case, choice_measures, one_question, score_choice
from sectoreval.context import Context
from sectoreval.corpora import DOCUMENT, Corpus
from sectoreval.measures import Array, Measure, mean
from sectoreval.reading import read_before
from sectorkit.bench.beir import BeirDocument
from sectorkit.bench.jsonl import read_json

OPTIONS = ("yes", "no", "maybe")
_FILE = "rawdata/pubmedqa/data/test_set.json"


def cases(context: Context) -> list[Case]:
    """500 cases, by the number of their article."""
    entries = read_json(context.data("mirage_mcq") / _FILE)
    return [
        choice_case(
            key, entry["QUESTION"], OPTIONS, OPTIONS.index(entry["final_decision"]), gold={"article": key},
            groups={"answer": entry["final_decision"]},
        )
        for key, entry in entries.items()
    ]  # fmt: skip


@cache
def corpus(folder: Path) -> Corpus:
    """The 500 abstracts, without their conclusions, which the data keep apart."""
    entries = read_json(folder / _FILE)
    return Corpus(
        "pubmedqa",
        [BeirDocument(key, "", "\n\n".join(entry["CONTEXTS"])) for key, entry in entries.items()],
        {key: entry["QUESTION"] for key, entry in entries.items()},
        {key: {key: 1} for key in entries},
    )


def solve(context: Context, arm: Arm) -> Any:
    if arm == "closed_book":
        return choose(context, one_question)

    if arm == "reranked":
        context.reranker  # noqa: B018  # refused now where there is none
    opened = context.index(corpus(context.data("mirage_mcq")))  # before the run: a case's time is not spent on indexing

    def prepare(gold: Mapping[str, Any]) -> tuple[str, list[dict[str, str]]]:
        where = {DOCUMENT: [gold["article"]]} if arm == "oracle" else None
        return read_before(context, opened.index, arm, gold["question"], documents=opened.documents, where=where)

    return choose(context, one_question, prepare=prepare)


def score(gold: Mapping[str, Any], reply: Reply | None) -> Scored:
    scored = score_choice(len(OPTIONS), gold, reply)
    picked = reply["answer"]["plain"] if reply else None
    confusion = {
        f"{gold_name}_{said}": float(n == gold["right"] and m == picked)
        for n, gold_name in enumerate(OPTIONS)
        for m, said in enumerate(OPTIONS)
    }
    read = reply.get("read") if reply else None
    missed = read is not None and gold["article"] not in read
    found = {} if reply and read is None else {"found": float(reply is not None and not missed)}
    unanswered = {f"{name}_none": float(n == gold["right"] and picked is None) for n, name in enumerate(OPTIONS)}
    outcome = "retrieval missed" if missed and scored.outcome == "wrong" else scored.outcome
    return Scored({**scored.values, **confusion, **unanswered, **found}, outcome, scored.said, scored.expected)


def macro_f1() -> Measure:
    """The unweighted mean of the three answers' F1."""
    columns = [f"{gold}_{said}" for gold in OPTIONS for said in (*OPTIONS, "none")]

    def of(means: Array) -> Array:
        table = means.reshape(*means.shape[:-1], len(OPTIONS), len(OPTIONS) + 1)
        right = np.stack([table[..., n, n] for n in range(len(OPTIONS))], axis=-1)
        total = table.sum(axis=-1) + table[..., : len(OPTIONS)].sum(axis=-2)
        return np.asarray(np.divide(2 * right, total, out=np.zeros_like(right), where=total > 0).mean(axis=-1))

    return Measure("macro-F1", tuple(columns), "the mean of the three answers' F1", of=of)


BENCHMARK = Benchmark(
    name="pubmedqa",
    title="PubMedQA",
    sector="healthcare",
    source="mirage_mcq",
    arms=("closed_book", "lexical", "dense", "hybrid", "reranked", "oracle"),
    measures=(
        *choice_measures(len(OPTIONS))[:1],
        macro_f1(),
        *choice_measures(len(OPTIONS))[1:],
        mean("abstract read", "found", about="the study's own abstract was among what was read"),
    ),
    cases=cases,
    solve=solve,
    score=score,
)
