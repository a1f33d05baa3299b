"""Progress: how long work reports how far it is, to a terminal, a page or nobody."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """Called as often as is useful; must be cheap and thread-safe."""

    def __call__(self, message: str, fraction: float | None = None) -> None:
        """`message`: what is being done. `fraction`: share done in [0, 1], None where it is unknown."""


def silent(message: str, fraction: float | None = None) -> None:
    """The progress that nobody watches."""
