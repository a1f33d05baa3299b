"""Intervals, differences and tests, against what is known of them."""

from __future__ import annotations

import numpy as np
import pytest

from sectoreval.measures import Measure, harmonic, mean, position_bias, positions, ratio
from sectoreval.statistics import difference, estimate, mcnemar, smallest_difference

ACCURACY = mean("accuracy", "correct", about="right")


def column(*values: float) -> np.ndarray:
    return np.array(values, dtype=float)[:, None]


def test_the_interval_of_a_share_is_about_that_of_the_normal_approximation() -> None:
    rows = column(*[1.0] * 70 + [0.0] * 30)
    found = estimate(rows, ACCURACY)
    assert found.mean == pytest.approx(0.7)
    half = 1.96 * np.sqrt(0.7 * 0.3 / 100)
    assert found.low == pytest.approx(0.7 - half, abs=0.015)
    assert found.high == pytest.approx(0.7 + half, abs=0.015)


def test_the_interval_covers_the_truth_about_nineteen_times_in_twenty() -> None:
    generator = np.random.default_rng(5)
    covered = 0
    for _ in range(200):
        found = estimate((generator.random((80, 1)) < 0.6).astype(float), ACCURACY)
        covered += found.low <= 0.6 <= found.high
    assert 180 <= covered <= 198


def test_cases_that_share_a_source_widen_the_interval() -> None:
    rows = column(*np.repeat(np.random.default_rng(1).integers(0, 2, 20), 5).astype(float))
    apart, together = estimate(rows, ACCURACY), estimate(rows, ACCURACY, [str(n // 5) for n in range(100)])
    assert together.high - together.low > 1.8 * (apart.high - apart.low)


def test_all_right_is_no_certainty() -> None:
    found = estimate(column(*[1.0] * 20), ACCURACY)
    assert (found.mean, found.high) == (1.0, 1.0)
    assert found.low == pytest.approx(0.832, abs=0.001)  # Clopper and Pearson's for 20 of 20


def test_all_right_of_few_sources_is_less_certain_than_of_many() -> None:
    rows = column(*[1.0] * 20)
    assert estimate(rows, ACCURACY, ["a"] * 10 + ["b"] * 10).low < estimate(rows, ACCURACY).low


def test_one_case_has_no_interval_but_that_of_a_share() -> None:
    graded = Measure("score", ("score",), "graded")
    assert np.isnan(estimate(column(0.4), graded).low)
    assert estimate(column(1.0), ACCURACY).low == pytest.approx(0.025)


def test_a_measure_over_no_case_that_it_counts_is_not_defined() -> None:
    recall = ratio("recall", "hit", "wanted", about="")
    found = estimate(np.zeros((5, 2)), recall)
    assert np.isnan(found.mean)
    assert np.isnan(found.low)


def test_f1_of_columns_is_f1_of_the_counts() -> None:
    f1 = harmonic("F1", ("both", "said"), ("both", "gold"), about="")
    both, said, gold = [1] * 3 + [0] * 7, [1] * 5 + [0] * 5, [1] * 3 + [0] * 3 + [1] * 4
    rows = np.array([both, said, both, gold], dtype=float).T
    precision, recall = 3 / 5, 3 / 7
    assert estimate(rows, f1).mean == pytest.approx(2 * precision * recall / (precision + recall))


def test_position_bias_is_none_where_picks_follow_the_gold_and_full_where_they_never_do() -> None:
    bias = position_bias(3)
    even = [positions(3, n % 3, n % 3) for n in range(9)]
    never = [positions(3, 0, 2) for _ in range(9)]
    for cases, expected in ((even, 0.0), (never, 1.0)):
        rows = np.array([[case[c] for c in bias.columns] for case in cases])
        assert float(bias.of(rows.mean(axis=0))) == pytest.approx(expected)


def test_a_difference_between_the_same_answers_is_none() -> None:
    rows = column(*[1.0, 0.0] * 25)
    found = difference(rows, rows, ACCURACY)
    assert (found.estimate.mean, found.p, found.mcnemar) == (0.0, 1.0, 1.0)
    assert found.verdict == "no difference shown"


def test_a_difference_in_pairs_is_shown_where_two_separate_intervals_overlap() -> None:
    first = column(*[1.0] * 60 + [0.0] * 40)
    second = column(*[1.0] * 50 + [0.0] * 50)
    found = difference(first, second, ACCURACY)
    assert estimate(first, ACCURACY).low < estimate(second, ACCURACY).high
    assert found.verdict == "higher"
    assert found.p < 0.01
    assert found.mcnemar == pytest.approx(2 * 0.5**10, rel=1e-9)


def test_noise_is_shown_as_a_difference_about_once_in_twenty() -> None:
    generator = np.random.default_rng(2)
    shown = 0
    for _ in range(200):
        first, second = ((generator.random((60, 1)) < 0.5).astype(float) for _ in range(2))
        shown += difference(first, second, ACCURACY).verdict != "no difference shown"
    assert shown <= 18


def test_mcnemar_is_the_exact_binomial_test_of_the_cases_that_differ() -> None:
    first = np.array([1.0] * 8 + [0.0] * 2 + [1.0] * 5)
    second = np.array([0.0] * 8 + [1.0] * 2 + [1.0] * 5)
    assert mcnemar(first, second) == pytest.approx(0.109375)


def test_a_difference_of_the_smallest_size_is_shown_in_about_four_of_five_runs() -> None:
    generator = np.random.default_rng(3)
    sample = (generator.random((400, 1)) < 0.5).astype(float)
    size = smallest_difference(sample, ACCURACY)
    assert size == pytest.approx(2.8 * np.sqrt(2) * 0.5 / 20, rel=0.05)
    first = generator.random((500, 400)) < 0.5 + size
    second = generator.random((500, 400)) < 0.5
    apart = first.mean(axis=1) - second.mean(axis=1)
    error = np.sqrt(first.var(axis=1) / 400 + second.var(axis=1) / 400)
    assert 0.74 < np.mean(apart > 1.96 * error) < 0.88


def test_unequal_cases_make_no_pairs() -> None:
    with pytest.raises(ValueError, match="no pairs"):
        difference(column(1.0), column(1.0, 0.0), ACCURACY)


def test_few_clusters_are_covered_too() -> None:
    generator = np.random.default_rng(8)
    clusters = [str(n // 11) for n in range(66)]
    covered = 0
    for _ in range(200):
        rates = np.clip(generator.normal(0.5, 0.15, 6), 0, 1)
        rows = (generator.random((6, 11)) < rates[:, None]).astype(float).reshape(66, 1)
        found = estimate(rows, ACCURACY, clusters)
        covered += found.low <= 0.5 <= found.high
    assert covered >= 182  # 182 of 200 is 91 %; without the widening it is 87 %


def test_mcnemar_is_left_out_where_cases_are_not_independent() -> None:
    first, second = column(*[1.0] * 20), column(*[0.0] * 20)
    together = difference(first, second, ACCURACY, ["a"] * 10 + ["b"] * 10)
    assert together.mcnemar is None
    assert together.verdict == "no difference shown"
    assert difference(first, second, ACCURACY).mcnemar is not None


def test_an_interval_that_nothing_tells_is_not_made_up() -> None:
    f1 = harmonic("F1", ("both", "said"), ("both", "gold"), about="")
    assert np.isnan(estimate(np.ones((20, 4)), f1).low)
    assert np.isnan(smallest_difference(column(*[1.0] * 20), ACCURACY))
    same = difference(column(*[1.0] * 5), column(*[1.0] * 5), ACCURACY)
    assert np.isnan(same.smallest)


def test_an_interval_stays_within_what_a_measure_can_be() -> None:
    found = estimate(column(1.0, 1.0, 1.0, 0.0), ACCURACY)
    assert 0.0 <= found.low <= found.high <= 1.0
