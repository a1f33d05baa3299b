"""Filters: which metadata of a document can be filtered by, and what a caller wants of it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, TypeAlias

from sectorkit.errors import RequestError

Where: TypeAlias = Mapping[str, tuple[str, ...]]
"""Key -> the values of which a passage must have one. Made by `parse_where`."""

# What a passage says of itself. A document cannot set these, and nobody filters by them.
PASSAGE_FIELDS = frozenset({"page", "page_name", "rows", "heading", "locator", "start", "end"})


def filterable(metadata: Mapping[str, Any]) -> dict[str, str]:
    """The metadata that both stores hold, as text: what a filter says is then the same in both."""
    return {
        key: _text(value)
        for key, value in metadata.items()
        if key not in PASSAGE_FIELDS and isinstance(value, str | int | float | bool)
    }


def parse_where(where: Mapping[str, Any] | None, known: Collection[str]) -> Where:
    """A filter with its values as text. Each key of `where` goes with one value or with several alternatives.

    RequestError for a key outside `known`, for no value at all, and for values that are neither text nor numbers.
    """
    parsed: dict[str, tuple[str, ...]] = {}
    for key, value in (where or {}).items():
        values = list(value) if isinstance(value, list | tuple | set | frozenset) else [value]
        if not values or not all(isinstance(v, str | int | float | bool) for v in values):
            raise RequestError(f"the filter {key!r} needs a value, or a list of values, of text or numbers")
        if key not in known:
            raise RequestError(
                f"no document has {key!r} to filter by; known: {', '.join(sorted(known)) or 'nothing, the index is empty'}"
            )
        parsed[key] = tuple(map(_text, values))
    return parsed


def _text(value: str | int | float | bool) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
