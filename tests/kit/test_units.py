"""Values with units as people write them."""

from __future__ import annotations

import contextlib
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sectorkit.units import UnitProblem, comparable, plain_number, quantity, readings_of


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
        ("1 2 bar", "not known"), ("3 bar; drop", "not known"), ('3 __import__("os")', "not known"), ("3 " + "m*" * 999, "not a value"),
        ("9**9**9 m", "not known"), ("3 m*9**9**9", "not known"), ("3 m**9**9**9", "not known"), ("3 m/(9**9**9)", "not known"),
        ("1e999 W", "not known"), ("9" * 200 + " W", "not a value"), ("5 m**9", "not known"), ("nan °C", "not a value"), ("inf bar", "not a value"),
    ],
)  # fmt: skip
def test_what_is_no_value_is_named(text: str, what: str) -> None:
    with pytest.raises(UnitProblem, match=what):
        quantity(text)


def test_a_difference_of_temperatures_is_no_temperature() -> None:
    assert comparable(quantity("45 °C", difference=True)).to("kelvin").magnitude == pytest.approx(45)
    assert comparable(quantity("45 K")).to("kelvin").magnitude == pytest.approx(45)


@given(st.floats(-200, 900))
def test_a_temperature_is_the_same_in_every_scale(celsius: float) -> None:
    fahrenheit = celsius * 1.8 + 32
    first, second = quantity(f"{celsius:.6f} °C"), quantity(f"{fahrenheit:.6f} °F")
    assert comparable(first).magnitude == pytest.approx(comparable(second).magnitude, abs=1e-5)


@given(st.text(max_size=40))
def test_no_text_does_more_than_not_being_a_value(text: str) -> None:
    with contextlib.suppress(UnitProblem):
        quantity(text)


def test_values_are_shown_as_people_write_them() -> None:
    assert [plain_number(n) for n in (7.12345, 0.05, 999.96, 1480, 9999.6, 1234567)] == [
        "7.123", "0.05", "1000", "1,480", "10,000", "1,234,567",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "text",
    [
        "1500 rpm",
        "1500 1/min",
        "1500 1 / min",
        "1500 min^-1",
        "1500 min⁻¹",
        "1500 min-1",
        "1500 rev/min",
        "25 Hz",
        "25 1/s",
        "25 s^-1",
    ],
)
def test_a_rotational_speed_is_in_turns_however_it_is_written(text: str) -> None:
    assert quantity(text).to("rpm").magnitude == pytest.approx(1500)
    assert (quantity("60 Nm") * quantity(text)).to("W").magnitude == pytest.approx(9424.8, rel=1e-4)


@pytest.mark.parametrize(
    ("text", "value"), [("0,125 mm", 0.125), ("-0,050 mm", -0.05), ("0,0625 mm", 0.0625), ("12,5 mm", 12.5)]
)
def test_a_comma_behind_a_zero_is_of_decimals(text: str, value: float) -> None:
    assert quantity(text).magnitude == value
    assert readings_of(text) == [text]


def test_a_comma_that_can_be_either_is_told_apart_by_nobody_here() -> None:
    assert readings_of("1,200 rpm") == ["1200 rpm", "1.200 rpm"]


_AT_ONCE = """
import threading
from sectorkit.units import quantity
start, read = threading.Barrier(8), []
def first():
    start.wait()
    read.append(quantity("960 1/min"))
threads = [threading.Thread(target=first) for _ in range(8)]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
print(sum(read[1:], read[0]).to('rpm').magnitude)
"""


def test_values_that_are_read_first_by_several_threads_at_once_can_be_compared() -> None:
    done = subprocess.run([sys.executable, "-c", _AT_ONCE], capture_output=True, text=True, check=True)
    assert float(done.stdout) == pytest.approx(8 * 960)
