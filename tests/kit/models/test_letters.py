from __future__ import annotations

import pytest

from sectorkit.models.letters import average, letter_logprobs, rotations


def test_a_letter_that_is_not_listed_has_the_lowest_that_is() -> None:
    assert letter_logprobs([("B", -0.2), ("A", -2.0), ("the", -5.0)], "ABC") == [-2.0, -0.2, -5.0]


def test_of_a_letter_that_is_listed_twice_the_likelier_counts() -> None:
    assert letter_logprobs([(" A", -0.1), ("B", -3.0), ("A", -9.0)], "AB") == [-0.1, -3.0]


def test_what_a_server_calls_impossible_is_as_low_as_what_it_does_not_list() -> None:
    assert letter_logprobs([("A", -0.1), ("C", -4.0), ("B", -9999999.0)], "ABC") == [-0.1, -4.0, -4.0]


def test_what_is_certain_is_no_tie() -> None:
    assert letter_logprobs([("B", 0.0)], "AB") == pytest.approx([-13.8, 0.0], abs=0.1)


def test_where_nothing_is_listed_no_letter_is_likelier() -> None:
    assert letter_logprobs([], "ABC") == [-100.0] * 3


@pytest.mark.parametrize("favoured", range(4))
def test_over_all_rotations_a_favoured_letter_favours_no_option(favoured: int) -> None:
    thinks = [-1.0, -4.0, -2.0, -3.0]  # of options
    likes = [5.0 if letter == favoured else 0.0 for letter in range(4)]
    orders = rotations(4)
    logs = [[thinks[option] + likes[letter] for letter, option in enumerate(order)] for order in orders]
    assert average(logs, orders) == pytest.approx([log + 5 / 4 for log in thinks])
    assert sorted(map(tuple, orders)) == [(0, 1, 2, 3), (1, 2, 3, 0), (2, 3, 0, 1), (3, 0, 1, 2)]
