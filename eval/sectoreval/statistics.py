"""Statistics of runs: intervals, paired differences, tests, and the smallest difference that n cases could show.

Cases that share a source (a page, a conversation, a meeting) are drawn together: they are not independent, and
intervals that take them for it are too narrow. All draws are seeded: the same numbers in every run.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sectoreval.measures import Array, Measure
from sectorkit.stats import Estimate

ROUNDS = 10_000
_BLOCK = 2_000_000  # counts at a time, so that thousands of cases do not fill the memory
_SAME = 1e-9  # what is nearer than this is the same
_TO_SHOW = 2.80  # standard errors: 1.96 for 5 % two-sided, 0.84 for a power of 80 %


@dataclass(frozen=True)
class Difference:
    """First minus second, over the same cases. `p` by permutation; `mcnemar` where cases are independent, right or wrong.

    `smallest` is the smallest difference that so many cases would have shown in four of five runs; NaN where the cases
    of this run do not tell it, since none of them differs.
    """

    estimate: Estimate
    p: float
    mcnemar: float | None
    smallest: float
    n: int

    @property
    def verdict(self) -> str:
        """In words; "no difference shown" unless interval and tests agree that there is one."""
        shown = self.p < 0.05 and (self.mcnemar is None or self.mcnemar < 0.05)
        return self.estimate.verdict if shown else "no difference shown"


def estimate(rows: Array, measure: Measure, clusters: Sequence[str] | None = None, *, seed: int = 0) -> Estimate:
    """The measure over cases, with its 95 % interval. `rows` is (cases, columns). ValueError where there are none.

    The interval is NaN where it cannot be told: of a measure that is not defined, of one cluster alone, or where every
    cluster says the same and no exact interval is known.
    """
    if not len(rows):
        raise ValueError("no cases, no measure")
    value = float(measure.of(rows.mean(axis=0)))
    kinds = _by_cluster(rows, clusters)
    draws = measure.of(_resampled(*kinds, seed))
    draws = draws[~np.isnan(draws)]
    if not len(draws) or np.isnan(value):
        return Estimate(value, float("nan"), float("nan"))
    low, high = _interval(draws, value, sum(kinds[2]))
    if high - low < _SAME:
        at_an_edge = measure.share and value in (0.0, 1.0)
        low, high = _exact(value, _independent(rows, measure, clusters)) if at_an_edge else (float("nan"),) * 2
    least, most = measure.bounds
    return Estimate(value, float(np.clip(low, least, most)), float(np.clip(high, least, most)))


def smallest_difference(
    rows: Array, measure: Measure, clusters: Sequence[str] | None = None, *, seed: int = 0
) -> float:
    """The smallest difference to another, independent run of as many cases that would be shown in four of five times.

    NaN where the cases do not tell it, since all of them say the same.
    """
    kinds = _by_cluster(rows, clusters)
    return _smallest(np.sqrt(2) * measure.of(_resampled(*kinds, seed)))


def difference(
    first: Array, second: Array, measure: Measure, clusters: Sequence[str] | None = None, *, seed: int = 0
) -> Difference:
    """First minus second, case by case: rows of one belong to rows of the other. ValueError for unequal shapes."""
    if first.shape != second.shape or not len(first):
        raise ValueError(f"no pairs: {first.shape} and {second.shape}")
    width = first.shape[1]
    sums, sizes, frequencies = _by_cluster(np.hstack([first, second]), clusters)
    means = _resampled(sums, sizes, frequencies, seed)
    draws = measure.of(means[:, :width]) - measure.of(means[:, width:])
    draws = draws[~np.isnan(draws)]
    value = float(measure.of(first.mean(axis=0)) - measure.of(second.mean(axis=0)))
    if not len(draws) or np.isnan(value):
        return Difference(Estimate(value, float("nan"), float("nan")), 1.0, None, float("nan"), len(first))
    apart = clusters is None or len(set(clusters)) == len(first)
    binary = apart and width == 1 and bool(np.isin(np.hstack([first, second]), (0.0, 1.0)).all())
    return Difference(
        Estimate(value, *_interval(draws, value, sum(frequencies))),
        p=_permuted(sums[:, :width], sums[:, width:], frequencies, len(first), measure, value, seed),
        mcnemar=mcnemar(first[:, 0], second[:, 0]) if binary else None,
        smallest=_smallest(draws),
        n=len(first),
    )


def bounded(p: float) -> str:
    """A p-value in words: "= 0.031", or "< 0.001"."""
    return "< 0.001" if p < 0.001 else f"= {p:.3f}"


def mcnemar(first: Array, second: Array) -> float:
    """McNemar's exact test, two-sided, of cases that are right (1) or wrong (0): a p-value."""
    from scipy.stats import binomtest

    only_first, only_second = int(((first == 1) & (second == 0)).sum()), int(((first == 0) & (second == 1)).sum())
    if not only_first + only_second:
        return 1.0
    return float(binomtest(only_first, only_first + only_second).pvalue)


def _interval(draws: Array, value: float, clusters: int) -> tuple[float, float]:
    """The middle 95 % of the draws, widened for few clusters, of which a bootstrap knows too little.

    By Student's t and the bias of a variance of so few: a quarter more for ten, and no more than 3 % from sixty on.
    """
    from scipy.special import stdtrit  # Student's t; scipy.stats takes a second to import

    low, high = (float(bound) for bound in np.percentile(draws, [2.5, 97.5]))
    if clusters < 2:
        return value, value
    wider = float(stdtrit(clusters - 1, 0.975)) / 1.96 * np.sqrt(clusters / (clusters - 1))
    return value - (value - low) * wider, value + (high - value) * wider


def _smallest(draws: Array) -> float:
    deviation = float(np.nanstd(draws)) if len(draws) else 0.0
    return _TO_SHOW * deviation if deviation > _SAME else float("nan")


def _by_cluster(rows: Array, clusters: Sequence[str] | None) -> tuple[Array, Array, tuple[int, ...]]:
    """Clusters that are alike taken together: sums of the columns and size of each kind, and how many there are of it.

    Drawing kinds with their frequencies is drawing clusters: what is right or wrong has few kinds, and is drawn fast.
    """
    names = np.arange(len(rows)) if clusters is None else np.asarray(clusters, dtype=object).astype(str)
    _, members = np.unique(names, return_inverse=True)
    sums = np.zeros((members.max() + 1, rows.shape[1] + 1))
    np.add.at(sums, members, np.column_stack([rows, np.ones(len(rows))]))
    kinds, frequencies = np.unique(sums, axis=0, return_counts=True)
    return kinds[:, :-1], kinds[:, -1], tuple(int(n) for n in frequencies)


def _resampled(sums: Array, sizes: Array, frequencies: tuple[int, ...], seed: int) -> Array:
    """Column means of `ROUNDS` draws of as many clusters as there are, (rounds, columns)."""
    means = [(times @ sums) / (times @ sizes)[:, None] for times in _in_blocks(_drawn(frequencies, seed))]
    return np.concatenate(means)


def _permuted(
    first: Array, second: Array, frequencies: tuple[int, ...], n: int, measure: Measure, value: float, seed: int
) -> float:
    """Share of random swaps between the two, cluster by cluster, that differ as much: a two-sided p-value."""
    total, apart, reached = np.asarray(frequencies) @ (first + second) / n, first - second, 0
    for signs in _in_blocks(_swapped(frequencies, seed)):
        shift = (signs @ apart) / n
        swapped = measure.of((total + shift) / 2) - measure.of((total - shift) / 2)
        reached += int((np.abs(np.nan_to_num(swapped)) >= abs(value) - 1e-12).sum())
    return (reached + 1) / (ROUNDS + 1)


# Arms have the same cases, so that most draws are asked for again by the next arm and the next pair.
@lru_cache(maxsize=4)
def _drawn(frequencies: tuple[int, ...], seed: int) -> NDArray[np.uint32]:
    """How often each kind is drawn, (rounds, kinds)."""
    generator, count = np.random.default_rng(seed), sum(frequencies)
    return generator.multinomial(count, np.asarray(frequencies) / count, size=ROUNDS).astype(np.uint32)


@lru_cache(maxsize=4)
def _swapped(frequencies: tuple[int, ...], seed: int) -> NDArray[np.int32]:
    """How many more of each kind stay than are swapped, (rounds, kinds)."""
    counts = np.asarray(frequencies, dtype=np.int32)
    kept = np.random.default_rng(seed).binomial(counts, 0.5, size=(ROUNDS, len(counts))).astype(np.int32)
    return np.asarray(2 * kept - counts)


def _in_blocks(counts: NDArray[np.integer[Any]]) -> Iterator[Array]:
    """As floats, which multiply many times faster than integers, and a block at a time: they take more memory."""
    step = max(1, _BLOCK // counts.shape[1])
    return (counts[at : at + step].astype(np.float64) for at in range(0, len(counts), step))


def _independent(rows: Array, measure: Measure, clusters: Sequence[str] | None) -> int:
    """How many independent cases the measure counts at most: its clusters, where cases share them."""
    counted = rows[:, 1] > 0 if len(measure.columns) > 1 else np.ones(len(rows), dtype=bool)
    if clusters is None:
        return max(1, int(counted.sum()))
    return max(1, len({cluster for cluster, counts in zip(clusters, counted, strict=True) if counts}))


def _exact(value: float, n: int) -> tuple[float, float]:
    """Clopper and Pearson's 95 % interval for none, or all, of `n`."""
    edge = 0.025 ** (1 / n)
    return (edge, 1.0) if value == 1.0 else (0.0, 1 - edge)
