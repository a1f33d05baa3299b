"""Limits are read from documents and evaluated by code: change the document, and the verdict follows."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sectorkit.errors import RequestError
from sectorkit.limits import Finding, LimitBook, Reading, parse_condition, read_limits
from sectorkit.units import UnitProblem, quantity

TODAY = date(2026, 1, 15)
READINGS = """
Reading | Unit | Plausible from | Plausible to | Where to read it
bearing temperature | °C | -20 | 160 | at the housing
ambient temperature | °C | -25 | 55 | at the column
torque | N*m | 0 | 400 | on the display
rotational speed | rpm | 0 | 6000 | on the display
flow | m³/h | 0 | 200 | in the line
motor current | A | 0 | 400 | on the display

Group | Machine types
any pump | P-40, M-60

"""
LIMITS = """Limit | Machine | Failure mode | Condition | Level | Check next
L1 | any pump | Bearing overheating | bearing temperature > 85 °C | alarm | Look at the oil
L2 | any pump | Bearing overheating | bearing temperature - ambient temperature > 45 K | warning | Compare
L3 | P-40 | Low flow | flow < 18 m³/h and motor current > 12 A | warning | Open the valve
L4 | P-40 | Seal | flow < 4 m³/h or bearing temperature >= 120 °C | alarm | Stop
L5 | Lathe | Overload | torque * rotational speed > 9000 W | alarm | Stop
"""


@dataclass
class Document:
    text: str
    source: str = "limits.md"
    title: str = "Limits"
    metadata: dict[str, Any] = field(default_factory=dict)


def book(*documents: Document) -> LimitBook:
    return read_limits((document, ()) for document in documents or (Document(READINGS + LIMITS),))


def findings(limits: LimitBook, machine: str, **values: str) -> dict[str, Finding]:
    readings = [limits.read(name.replace("_", " "), text) for name, text in values.items()]
    return {finding.limit.name: finding for finding in limits.check(machine, readings, on=TODAY)}


def test_limits_of_a_machine_and_of_its_group_are_checked() -> None:
    found = findings(book(), "p-40", bearing_temperature="92 °C", ambient_temperature="70 °F")
    assert {name: finding.state for name, finding in found.items()} == {
        "L1": "exceeded", "L2": "exceeded", "L3": "missing", "L4": "missing",
    }  # fmt: skip
    assert found["L1"].computed == "bearing temperature 92 °C > 85 °C"
    assert found["L2"].computed == "bearing temperature - ambient temperature = 70.89 K > 45 K"
    assert found["L3"].missing == ("flow", "motor current")
    assert findings(book(), "another machine") == {}


def test_a_limit_says_where_it_stands() -> None:
    document = Document(READINGS + LIMITS)
    for limit in book(document).limits:
        assert limit.condition.text in document.text[limit.start : limit.end]


def test_units_are_converted_and_a_bound_is_exact() -> None:
    at = findings(book(), "P-40", bearing_temperature="185 °F")  # 85 °C, and not above it
    assert at["L1"].state == "within"
    assert findings(book(), "P-40", bearing_temperature="185.1 °F")["L1"].state == "exceeded"
    power = findings(book(), "Lathe", torque="52 Nm", rotational_speed="1,750 rpm")["L5"]
    assert power.state == "exceeded"
    assert power.computed == "torque * rotational speed = 9,529 W > 9000 W"


def test_what_is_known_already_needs_no_more_readings() -> None:
    found = findings(book(), "P-40", flow="3 m³/h", bearing_temperature="60 °C")
    assert found["L4"].state == "exceeded"  # one of two is enough
    assert found["L3"].state == "missing"
    assert found["L3"].missing == ("motor current",)
    assert findings(book(), "P-40", flow="20 m³/h")["L3"].state == "within"  # whatever the current is


def test_a_changed_document_changes_the_verdict() -> None:
    changed = Document(READINGS + LIMITS.replace("> 85 °C", "> 95 °C"))
    assert findings(book(changed), "P-40", bearing_temperature="92 °C")["L1"].state == "within"


def test_of_two_documents_that_contradict_each_other_the_newer_decides_and_names_the_older() -> None:
    old = Document(LIMITS.replace("> 85 °C", "> 90 °C"), "maker.md", "Maker", {"valid_from": "2021-01-01"})
    new = Document(READINGS + LIMITS, metadata={"valid_from": "2025-01-01"})
    for documents in ((old, new), (new, old)):
        found = findings(book(*documents), "P-40", bearing_temperature="88 °C")
        assert found["L1"].state == "exceeded"
        assert [(o.title, o.condition.text) for o in found["L1"].overruled] == [
            ("Maker", "bearing temperature > 90 °C")
        ]
        assert not found["L2"].overruled  # the two say the same


@pytest.mark.parametrize(
    "metadata",
    [{"status": "superseded"}, {"valid_to": "2025-12-31"}, {"valid_from": "2026-02-01"}],
)
def test_a_document_that_is_not_in_force_decides_nothing(metadata: dict[str, str]) -> None:
    other = Document(LIMITS.replace("> 85 °C", "> 50 °C"), "other.md", "Other", metadata)
    found = findings(book(Document(READINGS + LIMITS), other), "P-40", bearing_temperature="60 °C")
    assert found["L1"].state == "within"
    assert not found["L1"].overruled


@pytest.mark.parametrize(
    ("name", "text", "what"),
    [
        ("bearing temperature", "92", "has no unit; it is read in °C"),
        ("bearing temperature", "3 bar", "does not measure what °C measures"),
        ("bearing temperature", "500 °C", "not plausible"),
        ("torque", "-5 Nm", "not plausible"),
        ("bearing temperature", "hot", "not a value"),
    ],
)
def test_a_reading_that_cannot_be_is_refused_with_its_reason(name: str, text: str, what: str) -> None:
    with pytest.raises(UnitProblem, match=what):
        book().read(name, text)


def test_readings_that_cannot_be_compared_are_named() -> None:
    limits = read_limits([(Document(LIMITS), ())])  # says nothing of what is plausible
    with pytest.raises(UnitProblem, match="bearing temperature 3 bar: not what is compared with 120 °C"):
        findings(limits, "P-40", bearing_temperature="3 bar")


@pytest.mark.parametrize(
    ("condition", "what"),
    [
        ("flow < 18", "no value with a unit"),
        ("flow is low", "compares nothing"),
        ("flow < 1 bar and torque > 2 N*m or flow < 3 bar", "both and and or"),
        ("flow < many m³/h", "no value with a unit"),
        ("", "compares nothing"),
    ],
)
def test_a_row_that_is_no_limit_is_reported_and_the_others_are_read(condition: str, what: str) -> None:
    with pytest.raises(RequestError, match=what):
        parse_condition(condition)
    limits = book(Document(READINGS + LIMITS + f"L9 | P-40 | Odd | {condition} | alarm | -\n"))
    assert len(limits.limits) == 5
    assert any("limits.md" in problem for problem in limits.problems)


def test_a_table_in_chinese_is_a_table_of_limits() -> None:
    text = "限值 | 机器 | 失效模式 | 条件 | 级别\nX1 | HL-R30 | 排气温度过高 | 排气温度 > 170 °C 或 油压 < 1.5 bar | alarm\n"
    (limit,) = book(Document(text)).limits
    assert limit.condition.names == ("排气温度", "油压")
    assert not limit.condition.every


@settings(deadline=None)
@given(st.floats(0, 150), st.floats(0, 60))
def test_a_worse_reading_never_ends_an_alarm(temperature: float, more: float) -> None:
    limits = book()

    def state(celsius: float) -> str:
        reading = Reading("bearing temperature", quantity(f"{celsius:.4f} °C"), "")
        return next(f.state for f in limits.check("P-40", [reading], on=TODAY) if f.limit.name == "L1")

    assert state(temperature + more) == "exceeded" or state(temperature) == "within"
