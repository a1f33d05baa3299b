"""Learned from examples: which of a few classes in order, such as levels of urgency, a text is of, by the vector of an embedder.

Kernel ridge regression over the vectors of some thousand written examples, one column a class. What it says of each writer's examples when
all of that writer's are left out makes its scores probabilities, by a logistic regression (Platt 1999): nothing is called certain because
it was learned by heart.
"""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sectorkit.errors import ConfigurationError
from sectorkit.progress import Progress, silent

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

_WIDTH, _RIDGE = 1.0, 0.1  # of the kernel, exp(-width * squared distance), and of the regression
_STEADY = 0.01  # of the logistic regression
_ARRAYS = ("texts", "vectors", "weights", "mean", "slopes", "starts")  # of `Learned`, in its order


@dataclass(frozen=True)
class Learned:
    """What was learned of n examples of k classes: `vectors` (n, dimension) in 8 bits, `weights` (n, k), `mean` (k), and of the logistic
    regression `slopes` (k, k) and `starts` (k). `fingerprint` is the embedder's, `of` a digest of the examples, `texts` (n) are digests of
    what was embedded of each, in 64 bits."""

    fingerprint: str
    of: str
    texts: NDArray[Any]
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


def learn(
    vectors: ArrayLike,
    classes: Sequence[int],
    writers: Sequence[str],
    *,
    texts: Sequence[str],
    fingerprint: str,
    of: str,
) -> tuple[Learned, NDArray[Any]]:
    """Learn from the vectors (n, dimension) of examples' texts, the class of each, from 0 on, and who wrote it; a minute for five thousand.

    Beside it, what it says of each example without those of its writer: probabilities (n, k), by which to choose what costs what.
    ValueError where there are less than three classes, one writer alone, or a class that one alone has written.
    """
    import numpy as np
    from scipy.linalg import cho_factor, cho_solve
    from sklearn.linear_model import LogisticRegression

    wide = np.asarray(vectors, dtype=np.float32)
    small = np.round(wide / np.abs(wide).max(axis=1, keepdims=True) * 127).astype(np.int8)
    units, known, wrote = _units(small).astype(np.float64), np.asarray(classes), np.asarray(writers)
    wanted, kernel = np.eye(known.max() + 1)[known], _kernel(units @ units.T)

    def fitted(of: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
        mean = wanted[of].mean(axis=0)
        factor = cho_factor(kernel[np.ix_(of, of)] + _RIDGE * np.eye(of.sum()))
        return mean, cho_solve(factor, wanted[of] - mean)

    if wanted.shape[1] < 3 or set(known) != set(range(wanted.shape[1])):
        raise ValueError("three classes are needed, from 0 on, and of each an example")
    left_out = np.zeros_like(wanted)
    for writer in np.unique(wrote):
        others = wrote != writer
        if set(known[others]) != set(known):
            raise ValueError(f"without {writer}, the examples have not all classes")
        mean, weights = fitted(others)
        left_out[~others] = mean + kernel[np.ix_(~others, others)] @ weights
    logistic = LogisticRegression(C=1 / _STEADY, max_iter=2_000).fit(left_out, known)
    mean, weights = fitted(np.ones(len(known), dtype=bool))
    parts = (part.astype(np.float32) for part in (weights, mean, logistic.coef_, logistic.intercept_))
    return Learned(fingerprint, of, _digests(texts), small, *parts), logistic.predict_proba(left_out)


def embedded(
    texts: Sequence[str], embed: Callable[[str], Sequence[float]], kept: Learned | None, progress: Progress = silent
) -> NDArray[Any]:
    """The vectors (n, dimension) of texts, by `embed` where `kept`, of the same embedder, has not the same text: of those, its 8 bits, which are
    what would be kept of them again."""
    import numpy as np

    known = dict(zip(kept.texts.tolist(), kept.vectors, strict=True)) if kept else {}
    found = []
    for number, (text, digest) in enumerate(zip(texts, _digests(texts).tolist(), strict=True), start=1):
        found.append(known[digest] if digest in known else np.asarray(embed(text)))
        progress("embedding the examples", number / len(texts))
    return np.asarray(found, dtype=np.float32)


def least_cost(shares: Sequence[float], costs: Sequence[Sequence[float]]) -> int:
    """The class of least expected cost; `costs[is][said]`."""
    places = range(len(shares))
    return min(places, key=lambda said: sum(share * costs[at][said] for at, share in zip(places, shares, strict=True)))


def read_learned(file: Path) -> Learned:
    """What a file holds. ConfigurationError where it is damaged or not there."""
    import numpy as np

    try:
        with np.load(file, allow_pickle=False) as stored:
            return Learned(str(stored["fingerprint"]), str(stored["of"]), *(stored[name] for name in _ARRAYS))
    except (OSError, ValueError, TypeError, LookupError, EOFError, NotImplementedError, zipfile.BadZipFile) as error:
        raise ConfigurationError(f"{file} cannot be read ({error}); learn anew") from error


def write_learned(file: Path, learned: Learned) -> None:
    """Keep what was learned; the file is there whole or as it was before."""
    import numpy as np

    new = file.with_suffix(".new")
    with new.open("wb") as stream:
        np.savez(stream, **{name: getattr(learned, name) for name in ("fingerprint", "of", *_ARRAYS)})
    new.replace(file)


def _digests(texts: Sequence[str]) -> NDArray[Any]:
    import numpy as np

    return np.array([int.from_bytes(sha256(text.encode()).digest()[:8]) for text in texts], dtype=np.uint64)


def _kernel(similar: NDArray[Any]) -> NDArray[Any]:
    import numpy as np

    return np.asarray(np.exp(-2 * _WIDTH * (1 - similar)))  # of unit vectors


def _units(vectors: NDArray[Any]) -> NDArray[Any]:
    import numpy as np

    wide = vectors.astype(np.float32)
    return np.asarray(wide / np.linalg.norm(wide, axis=1, keepdims=True))
