"""MMLU's six medical subjects, four options, test split. Official metric: accuracy."""

from __future__ import annotations

import csv

from sectoreval.benchmark import Case
from sectoreval.choice import LETTERS
from sectoreval.choices import choice_benchmark, choice_case
from sectoreval.context import Context
from sectorkit.errors import ConfigurationError

SUBJECTS = (
    "anatomy", "clinical_knowledge", "college_biology", "college_medicine", "medical_genetics", "professional_medicine",
)  # fmt: skip


def cases(context: Context) -> list[Case]:
    """1,089 questions. ConfigurationError names a malformed line."""
    folder = context.data("mirage_mcq") / "rawdata/mmlu/data/test"
    found = []
    for subject in SUBJECTS:
        path = folder / f"{subject}_test.csv"
        with path.open(encoding="utf-8", newline="") as file:
            for number, row in enumerate(rows := csv.reader(file)):
                if len(row) != 6 or row[5] not in "ABCD":
                    raise ConfigurationError(
                        f"{path}, line {rows.line_num}: not question, four options and A, B, C or D"
                    )
                right = LETTERS.index(row[5])
                found.append(choice_case(f"{subject}-{number}", row[0], row[1:5], right, groups={"subject": subject}))
    return found


BENCHMARK = choice_benchmark(
    name="mmlu_med", title="MMLU, medical subjects", sector="healthcare", source="mirage_mcq", options=4, cases=cases,
)  # fmt: skip
