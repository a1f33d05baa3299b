"""Learned from examples: which of a few classes in order, such as levels of urgency, a text is of, by the vector of an embedder.

Kernel ridge regression over the vectors of some thousand written examples, one column a class, which takes seconds. What it says of each
example when that one is left out (a closed form; Rasmussen and Williams 2006, 5.4.2) makes its scores probabilities, by a logistic
regression (Platt 1999), so that nothing is called certain because it was learned by heart.
"""

from __future__ import annotations

import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sectorkit.errors import ConfigurationError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

_WIDTH, _RIDGE = 1.0, 0.1  # of the kernel, exp(-width * squared distance), and of the regression
_STEADY = 0.01  # of the logistic regression


@dataclass(frozen=True)
class Learned:
    """What was learned of n examples of k classes: `vectors` (n, dimension) in 8 bits, `weights` (n, k), `mean` (k), and of the logistic
    regression `slopes` (k, k) and `starts` (k). `fingerprint` is the embedder's, `of` a digest of the examples."""

    fingerprint: str
    of: str
    vectors: NDArray[Any]
    weights: NDArray[Any]
    mean: NDArray[Any]
    slopes: NDArray[Any]
    starts: NDArray[Any]

    def similar(self, vector: ArrayLike) -> NDArray[Any]:
        """The cosine similarity (n) of a unit vector to each example."""
        import numpy as np

        return np.asarray(self._units @ np.asarray(vector, dtype=np.float32))

    def shares(self, similar: NDArray[Any]) -> NDArray[Any]:
        """The probability (k) of each class, for what has these similarities to the examples."""
        import numpy as np

        scores = (self.mean + _kernel(similar) @ self.weights) @ self.slopes.T + self.starts
        powers = np.exp(scores - scores.max())
        return np.asarray(powers / powers.sum())

    @cached_property
    def _units(self) -> NDArray[Any]:
        return _units(self.vectors)


def learn(vectors: ArrayLike, classes: Sequence[int], *, fingerprint: str, of: str) -> Learned:
    """Learn from the vectors (n, dimension) of examples and the class of each, from 0 on; every class needs two examples."""
    import numpy as np
    from scipy.linalg import cho_factor, cho_solve
    from sklearn.linear_model import LogisticRegression

    wide = np.asarray(vectors, dtype=np.float32)
    small = np.round(wide / np.abs(wide).max(axis=1, keepdims=True) * 127).astype(np.int8)
    units, known = _units(small).astype(np.float64), np.asarray(classes)
    wanted = np.eye(known.max() + 1)[known]
    mean = wanted.mean(axis=0)
    factor = cho_factor(_kernel(units @ units.T) + _RIDGE * np.eye(len(units)))
    weights = cho_solve(factor, wanted - mean)
    left_out = wanted - weights / np.diag(cho_solve(factor, np.eye(len(units))))[:, None]
    logistic = LogisticRegression(C=1 / _STEADY, max_iter=2_000).fit(left_out, known)
    parts = (part.astype(np.float32) for part in (weights, mean, logistic.coef_, logistic.intercept_))
    return Learned(fingerprint, of, small, *parts)


def least_cost(shares: Sequence[float], too_low: float) -> int:
    """The class of least expected cost, where each step too low costs `too_low` and each too high 1."""
    places = range(len(shares))

    def cost(said: int) -> float:
        return sum(
            p * (said - at if said > at else too_low * (at - said)) for at, p in zip(places, shares, strict=True)
        )

    return min(places, key=cost)


def read_learned(file: Path) -> Learned:
    """What a file holds. ConfigurationError where it is damaged or not there."""
    import numpy as np

    try:
        with np.load(file, allow_pickle=False) as stored:
            names = ("vectors", "weights", "mean", "slopes", "starts")
            return Learned(str(stored["fingerprint"]), str(stored["of"]), *(stored[name] for name in names))
    except (OSError, ValueError, LookupError, EOFError, zipfile.BadZipFile) as error:
        raise ConfigurationError(f"{file} cannot be read ({error}); learn anew") from error


def write_learned(file: Path, learned: Learned) -> None:
    """Keep what was learned; the file is there whole or as it was before."""
    import numpy as np

    names = ("fingerprint", "of", "vectors", "weights", "mean", "slopes", "starts")
    new = file.with_suffix(".new")
    with new.open("wb") as stream:
        np.savez(stream, **{name: getattr(learned, name) for name in names})
    new.replace(file)


def _kernel(similar: NDArray[Any]) -> NDArray[Any]:
    import numpy as np

    return np.asarray(np.exp(-2 * _WIDTH * (1 - similar)))  # of unit vectors


def _units(vectors: NDArray[Any]) -> NDArray[Any]:
    import numpy as np

    wide = vectors.astype(np.float32)
    return np.asarray(wide / np.linalg.norm(wide, axis=1, keepdims=True))
