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
    power = findings(book(), "Lathe", torque="52 Nm", rotational_speed="1750 rpm")["L5"]
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
        ("bearing temperature", "92", "has no unit; give it with one, such as °C"),
        ("bearing temperature", "3 bar", "does not measure what °C measures"),
        ("bearing temperature", "500 °C", "not plausible"),
        ("torque", "-5 Nm", "not plausible"),
        ("bearing temperature", "hot", "not a value"),
    ],
)
def test_a_reading_that_cannot_be_is_refused_with_its_reason(name: str, text: str, what: str) -> None:
    with pytest.raises(UnitProblem, match=what):
        book().read(name, text)


def test_a_reading_that_cannot_be_compared_costs_its_own_limit_only() -> None:
    limits = read_limits(
        [(Document(LIMITS + "L6 | P-40 | Noise | noise level > 85 dB(A) | alarm | -\n"), ())]
    )  # no table of readings
    found = findings(
        limits, "P-40", flow="3 bar", motor_current="14 A", noise_level="90 dB(A)", bearing_temperature="120 °C"
    )
    assert (
        "flow 3 bar, motor current 14 A" in found["L3"].problem
        or "flow 3 bar: not what is compared" in found["L3"].problem
    )
    assert found["L3"].state == "missing"
    assert found["L6"].state == "exceeded"
    assert "flow 3 bar" in found["L4"].problem


@pytest.mark.parametrize(
    ("condition", "readings", "state"),
    [
        ("temperature rise > 45 K", {"temperature rise": "50 K"}, "exceeded"),
        ("temperature rise > 45 K", {"temperature rise": "30 °C"}, None),
        ("a + b > 150 °C", {"a": "20 °C", "b": "20 °C"}, None),
        ("a * b > 100 W", {"a": "20 °C", "b": "2 bar"}, None),
        ("a - b > 30 °C", {"a": "60 °C", "b": "20 °C"}, "exceeded"),
        ("speed > 1400 rpm", {"speed": "25 Hz"}, "exceeded"),
        ("position > 1 mm", {"position": "0,125 mm"}, "within"),
        ("position > 0,125 mm", {"position": "0.5 mm"}, "exceeded"),
        ("torque×speed > 9000 W", {"torque": "60 Nm", "speed": "1500 rpm"}, "exceeded"),
        ("a > 1 bar或b > 1 bar", {"a": "2 bar"}, "exceeded"),
    ],
)
def test_conditions_mean_what_they_say(condition: str, readings: dict[str, str], state: str | None) -> None:
    limits = read_limits([(Document(f"Limit | Machine | Failure mode | Condition\nX | M | F | {condition}\n"), ())])
    assert limits.problems == ()
    given_ = [Reading(name, quantity(text), text) for name, text in readings.items()]
    (found,) = limits.check("M", given_, on=TODAY)
    assert bool(found.problem) == (state is None)
    assert found.state == (state or "missing")


@pytest.mark.parametrize(("text", "kept"), [("1,750 rpm", None), ("9,750 rpm", "9.75"), ("1,750.5 rpm", "1750.5")])
def test_a_comma_that_can_be_either_is_asked_back_unless_one_reading_is_plausible(text: str, kept: str | None) -> None:
    if kept is None:
        with pytest.raises(UnitProblem, match="thousands or of decimals"):
            book().read("rotational speed", text)
    else:
        assert book().read("rotational speed", text).value.magnitude == pytest.approx(float(kept))


def test_rows_of_one_document_do_not_overrule_each_other() -> None:
    two = LIMITS + "L1b | any pump | Bearing overheating | bearing temperature > 95 °C | alarm | Stop\n"
    found = findings(book(Document(READINGS + two)), "P-40", bearing_temperature="90 °C")
    assert (found["L1"].state, found["L1b"].state) == ("exceeded", "within")


def test_of_undated_documents_none_decides_over_another() -> None:
    other = Document(LIMITS.replace("> 85 °C", "> 95 °C").replace("L1 |", "Z1 |"), "z.md", "Z")
    for documents in ((Document(READINGS + LIMITS), other), (other, Document(READINGS + LIMITS))):
        found = findings(book(*documents), "P-40", bearing_temperature="90 °C")
        assert (found["L1"].state, found["Z1"].state) == ("exceeded", "within")


def test_the_same_bound_in_other_words_is_no_contradiction() -> None:
    old = Document(LIMITS.replace("> 85 °C", "> 185.0 °F"), "old.md", "Old", {"valid_from": "2020-01-01"})
    new = Document(READINGS + LIMITS, metadata={"valid_from": "2025-01-01"})
    assert not findings(book(old, new), "P-40", bearing_temperature="90 °C")["L1"].overruled


def test_a_limit_of_a_group_and_one_of_a_machine_contradict_each_other() -> None:
    old = Document(LIMITS, metadata={"valid_from": "2020-01-01"})
    new = Document(
        READINGS + LIMITS.replace("L1 | any pump", "N1 | P-40").replace("> 85", "> 95"),
        "new.md",
        "New",
        {"valid_from": "2025-01-01"},
    )
    found = findings(book(old, new), "P-40", bearing_temperature="90 °C")
    assert found["N1"].state == "within"
    assert [o.name for o in found["N1"].overruled] == ["L1"]
    assert "L1" not in found


def test_on_a_day_of_the_past_the_limits_of_that_day_hold() -> None:
    said = {"valid_from": "2020-01-01", "valid_to": "2024-12-31", "status": "superseded"}
    old = Document(LIMITS.replace("> 85", "> 90"), "old.md", "Old", said)
    new = Document(READINGS + LIMITS, metadata={"valid_from": "2025-01-01", "status": "in_force"})
    limits = book(old, new)
    reading = [limits.read("bearing temperature", "88 °C")]
    states = {
        day: next(f.state for f in limits.check("P-40", reading, on=date.fromisoformat(day)) if f.limit.name == "L1")
        for day in ("2024-06-01", "2025-06-01")
    }
    assert states == {"2024-06-01": "within", "2025-06-01": "exceeded"}


@pytest.mark.parametrize(
    ("row", "what"),
    [
        ("L9 | any fan | F | flow < 1 bar | alarm | -", "no table says which machines 'any fan' are"),
        ("L9 |  | F | flow < 1 bar | alarm | -", "no machine is named"),
        ("L9 | P-40 | F | flow < 1 bar | critical | -", "'critical' is neither alarm nor warning"),
        ("L9 | P-40 | F | flux < 1 bar | alarm | -", "no table of readings names 'flux'"),
    ],
)
def test_a_row_that_would_apply_to_nobody_is_reported(row: str, what: str) -> None:
    (problem,) = book(Document(READINGS + LIMITS + row + "\n")).problems
    assert what in problem


def test_one_row_may_name_several_machines_and_a_level_in_chinese() -> None:
    limits = book(Document("Machine | Failure mode | Condition | Level\nA-1, A-2 | F | flow < 1 bar | 报警\n"))
    assert limits.machines == ("A-1", "A-2")
    assert limits.of("a-2")[0].level == "alarm"


@pytest.mark.parametrize(
    ("condition", "what"),
    [
        ("flow < 18", "no value with a unit"),
        ("flow is low", "compares nothing"),
        ("flow < 1 bar and torque > 2 N*m or flow < 3 bar", "both and and or"),
        ("flow < many m³/h", "no value with a unit"),
        ("", "compares nothing"),
        ("80 °C < flow < 100 °C", "no name of a reading"),
        ("flow => 85 °C", "no name of a reading"),
        ("flow > 85 °C, torque < 3 bar", "no name of a reading"),
        ("flow / torque > 2 %", "no name of a reading"),
        ("a" + " " * 20_000 + "b", "too long"),
        ("flow > 1 m*9**9**9", "no value with a unit"),
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
