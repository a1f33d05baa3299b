"""Units: values with units as people write them, "92 °C", "1,200 rpm", "4,2 mm/s", read by pint."""

from __future__ import annotations

import math
import re
import threading
import unicodedata
from functools import cache
from typing import Any, TypeAlias

from sectorkit.errors import RequestError

Quantity: TypeAlias = Any
"""pint's; it is imported when the first value is read."""

# 1200, 1,200.5, 1 200, 4,2, 4.2e3
_NUMBER = r"[-+−]?(?:\d{1,3}(?:[ \u00a0\u202f,.']\d{3})+(?:[.,]\d+)?|\d+(?:[.,]\d+)?(?:[eE][-+]?\d{1,2})?)(?!\d)"
_VALUE = re.compile(rf"\s*(?P<number>{_NUMBER})\s*(?P<unit>.*?)\s*")
_MAKING = threading.Lock()
_LONGEST = 60  # characters of a value
# What pint may be given: words with small exponents, multiplied and divided. It would compute anything else.
_TERM = r"[^\W\d_]{1,20}(?:\*\*-?[1-4])?"
_UNIT = re.compile(rf"(?:1/)?{_TERM}(?:[*/]{_TERM}){{0,5}}|%")
_RAISED = re.compile("[⁻⁰¹²³⁴]+")
_AMBIGUOUS = re.compile(r"[-+−]?[1-9]\d{0,2},\d{3}")
# What pint calls otherwise, or takes for something else: "Nm" is a nanometre to it.
_NAMES = {
    "°c": "degC", "℃": "degC", "c": "degC", "deg c": "degC", "摄氏度": "degC", "度": "degC", "°f": "degF", "℉": "degF", "f": "degF",
    "deg f": "degF", "华氏度": "degF", "k": "kelvin", "nm": "N*m", "n m": "N*m", "u/min": "rpm", "r/min": "rpm", "rev/min": "rpm",
    "1/min": "rpm", "/min": "rpm", "min-1": "rpm", "转/分": "rpm", "转每分": "rpm", "小时": "h", "分钟": "min", "巴": "bar",
    "毫米/秒": "mm/s", "hours": "h", "hrs": "h", "barg": "bar", "bar(g)": "bar", "bar g": "bar", "lpm": "L/min", "gpm": "gallon/min",
    "cfm": "foot**3/min", "ips": "inch/s", "mps": "m/s", "amp": "A", "amps": "A", "db(a)": "dBA", "db(c)": "dBC", "db": "dBplain",
}  # fmt: skip
_TEMPERATURES = ("degree_Celsius", "degree_Fahrenheit", "kelvin", "degree_Rankine")


class UnitProblem(RequestError):
    """A value that cannot be used: it has no unit, one that is not known, or one that measures something else."""


def quantity(text: str, *, difference: bool = False) -> Quantity:
    """The value that `text` states. Of a temperature, `difference` tells that it is one: 45 °C are then 45 K.

    Raises UnitProblem where it is no finite number with a unit that is known.
    """
    plain = unicodedata.normalize("NFC", text).strip()
    match = _VALUE.fullmatch(plain) if len(plain) <= _LONGEST else None
    if match is None:
        raise UnitProblem(f"{plain[:_LONGEST]!r} is not a value with its unit, such as 92 °C")
    if not match["unit"]:
        raise UnitProblem(f"{plain!r} has no unit")
    unit = unit_of(match["unit"])
    if difference and str(unit) in ("degree_Celsius", "degree_Fahrenheit"):
        unit = _registry().Unit(f"delta_{unit}")
    number = number_of(match["number"])
    if not math.isfinite(number):
        raise UnitProblem(f"{plain!r} is not a value with its unit, such as 92 °C")
    return _registry().Quantity(number, unit)


def readings_of(text: str) -> list[str]:
    """The values that `text` can mean: two for "1,200 rpm", in which the comma may be of thousands or of decimals."""
    found = re.match(_NUMBER, text.strip())
    if found is None or not _AMBIGUOUS.fullmatch(found[0]):
        return [text]
    return [text.strip().replace(",", "", 1), text.strip().replace(",", ".", 1)]


def unit_of(name: str) -> Any:
    """pint's unit of that name; of what is counted in a time, turns. UnitProblem where there is none."""
    plain = _RAISED.sub(lambda m: "^" + m[0].translate(str.maketrans("⁻⁰¹²³⁴", "-01234")), name.strip())
    plain = unicodedata.normalize("NFKC", plain.replace("·", "*").replace("⋅", "*")).replace("−", "-")
    plain = _NAMES.get(plain.casefold(), plain)
    plain = (
        re.sub(r"\s*([*/^])\s*", r"\1", plain)
        .replace("**", "^")
        .replace("°C", "degC")
        .replace("°F", "degF")
        .replace("Ω", "ohm")
    )
    plain = re.sub(r"\s+", "*", plain.replace("^", "**"))
    plain = re.sub(r"([^\W\d_])(-?[234]|-1)(?!\d)", r"\1**\2", plain) if "**" not in plain else plain
    plain = _NAMES.get(plain.casefold(), plain)
    try:
        if not _UNIT.fullmatch(plain):
            raise ValueError(plain)
        unit = _registry().Unit(plain)
        per_time = unit.dimensionality == _registry().Unit("1/s").dimensionality
        if per_time and "revolution" not in str(unit) and "radian" not in str(unit):
            unit = unit * _registry().Unit("revolution")  # to pint, 1/s is a radian a second; to people, a turn
        _registry().Quantity(1.0, unit).to_base_units()
        return unit
    except Exception:  # whatever its parser stumbles over
        raise UnitProblem(f"the unit {name[:40]!r} is not known") from None


def is_temperature(value: Quantity) -> bool:
    """Whether it is a temperature, and no difference of two."""
    return str(value.units) in _TEMPERATURES


def comparable(value: Quantity) -> Quantity:
    """A temperature on its absolute scale, so that it can be subtracted and compared; anything else as it is."""
    return value.to("kelvin") if is_temperature(value) else value


def same_kind(value: Quantity, unit: Any) -> bool:
    """Whether the value could be stated in that unit."""
    return bool(value.dimensionality == unit.dimensionality)


def plain_number(value: float) -> str:
    """For a person: four digits, and all of those before the point."""
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"


def number_of(digits: str) -> float:
    """One comma or point is that of decimals, unless a comma has three digits behind it and no zero ahead; of two kinds, the last is."""
    plain = digits.replace("−", "-")
    at = max(plain.rfind(c) for c in ",.")
    kinds = {c for c in plain if c in " \u00a0\u202f,.'"}
    if at < 0 or plain.count(plain[at]) > 1 or (kinds == {","} and _AMBIGUOUS.fullmatch(plain)):
        return float(_bare(plain))
    return float(f"{_bare(plain[:at])}.{plain[at + 1 :]}")


def _bare(digits: str) -> str:
    return re.sub(r"[ \u00a0\u202f,.']", "", digits)


def _registry() -> Any:
    """The one registry: units of two cannot be compared, so that threads must not make one each."""
    with _MAKING:
        return _made()


@cache
def _made() -> Any:
    import pint

    registry: Any = pint.UnitRegistry(autoconvert_offset_to_baseunit=False)
    for level in ("dBA", "dBC", "dBplain"):  # levels, which are compared and never added or converted
        registry.define(f"{level} = [{level}]")
    return registry
