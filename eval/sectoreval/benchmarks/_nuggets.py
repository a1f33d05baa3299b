"""Nuggets: whether an answer states a fact, told by its words and numbers.

A nugget is `{"nugget": TEXT, "status": "ESSENTIAL" or "OPTIONAL"}`. It is matched where a text has all of its numbers and
two thirds of its words, stemmed. What is `given`, such as the question's own words, counts only where nothing else is left. That
is no judge: other words for the same are missed, and facts that a long list scatters are taken for stated. By this share the
model answers of fmea_qa state .94 of their own nuggets and .04 of those of other questions; by four fifths, .88 and .04.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, NamedTuple

from sectorkit.retrieval.words import sentences

_SHARE = 2 / 3  # of a nugget's words
_OPTIONAL = 0.3  # weight of an optional nugget and of an extra claim, as upstream has it
_UNCLOSED = re.compile(r"""([^"\s}\]])\s*,\s*"status"\s*:""")
_BAD_ESCAPE = re.compile(r"""\\(?!["\\/bfnrtu])""")
_NUMBER = re.compile(r"(?<![\w.])\d+(?:,\d{3})*(?:\.\d+)?(?!\w)")
_PLACE = re.compile(r"\([^()]*\d(?:st|nd|rd|th)\b[^()]*\)")  # "(2nd to 4th)" is no number of a document
_HYPHEN = re.compile(r"(?<=[^\W\d])-(?=[^\W\d])")  # sub-component and subcomponent are one word
_NONE = re.compile(r"\b(?:no|none|not|nothing|neither|nor|never|unknown|without|cannot)\b|n['’]t\b", re.IGNORECASE)
_STOP = frozenset((
    "a", "about", "all", "an", "and", "any", "ar", "are", "around", "as", "at", "be", "been", "both", "by", "call", "can", "do",
    "doe", "for", "from", "had", "ha", "has", "have", "in", "into", "is", "it", "its", "of", "on", "onli", "or", "over", "s",
    "that", "the", "their", "there", "these", "thi", "this", "those", "to", "wa", "was", "were", "what", "which", "with",
))  # fmt: skip


class Content(NamedTuple):
    """What a text says: stems of its words, and its numbers."""

    words: frozenset[str]
    numbers: frozenset[float]

    def without(self, given: Content) -> Content:
        return Content(self.words - given.words, self.numbers - given.numbers)

    def covers(self, needed: Content) -> bool:
        """Whether it has all of these numbers and enough of these words."""
        has = all(any(close(number, said) for said in self.numbers) for number in needed.numbers)
        return has and len(needed.words & self.words) >= _SHARE * len(needed.words)


def read_nuggets(cell: str) -> list[dict[str, str]]:
    """A cell's nuggets; a text that is not closed and a bad escape are mended. JSONDecodeError where that is not enough."""
    try:
        found: list[dict[str, str]] = json.loads(cell)
    except json.JSONDecodeError:
        found = json.loads(_UNCLOSED.sub(r'\1", "status":', _BAD_ESCAPE.sub(r"\\\\", cell)))
    return found


def nugget_scores(nuggets: Sequence[Mapping[str, Any]], text: str, given: str) -> tuple[float, float]:
    """Upstream's recall and precision: optional nuggets add to precision alone, and claims that state no nugget take from it.

    An optional nugget is never incorrect, since words cannot tell.
    """
    known, whole = content(given), content(text)
    wanted = [(content(nugget["nugget"]), nugget["status"] == "ESSENTIAL") for nugget in nuggets]
    needed = [_left(nugget, known) for nugget, _ in wanted]
    matched = [any(whole) and whole.covers(need) for need in needed]
    essential = sum(is_essential for _, is_essential in wanted)
    hits = sum(m for m, (_, is_essential) in zip(matched, wanted, strict=True) if is_essential)
    extra = 0
    for start, end in sentences(text):
        item = content(text[start:end])
        own = item.without(known)
        states = (item.covers(need) or nugget.covers(own) for need, (nugget, _) in zip(needed, wanted, strict=True))
        extra += any(own) and not any(states)
    weight = hits + _OPTIONAL * (sum(matched) - hits)
    total = weight + _OPTIONAL * extra
    return hits / essential if essential else 1.0, weight / total if total else 0.0


def _left(nugget: Content, known: Content) -> Content:
    own = nugget.without(known)
    return own if any(own) else nugget


def content(text: str) -> Content:
    """English words, stemmed as ROUGE stems them; every word of denial is "not"."""
    text = _HYPHEN.sub("", _PLACE.sub("", text))
    words = frozenset(word for word in _tokenizer().tokenize(_NONE.sub(" not ", text)) if not word[0].isdigit())
    return Content(words - _STOP, frozenset(number for number, _ in numbers_of(text)))


@cache
def _tokenizer() -> Any:
    from rouge_score.tokenizers import DefaultTokenizer

    return DefaultTokenizer(use_stemmer=True)


def denies(text: str) -> bool:
    """Whether its first sentence has a word of denial."""
    start, end = next(iter(sentences(text)), (0, 0))
    return _NONE.search(text[start:end]) is not None


def numbers_of(text: str) -> list[tuple[float, int]]:
    """The numbers of a text, each with its place."""
    return [(float(match[0].replace(",", "")), match.start()) for match in _NUMBER.finditer(text)]


def close(wanted: float, number: float) -> bool:
    """Whole numbers are counts and scores, and exact; others within 1 % or 0.01."""
    if wanted % 1 == 0 and number % 1 == 0:
        return wanted == number
    return abs(wanted - number) <= max(0.01, 0.01 * abs(wanted)) + 1e-9
