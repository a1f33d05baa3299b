"""Queries over a document's table: what they compute, on which rows, and that nothing but columns can be asked."""

from __future__ import annotations

import csv
import io
import statistics
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sectorkit.errors import RequestError
from sectorkit.query import Aggregate, Filter, Frame, Order, TableQuery
from sectorkit.tables import Row, Table

TEXT = """Machine,Mode,Severity,Cost,Found,Action
P-40,Bearing wear,8,"1,200.50",2025-03-01,Change
P-40,Leak,9,80,2025-04-11,
M-60,Bearing wear,7,,2025-04-30,Look
C-90,Leak,,40,2025-05-02,
"""


def frame(text: str = TEXT) -> Frame:
    columns, *rows = csv.reader(io.StringIO(text))
    return Frame(Table(tuple(columns), tuple(Row(tuple(r), n, n + 1, n + 2) for n, r in enumerate(rows))), "a.csv", "A")


def test_columns_have_kinds() -> None:
    assert list(frame().kinds.values()) == ["text", "text", "number", "number", "date", "text"]


@pytest.mark.parametrize(
    ("cells", "kind"),
    [
        (["31/12/2025", "01/02/2025"], "date"), (["12/31/2025", "01/02/2025"], "date"), (["3.4.2025", "12.11.2024"], "date"),
        (["2 March 2025", "3 May 2024"], "date"), (["2025年3月1日", "2025年12月11日"], "date"), (["12 bar", "3,5 bar"], "number"),
        (["1.5", "2", ""], "number"), (["P-1", "2"], "text"), (["", ""], "text"), (["0 to 60", "1 to 6"], "text"),
        (["2025", "2024"], "number"),
    ],
)  # fmt: skip
def test_a_columns_kind_is_that_of_its_cells(cells: list[str], kind: str) -> None:
    assert frame("\n".join(["Column,Other", *(f'"{cell}",x' for cell in cells)])).kinds["Column"] == kind


def test_days_and_months_are_told_apart_by_the_column() -> None:
    american = frame("Day,x\n12/31/2025,1\n01/02/2025,1\n")
    assert american.run(TableQuery(aggregate=Aggregate(function="min", column="Day"))).value == "2025-01-02"
    european = frame("Day,x\n31/12/2025,1\n01/02/2025,1\n")
    assert european.run(TableQuery(aggregate=Aggregate(function="min", column="Day"))).value == "2025-02-01"


def test_a_unit_that_the_column_does_not_name_is_refused() -> None:
    times = frame("Pump,Downtime h,Head\nP-1,3,12 bar\nP-2,1,8 bar\n")

    def counted(column: str, value: str) -> int:
        return times.run(TableQuery(filters=[Filter(column=column, op=">", value=value)])).total

    assert (
        counted("Downtime h", "2"),
        counted("Downtime h", "2 h"),
        counted("Head", "9 bar"),
        counted("Head", "9"),
    ) == (1, 1, 1, 1)
    for column, value in (("Downtime h", "120 min"), ("Downtime h", "5 °C"), ("Head", "9 psi")):
        with pytest.raises(RequestError, match="a unit that the column does not name"):
            counted(column, value)


def test_rows_are_filtered_ordered_and_cut() -> None:
    query = TableQuery(
        filters=[Filter(column="Severity", op=">=", value=7)], order_by=[Order(column="Severity", descending=True)],
        limit=2, select=["Machine", "Severity"],
    )  # fmt: skip
    result = frame().run(query)
    assert result.rows == (("P-40", 9), ("P-40", 8))
    assert [row.number for row in result.used] == [3, 2]
    assert result.total == 3
    assert query.in_words() == "Machine, Severity; where Severity >= 7; by Severity, highest first; the first 2"


@pytest.mark.parametrize(
    ("query", "value"),
    [
        (TableQuery(aggregate=Aggregate(function="count")), 4),
        (TableQuery(aggregate=Aggregate(function="count distinct", column="Machine")), 3),
        (TableQuery(aggregate=Aggregate(function="mean", column="Severity")), 8),
        (TableQuery(aggregate=Aggregate(function="sum", column="Cost")), 1320.5),
        (TableQuery(aggregate=Aggregate(function="max", column="Found")), "2025-05-02"),
        (TableQuery(filters=[Filter(column="Action", op="is empty")], aggregate=Aggregate(function="count")), 2),
        (TableQuery(filters=[Filter(column="Mode", op="contains", value="BEARING")], aggregate=Aggregate(function="count")), 2),
        (TableQuery(filters=[Filter(column="Found", op="<", value="2025-04-30")], aggregate=Aggregate(function="count")), 2),
        (TableQuery(filters=[Filter(column="Machine", op="!=", value="p-40")], aggregate=Aggregate(function="count")), 2),
    ],
)  # fmt: skip
def test_one_value_is_computed(query: TableQuery, value: object) -> None:
    assert frame().run(query).value == value


def test_groups_are_computed_and_rest_on_their_rows() -> None:
    query = TableQuery(
        group_by=["Mode"],
        aggregate=Aggregate(function="count"),
        order_by=[Order(column="count", descending=True)],
        limit=1,
    )
    result = frame().run(query)
    assert result.rows == (("Bearing wear", 2),)
    assert sorted(row.number or 0 for row in result.used) == [2, 4]


def test_a_sum_of_nothing_is_nothing() -> None:
    none = [Filter(column="Severity", op=">", value=10)]
    assert frame().run(TableQuery(filters=none, aggregate=Aggregate(function="sum", column="Cost"))).value is None
    assert frame().run(TableQuery(filters=none, aggregate=Aggregate(function="count"))).value == 0


def test_nothing_is_an_answer() -> None:
    result = frame().run(TableQuery(filters=[Filter(column="Severity", op=">", value=10)]))
    assert (result.rows, result.used, result.total) == ((), (), 0)


@pytest.mark.parametrize(
    ("query", "what"),
    [
        ({"filters": [{"column": 'x" OR 1=1 --', "value": 1}]}, "no column"),
        ({"filters": [{"column": "Severity", "op": ">", "value": "high"}]}, "Severity holds numbers, and 'high' is none"),
        ({"filters": [{"column": "Severity", "op": ">"}]}, "has no value"),
        ({"aggregate": {"function": "sum", "column": "Machine"}}, "Machine holds texts, which have no sum"),
        ({"aggregate": {"function": "mean"}}, "mean needs a column"),
        ({"group_by": ["Mode"], "aggregate": {"function": "count"}, "order_by": [{"column": "Cost"}]}, "no 'Cost' to be ordered by"),
    ],
)  # fmt: skip
def test_what_a_table_cannot_answer_is_named(query: dict[str, object], what: str) -> None:
    with pytest.raises(RequestError, match=what):
        frame().run(TableQuery.model_validate(query))


def test_a_query_reaches_no_file(tmp_path: Path) -> None:
    secret = tmp_path / "secret.csv"
    secret.write_text("a\n1\n")
    with pytest.raises(Exception, match=r"disabled|not allowed|Permission"):
        frame()._relation.execute(f"SELECT * FROM read_csv('{secret}')")


HOSTILE = [
    "{where}", " WHERE lower(", ") = lower(?)", ", (SELECT 'forged') AS x, ", 'x" FROM rows_ --', "Size {mm}", "Row", "row", "place", "c0", "computed",
]  # fmt: skip


@pytest.mark.parametrize("column", HOSTILE)
def test_a_columns_name_never_becomes_sql(column: str) -> None:
    rows = [Row((str(n), kind), n, n + 1, n) for n, kind in enumerate("xyxy")]
    odd = Frame(Table((column, "Kind"), tuple(rows)), "a.csv", "A")
    found = odd.run(TableQuery(filters=[Filter(column="Kind", value="y")], select=[column]))
    assert (found.columns, found.rows) == ((column,), ((1,), (3,)))
    assert [row.number for row in found.used] == [1, 3]
    summed = odd.run(TableQuery(group_by=["Kind"], aggregate=Aggregate(function="sum", column=column)))
    assert summed.rows == (("x", 2), ("y", 4))


@pytest.mark.parametrize(
    ("cells", "kind", "total"),
    [
        (["0,5", "0,75", "0,125"], "number", 1.375), (["1.200,50", "3,5"], "number", 1204.0), (["1,200", "3,500"], "number", 4700),
        (["12 bar", "30 psi"], "text", None), (["40 P", "40 M"], "text", None), (["00123", "00124"], "text", None),
        (["1 kg", "5 t"], "text", None),
    ],
)  # fmt: skip
def test_only_what_can_be_added_is_a_number(cells: list[str], kind: str, total: float | None) -> None:
    table = frame("\n".join(["Column,Other", *(f'"{cell}",x' for cell in cells)]))
    assert table.kinds["Column"] == kind
    if total is not None:
        assert table.run(TableQuery(aggregate=Aggregate(function="sum", column="Column"))).value == pytest.approx(total)


def test_cells_that_took_no_part_are_counted() -> None:
    table = frame("\n".join(["Column,Other", *["100,x"] * 19, "unknown,x"]))
    result = table.run(TableQuery(aggregate=Aggregate(function="sum", column="Column")))
    assert (result.value, result.unread) == (1900, 1)


def test_a_list_that_is_cut_says_so() -> None:
    table = frame("\n".join(["Column,Other", *(f"{n},x" for n in range(700))]))
    assert table.run(TableQuery(limit=600)).cut
    assert not table.run(TableQuery(limit=100)).cut
    assert table.run(TableQuery()).cut


def test_columns_without_a_name_and_with_the_same_name_can_be_asked() -> None:
    odd = frame("A,,a\n1,2,3\n4,5,6\n")
    assert list(odd.kinds) == ["A", "Column 2", "a (2)"]
    assert odd.run(TableQuery(aggregate=Aggregate(function="sum", column="a (2)"))).value == 9


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(-50, 50)), min_size=1, max_size=30))
def test_means_of_groups_are_those_of_python(rows: list[tuple[str, int]]) -> None:
    table = frame("\n".join(["Key,Value", *(f"{key},{value}" for key, value in rows)]))
    found = table.run(TableQuery(group_by=["Key"], aggregate=Aggregate(function="mean", column="Value"))).rows
    for key, value in found:
        assert value == pytest.approx(statistics.mean(v for k, v in rows if k == key))
