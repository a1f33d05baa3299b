"""MedQA (US): questions of the medical licensing examination, four options. Official metric: accuracy.

Examination knowledge says little about triage, and every model has seen these questions.
"""

from __future__ import annotations

from sectoreval.benchmark import Case
from sectoreval.choice import LETTERS
from sectoreval.choices import choice_benchmark, choice_case
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


BENCHMARK = choice_benchmark(
    name="medqa", title="MedQA (US)", sector="healthcare", source="mirage_mcq", options=4, cases=cases,
)  # fmt: skip
