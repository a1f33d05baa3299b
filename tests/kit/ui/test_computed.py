"""A computed result -> HTML."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from read_html import Read

from sectorkit.answer import Computed
from sectorkit.ui.computed import computed, table

HOSTILE = "\"><img src=x onerror=1><script>alert(1)</script>'&"
FOUND = Computed(
    "log 1/№2.csv", "Defect log", {"aggregate": {"function": "count", "column": None}}, "number of rows; for each Line", ("Line", "count"), (("Line 1", 30), ("Line 2", 12)), 42,
    ((10, 20, 2), (21, 30, 3)),
)  # fmt: skip
VALUE = replace(FOUND, said="number of rows", columns=("count",), rows=((42,),))


def cells(html: str) -> list[list[str]]:
    """The texts of a table, row by row, without its bars."""
    rows = re.findall(r"<tr>(.*?)</tr>", html)
    return [re.findall(r'<t[dh] (?:dir="auto"|scope="col")>(.*?)</t[dh]>', row) for row in rows]


def widths(html: str) -> list[str]:
    return re.findall(r'style="width:([\d.]+%)"', html)


# -- what is said ---------------------------------------------------------------------------------------------------


def test_the_query_stands_ahead_of_its_result() -> None:
    text = Read(computed("city", FOUND)).text
    assert text.startswith("Understood as: number of rows; for each Line, in Defect log.")
    assert "Line 1" in text


@pytest.mark.parametrize(
    ("changes", "note"),
    [
        ({"left": ("overdue", "heat")}, "Not taken into account: overdue, heat."), ({"unread": 1}, "1 cell could not be read"), ({"unread": 1200}, "1,200 cells could not be read"),
        ({"cut": True}, "The list is cut."),
    ],
)  # fmt: skip
def test_what_took_no_part_is_said(changes: dict[str, Any], note: str) -> None:
    assert note in Read(computed("city", replace(FOUND, **changes))).text
    assert note not in Read(computed("city", FOUND)).text


@pytest.mark.parametrize(
    "found",
    [
        replace(FOUND, rows=(), total=0),
        replace(VALUE, rows=((0,),), total=0),
        replace(VALUE, rows=((None,),), total=0, used=()),
    ],
    ids=["no rows", "a count of none", "a sum of none"],
)
def test_none_is_said_in_words(found: Computed) -> None:
    html = computed("city", found)
    assert "None: no row meets this." in html
    assert "<table" not in html


@pytest.mark.parametrize(
    ("value", "text"),
    [(42, "42"), (12_345, "12,345"), (2.5, "2.50"), (1234.567, "1,234.57"), ("2025-03-31", "2025-03-31")],
)
def test_one_value_is_shown_alone(value: object, text: str) -> None:
    html = computed("city", replace(VALUE, rows=((value,),)))
    assert f'sk-value">{text}</p>' in html
    assert "<table" not in html


def test_one_cell_of_a_list_is_a_table() -> None:
    assert "<table" in computed("city", replace(VALUE, query={"select": ["count"]}))


# -- tables ---------------------------------------------------------------------------------------------------------


def test_a_table_has_its_columns_and_rows() -> None:
    assert cells(table(FOUND.columns, FOUND.rows)) == [["Line", "count"], ["Line 1", "30"], ["Line 2", "12"]]


@pytest.mark.parametrize(
    ("last", "bars"),
    [([30, 12, 0], ["100.0%", "40.0%", "0.0%"]), ([2.5, 10], ["25.0%", "100.0%"]), ([30], []), ([-1, 5], [])],
)
def test_bars_are_drawn_where_numbers_compare(last: list[object], bars: list[str]) -> None:
    assert widths(table(("Name", "Last"), [("x", value) for value in last])) == bars


@pytest.mark.parametrize(
    "last", [["5", "7"], ["2025-01-01", "2025-01-02"], ["x"], [5, None], [None, None], [5, "x"], [0, 0], [0]]
)
def test_no_bars_are_drawn_where_nothing_compares(last: list[object]) -> None:
    assert widths(table(("Name", "Last"), [("x", value) for value in last])) == []


def test_bars_are_nothing_to_a_screen_reader() -> None:
    html = Read(table(FOUND.columns, FOUND.rows))
    assert [cell["aria-hidden"] for cell in html.of("td") if cell.get("class") == "sk-bars"] == ["true", "true"]


@pytest.mark.parametrize(
    ("column", "texts"),
    [
        ([1, 2.5], ["1.00", "2.50"]), ([3, 12], ["3", "12"]), ([9_999, 10_000], ["9,999", "10,000"]), ([2024, 2025], ["2024", "2025"]), ([0.125, None], ["0.125", "–"]), ([0.004, 1.5], ["0.004", "1.500"]),
        ([12_345.678, 1], ["12,345.68", "1.00"]), ([-12_345, 1], ["-12,345", "1"]), (["a", None], ["a", "–"]), ([5, "x"], ["5", "x"]),
    ],
)  # fmt: skip
def test_numbers_of_a_column_share_their_decimals(column: list[object], texts: list[str]) -> None:
    assert [row[0] for row in cells(table(("A", "B"), [(value, 1) for value in column]))[1:]] == texts


def test_columns_have_decimals_of_their_own() -> None:
    assert cells(table(("A", "B"), [(1, 2.5), (2, 3)]))[1:] == [["1", "2.50"], ["2", "3.00"]]


def test_a_table_without_rows_has_its_head() -> None:
    assert cells(table(("A", "B"), [])) == [["A", "B"]]


# -- rows behind it -------------------------------------------------------------------------------------------------


def test_every_row_behind_it_is_a_link_to_its_place() -> None:
    links = Read(computed("city", FOUND)).of("a")
    assert [link["href"] for link in links] == [
        "documents/city/log%201/%E2%84%962.csv?start=10&end=20#quote", "documents/city/log%201/%E2%84%962.csv?start=21&end=30#quote",
    ]  # fmt: skip


def test_rows_are_named_by_their_numbers_and_counted_where_they_have_none() -> None:
    assert ">2</a>, <a" in computed("city", FOUND)
    html = computed("city", replace(FOUND, used=((10, 20, 0), (21, 30, 0))))
    assert re.findall(r">(\d+)</a>", html) == ["1", "2"]


@pytest.mark.parametrize(("rows", "is_open"), [(1, True), (12, True), (13, False)])
def test_many_rows_are_folded_away(rows: int, is_open: bool) -> None:
    html = computed("city", replace(FOUND, used=tuple((n, n + 1, n) for n in range(1, rows + 1))))
    assert ('<details class="sk-closest" open>' in html) is is_open
    assert f"Rests on {rows} row{'s' * (rows > 1)}<" in html


def test_a_result_of_no_rows_rests_on_none() -> None:
    assert "<details" not in computed("city", replace(FOUND, used=()))


# -- whatever it holds ----------------------------------------------------------------------------------------------


def hostile(text: str) -> list[Computed]:
    found = Computed(
        text, text, {"select": [text]}, text, (text, text), ((text, 1), (text, 2)), 2, ((0, 1, 0),), True, 3, (text,)
    )
    return [
        found,
        replace(found, columns=(text,), rows=((text,),), query={"aggregate": {"function": "max", "column": text}}),
    ]


@given(st.text(min_size=1) | st.just(HOSTILE))
def test_nothing_of_a_document_or_a_question_becomes_markup(text: str) -> None:
    for found, plainly in zip(hostile(text), hostile("abc"), strict=True):
        html, known = Read(computed(text, found)), Read(computed("abc", plainly))
        assert [tag for tag, _ in html.elements] == [tag for tag, _ in known.elements]
        assert [sorted(attrs) for _, attrs in html.elements] == [sorted(attrs) for _, attrs in known.elements]


@pytest.mark.parametrize("found", hostile(HOSTILE), ids=["table", "value"])
def test_hostile_text_is_shown_as_it_is(found: Computed) -> None:
    assert Read(computed("city", found)).text.count(HOSTILE) >= 4


def test_a_list_of_texts_is_shown() -> None:
    found = replace(
        FOUND,
        query={"select": ["Line", "Remark"]},
        columns=("Line", "Remark"),
        rows=(("Line 1", HOSTILE), ("Line 2", "x")),
    )
    assert HOSTILE in Read(computed("city", found)).text
