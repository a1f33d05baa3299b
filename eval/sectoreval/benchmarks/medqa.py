"""MedQA (US): questions of the medical licensing examination, four options. Official metric: accuracy.

Examination knowledge says little about triage, and every model has seen these questions.
"""

from __future__ import annotations

from functools import partial

from sectoreval.benchmark import Benchmark, Case
from sectoreval.choice import LETTERS, choose
from sectoreval.choices import choice_case, choice_measures, one_question, score_choice
from sectoreval.context import Context
from sectorkit.bench.jsonl import read_jsonl

_FILE = "rawdata/medqa/data_clean/questions/US/4_options/phrases_no_exclude_test.jsonl"


def cases(context: Context) -> list[Case]:
    """1,273 test questions."""
    return [
        choice_case(
            str(number), entry["question"], [entry["options"][letter] for letter in "ABCD"],
            LETTERS.index(entry["answer_idx"]), groups={"step": entry["meta_info"]},
        )
        for number, entry in read_jsonl(context.data("mirage_mcq") / _FILE)
    ]  # fmt: skip


BENCHMARK = Benchmark(
    name="medqa",
    title="MedQA (US)",
    sector="healthcare",
    source="mirage_mcq",
    arms=("closed_book",),
    measures=choice_measures(4),
    cases=cases,
    solve=lambda context, arm: choose(context, one_question),
    score=partial(score_choice, 4),
)
