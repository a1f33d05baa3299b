"""Measures and intervals, against numbers that were worked out by hand."""

from __future__ import annotations

import math
import sys

import pytest

from sectorkit.bench.measures import measure_names, score_rankings
from sectorkit.bench.report import percentiles
from sectorkit.errors import ConfigurationError
from sectorkit.stats import Estimate, interval, paired

TWELVE = [f"d{n}" for n in range(12)]


def scores_of(judged: dict[str, int], ranking: list[str], *, k: int = 10) -> list[float]:
    pytest.importorskip("ir_measures")
    scores = score_rankings({"q": judged}, {"q": ranking}, k=k)
    assert tuple(scores) == measure_names(k)
    return [values["q"] for values in scores.values()]


def test_graded_judgements_by_hand() -> None:
    """Gains 1, 0, 2 at ranks 1, 2, 3 against the ideal 2, 1."""
    ndcg = (1 / math.log2(2) + 2 / math.log2(4)) / (2 / math.log2(2) + 1 / math.log2(3))
    found = scores_of({"a": 2, "b": 1, "c": 0, "d": -1}, ["b", "c", "a", "d"])
    assert found == pytest.approx([1.0, ndcg, (1 / 1 + 2 / 3) / 2, 1.0])


def test_what_is_missing_from_a_ranking_counts_in_its_denominator() -> None:
    found = scores_of({"d1": 1, "gone": 1}, TWELVE)
    ideal = 1 + 1 / math.log2(3)
    assert found == pytest.approx([0.5, 1 / math.log2(3) / ideal, 0.5 / 2, 0.5])


def test_a_document_beyond_rank_10_counts_for_the_recall_that_looks_so_far_alone() -> None:
    assert scores_of({"d10": 1}, TWELVE) == [0, 0, 0, 0]
    assert scores_of({"d10": 1}, TWELVE, k=20) == [1, 0, 0, 0]
    assert scores_of({"d1": 1}, TWELVE, k=1) == pytest.approx([0, 1 / math.log2(3), 0.5, 0.5])


def test_nothing_found_and_nothing_relevant_are_0_and_are_counted() -> None:
    pytest.importorskip("ir_measures")
    judged = {"found": {"a": 1}, "nothing": {"a": 1}, "unasked": {"a": 1}, "hopeless": {"a": 0, "b": -2}}
    scores = score_rankings(judged, {"found": ["a"], "nothing": [], "hopeless": ["a", "b"]})
    for values in scores.values():
        assert values == {"found": 1, "nothing": 0, "unasked": 0, "hopeless": 0}
    assert all(set(v.values()) == {0.0} for v in score_rankings({"q": {"a": 1}}, {"q": []}).values())


def test_without_the_library_the_command_that_installs_it_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ir_measures", None)
    with pytest.raises(ConfigurationError, match="pip install 'ir-measures"):
        score_rankings({"q": {"a": 1}}, {"q": ["a"]})


# -- intervals ----------------------------------------------------------------------------------------------------


def test_an_interval_is_that_of_the_mean_and_the_same_in_every_run() -> None:
    values = [0.0, 1.0] * 200
    found = interval(values)
    assert found == interval(values)
    assert found.mean == 0.5
    normal = 1.96 * 0.5 / math.sqrt(400)
    assert (found.low, found.high) == pytest.approx((0.5 - normal, 0.5 + normal), abs=0.005)
    assert interval([0.3] * 5) == Estimate(0.3, pytest.approx(0.3), pytest.approx(0.3))
    with pytest.raises(ValueError, match="no cases"):
        interval([])


def test_many_cases_are_drawn_in_blocks_to_the_same_end() -> None:
    found = interval([0.0, 1.0] * 5000)
    normal = 1.96 * 0.5 / math.sqrt(10_000)
    assert (found.low, found.high) == pytest.approx((0.5 - normal, 0.5 + normal), abs=0.001)


def test_a_paired_difference_sees_what_two_intervals_hide() -> None:
    first = [n % 2 * 0.5 + 0.1 for n in range(40)]
    second = [n % 2 * 0.5 for n in range(40)]
    assert interval(first).low < interval(second).high
    assert paired(first, second).verdict == "higher"
    assert paired(second, first).verdict == "lower"
    assert paired(first, first).verdict == "no difference shown"
    assert paired([1, 0, 1, 0], [0, 1, 1, 0]).verdict == "no difference shown"
    with pytest.raises(ValueError, match="longer"):
        paired([1.0], [1.0, 2.0])


def test_percentiles_are_times_that_were_measured() -> None:
    assert percentiles([n / 1000 for n in range(100, 0, -1)]) == {"p50": 50, "p95": 95, "p99": 99, "n": 100}
    assert percentiles([n / 1000 for n in range(1, 11)]) == {"p50": 5, "p95": 10, "p99": 10, "n": 10}
    assert percentiles([0.002]) == {"p50": 2, "p95": 2, "p99": 2, "n": 1}
    assert percentiles([]) is None
