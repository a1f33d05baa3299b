"""Measures: what a benchmark reports, each as a function of means of per-case values.

A case's score is a row of named columns (`correct`, `abstained`, `precision`, ...). Accuracy is the mean of one column;
F1, kappa or an average precision over the answered cases are functions of the means of several. So one way of
resampling cases gives every measure its interval, and two arms their difference.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Array: TypeAlias = NDArray[np.float64]


def _only(means: Array) -> Array:
    return means[..., 0]


@dataclass(frozen=True)
class Measure:
    """`of` maps column means, shape (..., len(columns)), to values, shape (...); NaN where it is not defined.

    `about` says in a phrase what is counted, for readers of a report. `share` tells that it is a mean of values in [0, 1],
    over all cases, or over those that column 1 counts: then an interval that bootstrapping leaves empty, at 0 or 1, is
    replaced by the exact one. Values lie within `bounds`, and so does an interval.
    """

    name: str
    columns: tuple[str, ...]
    about: str
    of: Callable[[Array], Array] = _only
    share: bool = False
    higher_is_better: bool = True
    bounds: tuple[float, float] = (0.0, 1.0)


def mean(name: str, column: str | None = None, *, about: str, higher_is_better: bool = True) -> Measure:
    """The mean of one column over all cases."""
    return Measure(name, (column or name,), about, share=True, higher_is_better=higher_is_better)


def ratio(name: str, counted: str, among: str, *, about: str, higher_is_better: bool = True) -> Measure:
    """The sum of column `counted` over the sum of column `among`: a mean over some of the cases."""
    return Measure(name, (counted, among), about, of=_ratio, share=True, higher_is_better=higher_is_better)


def harmonic(name: str, first: tuple[str, str], second: tuple[str, str], *, about: str) -> Measure:
    """The harmonic mean of two ratios, as F1 of precision and recall: `(counted, among)` each. 0 where both are 0."""
    return Measure(name, (*first, *second), about, of=_harmonic)


def position_bias(options: int) -> Measure:
    """Half the sum of differences between how often each position was picked and how often it was right, in [0, 1]."""
    columns = [f"{what}_{n}" for what in ("picked", "gold") for n in range(1, options + 1)]

    def total_variation(means: Array) -> Array:
        return np.asarray(np.abs(means[..., :options] - means[..., options:]).sum(axis=-1) / 2)

    about = "how far the positions that were picked are from those that are right: 0 as often, 1 never"
    return Measure("position bias", tuple(columns), about, of=total_variation, higher_is_better=False)


def positions(options: int, picked: int | None, gold: int) -> dict[str, float]:
    """The columns of `position_bias(options)` for one case; positions count from 0, None is no pick."""
    chosen = {f"picked_{n + 1}": float(n == picked) for n in range(options)}
    return chosen | {f"gold_{n + 1}": float(n == gold) for n in range(options)}


def matrix(cases: Sequence[dict[str, float]], columns: Sequence[str]) -> Array:
    """The columns of `cases` as an array, (cases, columns). KeyError where a case lacks one."""
    return np.array([[case[column] for column in columns] for case in cases], dtype=np.float64).reshape(
        len(cases), len(columns)
    )


def _ratio(means: Array) -> Array:
    return np.asarray(np.divide(means[..., 0], means[..., 1], out=_nan(means[..., 0]), where=means[..., 1] > 0))


def _harmonic(means: Array) -> Array:
    first, second = _ratio(means[..., :2]), _ratio(means[..., 2:])
    first, second = np.nan_to_num(first), np.nan_to_num(second)
    total = first + second
    return np.asarray(np.divide(2 * first * second, total, out=np.zeros_like(total), where=total > 0))


def _nan(like: Array) -> Array:
    return np.full_like(like, np.nan)
