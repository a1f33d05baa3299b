"""Questions to tables are read by rules: which rows, which numbers, and which words took no part."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sectorkit.query import Frame
from sectorkit.table_naming import Tables
from sectorkit.table_questions import Understood, understand
from sectorkit.table_words import key, says_nothing, spelt_out, tokens
from sectorkit.tables import Row, Table

STOCK = """Part,Description,Supplier,Warehouse,Critical,Stock,Price EUR,Weight kg,Last issued,Buyer
SP-1001,Mechanical seal 40,Taren Seals,Hall A,Yes,4,184.00,0.8,2025-03-04,Kim
SP-1002,Shaft sleeve stainless,Norrvik,Hall A,No,12,96.50,1.2,2025-05-20,Kim
SP-1003,Deep groove ball bearing,Norrvik,Hall B,Yes,0,265.00,2.5,2025-06-16,Ola
SP-1004,Gasket set,Taren Seals,Hall B,No,40,12.40,0.1,,Ola
SP-1005,Pressure gauge 16 bar,Manox,Hall C,No,7,58.00,0.4,2024-11-30,
SP-1006,Impeller bronze,Castwell,Hall C,Yes,2,690.00,6.4,2025-06-30,
SP-1007,Coupling spider,Norrvik,Hall A,No,25,18.90,0.2,,Kim
SP-1008,Bearing housing,Castwell,Hall D,Yes,0,540.00,9.1,2025-07-02,Ola
"""
FMEA = """Item,Process Step,Potential Failure Mode,Potential Effect(s) of Failure,Severity,Potential Cause(s)/Mechanism(s) of Failure,Occurrence,\
Current Controls,Detection,RPN,Recommended Action(s),Responsibility,Target Date
Filling valve,Filling,Valve leaks,Product loss,7,Worn seat,5,Visual check,4,140,Replace the seat,Maintenance,2025-09-30
Filling valve,Filling,Valve sticks,Underfilled bottle,6,Sugar deposits,4,Scales,3,72,,,
Filling valve,Filling,Valve drips,Sticky bottle,4,Worn spring,5,Visual check,2,40,,Quality,2025-08-01
Capper,Capping,Loose cap,Gas loss,8,Worn chuck,6,Torque test,5,240,Measure the chuck monthly,Quality,2025-08-15
Capper,Capping,Cross-threaded cap,Leaking bottle,9,Wrong height,3,Camera,2,54,None,,
Labeller,Labelling,Label skewed,Customer complaint,3,Worn brush,7,Camera,3,63,Change the brush,Maintenance,2025-10-01
Labeller,Labelling,Label missing,Wrong delivery,9,Empty magazine,2,Sensor,2,36,,Quality,
Labeller,Labelling,Label torn,Customer complaint,3,Dry glue,4,Camera,3,36,,Maintenance,2025-10-01
Rinser,Rinsing,Glass in the bottle,Injury,10,Bottle burst,2,Inspection machine,3,60,Check the pressure,Quality,2025-08-01
"""
NAMES = {"a.csv": 0, "b.csv": 2}  # the column by which a test names a row


def frame(text: str, source: str, title: str) -> Frame:
    columns, *rows = csv.reader(io.StringIO(text))
    return Frame(
        Table(tuple(columns), tuple(Row(tuple(r), n, n + 1, n + 2) for n, r in enumerate(rows))), source, title
    )


TABLES = Tables(
    (frame(STOCK, "a.csv", "Spare parts of the workshop"), frame(FMEA, "b.csv", "FMEA of the bottling line"))
)


def understood(question: str) -> Understood:
    got = understand(question, TABLES)
    assert got is not None, question
    return got


def whole(question: str) -> Understood:
    got = understood(question)
    assert got.left == ()
    return got


def found(question: str) -> list[str]:
    """The rows that answer a question of which every word is understood: by their part, or by their failure mode."""
    got = whole(question)
    return [row.cells[NAMES[got.frame.source]] for row in got.frame.run(got.query).used]


def numbered(question: str) -> list[str]:
    """The same of parts, without what all their names have in common."""
    return [name.removeprefix("SP-100") for name in found(question)]


def value(question: str) -> object:
    got = whole(question)
    return got.frame.run(got.query).value


def groups(question: str) -> list[tuple[object, ...]]:
    got = whole(question)
    return list(got.frame.run(got.query).rows)


# -- rows -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("question", "part"),
    [
        ("What is the stock of SP-1005?", "5"), ("Where is the coupling spider?", "7"), ("Where is the bronze impeller kept?", "6"),
        ("What is the price of the ball bearing, deep groove?", "3"), ("What does the pressure gauge cost?", "5"), ("the bearing housing's price", "8"),
        ("Which supplier supplies the gasket set?", "4"), ("weight of the sleeve, shaft", "2"), ("price of the mechanical seal", "1"),
        ("price of the mechanical seals", "1"),
    ],
)  # fmt: skip
def test_a_part_is_found_by_some_of_its_name_in_any_order(question: str, part: str) -> None:
    assert numbered(question) == [part]


@pytest.mark.parametrize(
    "question", ["effects of the leaking valve", "What happens if the valve leaks?", "Why do valves leak?"]
)
def test_a_failure_mode_is_found_whatever_the_endings(question: str) -> None:
    assert found(question) == ["Valve leaks"]


def test_what_is_asked_for_is_shown_beside_the_name() -> None:
    assert whole("What is the stock of SP-1005?").query.select == ["Description", "Supplier", "Stock"]


@pytest.mark.parametrize(
    ("question", "parts"),
    [
        ("Which parts are in Hall A or Hall B?", "12347"), ("Which parts are in Hall A and Hall B?", "12347"), ("parts from Norrvik, Castwell", "23678"),
        ("Which parts of Norrvik are in Hall A?", "27"), ("Which critical parts are in Hall C?", "6"), ("parts of Kim and Ola in Hall B", "34"),
        ("Which suppliers other than Norrvik supply us?", "14568"), ("Which parts are not from Norrvik?", "14568"), ("Which parts are outside Hall A?", "34568"),
        ("parts from Norrvik but not in Hall A", "3"), ("parts excluding those of Norrvik", "14568"), ("parts except for Hall A", "34568"),
        ("Which non-critical parts are in Hall A?", "27"), ("Which parts are not critical?", "2457"), ("Which parts aren't critical?", "2457"),
        ("Which parts are not in Hall A and not critical?", "45"),
        ("Which parts are without a buyer?", "56"), ("parts with a missing buyer", "56"), ("parts whose buyer is empty", "56"), ("number of parts w/o buyer", "56"),
        ("Which parts were never issued?", "47"), ("Which parts have not yet been issued?", "47"), ("Which parts does nobody buy?", "56"),
    ],
)  # fmt: skip
def test_values_and_empty_cells_choose_rows(question: str, parts: str) -> None:
    assert sorted(numbered(question)) == list(parts)


@pytest.mark.parametrize(
    ("question", "modes"),
    [
        ("Which failure modes have no one responsible?", ["Valve sticks", "Cross-threaded cap"]),
        ("Which failure modes have no target date?", ["Valve sticks", "Cross-threaded cap", "Label missing"]),
        ("Which failure modes of the capper have no recommended action?", ["Cross-threaded cap"]),
        ("Which failure modes of the capper don't have an action?", ["Cross-threaded cap"]),
        ("Which failure modes have an RPN above 50 and no recommended action?", ["Valve sticks", "Cross-threaded cap"]),
        ("Failure modes at the capper or the rinser", ["Loose cap", "Cross-threaded cap", "Glass in the bottle"]),
    ],
)  # fmt: skip
def test_a_cell_that_says_none_is_an_empty_one(question: str, modes: list[str]) -> None:
    assert found(question) == modes


def test_none_is_an_answer() -> None:
    got = whole("Which critical parts of Manox are in Hall A?")
    assert got.frame.run(got.query).is_none


# -- numbers --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("question", "parts"),
    [
        ("Which parts cost more than 200 EUR?", "368"), ("Which parts cost more than 200 euros?", "368"), ("parts over 200 €", "368"), ("parts dearer than 200 EUR", "368"),
        ("Which parts cost at least 265 EUR?", "368"), ("parts cheaper than 18.90 EUR", "4"), ("parts with a price of at most 18.90", "47"),
        ("Which parts have a price between 58 and 184 EUR?", "125"), ("parts with a price from 58 to 184 EUR", "125"), ("price <= 18.9", "47"),
        ("parts with a weight below 0.4 kg", "47"), ("parts with a weight under 0.4", "47"),
        ("Which parts have 12 or more in stock?", "247"), ("Which parts have a stock of 0?", "38"), ("Which parts have zero stock?", "38"), ("parts with a stock of 4", "1"),
        ("Which critical parts in Hall D have zero stock?", "8"), ("Which parts in Hall A cost between 20 and 200 EUR?", "12"),
    ],
)  # fmt: skip
def test_numbers_are_compared_in_words_and_with_units(question: str, parts: str) -> None:
    assert sorted(numbered(question)) == list(parts)


@pytest.mark.parametrize(
    "question",
    [
        "Which failure modes are rated 9 for severity?", "Which failure modes have a severity of 9?", "Which failure modes have a 9 in severity?", "failure modes with severity 9",
    ],
)  # fmt: skip
def test_a_rating_may_stand_before_and_behind_its_column(question: str) -> None:
    assert found(question) == ["Cross-threaded cap", "Label missing"]


@pytest.mark.parametrize(
    ("question", "parts"),
    [
        ("Which parts were issued before 20 May 2025?", "15"), ("parts issued on 16 June 2025", "3"), ("parts issued since June 2025", "368"),
        ("parts issued in the first half of 2025", "1236"), ("parts issued by the end of June 2025", "12356"), ("parts issued after June 2025", "8"),
        ("parts that were issued in 2024", "5"), ("parts of Ola issued in June 2025", "3"), ("parts issued in 2023", ""),
    ],
)  # fmt: skip
def test_days_are_compared(question: str, parts: str) -> None:
    assert sorted(numbered(question)) == list(parts)


@pytest.mark.parametrize(
    ("question", "result"),
    [
        ("How many critical parts are there?", 4), ("How many non-critical parts are there in Hall A?", 2), ("number of parts from Norrvik", 3), ("How many parts did Kim and Ola buy?", 6),
        ("How many parts are in Hall Z or Hall D?", 1), ("How many different suppliers are there?", 4), ("How many critical parts of Manox are there?", 0),
        ("What is the total stock of Norrvik?", 37), ("What's the total stock?", 90), ("sum of the weight in Hall A", 2.2),
        ("What is the average price of the parts in Hall A?", 99.8), ("avg price of critical parts", 419.75), ("avg. price of the parts of Castwell", 615),
        ("How many euros do the critical parts of Hall B cost?", 265), ("How many failure modes of the capper have no recommended action?", 1),
        ("What is the mean severity of the capper?", 8.5), ("How many failure modes have an RPN of 60 or more?", 5), ("How many failure modes are not at the capper?", 7),
    ],
)  # fmt: skip
def test_one_number_is_computed(question: str, result: float) -> None:
    assert value(question) == pytest.approx(result)


@pytest.mark.parametrize(
    ("question", "rows"),
    [
        ("How many parts are there per warehouse?", [("Hall A", 3), ("Hall B", 2), ("Hall C", 2), ("Hall D", 1)]),
        ("How many parts does each supplier have?", [("Norrvik", 3), ("Castwell", 2), ("Taren Seals", 2), ("Manox", 1)]),
        ("No. of parts per supplier", [("Norrvik", 3), ("Castwell", 2), ("Taren Seals", 2), ("Manox", 1)]),
        ("total stock per warehouse", [("Hall A", 41), ("Hall B", 40), ("Hall C", 9), ("Hall D", 0)]),
        ("warehouses by total stock", [("Hall A", 41), ("Hall B", 40), ("Hall C", 9), ("Hall D", 0)]),
        ("What is the average price per supplier?", [("Castwell", 615), ("Norrvik", 126.8), ("Taren Seals", 98.2), ("Manox", 58)]),
        ("mean RPN of each item", [("Capper", 147), ("Filling valve", 84), ("Rinser", 60), ("Labeller", 45)]),
        ("How many parts of Norrvik are there per warehouse?", [("Hall A", 2), ("Hall B", 1)]),
    ],
)  # fmt: skip
def test_numbers_are_computed_for_each_group(question: str, rows: list[tuple[object, ...]]) -> None:
    assert [(name, pytest.approx(number)) for name, number in groups(question)] == rows


# -- order ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("question", "parts"),
    [
        ("Which are the five most expensive parts?", "68312"), ("top 3 parts by price", "683"), ("the three cheapest parts of Norrvik", "723"), ("What are the 3 least expensive parts?", "475"),
        ("Which part has the highest price?", "6"), ("max price in Hall A", "1"), ("cheapest part", "4"), ("the lowest price in Hall B", "4"),
        ("Which part was issued most recently?", "8"), ("Which part was issued earliest?", "5"), ("What was issued last?", "8"), ("the latest part issued in Hall A", "2"),
    ],
)  # fmt: skip
def test_rows_are_ranked(question: str, parts: str) -> None:
    assert numbered(question) == list(parts)


@pytest.mark.parametrize(
    ("question", "modes"),
    [
        ("What are the top 3 failure modes by RPN?", ["Loose cap", "Valve leaks", "Valve sticks"]), ("the two riskiest failure modes", ["Loose cap", "Valve leaks"]),
        ("Which failure mode has the highest severity?", ["Glass in the bottle"]), ("Which failure mode of the labeller has the lowest occurrence?", ["Label missing"]),
        ("List the failure modes of the capper by severity, worst first.", ["Cross-threaded cap", "Loose cap"]), ("What is the earliest target date at the capper?", ["Loose cap"]),
        ("rank the failure modes of the filling valve by detection, lowest first", ["Valve drips", "Valve sticks", "Valve leaks"]),
    ],
)  # fmt: skip
def test_failure_modes_are_ranked(question: str, modes: list[str]) -> None:
    assert found(question) == modes


def test_worst_first_is_a_list_of_all() -> None:
    got = whole("List the failure modes, worst first.")
    assert [row[-1] for row in got.frame.run(got.query).rows] == [240, 140, 72, 63, 60, 54, 40, 36, 36]


@pytest.mark.parametrize(
    ("question", "row"),
    [
        ("Which supplier is named most often?", ("Norrvik", 3)), ("Which supplier is named least often?", ("Manox", 1)), ("Which supplier has the most parts?", ("Norrvik", 3)),
        ("Which buyer has the fewest parts?", ("Kim", 3)), ("Which item has the most failure modes?", ("Filling valve", 3)), ("Which process step is named least often?", ("Rinsing", 1)),
        ("Which item has the highest average severity?", ("Rinser", 10)), ("Which supplier has the lowest average price?", ("Manox", 58)),
    ],
)  # fmt: skip
def test_the_first_of_the_groups_is_named(question: str, row: tuple[object, ...]) -> None:
    assert groups(question) == [row]
