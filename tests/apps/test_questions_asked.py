"""Questions to tables that people asked who did not know the rules; of the ones in view, hardly one may be answered wrongly."""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "bench"))

from table_questions import NOT_ONE, Asked, read


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> Asked:
    return Asked(tmp_path_factory.mktemp("asked"))


def test_of_the_questions_in_view_hardly_one_is_answered_wrongly_and_most_are_answered(asked: Asked) -> None:
    outcomes = {case["id"]: asked.outcome(case) for case in read("developed")}
    wrong = [name for name, outcome in outcomes.items() if outcome == "wrong"]
    assert len(wrong) <= 0.01 * len(outcomes), wrong
    answerable = Counter(outcomes[case["id"]] for case in read("developed") if case["kind"] != NOT_ONE)
    assert answerable["right"] >= 0.75 * answerable.total()


def test_of_the_counts_means_and_rankings_in_view_none_is_wrong_and_nearly_all_are_right(asked: Asked) -> None:
    outcomes = Counter(asked.outcome(case) for case in read("computed"))
    assert outcomes["wrong"] == 0
    assert outcomes["right"] >= 0.95 * outcomes.total()


def test_questions_that_manuals_answer_are_not_intercepted(asked: Asked) -> None:
    taken = [case["question"] for case in read("other-questions") if asked.understood(case, plant=True).whole]
    assert taken == []
