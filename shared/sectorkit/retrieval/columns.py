"""Columns: what a filter has to know of every passage, in memory: its slot, its document, what that says of itself."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from sectorkit.retrieval.filters import Where

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from sectorkit.retrieval.manifest import Manifest


class Columns:
    """The passages of one generation of the index as arrays, by ascending id: about 40 bytes a passage.

    `slots` holds -1 for a passage without a vector in the file; `complete` says that there is none such.
    """

    def __init__(self, manifest: Manifest) -> None:
        import numpy as np

        rows = manifest.places()
        self._manifest = manifest
        self._ids: NDArray[np.bytes_] = np.array([row[0] for row in rows], "S")
        self.slots: NDArray[np.int64] = np.array([row[1] for row in rows], np.int64)
        self._documents: NDArray[np.int64] = np.array([row[2] for row in rows], np.int64)
        self._known: dict[str, tuple[dict[str, int], NDArray[np.int32]]] = {}
        self.complete = not (self.slots < 0).any()

    def __len__(self) -> int:
        return len(self._ids)

    def matching(self, where: Where) -> NDArray[np.bool_]:
        """Which passages belong to a document that meets `where`, `(passages,)`."""
        import numpy as np

        met = np.ones(len(self), bool)
        for key, values in where.items():
            numbers, coded = self._coded(key)
            met &= np.isin(coded, [numbers[value] for value in values if value in numbers])
        return met

    def among(self, ids: Sequence[str], rows: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Which of `ids` are passages of `rows`, `(ids,)`; there must be a passage."""
        import numpy as np

        asked = np.array(ids, self._ids.dtype)
        at = np.minimum(np.searchsorted(self._ids, asked), len(self) - 1)
        known: NDArray[np.bool_] = self._ids[at] == asked
        return known & rows[at]

    def names(self, rows: NDArray[np.int64]) -> list[str]:
        """The ids of rows, given by number."""
        return [name.decode() for name in self._ids[rows]]

    def _coded(self, key: str) -> tuple[dict[str, int], NDArray[np.int32]]:
        """The values of `key` by number, and each passage's number; 0 where its document does not say."""
        import numpy as np

        if key not in self._known:
            numbers: dict[str, int] = {}
            of_document = {d: numbers.setdefault(value, len(numbers) + 1) for d, value in self._manifest.values(key)}
            documents, passages = np.unique(self._documents, return_inverse=True)
            codes = np.array([of_document.get(int(d), 0) for d in documents], np.int32)
            self._known[key] = numbers, codes[passages]
        return self._known[key]
