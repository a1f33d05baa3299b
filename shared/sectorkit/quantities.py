"""Quantities: the numbers that a text names, with their units where these are known, in several languages.

Two texts agree on a number where the value is the same and neither gives it a unit that the other contradicts:
"30 days" is not "30 months", and "35 VLM" is not "35 percent". A unit that is not known contradicts nothing.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from types import MappingProxyType

# Measures that have other names in other languages; a code of three capitals (EUR, VLM) is a unit of its own.
_UNIT_NAMES = {
    "percent": "% percent per·cent pour·cent prozent",
    "minute": "minute minutes min minuten 分钟",
    "hour": "hour hours h heure heures stunde stunden 小时",
    "day": "day days jour jours tag tage tagen 天 日",
    "week": "week weeks semaine semaines woche wochen 周 星期",
    "month": "month months mois monat monate monaten 个月 月",
    "year": "year years an ans année années jahr jahre jahren 年",
    "metre": "m metre metres meter meters mètre mètres 米",
    "m2": "m² m2 square·metre square·metres square·meter mètres·carrés quadratmeter 平方米",
    "kilometre": "km kilometre kilometres kilometer kilomètres 公里",
    "m3": "m³ m3 cubic·metre cubic·metres mètre·cube mètres·cubes kubikmeter 立方米",
    "kilogram": "kg kilogram kilograms kilogramme kilogrammes kilogramm 公斤 千克",
    "litre": "litre litres liter l 升",
    "decibel": "db db(a) decibel decibels décibels dezibel 分贝",
    "euro": "€ eur euro euros 欧元",
    "dollar": "$ usd dollar dollars 美元",
    "yuan": "¥ cny rmb yuan 元",
    "pound": "£ gbp pound pounds 英镑",
}
UNITS: Mapping[str, str] = MappingProxyType(
    {name.replace("·", " "): unit for unit, names in _UNIT_NAMES.items() for name in names.split()}
)
_BY_LENGTH = sorted(UNITS, key=len, reverse=True)
# Between the number and its unit: "30 calendar days", "trente jours", "30个工作日" (工作 is skipped).
_AFTER = re.compile(
    rf"[\s\u00a0\u202f-]*(?:(?:working|calendar|consecutive|full|business|whole|jours? ouvrables?|volle[nr]?)\s+|工作|个工作)?"
    rf"(?P<unit>(?:{'|'.join(re.escape(name) for name in _BY_LENGTH if not name.isascii() or not name.isalpha())})"
    rf"|(?:{'|'.join(name for name in _BY_LENGTH if name.isascii() and name.isalpha())})(?![A-Za-z])|[A-Z]{{3}}(?![A-Za-z]))",
    re.IGNORECASE,
)
_BEFORE = re.compile(r"(?P<unit>[A-Z]{3}|[€$¥£])[\s\u00a0\u202f]*$")

_DIGITS = re.compile(
    r"(?<![A-Za-z\d.,])(?:\d{1,3}(?:[\u202f\u00a0 .,']\d{3})+(?!\d)(?:[.,]\d+)?|\d+(?:[.,:]\d+)*)(?![\d])"
)
_FRACTIONS = {"½": ".5", "¼": ".25", "¾": ".75"}
_SUPERSCRIPTS = re.compile("[⁰¹²³⁴-⁹₀-₉]+")

# Words for numbers. "One" and its like are left out: as often as not they are articles and pronouns.
_WORDS = {
    2: "two deux zwei beide dos", 3: "three trois drei tres", 4: "four quatre vier cuatro", 5: "five cinq fünf cinco",
    6: "six sechs seis", 7: "seven sept sieben siete", 8: "eight huit acht ocho", 9: "nine neuf neun nueve",
    10: "ten dix zehn diez", 11: "eleven onze elf once", 12: "twelve douze zwölf doce", 14: "fourteen quatorze vierzehn",
    15: "fifteen quinze fünfzehn", 18: "eighteen achtzehn", 20: "twenty vingt zwanzig veinte",
    30: "thirty trente dreißig treinta", 40: "forty quarante vierzig", 50: "fifty cinquante fünfzig",
    13: "thirteen treize dreizehn", 16: "sixteen seize sechzehn", 17: "seventeen dix-sept siebzehn",
    19: "nineteen dix-neuf neunzehn", 70: "seventy soixante-dix siebzig", 80: "eighty quatre-vingts achtzig",
    60: "sixty soixante sechzig", 90: "ninety quatre-vingt-dix neunzig", 100: "hundred cent hundert",
}  # fmt: skip
_VALUES = {word: value for value, words in _WORDS.items() for word in words.split()}
_VALUES |= {
    f"{ten}-{one}": _VALUES[ten] + value
    for ten in ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
    for value, one in enumerate(["one", "two", "three", "four", "five", "six", "seven", "eight", "nine"], start=1)
}
_WORD = re.compile(rf"(?<![\w-])(?:{'|'.join(sorted(_VALUES, key=len, reverse=True))})(?![\w-])", re.IGNORECASE)

_HAN = "零〇一二两三四五六七八九十百千万"
_HAN_DIGIT = {c: n for n, c in enumerate("零一二三四五六七八九")} | {"〇": 0, "两": 2}
_HAN_SCALE = {"十": 10, "百": 100, "千": 1000, "万": 10_000}
# Followed by what is counted, or after 百分之: else these characters are as often part of words and of names.
_HAN_NUMBER = re.compile(
    rf"(?:(?P<percent>百分之)(?P<share>[{_HAN}点]+))|(?<![第{_HAN}])(?P<value>[{_HAN}]+)"
    r"(?=个|天|日|周|星期|月|年|小时|分钟|元|欧|美|人|次|份|倍|张|名|位|间|层|家|种|条|米|公里|公斤|平方|立方|升|维|工作)"
)

_MONTH_NAMES = {
    1: "january janvier januar", 2: "february février februar", 3: "march mars märz", 4: "april avril",
    5: "may mai", 6: "june juin juni", 7: "july juillet juli", 8: "august août", 9: "september septembre",
    10: "october octobre oktober", 11: "november novembre", 12: "december décembre dezember",
}  # fmt: skip
_MONTHS = {name: number for number, names in _MONTH_NAMES.items() for name in names.split()}
_NAMES_OF_MONTHS = "|".join(_MONTHS)
# Beside a number, since "may" and "mars" are other words, too.
_MONTH = re.compile(
    rf"(?<=\d)(?:st|nd|rd|th|er|\.)?\s+(?:of\s+)?(?P<after>{_NAMES_OF_MONTHS})\b|\b(?P<before>{_NAMES_OF_MONTHS})\s+(?=\d)",
    re.IGNORECASE,
)
_MERIDIEM = re.compile(r"(?<![\w.,:])(1[0-2]|0?[1-9])(?:[:.](\d\d))?\s?([ap])\.?\s?m\b\.?", re.IGNORECASE)
_HOURS = re.compile(r"(?<![\w.,:])(\d{1,2})\s?(?:h|uhr|点|时)\s?([0-5]\d)(?:\s?分)?(?!\w)", re.IGNORECASE)
_MINUS = re.compile(r"(?<![\w.,)])[-−–](?=\d+(?:[.,]\d+)?\s?°)")

Found = Mapping[str, frozenset[str | None]]
"""Value, in plain digits, to the units that stand beside it; None for one without a unit that is known."""


def quantities(text: str) -> Found:
    """The numbers of `text`: digits of any script, common words for numbers, Chinese numerals.

    Thousands separators are dropped: `1,200.50` and `1 200,50` are one value. Numbers inside names (`CO2`, `A4`) and
    raised ones (footnotes) are none.
    """
    text = _plain(text)
    found: dict[str, set[str | None]] = {}
    for match in _DIGITS.finditer(text):
        found.setdefault(_value(match[0]), set()).add(_unit(text, match.start(), match.end()))
    for match in _WORD.finditer(text):
        found.setdefault(str(_VALUES[match[0].lower()]), set()).add(_unit(text, match.start(), match.end()))
    for match in _MONTH.finditer(text):  # as 三月 has it: March is the number 3, and a month
        name = (match["after"] or match["before"]).lower()
        found.setdefault(str(_MONTHS[name]), set()).add("month")
    if _MINUS.search(text):
        found["below zero"] = {None}
    for match in _HAN_NUMBER.finditer(text):
        if match["percent"]:
            found.setdefault(_han(match["share"]), set()).add("percent")
        else:
            found.setdefault(_han(match["value"]), set()).add(_unit(text, match.start(), match.end()))
    return {value: frozenset(units) for value, units in found.items()}


def without_months(text: str) -> str:
    """The text without the names of months beside a number, which `quantities` reads as numbers: "February 2025" -> "2025"."""
    return _MONTH.sub(" ", text)


def numbers(text: str) -> frozenset[str]:
    """The values alone."""
    return frozenset(quantities(text))


def holds(source: Found, claimed: Found) -> bool:
    """Whether `source` has every number of `claimed`, and none of them with another unit."""
    return all(value in source and _agree(source[value], units) for value, units in claimed.items())


def merged(parts: Iterable[Found]) -> Found:
    """The numbers of several texts together."""
    found: dict[str, frozenset[str | None]] = {}
    for part in parts:
        for value, units in part.items():
            found[value] = found.get(value, frozenset()) | units
    return found


def _agree(ours: frozenset[str | None], theirs: frozenset[str | None]) -> bool:
    return None in ours or None in theirs or bool(ours & theirs)


def _plain(text: str) -> str:
    """Digits of any script as ASCII, times as 18:30, fractions as decimals; no raised digits but those of units."""
    text = re.sub(r"(?<=\d)\s?([½¼¾])", lambda m: _FRACTIONS[m[1]], text)
    text = re.sub(r"(?<=[A-Za-z])[²³]", lambda m: {"²": "2", "³": "3"}[m[0]], text)
    text = unicodedata.normalize("NFKC", _SUPERSCRIPTS.sub("", text))
    text = "".join(str(unicodedata.decimal(c)) if not c.isascii() and c.isdecimal() else c for c in text)
    text = _MERIDIEM.sub(lambda m: f"{int(m[1]) % 12 + 12 * (m[3].lower() == 'p')}:{m[2] or '00'}", text)
    return _HOURS.sub(r"\1:\2", text)


def _value(digits: str) -> str:
    plain = re.sub(r"(?<=\d)[\u202f\u00a0 .,'](?=\d{3}(?!\d))", "", digits).replace(",", ".")
    whole, point, rest = plain.partition(".")
    first, colon, minutes = whole.partition(":")  # 06:00 and 6:00 are one time
    rest = rest.rstrip("0")
    return (first.lstrip("0") or "0") + colon + minutes + (f".{rest}" if point and rest else "")


def _unit(text: str, start: int, end: int) -> str | None:
    if (after := _AFTER.match(text, end)) and (unit := _canonical(after["unit"])):
        return unit
    before = _BEFORE.search(text, max(0, start - 6), start)
    return _canonical(before["unit"]) if before else None


def _canonical(name: str) -> str | None:
    known = UNITS.get(name.lower())
    return known or (name if len(name) == 3 and name.isupper() else None)


def _han(numeral: str) -> str:
    """Chinese numerals as digits: 二十一 is 21, 一百二 is 120, 三点五 is 3.5."""
    whole, point, rest = numeral.partition("点")
    if whole and not any(c in _HAN_SCALE for c in whole):
        value = "".join(str(_HAN_DIGIT[c]) for c in whole).lstrip("0") or "0"
    else:
        total = section = digit = 0
        last = 10
        for c in whole:
            if c in _HAN_DIGIT:
                digit = _HAN_DIGIT[c]
                if digit == 0:
                    last = 10
            elif c == "万":
                total, section, digit, last = (section + digit) * 10_000, 0, 0, 10_000
            else:
                section, digit, last = section + (digit or 1) * _HAN_SCALE[c], 0, _HAN_SCALE[c]
        value = str(total + section + digit * (last // 10 if last > 10 else 1))
    tail = "".join(str(_HAN_DIGIT.get(c, "")) for c in rest)
    return f"{value}.{tail}" if point and tail else value
