"""Statistics of scores over cases: bootstrapped intervals and paired differences. Seeded: the same in every run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

_ROUNDS = 10_000
_BLOCK = 4_000_000  # drawn cases at a time, so that thousands of cases do not fill the memory


@dataclass(frozen=True)
class Estimate:
    """A mean over cases with its 95 % interval, all in the unit of the cases."""

    mean: float
    low: float
    high: float

    def __str__(self) -> str:
        if self.low != self.low:  # NaN
            return f"{self.mean:.3f} [interval not known]"
        return f"{self.mean:.3f} [{self.low:.3f}, {self.high:.3f}]"

    @property
    def signed(self) -> str:
        """For a difference: the same with its signs."""
        return f"{self.mean:+.3f} [{self.low:+.3f}, {self.high:+.3f}]"

    @property
    def verdict(self) -> str:
        """What an estimated difference says in words: "no difference shown" where the interval includes 0."""
        if self.low <= 0 <= self.high:
            return "no difference shown"
        return "higher" if self.low > 0 else "lower"

    def to_dict(self) -> dict[str, Any]:
        """JSON form, at full precision."""
        return {"mean": self.mean, "low": self.low, "high": self.high}


def interval(values: Sequence[float], *, seed: int = 0) -> Estimate:
    """Mean of `values` with a 95 % percentile bootstrap over them. Raises ValueError where there are none."""
    import numpy as np

    if not len(values):
        raise ValueError("no cases, no mean")
    cases = np.asarray(values, dtype=float)
    generator = np.random.default_rng(seed)
    rows = max(1, _BLOCK // len(cases))
    means = [
        cases[generator.integers(0, len(cases), (min(rows, _ROUNDS - at), len(cases)))].mean(axis=1)
        for at in range(0, _ROUNDS, rows)
    ]
    low, high = np.percentile(np.concatenate(means), [2.5, 97.5])
    return Estimate(float(cases.mean()), float(low), float(high))


def paired(first: Sequence[float], second: Sequence[float], *, seed: int = 0) -> Estimate:
    """Mean of first minus second, case by case, with its interval. Raises ValueError for unequal lengths."""
    return interval([a - b for a, b in zip(first, second, strict=True)], seed=seed)
