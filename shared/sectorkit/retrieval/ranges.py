"""Ranges: many page or row numbers in few characters."""

from __future__ import annotations

from collections.abc import Iterable


def ranges(numbers: Iterable[int]) -> str:
    """Ascending numbers as a person writes them: 3, 5, 6, 7 are "3, 5-7"."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number <= runs[-1][1] + 1:
            runs[-1][1] = number
        else:
            runs.append([number, number])
    return ", ".join(str(first) if first == last else f"{first}-{last}" for first, last in runs)


def about(numbers: list[int], what: str, step: str, *, noun: str = "page") -> list[str]:
    """One note for all numbers concerned: "pages 3, 5-9 have no text: run OCR". None where there are none."""
    if not numbers:
        return []
    return [
        f"{noun} {numbers[0]} has {what}: {step}"
        if len(numbers) == 1
        else f"{noun}s {ranges(numbers)} have {what}: {step}"
    ]
