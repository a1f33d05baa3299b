"""Reading: what is made of an index's documents, made anew only after these have changed."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import date
from typing import Generic, TypeVar
from weakref import WeakKeyDictionary

from sectorkit.retrieval.index import Index

T = TypeVar("T")


class Kept(Generic[T]):
    """Calls `read` of an index, and keeps what it gives until the index has another generation, or is gone, or a day is over:
    what is in force depends on the day."""

    def __init__(self, read: Callable[[Index], T]) -> None:
        self._read = read
        self._made: WeakKeyDictionary[Index, tuple[tuple[int, date], T]] = WeakKeyDictionary()
        self._making: WeakKeyDictionary[Index, threading.Lock] = WeakKeyDictionary()
        self._asking = threading.Lock()

    def __call__(self, index: Index) -> T:
        """What there is of the index's documents as they stand; a second caller waits for the first."""
        with self._asking:
            making = self._making.setdefault(index, threading.Lock())
        with making:
            state = index.stores.manifest.generation, date.today()
            made = self._made.get(index)
            if made is None or made[0] != state:
                self._made[index] = made = state, self._read(index)
            return made[1]
