"""Texts: how a free answer is compared with a reference, by ROUGE as its authors' package computes it."""

from __future__ import annotations

from functools import cache
from typing import Any, NamedTuple


class Overlap(NamedTuple):
    """Precision, recall and F1 of an answer against a reference, in [0, 1]."""

    precision: float
    recall: float
    f1: float


def rouge(said: str, reference: str, kind: str = "rougeL") -> Overlap:
    """ROUGE of an English text, words stemmed; `kind` is rouge1, rouge2 or rougeL. Marks like [1] are left out."""
    found = _scorer().score(reference, without_marks(said))[kind]
    return Overlap(float(found.precision), float(found.recall), float(found.fmeasure))


def without_marks(text: str) -> str:
    """The text without the numbers of its citations."""
    import re

    return re.sub(r"\s*\[(?:\d+|\?)\]", "", text)


@cache
def _scorer() -> Any:
    from rouge_score.rouge_scorer import RougeScorer

    return RougeScorer(["rouge1", "rouge2", "rougeL"], use_stemmer=True)
