"""FailureSensorIQ: which sensor tells of which failure, and which does not; each question twice, the second perturbed.

Official metric: accuracy on the original and on the simply perturbed file (options reversed and relabelled), and
consistency, the share right in both. Upstream asks for reasoning and parses the end of it; here the choice is constrained.
Two thirds of the questions ask for what is *not* relevant.

In the arms that search, the model first reads what the app finds in two FMEAs: the sample plant's of pumps, compressors and a lathe,
and that of a mining truck (see fmea_qa). Neither was written for these questions, and of most of their assets, such as transformers
and turbines, neither says anything: the difference to `closed_book` is what such knowledge is worth here.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sectoreval.arms import Arm
from sectoreval.benchmark import Benchmark, Case, Reply, Scored
from sectoreval.benchmarks import fmea_qa
from sectoreval.choice import LETTERS, Question, choose
from sectoreval.choices import debiased, in_words, outcome_of
from sectoreval.context import Context
from sectoreval.corpora import copied
from sectoreval.measures import mean, position_bias, positions, ratio
from sectoreval.reading import read_before
from sectorkit.app import load_app
from sectorkit.bench.jsonl import read_jsonl
from sectorkit.errors import ConfigurationError

_MAIN, _PERTURBED = "filtered_data_all_Mar_30_2025.jsonl", "fmsr_filtered_perturbed_data_all_simple.jsonl"
_MOST_OPTIONS = 5
_PLANT = "fmea-works-2.xlsx"
_LABELS = "PQRST"  # of the perturbed file's options


def cases(context: Context) -> list[Case]:
    """2,667 cases; each holds the original and the perturbed question."""
    folder = context.data("failuresensoriq")
    perturbed = {entry["id"]: entry for _, entry in read_jsonl(folder / _PERTURBED)}
    found = []
    for number, entry in read_jsonl(folder / _MAIN):
        if entry["id"] not in perturbed:
            raise ConfigurationError(f"{folder / _MAIN}, line {number}: id {entry['id']} is not in {_PERTURBED}")
        twin = perturbed[entry["id"]]
        gold = {
            "original": {
                "question": entry["question"],
                "options": entry["options"],
                "right": entry["correct"].index(True),
            },
            "perturbed": {
                "question": twin["question"],
                "options": twin["options"],
                "right": twin["correct"].index(True),
            },
            "selection": entry["question_type"] == "mcp1_positive",
        }
        kind = "selection" if gold["selection"] else "elimination"
        groups = {"asset": entry["asset_name"], "kind": kind, "options": str(len(entry["options"]))}
        found.append(Case(f"{entry['id']}", in_words(entry["question"], entry["options"]), gold, groups=groups))
    return found


def questions(gold: Mapping[str, Any]) -> dict[str, Question]:
    """Both questions of a case."""
    return {
        name: Question(gold[name]["question"], tuple(gold[name]["options"]), labels=labels)
        for name, labels in (("original", LETTERS), ("perturbed", _LABELS))
    }


def score(gold: Mapping[str, Any], reply: Reply | None) -> Scored:
    original, perturbed = gold["original"]["right"], gold["perturbed"]["right"]
    picked = reply["original"]["plain"] if reply else None
    right = float(picked == original)
    steady = float(reply is not None and reply["perturbed"]["plain"] == perturbed)
    values = {
        "correct": right, "perturbed": steady, "consistent": right * steady,
        "selection": float(gold["selection"]), "selection_right": right * gold["selection"],
        "elimination": float(not gold["selection"]), "elimination_right": right * (not gold["selection"]),
        "chance": 1 / len(gold["original"]["options"]),
    }  # fmt: skip
    values |= debiased(reply["original"] if reply else None, original)
    values |= positions(_MOST_OPTIONS, picked, original)
    said = "" if picked is None else f"{LETTERS[picked]}. {gold['original']['options'][picked]}"
    return Scored(
        values, outcome_of(reply, right), said, f"{LETTERS[original]}. {gold['original']['options'][original]}"
    )


def knowledge(context: Context) -> Path:
    """A folder with the two FMEAs, and nothing else."""
    folder = context.settings.home / "benchmarks" / "corpora" / "fmea-knowledge"
    paths = (load_app("manufacturing_qa").corpus / _PLANT, context.data("fmea_hybrid_rag") / fmea_qa.FILE)
    return copied(paths, folder)


def solve(context: Context, arm: Arm) -> Any:
    if arm == "closed_book":
        return choose(context, questions)

    if arm == "reranked":
        context.reranker  # noqa: B018  # refused now where there is none
    index = context.app_index(load_app("manufacturing_qa"), knowledge(context))  # before the run

    def prepare(gold: Mapping[str, Any]) -> tuple[str, list[dict[str, str]]]:
        return read_before(context, index, arm, gold["original"]["question"], documents={})

    return choose(context, questions, prepare=prepare)


BENCHMARK = Benchmark(
    name="failuresensoriq",
    title="FailureSensorIQ: failure modes and sensors",
    sector="manufacturing",
    source="failuresensoriq",
    arms=("closed_book", "lexical", "dense", "hybrid", "reranked"),
    measures=(
        mean("accuracy", "correct", about="right on the original question"),
        mean("perturbed", about="right on the perturbed question"),
        mean("consistency", "consistent", about="right on both"),
        mean("calibrated", about="right on the original, each letter's prior taken off"),
        mean("permuted", about="right on the original, averaged over every rotation of the options"),
        ratio("selection", "selection_right", "selection", about="right, where the relevant is asked for"),
        ratio("elimination", "elimination_right", "elimination", about="right, where the irrelevant is asked for"),
        position_bias(_MOST_OPTIONS),
        mean("chance", about="what guessing gives on these questions"),
    ),
    cases=cases,
    solve=solve,
    score=score,
)
