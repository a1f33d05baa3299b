"""Statistics that the benchmark scripts share: bootstrapped intervals, a paired difference, and the hardware."""

from __future__ import annotations

import platform
from collections.abc import Sequence

import numpy as np


def interval(values: Sequence[float], *, seed: int = 0, rounds: int = 10_000) -> tuple[float, float, float]:
    """`(mean, low, high)`: 95 % percentile bootstrap over cases."""
    data = np.asarray(values, dtype=float)
    generator = np.random.default_rng(seed)
    means = data[generator.integers(0, len(data), (rounds, len(data)))].mean(axis=1)
    low, high = np.percentile(means, [2.5, 97.5])
    return float(data.mean()), float(low), float(high)


def paired(first: Sequence[float], second: Sequence[float], *, seed: int = 0) -> tuple[float, float, float]:
    """`(mean difference, low, high)` of first minus second over the same cases."""
    return interval([a - b for a, b in zip(first, second, strict=True)], seed=seed)


def shown(values: Sequence[float]) -> str:
    """`0.81 [0.76, 0.86]`."""
    mean, low, high = interval(values)
    return f"{mean:.3f} [{low:.3f}, {high:.3f}]"


def hardware() -> str:
    """One line about this machine."""
    from sectorkit.models.hardware import detect

    return f"{detect()}; {platform.machine()}, Python {platform.python_version()}"
