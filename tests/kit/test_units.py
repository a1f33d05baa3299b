"""Values with units as people write them."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sectorkit.units import UnitProblem, comparable, quantity, shown


@pytest.mark.parametrize(
    ("text", "unit", "value"),
    [
        ("92 °C", "degC", 92), ("185 °F", "degC", 85), ("-5 °C", "kelvin", 268.15), ("−5°C", "kelvin", 268.15),
        ("1,200 rpm", "rpm", 1200), ("1 200 rpm", "rpm", 1200), ("960 1/min", "rpm", 960), ("2000 转/分", "rpm", 2000),
        ("4,2 mm/s", "mm/s", 4.2), ("0.3 in/s", "mm/s", 7.62), ("1,200.5 kW", "W", 1_200_500), ("1.200,5 kW", "W", 1_200_500),
        ("50 Nm", "N*m", 50), ("50 N·m", "N*m", 50), ("3 m³/h", "L/min", 50), ("3 m^3/h", "L/min", 50), ("1.5e3 W", "kW", 1.5),
        ("30 psi", "bar", 2.0684), ("2 bar(g)", "kPa", 200), ("11000 min*N*m", "min*N*m", 11000), ("４ bar", "bar", 4),
    ],
)  # fmt: skip
def test_values_are_read_with_their_units(text: str, unit: str, value: float) -> None:
    assert comparable(quantity(text)).to(unit).magnitude == pytest.approx(value, rel=1e-4)


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("92", "has no unit"), ("", "not a value"), ("hot", "not a value"), ("--3 K", "not a value"), ("9 foo", "'foo' is not known"),
        ("1 2 bar", "not known"), ("3 bar; drop", "not known"), ('3 __import__("os")', "not known"), ("3 " + "m*" * 999, "not known"),
        ("9**9**9 m", "not known"), ("nan °C", "not a value"), ("inf bar", "not a value"),
    ],
)  # fmt: skip
def test_what_is_no_value_is_named(text: str, what: str) -> None:
    with pytest.raises(UnitProblem, match=what):
        quantity(text)


def test_a_difference_of_temperatures_is_no_temperature() -> None:
    assert comparable(quantity("45 °C", difference=True)).to("kelvin").magnitude == pytest.approx(45)
    assert comparable(quantity("45 K")).to("kelvin").magnitude == pytest.approx(45)


@settings(deadline=None)
@given(st.floats(-200, 900))
def test_a_temperature_is_the_same_in_every_scale(celsius: float) -> None:
    fahrenheit = celsius * 1.8 + 32
    first, second = quantity(f"{celsius:.6f} °C"), quantity(f"{fahrenheit:.6f} °F")
    assert comparable(first).magnitude == pytest.approx(comparable(second).magnitude, abs=1e-5)


@settings(deadline=None)
@given(st.text(max_size=40))
def test_no_text_does_more_than_not_being_a_value(text: str) -> None:
    with contextlib.suppress(UnitProblem):
        quantity(text)


def test_values_are_shown_as_people_write_them() -> None:
    assert shown(quantity("7.12345 mm/s")) == "7.123 mm/s"
    assert shown(quantity("1480 1/min")) == "1,480 rpm"
    assert shown(quantity("12345 W")) == "12,345 W"
