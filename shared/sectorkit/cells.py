"""Cells: what an answer says of a row of a table, which is no sentence but many: "Pump: P-12 | Pressure: 3.5 bar | Zone: North"."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable

from sectorkit.polarity import denials, limits_oppose
from sectorkit.quantities import quantities
from sectorkit.retrieval.words import stem, words

# Stems of words that say nothing by themselves. A row of a table has none of them, and is none the worse for it.
_FUNCTION_WORDS = (
    "a an the of is are was were be been has have had in on at for to from by with as and or it its this that which who what when "
    "where how le la les des du un une est sont ete etait au aux en sur par avec et ou ce cette qui que der die das dem den "
    "ein eine ist sind war wurde im am zu zum von vom mit und oder el los las del es son fue por con y o se 的 是 在 了 为 有 和 与 "
    "于 其 该 由 被 对 من في على الى هو هي كان"
)
FUNCTION = frozenset(_FUNCTION_WORDS.split())
_BETWEEN = " | "
_ROW = re.compile(r"^[^|:]+: [^|]* \| [^|:]+: ")
# A cell that is a number, with a unit or without.
_AMOUNT = re.compile(r"\s*[<>≤≥~±]?\s*[-−+]?\d[\d.,]*(?:\s*[^\W\d]\S{0,8}|\s*[%°]\w?)?\s*")
_CODE = re.compile(r"(?<![\w-])(?:[A-Za-z][A-Za-z-]*\d(?:[\w-]*\w)?|\d{4}-\d\d-\d\d)")  # "D11", "HL-P40", "2025-11-06"
_COUNTED = re.compile(r"\b([A-Za-z]{3,}) (\d{1,3})\b(?!\.\d)")  # "Line 3"
_PART = re.compile(r"[,;.]\s+")  # of a cell
_FEW = 3  # words of a cell, of which a claim that names its column has all
# A name: with a capital letter, where no sentence begins. Those of months are numbers.
_NAME = re.compile(
    r"(?<=[^\W\d_]\s)(?!(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]*\b)[A-Z][a-z]{2,}\b|(?<=[\u3040-\u9fff])[A-Z][a-z]{2,}\b"
)
_DAY = re.compile(r"\b\d{4}-\d\d-\d\d\b|\b\d{1,2}[./]\d{1,2}[./]\d{2,4}\b|\d{4}年(?:\d{1,2}月(?:\d{1,2}日)?)?")


def cells_of(text: str) -> list[tuple[str, str]]:
    """`(column, value)` of each cell of a row; none of a text that is no row."""
    if not _ROW.search(text):
        return []
    return [(column, value) for column, _, value in (cell.partition(": ") for cell in text.split(_BETWEEN))]


def spoken_of(text: str, terms: Collection[str], numbers: Collection[str]) -> str:
    """The cells of a row whose value has one of these stems or numbers; the whole text where none has, or where it is no row."""
    said = (
        (column, value)
        for column, value in cells_of(text)
        if not _stems(value).isdisjoint(terms) or not quantities(value).keys().isdisjoint(numbers)
    )
    return _joined(said) or text


def contradicts(text: str, claim: str, lead: str = "") -> bool:
    """Whether a row, whose document and section are called `lead`, has something else in the place of what the claim says.

    A code or a day that it has not ("D11", where it has D01), another number of a thing ("Line 1", where it is Line 3), or the number of
    another column: "the as-left error is 0.1", which is the permissible one.
    """
    cells, terms = cells_of(text), _content(claim)
    if not cells:
        return False
    named = _named(cells, terms)
    quoted = [(c, part) for c, value in cells for part in _PART.split(value) if c in named or _has_most(part, terms)]
    if denials(claim) != sum(denials(part) for _, part in quoted) or limits_oppose(claim, _joined(quoted)):
        return True
    replaced = any(column in named and _is_replaced(value, terms) for column, value in cells)
    return replaced or _names_another(text, claim, lead) or _misplaces([c for c in cells if c[0] in named], claim)


def _named(cells: Iterable[tuple[str, str]], terms: Collection[str]) -> set[str]:
    """The columns that a claim names in full: "Defect code", and not "Defect" by the same words."""
    stems = {column: {t for t in _content(column) if len(t) > 2 or not t.isascii()} for column, _ in cells}
    full = {column: said for column, said in stems.items() if said and said <= set(terms)}
    return {column for column, said in full.items() if not any(said < other for other in full.values())}


def _has_most(value: str, terms: Collection[str]) -> bool:
    said = _content(value)
    return bool(said) and len(said & set(terms)) * 2 >= len(said)


def _is_replaced(value: str, terms: Collection[str]) -> bool:
    """Whether a claim has nearly nothing of what the cell says: "the supplier is Northseal", where it is another."""
    said = {term for term in _content(value) if not term.isdigit()}
    held = len(said & set(terms))
    return held * 3 < len(said) if len(said) > _FEW else held < len(said)


def _names_another(text: str, claim: str, lead: str) -> bool:
    held, above = set(codes(text)), set(codes(lead))
    shapes = set(map(_shape, held))
    if any(code not in above or _shape(code) in shapes for code in codes(claim).keys() - held):
        return True
    if any(stem(name) not in _stems(f"{text} {lead}") for match in _NAME.findall(claim) for name in words(match)):
        return True
    counted: dict[str, set[str]] = {}
    for thing, number in _COUNTED.findall(text.casefold()):
        counted.setdefault(thing, set()).add(number)
    return any(number not in counted.get(thing, {number}) for thing, number in _COUNTED.findall(claim.casefold()))


def _misplaces(named: Collection[tuple[str, str]], claim: str) -> bool:
    """Whether a claim has numbers, and of the cells whose columns it names some are numbers and none is among them."""
    said = quantities(_CODE.sub(" ", _DAY.sub(" ", claim))).keys()
    amounts = [quantities(value).keys() for _, value in named if _AMOUNT.fullmatch(value)]
    return bool(said and amounts) and all(said.isdisjoint(amount) for amount in amounts)


def codes(text: str) -> dict[str, str]:
    """The codes and days that a text names, as they are written, by what they are alike in: {"hlp40": "HL-P40"}."""
    return {code.casefold().replace("-", ""): code for code in _CODE.findall(text)}


def named_codes(text: str) -> dict[str, str]:
    """Those codes that name a thing, such as a machine's "HL-X99", and no day."""
    return {key: code for key, code in codes(text).items() if not code[0].isdigit()}


def _shape(code: str) -> str:
    """ "hlp40" -> "aaa00": HL-P40 and HL-M60 are of one kind."""
    return re.sub(r"\d", "0", re.sub(r"[^\W\d_]", "a", code))


def _joined(cells: Iterable[tuple[str, str]]) -> str:
    return _BETWEEN.join(": ".join(cell) for cell in cells)


def _stems(text: str) -> set[str]:
    return set(map(stem, words(text)))


def _content(text: str) -> set[str]:
    """The stems of words that say something by themselves."""
    return _stems(text) - FUNCTION
