"""E-Manual QA: questions on a telephone's manual of 451 sections. It measures reading a manual, not a trade.

49 of the 50 questions name a section that is there, and are asked. Official metrics: HIT@K of that section, and ROUGE-L,
exact match and S+WMS of the answer against the expert's; the last, which needs a model of words, is left out. Every section is one document; `oracle` shows the right one.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from functools import cache, partial
from pathlib import Path
from typing import Any

from sectoreval.answers import (
    CITATIONS,
    JUDGED,
    ROUGE_L,
    answered,
    citation_columns,
    judge_columns,
    outcome,
    rouge_columns,
)
from sectoreval.asking import ask_app
from sectoreval.benchmark import Benchmark, Case, Reply, Scored
from sectoreval.context import Context
from sectoreval.corpora import Corpus
from sectoreval.measures import mean
from sectoreval.texts import without_marks
from sectorkit.bench.beir import BeirDocument
from sectorkit.bench.jsonl import read_json

_HITS = (1, 3, 5)


def cases(context: Context) -> list[Case]:
    """The questions whose section path is that of a section."""
    folder = context.data("emanual_s10")
    return [
        Case(
            row["question_id"], row["question"],
            {"question": row["question"], "right": right, "reference": row["answer"]},
            cluster=right[0], groups={"chapter": row["section_path"].split(">")[0]},
        )
        for row, right in _asked(folder)
    ]  # fmt: skip


def _asked(folder: Path) -> list[tuple[dict[str, str], list[str]]]:
    manual = _manual(folder)
    paths: dict[str, list[str]] = {}
    for key, section in manual.items():
        path = ">".join(manual[part]["title"] for part in section["section_hierarchy"].split(">"))
        paths.setdefault(path, []).append(key)
    with (folder / "s10" / "s10_50_questions.csv").open(encoding="utf-8", newline="") as file:
        return [(row, paths[row["section_path"]]) for row in csv.DictReader(file) if row["section_path"] in paths]


def _manual(folder: Path) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = read_json(folder / "s10" / "s10_manual_corpus.json")
    return found


@cache
def sections(folder: Path) -> Corpus:
    """The manual, a document a section; its text is a list of fragments, of which a button's words are their own."""
    documents = [BeirDocument(key, s["title"], " ".join(s["text"])) for key, s in _manual(folder).items()]
    asked = _asked(folder)
    return Corpus(
        "emanual-s10", documents, {row["question_id"]: row["question"] for row, _ in asked},
        {row["question_id"]: dict.fromkeys(right, 1) for row, right in asked},
    )  # fmt: skip


def score(gold: Mapping[str, Any], reply: Reply | None) -> Scored:
    overlap = rouge_columns(gold, reply)
    exact = answered(reply) and _plain(str(reply["text"] if reply else "")) == _plain(gold["reference"])
    values = {**overlap, "exact": float(exact), "answered": float(answered(reply)), **citation_columns(gold, reply)}
    values |= judge_columns(reply)
    if reply is None or "read" in reply:
        ranking = list(dict.fromkeys(hit["document"] for hit in reply["hits"])) if reply else []
        values |= {f"hit@{k}": float(bool(set(gold["right"]) & set(ranking[:k]))) for k in _HITS}
    said = str(reply["text"]) if reply else ""
    return Scored(values, outcome(gold, reply, overlap=overlap["f1"]), said, gold["reference"])


def _plain(text: str) -> str:
    return " ".join("".join(c if c.isalnum() else " " for c in without_marks(text).lower()).split())


BENCHMARK = Benchmark(
    name="emanual_s10",
    title="E-Manual QA, Galaxy S10",
    sector="manufacturing",
    source="emanual_s10",
    arms=("closed_book", "lexical", "dense", "hybrid", "reranked", "oracle"),
    measures=(
        *ROUGE_L,
        mean("exact match", "exact", about="the reference's words and no others"),
        *(mean(f"hit@{k}", about=f"the right section is among the first {k} that were found") for k in _HITS),
        mean("answered", about="the app did not abstain"),
        *CITATIONS,
        JUDGED,
    ),
    cases=cases,
    # The app on documents is one for all sectors so far; the manufacturing app will take its place.
    solve=lambda context, arm: ask_app(
        context, arm, app="governance_search", corpus=partial(sections, context.data("emanual_s10"))
    ),
    score=score,
)
