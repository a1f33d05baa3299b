"""Rows of failure mode and effects analyses are read by whatever names their columns have, each with its place."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from sectorkit.errors import ServerUnavailable
from sectorkit.fakes import FakeEmbedder
from sectorkit.fmea import FmeaRow, alike, by_symptoms, read_fmea
from sectorkit.retrieval.index import Index

SHEETS = {
    "own.csv": """Machine,Failure mode,Effect,Cause,Severity,Occurrence,Detection,RPN,Recommended action
P-40,Seal leaks,Drops below the gland plate,Worn seal face,7,5,4,140,Change the seal
P-40,Bearing overheats,Hot housing and grinding noise,Too much grease,8,3,3,72,
""",
    "aiag.csv": """Item,Potential Failure Mode,Potential Effect(s) of Failure,Sev,Potential Cause(s) of Failure,Occ,Current Controls,Det,RPN,Recommended Action(s)
Capper,Loose cap,Gas loss,8,Worn chuck,6,Torque test,5,240,Measure the chuck
""",
    "steps.csv": """Process Step,Failure Mode,Effects of failure,Causes of failure,S,O,D,Action
Filling,Valve sticks,Underfilled bottle,Sugar deposits,6,4,3,Clean the valve
""",
    "zh.csv": """机型,故障模式,影响,原因,严重度,频度,探测度,风险优先数,建议措施
R-30,气阀漏气,级间压力升高,阀片下有污物,7,4,3,84,清洗阀片
""",
    "no-effect.csv": "Machine,Failure mode,Cause\nP-41,Seal leaks,Worn seal\n",
    "no-machine.csv": "Failure mode,Effect,Cause\nSeal leaks,Drops,Worn seal\n",
    "log.csv": "Machine,Date,Work\nP-40,2025-01-03,Seal changed\n",
}  # fmt: skip
PAGE = """# Hazards of the lathe

| Machine | Failure mode | Effect | Shift |
|---|---|---|---|
| CL-250 | Insert breaks | Deep groove | Night |
"""


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Index]:
    index = indexed(tmp_path_factory.mktemp("fmea"), {**SHEETS, "page.md": PAGE})
    yield index
    index.close()


def indexed(folder: Path, texts: dict[str, str]) -> Index:
    (folder / "corpus").mkdir()
    for name, text in texts.items():
        (folder / "corpus" / name).write_text(text, encoding="utf-8")
    index = Index.open(folder / "index", FakeEmbedder())
    index.sync(folder / "corpus")
    return index


def rows_of(folder: Path, text: str) -> tuple[FmeaRow, ...]:
    index = indexed(folder, {"a.csv": text})
    rows = read_fmea(index)
    index.close()
    return rows


@pytest.mark.parametrize(
    ("mode", "machine", "cells"),
    [
        ("Seal leaks", "P-40", {"Effect": "Drops below the gland plate", "Cause": "Worn seal face", "Severity": "7", "Occurrence": "5", "Detection": "4", "Recommended action": "Change the seal"}),
        ("Loose cap", "Capper", {"Effect": "Gas loss", "Cause": "Worn chuck", "Severity": "8", "Occurrence": "6", "Detection": "5", "Recommended action": "Measure the chuck", "Current Controls": "Torque test"}),
        ("Valve sticks", "Filling", {"Effect": "Underfilled bottle", "Cause": "Sugar deposits", "Severity": "6", "Occurrence": "4", "Detection": "3", "Recommended action": "Clean the valve"}),
        ("气阀漏气", "R-30", {"Effect": "级间压力升高", "Cause": "阀片下有污物", "Severity": "7", "Occurrence": "4", "Detection": "3", "Recommended action": "清洗阀片"}),
        ("Insert breaks", "CL-250", {"Effect": "Deep groove", "Shift": "Night"}),
    ],
)  # fmt: skip
def test_columns_are_known_by_their_names(mode: str, machine: str, cells: dict[str, str], index: Index) -> None:
    (found,) = (row for row in read_fmea(index) if row.mode == mode)
    assert found.machine == machine
    assert {name: found.cells.get(name) for name in cells} == cells


def test_causes_and_mechanisms_are_causes(tmp_path: Path) -> None:
    heading = "Item,Potential Failure Mode,Potential Effect(s) of Failure,Potential Cause(s)/Mechanism(s) of Failure"
    (found,) = rows_of(tmp_path, f"{heading}\nCapper,Loose cap,Gas loss,Worn chuck\n")
    assert found.cells["Cause"] == "Worn chuck"


def test_the_first_risk_number_is_that_of_the_row(tmp_path: Path) -> None:
    heading = "Item,Potential Failure Mode,Potential Effect(s) of Failure,Sev,Occ,Det,RPN,Actions Taken,Sev,Occ,Det,RPN"
    (found,) = rows_of(tmp_path, f"{heading}\nCapper,Loose cap,Gas loss,8,6,5,240,Chuck changed,8,2,3,48\n")
    assert found.cells["RPN"] == "240"


def test_a_table_without_an_effect_or_a_machine_is_none(index: Index) -> None:
    assert {row.quote.source for row in read_fmea(index)} == {"own.csv", "aiag.csv", "steps.csv", "zh.csv", "page.md"}


def test_a_row_is_quoted_as_it_stands_in_its_document(index: Index) -> None:
    for row in read_fmea(index):
        assert row.quote.quote == index.document(row.quote.source).text[row.quote.start : row.quote.end]
        assert row.mode in row.quote.quote


def test_a_column_of_its_own_keeps_its_name(index: Index) -> None:
    (found,) = (row for row in read_fmea(index) if row.machine == "CL-250")
    assert set(found.cells) == {"Machine", "Failure mode", "Effect", "Shift"}


def test_a_machine_is_preferred_to_a_step(tmp_path: Path) -> None:
    (found,) = rows_of(tmp_path, "Process step,Machine,Failure mode,Effect\nFilling,F-1,Valve sticks,Foam\n")
    assert (found.machine, found.cells["Process step"]) == ("F-1", "Filling")


def test_an_index_without_an_fmea_has_no_rows(tmp_path: Path) -> None:
    assert rows_of(tmp_path, SHEETS["log.csv"]) == ()


# -- symptoms -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("symptoms", ["", "  \n"])
def test_no_symptoms_find_nothing(symptoms: str, index: Index) -> None:
    assert by_symptoms(symptoms, read_fmea(index), index) == ([], [])


def test_symptoms_find_nothing_among_no_rows(index: Index) -> None:
    assert by_symptoms("grinding noise", [], index) == ([], [])


def test_symptoms_find_the_rows_of_the_sheet_that_tells_them(index: Index) -> None:
    own = [row for row in read_fmea(index) if row.machine == "CL-250"]
    assert [row.mode for row in by_symptoms("a deep groove", own, index)[0]] == ["Insert breaks"]


def test_symptoms_find_only_rows_that_are_given_and_each_once(index: Index) -> None:
    own = [row for row in read_fmea(index) if row.machine == "P-40"]
    found, notes = by_symptoms("grinding noise, hot housing, the seal leaks", own, index)
    assert notes == []
    assert sorted(row.mode for row in found) == ["Bearing overheats", "Seal leaks"]


def test_symptoms_find_the_nearest_row_first(tmp_path: Path) -> None:
    others = "".join(
        f"P-{n},Fault {n},{'Pressure falls slowly in the long pipe of the yard ' * 6},Cause {n}\n" for n in range(20)
    )
    index = indexed(
        tmp_path,
        {"a.csv": f"Machine,Failure mode,Effect,Cause\n{others}P-99,Bearing,Grinding noise at the pump side,Grease\n"},
    )
    assert by_symptoms("grinding noise", read_fmea(index), index)[0][0].machine == "P-99"
    index.close()


def test_symptoms_are_searched_for_by_words_where_vectors_are_away(
    index: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(text: str) -> list[float]:
        raise ServerUnavailable("no embeddings from http://e")

    monkeypatch.setattr(index.embedder, "embed_query", away)
    own = [row for row in read_fmea(index) if row.machine == "CL-250"]
    found, (note,) = by_symptoms("a deep groove", own, index)
    assert [row.mode for row in found] == ["Insert breaks"]
    assert note.startswith("Symptoms were searched for by words alone, since vectors are not available: no embeddings")


@pytest.mark.parametrize(
    ("symptoms", "absent"),
    [
        ("It does not vibrate, but it is hot.", ["not vibrate"]),
        ("No unusual noise or leakage; pressure falls", ["No unusual noise or leakage"]),
        ("isn't leaking any more", ["isn't leaking"]),
        ("不振动，没有漏油，压力下降", ["不振动", "没有漏油"]),
        ("No flow, does not start, no pressure, not enough oil", []),
        ("不启动，没有压力", []),
        ("vibrates, leaks and smokes", []),
    ],
)
def test_a_fault_that_is_said_not_to_be_there_is_no_symptom(symptoms: str, absent: list[str], index: Index) -> None:
    _, notes = by_symptoms(symptoms, read_fmea(index), index)
    assert notes == ([f"No symptom: {', '.join(f'“{words}”' for words in absent)}."] if absent else [])


def test_what_is_said_not_to_be_there_finds_nothing(index: Index) -> None:
    assert by_symptoms("The seal leaks", read_fmea(index), index)[0][0].mode == "Seal leaks"
    assert by_symptoms("No leak.", read_fmea(index), index)[0] == []
    assert alike("does not leak, grinds", "Leaks and grinds") == 1


@pytest.mark.parametrize(
    ("first", "second", "shared"),
    [("Hot bearings grinding", "the bearing grinds", 2), ("a b", "c d", 0), ("", "x", 0), ("bearing bearing", "bearings", 1)],
)  # fmt: skip
def test_texts_are_alike_by_the_stems_that_they_share(first: str, second: str, shared: int) -> None:
    assert alike(first, second) == shared
