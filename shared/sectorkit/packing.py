"""Packing: hits become the evidence of a prompt, within a budget of tokens."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import partial

from sectorkit.answer import Evidence
from sectorkit.injection import without_injections
from sectorkit.retrieval.passage import Hit, Passage
from sectorkit.times import standing

_WORD = re.compile(r"[\u3040-\u9fff]|[^\s\u3040-\u9fff]+")  # a character, in scripts without spaces


def pack(hits: Sequence[Hit], *, budget: int, count: Callable[[str], int], max_passages: int) -> tuple[Evidence, ...]:
    """The best hits whose texts fit into `budget` tokens by `count`, in rank order, numbered from 1.

    A hit that does not fit is passed over and smaller ones after it may still go in; the first always goes in,
    cut to the budget where it must be. Paragraphs that address a model are taken out.
    """
    packed: list[Evidence] = []
    left = budget
    for hit in hits:
        if len(packed) == max_passages:
            break
        text = without_injections(hit.passage.page_content)
        if not text:
            continue
        n = len(packed) + 1
        if (cost := count(_block(n, hit.passage, text))) > left:
            if packed:
                continue
            text = _cut(text, partial(_fits, hit.passage, left, count))
            cost = left
        packed.append(Evidence(n, hit, text))
        left -= cost
    return tuple(packed)


def _fits(passage: Passage, budget: int, count: Callable[[str], int], text: str) -> bool:
    return count(_block(1, passage, text)) <= budget


def _cut(text: str, fits: Callable[[str], bool]) -> str:
    """The longest beginning of `text` that fits and ends with a whole word; at least one word."""
    ends = [match.end() for match in _WORD.finditer(text)]
    low, high = 1, len(ends)
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if fits(text[: ends[middle - 1]]) else (low, middle - 1)
    return text[: ends[low - 1]]


def render(evidence: Sequence[Evidence]) -> str:
    """The evidence as the model reads it: numbered, each under its source."""
    return "\n\n".join(_block(e.n, e.passage, e.text) for e in evidence)


def _block(n: int, passage: Passage, text: str) -> str:
    meta = passage.metadata
    where = " › ".join(str(part) for part in (meta.get("title"), meta.get("heading")) if part)
    stands = f" ({words})" if (words := standing(meta)) else ""
    return f"[{n}] {where}{stands}\n{text}"
