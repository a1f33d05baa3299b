"""MedMCQA: questions of Indian medical entrance examinations, four options, development split. Official metric: accuracy."""

from __future__ import annotations

from functools import partial

from sectoreval.benchmark import Benchmark, Case
from sectoreval.choice import choose
from sectoreval.choices import choice_case, choice_measures, one_question, score_choice
from sectoreval.context import Context
from sectorkit.bench.jsonl import read_jsonl


def cases(context: Context) -> list[Case]:
    """4,183 questions; test labels are not public, so that everybody reports these."""
    return [
        choice_case(
            entry["id"], entry["question"], [entry[key] for key in ("opa", "opb", "opc", "opd")], entry["cop"] - 1,
            groups={"subject": entry["subject_name"]},
        )
        for _, entry in read_jsonl(context.data("mirage_mcq") / "rawdata/medmcqa/data/dev.json")
    ]  # fmt: skip


BENCHMARK = Benchmark(
    name="medmcqa",
    title="MedMCQA",
    sector="healthcare",
    source="mirage_mcq",
    arms=("closed_book",),
    measures=choice_measures(4),
    cases=cases,
    solve=lambda context, arm: choose(context, one_question),
    score=partial(score_choice, 4),
)
