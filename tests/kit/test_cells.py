"""Cells: a claim about a row is checked cell by cell."""

from __future__ import annotations

import pytest

from sectorkit.cells import cells_of, contradicts, spoken_of

ROW = (
    "Date: 2025-02-12 | Line: Line 3 | Machine: HL-M60 | Defect code: D01 | Defect: Seal leakage | Permissible error: 0.1"
    " | As-left error: 0.07 | Supplier: Almgren Bearings | Work done: Tank without gas, filled to 8.4 bar | No.: 14"
)


def test_a_row_is_its_cells_and_a_sentence_has_none() -> None:
    assert cells_of(ROW)[:2] == [("Date", "2025-02-12"), ("Line", "Line 3")]
    assert cells_of("Note: the pump stops | and nothing else") == []
    assert cells_of("The pump stops.") == []


@pytest.mark.parametrize(
    "claim",
    [
        "The as-left error is 0.07.",
        "The permissible error is 0.1 and the as-left error 0.07.",
        "The defect code is D01.",
        "On 2025-02-12 a seal leaked on Line 3.",
        "In February 2025 the tank was without gas.",
        "The HL-M60 of line 3 had a seal leakage.",
        "The supplier is Almgren Bearings.",
        "An error was found.",
        "供应商是 Almgren Bearings，代码 D01。",
    ],
)
def test_what_a_row_says_is_not_contradicted_by_it(claim: str) -> None:
    assert not contradicts(ROW, claim)


@pytest.mark.parametrize(
    "claim",
    [
        "The as-left error is 0.1.",  # which is the permissible one
        "The defect code is D11.",
        "On 2025-12-02 a seal leaked.",
        "A seal leaked on Line 1.",
        "The HL-P40 had a seal leakage.",
        "The supplier is Northseal.",
        "The seal came from Northseal.",
        "The tank had gas and was filled to 8.4 bar.",
        "There was no seal leakage.",
        "供应商是 Northseal。",
    ],
)
def test_what_a_row_has_otherwise_contradicts(claim: str) -> None:
    assert contradicts(ROW, claim)


def test_a_name_may_stand_in_the_title_where_the_row_has_no_other_of_its_kind() -> None:
    assert not contradicts(ROW, "The log of PL-7 has a seal leakage.", "Log of PL-7")
    assert contradicts(ROW, "The HL-P40 had a seal leakage.", "Log of the HL-P40 and others")
    assert not contradicts(ROW, "The pump had, says Northseal, a seal leakage.", "Log of Northseal")


def test_a_sentence_is_not_read_as_a_row() -> None:
    assert not contradicts("The defect code is D01.", "The defect code is D11.")


def test_of_a_row_the_cells_that_a_claim_speaks_of_are_compared() -> None:
    assert spoken_of(ROW, {"almgr"}, {"0.1"}) == "Permissible error: 0.1 | Supplier: Almgren Bearings"
    assert spoken_of(ROW, {"nothi"}, set()) == ROW
    assert spoken_of("The pump stops.", {"pump"}, set()) == "The pump stops."
