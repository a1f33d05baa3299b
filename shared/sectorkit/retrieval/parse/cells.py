"""Cells: the value of a spreadsheet's cell as its reader sees it, in one line."""

from __future__ import annotations

import re
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Any

_QUOTED = re.compile(r'"[^"]*"')
_CURRENCY = re.compile(r"\[\$([^\]-]*)(?:-[^\]]*)?\]")
# One run of digits, with what stands before and after it: 0.0" bar", "€"#,##0.00, 0%.
_NUMBER = re.compile(r"(?P<before>[^0#?.]*)(?P<digits>[#0?][#0?,]*(?:\.[0#?]+)?)(?P<after>[^0#?.]*)")
_BRACKETED = re.compile(r"\[[^\]]*\]")
_CODE = re.compile(r"[A-Za-z@/*]|General")  # dates, fractions, exponents: not a number and its unit


def cell_text(value: Any, number_format: str | None) -> str:
    """The value as text: ISO dates, numbers with up to 15 digits and the unit that their format adds.

    Numbers are not rounded to the decimals that the format shows: the rest of them may be what is asked for. Text
    comes back as it is, with its line breaks as spaces. "" for an empty cell.
    """
    match value:
        case None:
            return ""
        case bool():
            return "TRUE" if value else "FALSE"
        case int() | float():
            return _number(value, number_format or "General")
        case datetime():
            if value.time() == time():
                return value.date().isoformat()
            return value.isoformat(" ", "seconds" if value.second else "minutes")
        case date():
            return value.isoformat()
        case time():
            return value.isoformat("seconds" if value.second else "minutes")
        case timedelta():
            minutes, seconds = divmod(round(value.total_seconds()), 60)
            return f"{minutes // 60}:{minutes % 60:02}" + (f":{seconds:02}" if seconds else "")
    return " ".join(str(value).split())


def _number(value: float, number_format: str) -> str:
    before, digits, after = _affixes(number_format)
    percent = "%" in after
    text = _plain(value * 100 if percent else value)
    if re.fullmatch("0{2,}", digits) and text.isdecimal():
        text = text.zfill(len(digits))  # 01234 is a postal code
    sign, text = ("-", text[1:]) if text.startswith("-") else ("", text)
    return f"{sign}{before}{text}{after}".strip()


def _plain(value: float) -> str:
    """Up to 15 digits, as spreadsheets keep: 0.1 + 0.2 is 0.3. Written out, unless very large or small."""
    if isinstance(value, int):
        return str(value)
    text = f"{value:.15g}"
    return f"{Decimal(text):f}" if 1e-9 <= abs(value) < 1e15 else text


@lru_cache(maxsize=1000)
def _affixes(number_format: str) -> tuple[str, str, str]:
    """What a number format writes before and after a number, and its digits; all empty where it is no plain one."""
    literals: list[str] = []

    def kept(text: str) -> str:
        literals.append(text)
        return chr(0xE000 + len(literals) - 1)  # private use: stands for the literal while the rest is looked at

    form = _QUOTED.sub(lambda m: kept(m.group()[1:-1]), number_format[:300])
    form = re.sub(r"\\(.)", lambda m: kept(m.group(1)), form).partition(";")[0]
    form = _CURRENCY.sub(lambda m: kept(m.group(1)), form)
    form = re.sub(r"_.|\*.", " ", _BRACKETED.sub("", form))
    match = _NUMBER.fullmatch(form)
    if match is None or match["digits"].endswith(",") or _CODE.search(match["before"] + match["after"]):
        return "", "", ""  # a last comma divides by a thousand: the whole value says more

    def restored(text: str) -> str:
        return "".join(literals[ord(c) - 0xE000] if 0 <= ord(c) - 0xE000 < len(literals) else c for c in text)

    return restored(match["before"]).lstrip(), match["digits"], restored(match["after"]).rstrip()
