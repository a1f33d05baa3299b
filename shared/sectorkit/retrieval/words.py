"""Words: how text in any script becomes the terms that are indexed, searched and compared."""

from __future__ import annotations

import re
import unicodedata
from functools import cache, lru_cache

TERMS = "terms-2"  # an index keeps its words under this name: raise it when `words` or `pieces` come out otherwise

# Signs that stand for a syllable or a word (kana, hangul, Chinese characters): two of them make a term.
_SIGNS = (
    "\u3005-\u3007\u3041-\u3096\u3099-\u309f\u30a1-\u30fa\u30fc-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7a3\uf900-\ufaff"
    "\U00020000-\U0003ffff"
)
_UNSPACED = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff"  # alphabets without spaces: Thai, Lao, Burmese, Khmer
# Vowel signs and the like, which Python's \w leaves out, though they are letters of Indic words.
_MARKS = "".join(
    chr(c) for c in (*range(0x0900, 0x1B00), *range(0xA800, 0xAC00)) if unicodedata.category(chr(c))[0] == "M"
)
_LETTERS = rf"[^\W\d_{_SIGNS}{_UNSPACED}]+"
_RUN = re.compile(
    rf"[{_SIGNS}]+|[{_UNSPACED}]+|\d+(?:[.,\u202f\u00a0 ]\d{{3}})+(?!\d)|\d+|{_LETTERS}(?:[{_MARKS}]+(?:{_LETTERS})?)*"
)
_SIGN, _LETTER_UNSPACED, _HAN = re.compile(f"[{_SIGNS}]"), re.compile(f"[{_UNSPACED}]"), re.compile("[\u3400-\u9fff]")

# Latin, Greek and Cyrillic accents, Hebrew and Arabic points, variation selectors: what writers may leave out.
_OPTIONAL = re.compile(
    "[\u0300-\u036f\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7\u0610-\u061a\u064b-\u065f\u0670\u06d6-\u06ed\ufe00-\ufe0f]+"
)
# Letters that Unicode does not take apart, forms that are typed for one another, and what is there for the eye only:
# the Arabic stretch, the soft hyphen, joiners; in Hindi, the dot below and the moon above the dot.
_LIKE = str.maketrans(
    {"ı": "i", "đ": "d", "ø": "o", "ł": "l", "æ": "ae", "œ": "oe", "ی": "ي", "ى": "ي", "ک": "ك", "\u0901": "\u0902"}
    | dict.fromkeys("\u0640\u00ad\u200d\u2060\ufeff\u093c")
)

_OTHER_DIGIT = re.compile(r"(?![0-9])\d")
_PIECE = 4  # letters
_SPELT_OUT = re.compile("(?<![aeiouq])([aou])e(?=[a-z])")  # Gebuehr for Gebühr


def fold(text: str) -> str:
    """One spelling for what readers take as one: `Élève` becomes `eleve`, ٤٥ becomes 45, 稅務 becomes 税务.

    Lower case, compatibility forms, digits of any script as ASCII, simplified Chinese characters, no accents. Vowel
    signs, tone marks and the voicing of kana stay: without them it is another word.
    """
    decomposed = unicodedata.normalize("NFKD", text).casefold()
    if decomposed.isascii():
        return decomposed
    bare = unicodedata.normalize("NFC", _OPTIONAL.sub("", decomposed)).translate(_LIKE)
    if _HAN.search(bare):
        bare = bare.translate(_simplified())
    return _OTHER_DIGIT.sub(lambda digit: str(unicodedata.decimal(digit.group())), bare)


@cache
def _simplified() -> dict[int, str]:
    """Traditional Chinese characters and their simplified form, one for one."""
    from opencc import OpenCC

    han = [chr(c) for c in range(0x3400, 0xA000)]
    forms = OpenCC("t2s").convert("\n".join(han)).split("\n")
    return {ord(c): form for c, form in zip(han, forms, strict=True) if form != c}


def words(text: str) -> list[str]:
    """Terms of `text`, in order: folded words, digits, and pairs of characters in scripts without spaces.

    Korean is cut into pairs too, since its particles are written onto the word. A thousands separator is dropped
    (`12 500`, `12,500` and `12500` are one term). A single character of such a script stands for itself.
    """
    return _words(_runs(text))


def pieces(text: str) -> list[str]:
    """What words are made of, in order: each four neighbouring letters, single signs of Chinese, Japanese and Korean.

    The language-neutral way to find `Abfalltonne` by `Tonne`, and a word by its other forms (McNamee and Mayfield,
    2004). `_` marks a word's edges: `night` is `_nig`, `nigh`, `ight`, `ght_`. Numbers and words of one or two
    letters stay whole; ae, oe and ue count as ä, ö and ü.
    """
    return _pieces(_runs(text))


def words_and_pieces(text: str) -> tuple[list[str], list[str]]:
    """Both at once, for less than one after the other."""
    runs = _runs(text)
    return _words(runs), _pieces(runs)


def _runs(text: str) -> list[str]:
    return _RUN.findall(fold(text))


def _words(runs: list[str]) -> list[str]:
    terms: list[str] = []
    for run in runs:
        if _SIGN.match(run) or _LETTER_UNSPACED.match(run):
            terms.extend([run] if len(run) == 1 else [run[i : i + 2] for i in range(len(run) - 1)])
        else:
            terms.append(_number(run))
    return terms


def _pieces(runs: list[str]) -> list[str]:
    found: list[str] = []
    for run in runs:
        if _SIGN.match(run):
            found.extend(run)
        elif _LETTER_UNSPACED.match(run):
            found.extend(_cut(run))
        else:
            found.extend(_pieces_of(run))
    return found


@lru_cache(50_000)  # a language's few thousand frequent words are most of any text
def _pieces_of(word: str) -> tuple[str, ...]:
    if word[0].isdigit() or len(word) < 3:
        return (_number(word),)
    return _cut("_" + _SPELT_OUT.sub(r"\1", word) + "_")


def _number(run: str) -> str:
    return re.sub(r"\D", "", run) if run[0].isdigit() else run


def _cut(run: str) -> tuple[str, ...]:
    return tuple(run[i : i + _PIECE] for i in range(max(1, len(run) - _PIECE + 1)))


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
