"""Sheets as people really keep them: merged cells, two header rows, missing columns, formulas, dates in three formats."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from manufacturing_qa.diagnosis import diagnose, read_plant
from manufacturing_qa.report import report
from sectorkit.answer import Answer
from sectorkit.fakes import FakeEmbedder
from sectorkit.retrieval.index import Index
from sectorkit.table_answers import table_answer, tables_in
from sectorkit.table_questions import understand

AIAG = ["Item", "Potential Failure Mode", "Potential Effect(s) of Failure", "Potential Cause(s) of Failure", "Rating", None, None, None, "Recommended Action"]  # fmt: skip
RATINGS = [None, None, None, None, "Severity", "Occurrence", "Detection", "RPN", None]
ROWS = [
    ["Pump A", "Seal leaks", "Drops on the floor", "Worn face", 7, 4, 3, 84, "Change the seal each year"],
    [None, None, None, "Dry running", 7, 2, 5, 70, None],
    [None, "Bearing hot", "Smell of burnt grease", "Too much grease", 6, 3, 2, 36, None],
    ["Pump B", "Seal leaks", "Puddle", "Wrong seal", 8, 2, 2, 32, "Label the boxes"],
]
LIMITS = "| Machine | Failure mode | Condition |\n|---|---|---|\n| {} |\n"


@pytest.fixture
def indexed(tmp_path: Path) -> Iterator[Callable[[], Index]]:
    """Opens an index of what lies in `documents/`."""
    (tmp_path / "documents").mkdir()
    opened: list[Index] = []

    def index() -> Index:
        opened.append(Index.open(tmp_path / f"index-{len(opened)}", FakeEmbedder()))
        opened[-1].sync(tmp_path / "documents")
        return opened[-1]

    yield index
    for made in opened:
        made.close()


def computed(index: Index, question: str) -> Answer:
    tables = tables_in(index)
    got = understand(question, tables)
    assert got is not None
    assert got.whole, got
    return table_answer(question, got, index)


def fmea(path: Path) -> None:
    book = openpyxl.Workbook()
    for row in [AIAG, RATINGS, *ROWS]:
        book.active.append(row)
    for merged in ("E1:H1", "A3:A5", "B3:B4", "C3:C4", *(f"{column}1:{column}2" for column in "ABCDI")):
        book.active.merge_cells(merged)
    book.save(path)


def test_an_fmea_with_merged_cells_and_two_header_rows_is_asked_diagnosed_and_reported(
    tmp_path: Path, indexed: Callable[[], Index]
) -> None:
    fmea(tmp_path / "documents" / "fmea.xlsx")
    index = indexed()
    (frame,) = tables_in(index).asked
    assert list(frame.kinds) == [*AIAG[:4], *RATINGS[4:8], AIAG[8]]

    asked = computed(index, "What are the causes of leaking seals at Pump A?")
    assert asked.computed is not None
    assert [row[-1] for row in asked.computed.rows] == ["Worn face", "Dry running"]
    assert (
        computed(index, "mean RPN per item").text == "Item: Pump A; mean of RPN: 63.33\nItem: Pump B; mean of RPN: 32"
    )

    plant = read_plant(index)
    assert plant.machines == ["Pump A", "Pump B"]
    found = diagnose("Pump A", "it smells of burnt grease", {}, plant=plant, index=index)
    assert found.causes[0].mode == "Bearing hot"
    draft = report("8D", found, plant=plant, index=index, made=date(2026, 1, 1))
    assert "Too much grease" in [line.text for section in draft.sections for line in section.lines]


def test_an_fmea_that_lacks_columns_is_used_as_far_as_it_goes(tmp_path: Path, indexed: Callable[[], Index]) -> None:
    lines = ["Machine,Failure mode,Effect", "Saw,Blade dull,Rough cut", "Saw,Motor hot,Smell", "Drill,Bit broken,Bang", "Drill,Chuck slips,Hole oval"]  # fmt: skip
    (tmp_path / "documents" / "fmea.csv").write_text("\n".join(lines), encoding="utf-8")
    index = indexed()
    plant = read_plant(index)
    found = diagnose("Saw", "the cut is rough", {}, plant=plant, index=index)
    assert found.causes[0].mode == "Blade dull"
    draft = report("NCR", found, plant=plant, index=index, made=date(2026, 1, 1))
    assert all(line.text or line.by for section in draft.sections for line in section.lines)


def test_formulas_that_were_never_calculated_are_named_beside_what_was_computed(
    tmp_path: Path, indexed: Callable[[], Index]
) -> None:
    book = openpyxl.Workbook()
    rows: list[list[Any]] = [["Pump", "Hours", "Total"]]
    rows += [[f"P-{n}", n, f"=B{n + 1}*2" if n == 3 else 2 * n] for n in range(1, 6)]
    for row in rows:
        book.active.append(row)
    book.save(tmp_path / "documents" / "hours.xlsx")
    answer = computed(indexed(), "sum of Total")
    assert answer.text == "24"
    assert any("formulas without a stored value, which read as empty: 1" in note for note in answer.notes)


def test_dates_in_three_formats_are_compared_as_days(tmp_path: Path, indexed: Callable[[], Index]) -> None:
    days = ["2025-03-31", "01.04.2025", "2 April 2025", "2025年5月1日", "2025-06-01 08:30"]
    lines = ["Received,Order,Pieces", *(f"{day},O-{n},{n}" for n, day in enumerate(days, start=1))]
    (tmp_path / "documents" / "orders.csv").write_text("\n".join(lines), encoding="utf-8")
    index = indexed()
    assert computed(index, "How many orders were received in April 2025?").text == "2"
    assert computed(index, "Which order was received latest?").text.startswith("Received: 2025-06-01; Order: O-5")


def test_of_two_documents_that_contradict_each_other_the_newer_decides_and_both_are_shown(
    tmp_path: Path, indexed: Callable[[], Index]
) -> None:
    documents = tmp_path / "documents"
    (documents / "old.md").write_text(
        LIMITS.format("Fan | Bearing hot | bearing temperature > 90 °C"), encoding="utf-8"
    )
    (documents / "new.md").write_text(
        LIMITS.format("Fan | Bearing hot | bearing temperature > 80 °C"), encoding="utf-8"
    )
    (documents / "metadata.toml").write_text(
        '["old.md"]\nvalid_from = 2020-01-01\n["new.md"]\nvalid_from = 2024-01-01\n'
    )
    index = indexed()
    plant = read_plant(index)
    (finding,) = diagnose("Fan", "", {"bearing temperature": "85 °C"}, plant=plant, index=index).findings
    assert (finding.state, finding.limit.source) == ("exceeded", "new.md")
    assert [limit.source for limit in finding.overruled] == ["old.md"]


@pytest.mark.parametrize("machine", ["HL-P41", "", "P40; DROP TABLE rows_", "泵"])
def test_a_machine_that_no_document_names_is_unknown(
    tmp_path: Path, indexed: Callable[[], Index], machine: str
) -> None:
    fmea(tmp_path / "documents" / "fmea.xlsx")
    index = indexed()
    found = diagnose(machine, "it smells", {"bearing temperature": "85 °C"}, plant=read_plant(index), index=index)
    assert not found.known
    assert found.causes == ()
