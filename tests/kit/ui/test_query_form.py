"""The form for a query: what is chosen becomes the query, and a query becomes what is chosen."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sectorkit.errors import RequestError
from sectorkit.query import Aggregate, Filter, Frame, Order, TableQuery
from sectorkit.tables import Row, Table
from sectorkit.ui.query_form import CONDITIONS, Choices, choices

ROWS = (
    ("Pump", "Seal leaks", "210", "2025-03-01", "Maintenance"), ("Pump", "Bearing hot", "120", "2025-04-02", ""),
    ("Fan", "Belt slips", "64", "2025-04-09", "Engineering"), ("Fan", "Noise", "30", "2024-12-24", "None"),
)  # fmt: skip
FRAME = Frame(
    Table(
        ("Machine", "Failure mode", "RPN", "Found on", "Department"),
        tuple(Row(cells, n, n + 1) for n, cells in enumerate(ROWS)),
    ),
    "fmea.csv",
    "FMEA",
)
COLUMNS = tuple(FRAME.kinds)


def rows(chosen: Choices) -> list[tuple[Any, ...]]:
    return list(FRAME.run(chosen.query(FRAME)).rows)


# -- what is chosen -> the query ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("chosen", "result"),
    [
        (Choices("how many rows"), [(4,)]),
        (Choices("how many rows", conditions=(("Machine", "is", ("Pump", "Fan")),)), [(4,)]),
        (Choices("how many rows", conditions=(("RPN", "≥", ("100",)), ("Machine", "is", ("pump",)))), [(2,)]),
        (Choices("how many rows", conditions=(("Found on", "<", ("2025-01-01",)),)), [(1,)]),
        (Choices("how many rows", conditions=(("Department", "is empty", ()),)), [(2,)]),
        (Choices("how many rows", conditions=(("Machine", "is not", ("Pump",)),)), [(2,)]),
        (Choices("how many different values of", "Machine"), [(2,)]),
        (Choices("the mean of", "RPN", ("Machine",), sort="what is shown"), [("Pump", 165), ("Fan", 47)]),
        (Choices("the sum of", "RPN", ("Machine",), sort="what is shown", direction="lowest first", limit=1), [("Fan", 94)]),
        (Choices("the highest", "Found on"), [("2025-04-09",)]),
        (Choices(each=("Machine",)), [("Fan",), ("Pump",)]),
        (Choices(each=("Machine",), columns=("RPN",)), [("Fan",), ("Pump",)]),
        (Choices(columns=("RPN",), sort="RPN", limit=2), [(210,), (120,)]),
        (Choices(columns=("RPN",), sort="as in the table"), [(210,), (120,), (64,), (30,)]),
        (Choices(columns=("RPN",), conditions=(("Failure mode", "contains", ("belt",)),)), [(64,)]),
    ],
)  # fmt: skip
def test_choices_are_computed(chosen: Choices, result: list[tuple[Any, ...]]) -> None:
    assert rows(chosen) == result


@pytest.mark.parametrize(
    ("chosen", "problem"),
    [
        (Choices("the mean of"), "choose the column: the mean of"),
        (Choices(sort="what is shown"), "rows are sorted by a column"),
        (Choices(limit=0), "a whole number from 1 on"),
        (Choices(conditions=(("RPN", ">", ()),)), "what is RPN compared with"),
        (Choices(conditions=(("RPN", ">", (" ",)),)), "what is RPN compared with"),
        (Choices(conditions=(("RPN", ">", ("many",)),)), "RPN holds numbers, and 'many' is none"),
        (Choices(conditions=(("RPN", "is", ("210", "120")),)), "RPN is: one value only"),
        (Choices(conditions=(("Machine", "contains", ("Pump", "Fan")),)), "Machine contains: one value only"),
        (Choices("the mean of", "Machine"), "Machine holds texts, which have no mean"),
        (Choices("how many rows", sort="RPN"), "the result has no 'RPN' to be ordered by"),
        (Choices(each=("Site",)), "has no column 'Site'"),
    ],
)
def test_what_is_missing_or_does_not_fit_is_named(chosen: Choices, problem: str) -> None:
    with pytest.raises(RequestError) as caught:
        rows(chosen)
    assert problem.casefold() in str(caught.value).casefold()


# -- the query -> what is chosen ------------------------------------------------------------------------------------

NUMBERS = st.floats(0, 300).map(lambda x: round(x, 2))
CONDITION = st.one_of(
    st.builds(Filter, column=st.just("Machine"), op=st.sampled_from(["=", "!="]), value=st.sampled_from(["Pump", ["Pump", "Fan"]])),
    st.builds(Filter, column=st.just("RPN"), op=st.sampled_from(["=", "<", "<=", ">", ">="]), value=NUMBERS),
    st.builds(Filter, column=st.just("Found on"), op=st.sampled_from(["<", ">="]), value=st.just("2025-04-01")),
    st.builds(Filter, column=st.just("Failure mode"), op=st.just("contains"), value=st.sampled_from(["seal", "o"])),
    st.builds(Filter, column=st.just("Department"), op=st.sampled_from(["is empty", "is not empty"])),
)  # fmt: skip


@st.composite
def queries(draw: st.DrawFn) -> TableQuery:
    aggregate = draw(
        st.one_of(
            st.none(), st.just(Aggregate(function="count")), st.builds(Aggregate, function=st.just("count distinct"), column=st.sampled_from(COLUMNS)),
            st.builds(Aggregate, function=st.sampled_from(["sum", "mean", "max", "min"]), column=st.just("RPN")),
        )
    )  # fmt: skip
    group = draw(st.sampled_from([[], ["Machine"], ["Machine", "Department"]]))
    plainly = aggregate is None and not group
    names = COLUMNS if plainly else [*([aggregate.name] if aggregate else []), *group]
    order = st.builds(Order, column=st.sampled_from(names), descending=st.booleans()) if names else st.nothing()
    return TableQuery(
        filters=draw(st.lists(CONDITION, max_size=CONDITIONS)), group_by=group, aggregate=aggregate,
        order_by=draw(st.lists(order, max_size=1) if names else st.just([])), limit=draw(st.none() | st.integers(1, 5)),
        select=draw(st.lists(st.sampled_from(COLUMNS), unique=True)) if plainly else [],
    )  # fmt: skip


@given(query=queries())
def test_a_query_that_is_shown_in_the_form_and_run_again_gives_the_same(query: TableQuery) -> None:
    chosen = choices(query)
    assert chosen is not None
    again = chosen.query(FRAME)
    assert again.in_words() == query.in_words()
    assert FRAME.run(again) == FRAME.run(query)


@pytest.mark.parametrize(
    "query",
    [
        TableQuery(filters=[Filter(column="RPN", op=">", value=1)] * (CONDITIONS + 1)),
        TableQuery(order_by=[Order(column="RPN"), Order(column="Machine")]),
        TableQuery(aggregate=Aggregate(function="count", column="Department")),
    ],
)
def test_a_query_for_which_the_form_has_no_room_is_not_shown_in_part(query: TableQuery) -> None:
    assert choices(query) is None


def test_the_queries_that_people_need_have_room_in_the_form() -> None:
    import sectorkit

    lines = (Path(sectorkit.__file__).parent / "table_examples.jsonl").read_text(encoding="utf-8").splitlines()
    shown = [choices(TableQuery.model_validate(json.loads(line)["query"])) for line in lines]
    assert len(shown) > 300
    assert shown.count(None) <= 1  # one takes seven kinds out, one by one
