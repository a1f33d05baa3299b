"""Reading: what a page makes of an app's documents, made anew only after these have changed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

from sectorkit.app import SectorApp
from sectorkit.errors import StoreError
from sectorkit.retrieval.index import Index
from sectorkit.runtime import Runtime

T = TypeVar("T")


class Kept(Generic[T]):
    """Calls `read` of the app's index, and keeps what it gives until the index has another generation."""

    def __init__(self, runtime: Runtime, app: SectorApp, read: Callable[[Index], T]) -> None:
        self._runtime, self._app, self._read = runtime, app.name, read
        self._last: tuple[Index, int, T] | None = None

    def __call__(self) -> tuple[Index, T]:
        """The open index and what was read of it. StoreError while there is no index yet."""
        index = self._runtime.index(self._app)
        if index is None:
            raise StoreError("the documents are not ready yet; try again in a moment")
        generation = index.stores.manifest.generation
        last = self._last
        if last is None or last[0] is not index or last[1] != generation:
            self._last = last = index, generation, self._read(index)
        return index, last[2]
