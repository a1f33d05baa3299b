"""Choosing by letters: what a model's log-probabilities say about options behind "A", "B", "C", ...

A model may only write a letter (`constraints.answer_choice`). Small ones prefer one, whatever stands behind it, so that every option is shown
behind every letter and its log-probabilities are averaged (Zheng et al. 2024, "Large Language Models Are Not Robust Multiple Choice Selectors").
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

LISTED = 20
"""Log-probabilities that a server lists at most."""


def letter_logprobs(listed: Iterable[tuple[str, float]], letters: str) -> list[float]:
    """Each letter's log-probability as the first token; where it is not listed, the lowest that is, or what is left of 1 if that is less.

    `listed` are a server's tokens with their log-probabilities, the likeliest first: "A" and " A" are one letter, and the likelier counts.
    """
    found: dict[str, float] = {}
    floor = 0.0
    for token, log in listed:
        found.setdefault(token.strip(), log)
        if log > -1e4:  # a server's way to say that it cannot be
            floor = min(floor, log)
    left = 1 - sum(math.exp(log) for log in found.values())
    floor = min(floor, math.log(max(left, 1e-6))) if found else -100.0
    return [max(found.get(letter, floor), floor) for letter in letters]


def rotations(count: int) -> list[list[int]]:
    """The orders in which `count` options are shown, so that each stands behind each letter once."""
    return [[(first + n) % count for n in range(count)] for first in range(count)]


def average(logs: Sequence[Sequence[float]], orders: Sequence[Sequence[int]]) -> list[float]:
    """Each option's mean log-probability; `logs[r][n]` is that of the option `orders[r][n]`."""
    total = [0.0] * len(orders[0])
    for shown, order in zip(logs, orders, strict=True):
        for log, option in zip(shown, order, strict=True):
            total[option] += log / len(orders)
    return total
