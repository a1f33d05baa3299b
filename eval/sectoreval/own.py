"""Own: what the benchmarks on a user's own files share in checking them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sectoreval.benchmark import Case
from sectorkit.errors import ConfigurationError


def checked_ids(path: Path, cases: Sequence[tuple[int, Case]]) -> list[Case]:
    """The cases, of lines by number. ConfigurationError where two have one id, or there is none at all."""
    seen: dict[str, int] = {}
    for number, case in cases:
        if case.id in seen:
            raise ConfigurationError(
                f"{path}, line {number}: the id {case.id!r} stands on line {seen[case.id]} already"
            )
        seen[case.id] = number
    return [case for _, case in cases]


def checked_groups(path: Path, number: int, entry: dict[str, Any]) -> dict[str, str]:
    """The groups of a line: a mapping of texts."""
    groups = entry.get("groups", {})
    if not isinstance(groups, dict) or not all(isinstance(v, str | int | float | bool) for v in groups.values()):
        raise ConfigurationError(f'{path}, line {number}: "groups" should map names to texts')
    return {str(key): str(value) for key, value in groups.items()}
