"""Benchmarks of urgency: how replies of the app and of a model are scored, and what is read of their data."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from healthcare_triage.rules import LEVELS
from sectoreval.benchmark import load_benchmark
from sectoreval.benchmarks import mimic_esi, semigran45, triage_cases, triage_invariance
from sectoreval.benchmarks._triaging import in_words
from sectoreval.context import Context
from sectorkit.app import load_app
from sectorkit.errors import UnknownName
from sectorkit.settings import read_settings

GOLD: dict[str, Any] = {"said": "x", "level": "urgent", "may": ["emergency"], "esi": 3}


def app_says(level: str, esi: int = 3, **more: Any) -> dict[str, Any]:
    return {"level": level, "esi": esi, "raised": [], "by": "rules", **more}


@pytest.mark.parametrize(
    ("level", "gold", "right"),
    [("emergency", "em", 1), ("urgent", "ne", 1), ("routine", "ne", 1), ("self-care", "sc", 1), ("routine", "em", 0)],
)
def test_four_levels_become_semigrans_three(level: str, gold: str, right: int) -> None:
    assert semigran45.score({"level": gold}, app_says(level)).values["correct"] == right


def test_an_emergency_that_is_sent_home_is_counted_and_a_failed_case_is_wrong() -> None:
    assert semigran45.score({"level": "em"}, app_says("self-care")).values["missed"] == 1
    failed = semigran45.score({"level": "em"}, None)
    assert failed.outcome == "failed"
    assert failed.values["correct"] == failed.values["calibrated"] == failed.values["safe"] == 0


def test_a_models_choice_is_scored_plainly_and_calibrated() -> None:
    found = semigran45.score({"level": "sc"}, {"answer": {"plain": 0, "calibrated": 2}})
    assert (found.values["correct"], found.values["calibrated"], found.said) == (0, 1, "em")


def test_of_an_app_and_a_model_the_more_urgent_counts() -> None:
    gold = {"level": "ne"}
    lower, higher = {"plain": 2, "calibrated": 2}, {"plain": 2, "calibrated": 0}
    assert semigran45.score(gold, app_says("urgent", answer=lower)).said == "ne"
    found = semigran45.score(gold, app_says("urgent", answer=higher))
    assert (found.said, found.values["calibrated"]) == ("ne", 0)
    assert triage_cases.score(GOLD, app_says("routine", answer={"plain": 1})).said == "urgent"


def test_esi_levels_are_scored_by_the_reply_of_either() -> None:
    assert mimic_esi.score({"esi": 2}, app_says("emergency", 2)).values["exact"] == 1
    assert mimic_esi.score({"esi": 2}, app_says("urgent", 3)).values["severe"] == 1
    assert mimic_esi.score({"esi": 3}, {"answer": {"plain": 2, "calibrated": 1}}).values["exact"] == 1


@pytest.mark.parametrize(
    ("level", "right", "defensible", "safe", "over"),
    [("urgent", 1, 1, 1, 0), ("emergency", 0, 1, 1, 0), ("routine", 0, 0, 0, 0), ("self-care", 0, 0, 0, 0)],
)
def test_a_level_is_right_defensible_safe_or_too_urgent(
    level: str, right: int, defensible: int, safe: int, over: int
) -> None:
    values = triage_cases.score(GOLD, app_says(level)).values
    assert [values[name] for name in ("right", "defensible", "safe", "over")] == [right, defensible, safe, over]


def test_pairs_are_told_apart_and_groups_kept_together() -> None:
    pair = GOLD | {"others": {"first": {"said": "y", "level": "self-care"}}, "kind": "pair"}
    assert triage_cases.score(pair, app_says("urgent", others={"first": app_says("routine")})).values["ordered"] == 1
    assert triage_cases.score(pair, app_says("urgent", others={"first": app_says("urgent")})).values["ordered"] == 0
    assert triage_cases.score(pair, app_says("routine", others={"first": app_says("urgent")})).values["ordered"] == 0
    group = GOLD | {"others": {"first": {"said": "y", "level": "urgent"}}, "kind": "same"}
    assert triage_cases.score(group, app_says("urgent", others={"first": app_says("urgent")})).values["kept"] == 1
    assert triage_cases.score(group, None).values["kept"] == 0


@pytest.mark.parametrize("which", ["held-out", "developed"])
def test_the_apps_own_cases_are_whole(which: str) -> None:
    context = Context(read_settings(), options={"cases": which})
    found = triage_cases.cases(context)
    lines = (
        (load_app("healthcare_triage").corpus.parent / f"cases-{which}.jsonl").read_text(encoding="utf-8").splitlines()
    )
    entries = [json.loads(line) for line in lines]
    assert len(found) == len(entries) >= 90
    assert len({case.id for case in found}) == len(found)
    pairs = sum(case.gold.get("kind") == "pair" for case in found)
    assert pairs == len({entry["pair"] for entry in entries if entry["pair"]}) >= 14
    for case in found:
        if others := case.gold.get("others"):
            assert (others["first"]["level"] == case.gold["level"]) == (case.gold["kind"] == "same")


@pytest.mark.parametrize(
    ("which", "count"), [("complaints", 160), ("vignettes", 90), ("short", 120), ("writers", 2272)]
)
def test_the_other_sets_have_every_level(which: str, count: int) -> None:
    found = triage_cases.cases(Context(read_settings(), options={"cases": which}))
    assert len({case.id for case in found}) == count
    assert {case.gold["level"] for case in found} == set(LEVELS)
    assert all(case.gold["level"] not in case.gold["may"] and set(case.gold["may"]) <= set(LEVELS) for case in found)
    assert all(case.gold["said"].strip() and 1 <= case.gold["esi"] <= 5 for case in found)


def test_an_unknown_set_of_cases_is_named() -> None:
    with pytest.raises(UnknownName, match="set of cases"):
        triage_cases.cases(Context(read_settings(), options={"cases": "mine"}))


def test_a_patient_in_words() -> None:
    gold = {"said": "Cough", "age": "40 years", "sex": "male", "pregnant": None, "vitals": {"heart rate": "80"}}
    assert in_words(gold) == "40 years, male. Cough (heart rate 80)"


def test_only_the_models_arm_asks_a_model() -> None:
    found = load_benchmark("semigran45")
    assert found.asks(["closed_book", "rules"])
    assert not found.asks(["rules", "hybrid"])


def test_semigrans_vignettes_are_read_without_the_remark_that_leaked(benchmark_data: Path) -> None:
    found = semigran45.cases(Context(read_settings(), benchmark_data))
    assert [sum(case.gold["level"] == level for case in found) for level in ("em", "ne", "sc")] == [15, 15, 15]
    assert not any("recommended physician visit" in case.gold["said"] for case in found)


def test_the_visits_are_read_with_their_units(benchmark_data: Path) -> None:
    found = mimic_esi.cases(Context(read_settings(), benchmark_data))
    assert len(found) == 207
    temperatures = [case.gold["vitals"]["temperature"] for case in found if "temperature" in case.gold["vitals"]]
    assert sum(text.endswith("°C") for text in temperatures) == 1
    assert len(mimic_esi.cases(Context(read_settings(), benchmark_data, options={"cases": "subset"}))) == 70


def test_a_text_is_varied_in_what_tells_of_a_person_and_in_what_tells_of_nobody() -> None:
    gold = {
        "said": "A 54-year-old man has a cough. He lost his wife.",
        "age": None,
        "sex": "male",
        "pregnant": None,
        "vitals": {},
    }
    made = triage_invariance.variants(gold, "Wei Zhang")
    assert made["sex"]["said"] == "A 54-year-old woman has a cough. She lost her husband."
    assert made["sex"]["sex"] == "female"
    assert made["age"]["said"].startswith("A 54 y/o man")
    assert made["name"]["said"].startswith("My name is Wei Zhang. A 54")
    assert made["order"]["said"] == "He lost his wife. A 54-year-old man has a cough."
    assert set(made) == {"sex", "name", "age", "greeting", "order", "letters"}
    assert "sex" not in triage_invariance.variants(gold | {"said": "She is pregnant and has a cough."}, "Wei Zhang")
    assert "age" not in triage_invariance.variants(gold | {"said": "A cough."}, "Wei Zhang")


def test_changes_are_counted_by_what_was_changed_and_a_failure_changed_in_all() -> None:
    gold = {"others": {"sex": {}, "name": {}, "greeting": {}}}
    others = {"sex": app_says("urgent"), "name": app_says("routine"), "greeting": app_says("urgent")}
    found = triage_invariance.score(gold, app_says("urgent", others=others))
    assert (found.values["person"], found.values["wording"]) == (0.5, 0.0)
    assert (found.values["changed_name"], found.values["asked_age"], found.outcome) == (1.0, 0.0, "wrong")
    beyond = next(m for m in triage_invariance.BENCHMARK.measures if m.name == "beyond wording")
    assert beyond.of(np.array([0.5, 0.25])) == 0.25
    failed = triage_invariance.score(gold, None)
    assert (failed.values["person"], failed.values["wording"], failed.outcome) == (1.0, 1.0, "failed")


def test_the_texts_to_vary_are_read(benchmark_data: Path) -> None:
    found = triage_invariance.cases(Context(read_settings(), benchmark_data))
    assert sum(case.id.startswith("semigran") for case in found) == 45
    assert len(found) > 70
    assert all({"name", "greeting"} <= set(case.gold["others"]) for case in found)
