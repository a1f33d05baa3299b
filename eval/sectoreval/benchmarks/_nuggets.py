"""Nuggets: whether an answer states a fact, told by its words and numbers.

A nugget is `{"nugget": TEXT, "status": "ESSENTIAL" or "OPTIONAL"}`. It is matched where a text has all of its numbers and
two thirds of its words, stemmed, and where the clause with most of them denies as the nugget does. What is `given`, such as the
question's own words, counts only where nothing else is left; where it denies, a denial is not asked for. That is no judge: other
words for the same are missed, and facts that a long list scatters are taken for stated. By this share the model answers of fmea_qa
state .94 of their own nuggets and .05 of those of other questions; by four fifths, .88 and .04.
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
_NONE = re.compile(
    r"\b(?:no(?!\.?\s*\d)|none|not|nothing|neither|nor|never|unknown|without|cannot)\b|n['’]t\b", re.IGNORECASE
)
_NOT = "not"  # what each of these words is here
_CLAUSE = re.compile(r"[;|]")  # of a row
_SAID = r"(?:listed|mentioned|recorded|found|given|specified|stated|described|named|provided)"
_IS = r"(?:is|are|was|were|has been|have been)"
_DENIAL = re.compile(
    rf"""(?<!with\ |hich\ |here\ |that\ )\b(?:  # "the parts with no ...", "for which there is no ..." tell of others
        there\ (?:is|are|was|were)\ (?:no|none|not|nothing)\b(?!\.?\s*\d) | there\ (?:is|are|was|were)n['’]t
        | no\b(?!\.?\s*\d)[^.;:]*\b(?:{_IS}\ {_SAID}|exists?)\b | none\b
        | (?:has|have)\ no\b(?!\.?\s*\d)
        | (?:do|does|did)(?:\ not|n['’]t)\ (?:list|mention|state|contain|record|specify|name|describe|include|have|exist)\b
    )
    | ^\W*(?:no\ (?!\d)[^\W\d][^,.;:]*\b(?:{_IS}|has|have|can|does|do)|nothing)\b
    | (?:\bnot|n['’]t)\ (?:{_SAID}|in\ the)\b | \bunknown\b""",
    re.IGNORECASE | re.VERBOSE,
)
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
    known, whole, clauses = content(given), content(text), _clauses(text)
    wanted = [(content(nugget["nugget"]), nugget["status"] == "ESSENTIAL") for nugget in nuggets]
    needed = [_left(nugget, known) for nugget, _ in wanted]
    matched = [
        any(whole) and whole.covers(need) and _agree(nugget, need, clauses, known)
        for need, (nugget, _) in zip(needed, wanted, strict=True)
    ]
    essential = sum(is_essential for _, is_essential in wanted)
    hits = sum(m for m, (_, is_essential) in zip(matched, wanted, strict=True) if is_essential)
    extra = 0
    for start, end in sentences(text):
        item = content(text[start:end])
        own = item.without(known)
        own_clauses = _clauses(text[start:end])
        states = (
            (item.covers(need) or nugget.covers(own)) and _agree(nugget, need, own_clauses, known)
            for need, (nugget, _) in zip(needed, wanted, strict=True)
        )
        extra += any(own) and not any(states)
    weight = hits + _OPTIONAL * (sum(matched) - hits)
    total = weight + _OPTIONAL * extra
    return hits / essential if essential else 1.0, weight / total if total else 0.0


def _clauses(text: str) -> list[Content]:
    return [content(part) for start, end in sentences(text) for part in _CLAUSE.split(text[start:end])]


def _agree(nugget: Content, need: Content, clauses: Sequence[Content], known: Content) -> bool:
    """Whether a clause that has most of what is needed denies as the nugget does. Where the question denies, nothing tells."""
    if _NOT in known.words:
        return True
    shared = [
        len(need.words & clause.words - {_NOT})
        + sum(any(close(n, said) for said in clause.numbers) for n in need.numbers)
        for clause in clauses
    ]
    best = (clause for clause, count in zip(clauses, shared, strict=True) if count == max(shared))
    return any((_NOT in clause.words) == (_NOT in nugget.words) for clause in best)


def _left(nugget: Content, known: Content) -> Content:
    own = nugget.without(known)
    return own if any(own) else nugget


def content(text: str) -> Content:
    """English words, stemmed as ROUGE stems them; every word of denial is "not"."""
    text = _HYPHEN.sub("", _PLACE.sub("", text))
    words = frozenset(word for word in _tokenizer().tokenize(_NONE.sub(f" {_NOT} ", text)) if not word[0].isdigit())
    return Content(words - _STOP, frozenset(number for number, _ in numbers_of(text)))


@cache
def _tokenizer() -> Any:
    from rouge_score.tokenizers import DefaultTokenizer

    return DefaultTokenizer(use_stemmer=True)


def denies(text: str) -> bool:
    """Whether its first sentence says that there is no such thing, or that nothing tells of it."""
    start, end = next(iter(sentences(text)), (0, 0))
    return _DENIAL.search(text[start:end]) is not None


def numbers_of(text: str) -> list[tuple[float, int]]:
    """The numbers of a text, each with its place."""
    return [(float(match[0].replace(",", "")), match.start()) for match in _NUMBER.finditer(text)]


def close(wanted: float, number: float) -> bool:
    """Whole numbers are counts and scores, and exact; others within 1 % or 0.01."""
    if wanted % 1 == 0 and number % 1 == 0:
        return wanted == number
    return abs(wanted - number) <= max(0.01, 0.01 * abs(wanted)) + 1e-9
