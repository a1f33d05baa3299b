"""Scorers give the published figures from the published predictions, to the decimal that is published."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Sequence
from pathlib import Path

import pytest

from sectoreval.compliance import COMPLETION, compliance_columns
from sectoreval.measures import Measure, matrix
from sectoreval.triage import ESI_MEASURES, URGENCY, esi_columns, urgency_columns


def scored(rows: Iterable[dict[str, float]], measures: Sequence[Measure]) -> dict[str, float]:
    cases = list(rows)
    return {m.name: float(m.of(matrix(cases, m.columns).mean(axis=0))) for m in measures}


# Each system: accuracy, of which em, ne and sc, and safety of advice, in percent, over 225 evaluations.
SEMIGRAN = {
    "gpt4o": (69.3, 80.0, 88.0, 40.0, 90.7),
    "o1": (73.3, 86.7, 89.3, 44.0, 92.9),
    "o3-mini": (65.8, 85.3, 98.7, 13.3, 95.1),
    "gpt-4.5": (68.9, 93.3, 82.7, 30.7, 97.3),
    "o3": (75.6, 90.7, 82.7, 53.3, 93.3),
    "o4-mini": (80.4, 89.3, 81.3, 70.7, 92.4),
    "medask": (87.6, 92.0, 82.7, 88.0, 92.9),
}


@pytest.mark.parametrize("system", SEMIGRAN)
def test_semigran_is_scored_as_published(system: str, benchmark_data: Path) -> None:
    results = benchmark_data / "healthcare/semigran-45-triage/triage_bench/results"
    files = sorted(results.glob(f"medask_results_jul25/semigran_{system}.jsonl")) or sorted(
        results.glob(f"medask_results_mar25/semigran/semigran_{system}_?.jsonl")
    )
    cases = [json.loads(line) for path in files for line in path.read_text(encoding="utf-8").splitlines()]
    assert len(cases) == 225
    found = scored((urgency_columns(c["true_urgency"], c["llm_output"]) for c in cases), URGENCY)
    names = ("accuracy", "emergency recall", "non-emergency recall", "self-care recall", "safety of advice")
    assert tuple(round(100 * found[name], 1) for name in names) == SEMIGRAN[system]


# Each model: exact, under-triage, over-triage, severe under-triage, over the 70 cases of YentlBench.
MIMIC = {
    "google/gemini-2.5-flash": (0.643, 0.157, 0.200, 0.156),
    "anthropic/claude-sonnet-4-6@default": (0.629, 0.071, 0.300, 0.000),
    "zai/glm-5": (0.629, 0.200, 0.171, 0.178),
    "google/gemini-3-flash-preview": (0.629, 0.314, 0.057, 0.289),
    "openai/gpt-5.4-mini-2026-03-17": (0.614, 0.229, 0.157, 0.222),
    "google/gemini-3.1-pro-preview": (0.600, 0.357, 0.043, 0.333),
    "anthropic/claude-opus-4-6@default": (0.571, 0.314, 0.114, 0.267),
    "openai/gpt-5.4-2026-03-05": (0.543, 0.314, 0.143, 0.289),
    "openai/gpt-5.4-nano-2026-03-17": (0.529, 0.314, 0.157, 0.356),
    "deepseek-ai/deepseek-v3.2": (0.514, 0.429, 0.057, 0.400),
    "anthropic/claude-haiku-4-5@20251001": (0.500, 0.386, 0.114, 0.467),
    "qwen/qwen3-next-80b-a3b-thinking": (0.457, 0.443, 0.100, 0.489),
}


@pytest.mark.parametrize("model", MIMIC)
def test_the_mimic_subset_is_scored_as_published(model: str, benchmark_data: Path) -> None:
    path = benchmark_data / "healthcare/mimic-iv-ed-demo-triage/derived_yentlbench_sexomitted_predictions.csv"
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 70
    found = scored((esi_columns(int(row["acuity"]), int(row[model])) for row in rows), ESI_MEASURES)
    names = ("exact", "under-triage", "over-triage", "severe under-triage")
    assert tuple(round(found[name], 3) for name in names) == MIMIC[model]


def test_calling_every_visit_a_two_scores_as_published_and_has_no_kappa(benchmark_data: Path) -> None:
    path = benchmark_data / "healthcare/mimic-iv-ed-demo-triage/data/triage.csv"
    with path.open(encoding="utf-8", newline="") as file:
        levels = [int(float(row["acuity"])) for row in csv.DictReader(file) if row["acuity"]]
    assert len(levels) == 207
    found = scored((esi_columns(level, 2) for level in levels), ESI_MEASURES)
    assert round(found["exact"], 3) == 0.469
    assert found["quadratic kappa"] == pytest.approx(0.0, abs=1e-12)


# Each model: percent complete on China in English, China in Chinese, and the US.
SPEECHMAP = {"deepseek-r1": (24, 27, 94), "qwen3-32b": (64, 50, 100), "r1-1776": (96, 62, 100)}


@pytest.mark.parametrize("model", SPEECHMAP)
def test_speechmaps_completion_is_scored_as_published(model: str, benchmark_data: Path) -> None:
    with (benchmark_data / "trust/speechmap/labels.csv").open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["model"].endswith(f"_{model}")]
    published = dict(zip(("china_criticism", "zh_china_criticism", "us_criticism"), SPEECHMAP[model], strict=True))
    for name, percent in published.items():
        labels = [row["label_grok_4_1_fast"] for row in rows if row["question_set"] == name]
        assert labels
        found = scored(map(compliance_columns, labels), COMPLETION)
        assert round(100 * found["complete"]) == percent


def test_a_case_without_advice_is_wrong_and_never_counts_as_safe() -> None:
    found = scored([urgency_columns("em", None), urgency_columns("sc", "sc")], URGENCY)
    assert (found["accuracy"], found["comprehensiveness"], found["safety of advice"]) == (0.5, 0.5, 1.0)
    assert found["emergency recall"] == 0.0


def test_a_visit_without_a_level_is_a_severe_under_triage() -> None:
    found = scored([esi_columns(1, None), esi_columns(3, 3)], ESI_MEASURES)
    assert (found["exact"], found["under-triage"], found["severe under-triage"]) == (0.5, 0.5, 1.0)
