"""Words: how text in any script becomes the terms that are indexed, searched and compared."""

from __future__ import annotations

import re
import unicodedata

# Scripts that are written without spaces between words: a word search needs overlapping pairs there.
_UNSPACED = "\u0e00-\u0e7f\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
_RUN = re.compile(rf"[{_UNSPACED}]+|\d+(?:[.,\u202f\u00a0 ]\d{{3}})+(?!\d)|\d+|[^\W\d_]+")
_UNSPACED_RUN = re.compile(rf"[{_UNSPACED}]+")


def fold(text: str) -> str:
    """Lower case, compatibility forms, digits of any script as ASCII, accents removed: `Élève` becomes `eleve`."""
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    if decomposed.isascii():
        return decomposed
    return "".join(_letter(c) for c in decomposed if not unicodedata.combining(c))


def _letter(c: str) -> str:
    return str(unicodedata.decimal(c)) if c.isdecimal() and not c.isascii() else c


def words(text: str) -> list[str]:
    """Terms of `text`, in order: folded words, digits, and pairs of characters in unspaced scripts.

    A thousands separator is dropped (`12 500`, `12,500` and `12500` are one term). A single character of an
    unspaced script stands for itself.
    """
    terms: list[str] = []
    for run in _RUN.findall(fold(text)):
        if _UNSPACED_RUN.fullmatch(run):
            terms.extend([run] if len(run) == 1 else [run[i : i + 2] for i in range(len(run) - 1)])
        elif run[0].isdigit():
            terms.append(re.sub(r"\D", "", run))
        else:
            terms.append(run)
    return terms


def stem(term: str) -> str:
    """The first five letters of a word: the language-neutral stemmer (McNamee and Mayfield, 2004).

    Numbers and pairs of unspaced characters are shorter and stay as they are.
    """
    return term if term.isdigit() else term[:5]


_SENTENCE_END = re.compile(
    r"(?<=[.!?…])[\"'»”’)\]]*\s+(?=[^\s\da-zà-ÿа-я)])|(?<=[。！？；])[」』”’）]*|(?<=[؟۔])\s+|\n+"
)
_ABBREVIATION = re.compile(
    r"(?:^|[\s(])(?:art|no|nr|n°|al|p|pp|cf|e\.g|i\.e|etc|vs|mr|mrs|ms|dr|st|bzw|z\.b|u\.a|ca|mme|m|tel|sec|para|[a-z])\.$",
    re.IGNORECASE,
)


def sentences(text: str) -> list[tuple[int, int]]:
    """Spans `(start, end)` of the sentences of `text`, without the white space around them.

    Ends are the marks of Latin, Chinese, Japanese and Arabic writing and line ends; `Art. 5` and `Dr. Weill`
    stay whole.
    """
    spans: list[tuple[int, int]] = []
    start = 0
    for match in _SENTENCE_END.finditer(text):
        if "\n" not in match.group() and _ABBREVIATION.search(text[start : match.start()]):
            continue
        spans.append((start, match.end()))
        start = match.end()
    spans.append((start, len(text)))
    trimmed = []
    for begin, end in spans:
        piece = text[begin:end]
        if stripped := piece.strip():
            begin += len(piece) - len(piece.lstrip())
            trimmed.append((begin, begin + len(stripped)))
    return trimmed
