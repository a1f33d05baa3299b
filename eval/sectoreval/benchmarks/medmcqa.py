"""MedMCQA: questions of Indian medical entrance examinations, four options, development split. Official metric: accuracy."""

from __future__ import annotations

from sectoreval.benchmark import Case
from sectoreval.choices import choice_benchmark, choice_case
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


BENCHMARK = choice_benchmark(
    name="medmcqa", title="MedMCQA", sector="healthcare", source="mirage_mcq", options=4, cases=cases,
)  # fmt: skip
