"""VectorFile: every passage's vector, one after the other in a flat file, to compare a question with any of them exactly.

The graph in Chroma finds the nearest of all; it cannot find the nearest of a few among many as fast. This file can, and
it is what a lost graph is made from again without embedding anything.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from sectorkit.errors import StoreBroken

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import ArrayLike, NDArray

_TOGETHER = 8192  # vectors that are compared at a time: 25 MB of them, of 768 numbers


class VectorFile:
    """Unit vectors of one dimension as float32, by slot: the place in the file, counted from 0.

    Which slot is whose is the manifest's to know. A slot that was never written holds zeros. Every method raises
    StoreBroken where the file fails.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._map: NDArray[np.float32] | None = None

    def write(self, slots: Sequence[int], vectors: ArrayLike) -> None:
        """Put `vectors`, `(len(slots), dimension)` of any length, into `slots`; on the disk when this returns."""
        import numpy as np

        matrix = np.asarray(vectors, np.float32)
        lengths = np.linalg.norm(matrix, axis=1, keepdims=True)
        matrix = np.ascontiguousarray(matrix / np.where(lengths == 0, 1, lengths))
        try:
            with open(os.open(self._path, os.O_RDWR | os.O_CREAT, 0o644), "r+b") as file:
                for slot, vector in zip(slots, matrix, strict=True):
                    file.seek(slot * vector.nbytes)
                    file.write(vector.tobytes())
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise StoreBroken(f"the vectors in {self._path} cannot be written: {error}") from error

    def read(self, slots: Sequence[int] | NDArray[np.int64], dimension: int) -> NDArray[np.float32]:
        """The vectors in `slots`, `(len(slots), dimension)`."""
        import numpy as np

        wanted = np.asarray(slots, np.int64)
        held = self._mapped(dimension)
        if len(wanted) and int(wanted.max()) >= len(held):
            raise StoreBroken(
                f"{self._path} has {len(held)} vectors, and number {int(wanted.max()) + 1} is wanted of it"
            )
        return held[wanted]

    def similarities(self, vector: ArrayLike, slots: NDArray[np.int64]) -> NDArray[np.float32]:
        """Cosine of `vector` with each of the vectors in `slots`, in their order."""
        import numpy as np

        asked = np.asarray(vector, np.float32)
        asked = asked / (np.linalg.norm(asked) or 1)
        parts = [slots[at : at + _TOGETHER] for at in range(0, len(slots), _TOGETHER)]
        found = [self.read(part, len(asked)) @ asked for part in parts]
        return np.concatenate(found) if found else np.empty(0, np.float32)

    def rows(self, dimension: int) -> int:
        """How many vectors the file has room for."""
        try:
            return self._path.stat().st_size // (4 * dimension)
        except FileNotFoundError:
            return 0
        except OSError as error:
            raise StoreBroken(f"the vectors in {self._path} cannot be read: {error}") from error

    def _mapped(self, dimension: int) -> NDArray[np.float32]:
        import numpy as np

        rows = self.rows(dimension)
        if self._map is None or self._map.shape != (rows, dimension):
            if rows == 0:
                return np.empty((0, dimension), np.float32)
            try:
                self._map = np.memmap(self._path, np.float32, "r", shape=(rows, dimension))
            except OSError as error:
                raise StoreBroken(f"the vectors in {self._path} cannot be read: {error}") from error
        return self._map
