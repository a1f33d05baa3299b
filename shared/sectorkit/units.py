"""Units: values with units as people write them, "92 °C", "1,200 rpm", "4,2 mm/s", read by pint."""

from __future__ import annotations

import re
import unicodedata
from functools import cache
from typing import Any, TypeAlias

from sectorkit.errors import RequestError

Quantity: TypeAlias = Any
"""pint's; it is imported when the first value is read."""

# 1200, 1,200.5, 1 200, 4,2, 4.2e3
_NUMBER = r"[-+−]?(?:\d{1,3}(?:[ \u00a0\u202f,.']\d{3})+(?:[.,]\d+)?|\d+(?:[.,]\d+)?(?:[eE][-+]?\d+)?)(?!\d)"
_UNIT = re.compile(r"[^\W_][\w°/*^ ().%-]{0,30}|[°%℃℉][\w/*^ ().-]{0,30}")
_VALUE = re.compile(rf"\s*(?P<number>{_NUMBER})\s*(?P<unit>.*?)\s*")
_THOUSANDS = re.compile(r"(?<=\d)[ \u00a0\u202f,.'](?=\d{3}(?!\d))")
# What pint calls otherwise, or takes for something else: "Nm" is a nanometre to it.
_NAMES = {
    "°c": "degC", "℃": "degC", "c": "degC", "deg c": "degC", "摄氏度": "degC", "度": "degC", "°f": "degF", "℉": "degF", "f": "degF",
    "deg f": "degF", "华氏度": "degF", "k": "kelvin", "nm": "N*m", "n m": "N*m", "u/min": "rpm", "r/min": "rpm", "1/min": "rpm",
    "min-1": "rpm", "转/分": "rpm", "转每分": "rpm", "小时": "h", "分钟": "min", "巴": "bar", "毫米/秒": "mm/s", "hours": "h", "hrs": "h",
    "barg": "bar", "bar(g)": "bar", "bar g": "bar", "lpm": "L/min", "gpm": "gallon/min", "cfm": "foot**3/min", "ips": "inch/s", "mps": "m/s", "amp": "A", "amps": "A",
}  # fmt: skip
_TEMPERATURES = ("degree_Celsius", "degree_Fahrenheit", "kelvin", "degree_Rankine")


class UnitProblem(RequestError):
    """A value that cannot be used: it has no unit, one that is not known, or one that measures something else."""


def quantity(text: str, *, difference: bool = False) -> Quantity:
    """The value that `text` states. Of a temperature, `difference` tells that it is one: 45 °C are then 45 K.

    Raises UnitProblem where it is no number with a unit that is known.
    """
    match = _VALUE.fullmatch(unicodedata.normalize("NFC", text))
    if match is None:
        raise UnitProblem(f"{text.strip()!r} is not a value with its unit, such as 92 °C")
    if not match["unit"]:
        raise UnitProblem(f"{text.strip()!r} has no unit")
    unit = unit_of(match["unit"])
    if difference and str(unit) in ("degree_Celsius", "degree_Fahrenheit"):
        unit = unit_of(f"delta_{unit}")
    return _registry().Quantity(_number(match["number"]), unit)


def unit_of(name: str) -> Any:
    """pint's unit of that name. UnitProblem where there is none."""
    plain = unicodedata.normalize(
        "NFKC", name.replace("·", "*").replace("⋅", "*").replace("²", "**2").replace("³", "**3")
    )
    plain = _NAMES.get(plain.casefold().strip(), plain).replace("^", "**")
    if not _UNIT.fullmatch(plain):
        raise UnitProblem(f"the unit {name[:40]!r} is not known")
    plain = plain.replace("°C", "degC").replace("°F", "degF")
    try:
        return _registry().Unit(plain)
    except Exception:  # whatever its parser stumbles over
        raise UnitProblem(f"the unit {name[:40]!r} is not known") from None


def comparable(value: Quantity) -> Quantity:
    """A temperature on its absolute scale, so that it can be subtracted and compared; anything else as it is."""
    return value.to("kelvin") if str(value.units) in _TEMPERATURES else value


def same_kind(value: Quantity, unit: Any) -> bool:
    """Whether the value could be stated in that unit."""
    return bool(value.dimensionality == unit.dimensionality)


def shown(value: Quantity, unit: Any | None = None) -> str:
    """For a person: "7.4 mm/s", in `unit` where one is named."""
    stated = value.to(unit) if unit is not None else value
    number = f"{stated.magnitude:,.4g}" if abs(stated.magnitude) < 10_000 else f"{stated.magnitude:,.0f}"
    return f"{number} {unit_name(stated.units)}".strip()


def unit_name(unit: Any) -> str:
    """A unit as people write it."""
    written = f"{unit:~P}" if str(unit) != "revolutions_per_minute" else "rpm"
    return written.replace("Δ°C", "K").replace("delta_degC", "K")


def _number(digits: str) -> float:
    """One comma or point is that of decimals, unless a comma has three digits behind it; of two kinds, the last one is."""
    plain = digits.replace("−", "-")
    at = max(plain.rfind(c) for c in ",.")
    kinds = {c for c in plain if c in " \u00a0\u202f,.'"}
    thousands = plain.count(plain[at]) > 1 or (kinds == {","} and _THOUSANDS.search(plain)) if at >= 0 else True
    return float(_bare(plain)) if thousands else float(f"{_bare(plain[:at])}.{plain[at + 1 :]}")


def _bare(digits: str) -> str:
    return re.sub(r"[ \u00a0\u202f,.']", "", digits)


@cache
def _registry() -> Any:
    import pint

    return pint.UnitRegistry(autoconvert_offset_to_baseunit=False)
