"""Queries that a model writes: what of them counts, what is refused, and what becomes of the answer."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from sectorkit.answer import Answer, Request
from sectorkit.answering import answer
from sectorkit.app import SectorApp
from sectorkit.errors import ServerUnavailable
from sectorkit.fakes import FakeChat, FakeEmbedder
from sectorkit.query import TableQuery
from sectorkit.retrieval.index import Index
from sectorkit.table_answers import beside_tables, by_model, tables_in
from sectorkit.table_checks import checked
from sectorkit.table_proposals import examples, nearest, prompt, propose, schema, table_for
from sectorkit.times import asked_about

SETS = Path(__file__).parents[1] / "tables"
LOG = ["Date,Line,Defect,Cost EUR,Remark"] + [
    f"2025-{1 + n % 9:02}-{1 + n % 28:02},Line {1 + n % 3},{('Leak', 'Scratch')[n % 2]},{10 * n + 5},{'' if n % 4 else 'seen twice'}" for n in range(30)
]  # fmt: skip
COUNT = {"function": "count", "column": None}


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Index]:
    folder = tmp_path_factory.mktemp("proposals")
    (folder / "corpus").mkdir()
    (folder / "corpus" / "defects.csv").write_text("\n".join(LOG), encoding="utf-8")
    (folder / "corpus" / "valves.md").write_text(
        "# Valves\n\nThe valves of hall 7 are overhauled once a year.\n", encoding="utf-8"
    )
    index = Index.open(folder / "index", FakeEmbedder())
    index.sync(folder / "corpus")
    yield index
    index.close()


def where(column: str, value: object, op: str = "=") -> dict[str, object]:
    return {"column": column, "op": op, "value": value}


def read(
    index: Index, question: str, source: str = "defects.csv", **query: object
) -> tuple[str, tuple[str, ...]] | None:
    """The query in words after the check, and what it leaves out; None where it was refused."""
    tables = tables_in(index)
    frame = next(frame for frame in tables.frames if frame.source == source)
    got = checked(question, frame, tables, TableQuery.model_validate({"filters": []} | query))
    return (got.query.in_words(), got.left) if got else None


@pytest.mark.parametrize(
    ("question", "query", "said"),
    [
        ("how many leaks had line 2", {"filters": [where("Defect", "leak"), where("Line", "Line 2")], "aggregate": COUNT}, "number of rows; where Defect = Leak and Line = Line 2"),
        ("how many leaks", {"filters": [where("Defect", "Leak")]}, "number of rows; where Defect = Leak"),  # the count that is asked for
        ("leaks above a cost of 100", {"filters": [where("Defect", "Leak"), where("Cost EUR", 100, ">")]}, "where Defect = Leak and Cost EUR > 100"),
        ("which line is the costliest on average", {"group_by": ["Line"], "aggregate": {"function": "mean", "column": "Cost EUR"}, "order_by": [{"column": "mean", "descending": True}], "limit": 1}, "mean of Cost EUR; for each Line; by mean of Cost EUR, highest first; the first 1"),
        ("the two lines with the most scratches", {"filters": [where("Defect", "Scratch")], "group_by": ["Line"], "aggregate": COUNT, "order_by": [{"column": "count", "descending": True}], "limit": 2}, "number of rows; for each Line; where Defect = Scratch; by count, highest first; the first 2"),
        ("defects without a remark: how many?", {"filters": [where("Remark", None, "is empty")], "aggregate": COUNT}, "number of rows; where Remark is empty"),
        ("number of scratches in February 2025", {"filters": [where("Defect", "Scratch"), where("Date", "2025-02-01", ">="), where("Date", "2025-03-01", "<")], "aggregate": COUNT}, "number of rows; where Defect = Scratch and Date >= 2025-02-01 and Date < 2025-03-01"),
        ("how many leaks", {"filters": [where("Line", "Leak")], "aggregate": COUNT}, "number of rows; where Defect = Leak"),  # of the column that has it
        ("how many leaks", {"filters": [where("Defect", "Leak"), where("Cost EUR", 0, ">=")], "aggregate": COUNT}, "number of rows; where Defect = Leak"),  # what changes nothing
    ],
)  # fmt: skip
def test_a_query_counts_whose_every_part_is_said(
    index: Index, question: str, query: dict[str, object], said: str
) -> None:
    assert read(index, question, **query) == (said, ())


@pytest.mark.parametrize(
    ("question", "query"),
    [
        ("how many leaks had line 2", {"filters": [where("Defect", "Leak")], "aggregate": COUNT}),  # a value is passed over
        ("how many leaks", {"filters": [where("Defect", "Leak"), where("Line", "Line 2")], "aggregate": COUNT}),  # one is not said
        ("how many leaks cost more than 100", {"filters": [where("Defect", "Leak")], "aggregate": COUNT}),  # a number is passed over
        ("how many leaks cost more than 100", {"filters": [where("Defect", "Leak"), where("Cost EUR", 150, ">")], "aggregate": COUNT}),
        ("how many leaks cost more than 100", {"filters": [where("Defect", "Leak"), where("Cost EUR", 100, "<")], "aggregate": COUNT}),  # the other way
        ("what do leaks cost on average", {"filters": [where("Defect", "Leak")], "aggregate": {"function": "sum", "column": "Cost EUR"}}),
        ("what do leaks cost on average", {"filters": [where("Defect", "Leak")], "select": ["Cost EUR"]}),
        ("the cost of leaks", {"filters": [where("Defect", "Leak")], "aggregate": {"function": "mean", "column": "Cost EUR"}}),  # no mean is said
        ("which line has the fewest leaks", {"filters": [where("Defect", "Leak")], "group_by": ["Line"], "aggregate": COUNT, "order_by": [{"column": "count", "descending": True}], "limit": 1}),
        ("which line has the most leaks", {"filters": [where("Defect", "Leak")], "group_by": ["Line"], "aggregate": COUNT}),  # in no order
        ("the two lines with the most leaks", {"filters": [where("Defect", "Leak")], "group_by": ["Line"], "aggregate": COUNT, "order_by": [{"column": "count", "descending": True}], "limit": 3}),
        ("how many leaks were not on line 2", {"filters": [where("Defect", "Leak"), where("Line", "Line 2")], "aggregate": COUNT}),  # a denial
        ("how many defects on line 2", {"filters": [where("Line", "Line 2", "!=")], "aggregate": COUNT}),
        ("how many cracks", {"filters": [where("Defect", "crack", "contains")], "aggregate": COUNT}),  # no cell has it
        ("how many leaks in March 2025", {"filters": [where("Defect", "Leak"), where("Date", "2025-04-01", ">=")], "aggregate": COUNT}),
        ("how many defects of a cost of 100 or 200", {"filters": [where("Cost EUR", 100, ">="), where("Cost EUR", 200, ">=")], "aggregate": COUNT}),  # two bounds on a side
        ("how many defects had nothing in the field for what was seen", {"filters": [where("Remark", None, "is empty")], "aggregate": COUNT}),  # whose column is not said
        ("how many leaks of 100 or more", {"filters": [where("Defect", "Leak"), where("Cost EUR", 100, ">=")], "aggregate": COUNT}),
        # what a reviewer got past an earlier check
        ("leaks of a cost of 105, how many", {"filters": [where("Defect", "Leak"), where("Cost EUR", 105, ">=")], "aggregate": COUNT}),
        ("how many leaks", {"filters": [where("Defect", [])], "aggregate": COUNT}),
        ("mean cost of the leaks that cost over 200", {"filters": [where("Defect", "Leak")], "aggregate": {"function": "mean", "column": "Cost EUR"}}),
        ("how many defects were not leaks on line 2", {"filters": [where("Defect", "Leak"), where("Line", "Line 2", "!=")], "aggregate": COUNT}),
        ("how many defects were only on line 2", {"filters": [where("Line", "Line 2", "!=")], "aggregate": COUNT}),
        ("how many defects are not leaking", {"filters": [where("Defect", "Lea", "!=")], "aggregate": COUNT}),
        ("how many leaks or defects of line 2", {"filters": [where("Defect", "Leak"), where("Line", "Line 2")], "aggregate": COUNT}),
        ("leaks above a cost of 200", {"filters": [where("Defect", "Leak"), where("Cost EUR", 200, ">")], "order_by": [{"column": "Cost EUR", "descending": True}], "limit": 1}),
        ("how many leaks in March 2025", {"filters": [where("Defect", "Leak"), where("Date", "2025-03-01", ">=")], "aggregate": COUNT}),
        ("how many leaks in March and in June 2025", {"filters": [where("Defect", "Leak"), where("Date", "2025-03-01", ">="), where("Date", "2025-03-31", "<=")], "aggregate": COUNT}),
        ("highest and lowest cost of leaks", {"filters": [where("Defect", "Leak")], "aggregate": {"function": "max", "column": "Cost EUR"}}),
        ("how many percent of the defects are leaks", {"filters": [where("Defect", "Leak")], "aggregate": COUNT}),
        ("how many different defects had line 2", {"filters": [where("Line", "Line 2")], "aggregate": COUNT}),
        ("the cost of each line in total", {"filters": [], "aggregate": {"function": "sum", "column": "Cost EUR"}}),
        ("how many defects above line 2", {"filters": [where("Line", "Line 2", ">")], "aggregate": COUNT}),
        ("average cost: line 1 or line 2 more", {"filters": [where("Line", ["Line 1", "Line 2"])], "aggregate": {"function": "mean", "column": "Cost EUR"}}),
        ("how many lines are there", {"filters": [], "group_by": ["Line"], "aggregate": COUNT}),
        ("how many leaks by weekday", {"filters": [where("Defect", "Leak")], "group_by": ["Weekday"], "aggregate": COUNT}),  # no column
        ("how many leaks", {"filters": [where("Defect", "Leak")], "group_by": ["Line"], "aggregate": COUNT}),  # no groups are said
        ("how many leaks had the old worn rusty bent valves", {"filters": [where("Defect", "Leak")], "aggregate": COUNT}),  # too much is left
    ],
)  # fmt: skip
def test_a_query_is_refused_that_says_more_or_less(index: Index, question: str, query: dict[str, object]) -> None:
    assert read(index, question, **query) is None


def test_a_word_that_no_part_takes_up_is_named(index: Index) -> None:
    got = read(index, "how many overdue leaks", filters=[where("Defect", "Leak")], aggregate=COUNT)
    assert got == ("number of rows; where Defect = Leak", ("overdue",))


# -- what the model is asked -----------------------------------------------------------------------------------------------


def test_the_examples_are_those_of_the_sets_that_rules_were_written_with() -> None:
    cases = [
        json.loads(line)
        for name in ("developed", "computed")
        for line in (SETS / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()
    ]
    assert [one.question for one in examples()] == [case["question"] for case in cases if case.get("query")]
    held = {
        json.loads(line)["question"]
        for name in ("held-out", "asked")
        for line in (SETS / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()
    }
    assert not held & {one.question for one in examples()}


def test_every_example_names_columns_that_it_has() -> None:
    for one in examples():
        named = {f.column for f in one.query.filters} | set(one.query.group_by) | set(one.query.select)
        assert named <= set(one.columns), one.question


@pytest.mark.parametrize(
    ("question", "like"),
    [("What is the average RPN of each component?", "mean"), ("How many rows have no remark?", "is empty"), ("哪个部件的平均RPN最高？", "mean")],
)  # fmt: skip
def test_the_nearest_examples_ask_alike(question: str, like: str) -> None:
    assert any(like in one.query.model_dump_json() for one in nearest(question)[-3:])


def test_the_model_sees_columns_and_the_values_that_may_be_meant(index: Index) -> None:
    tables = tables_in(index)
    frame = next(frame for frame in tables.frames if frame.source == "defects.csv")
    text = prompt("How many leaks had line 2?", frame)
    assert "Columns: Date (date), Line (text), Defect (text), Cost EUR (number), Remark (text)" in text
    assert "Defect: Leak | Scratch" in text
    assert text.endswith("Question: How many leaks had line 2?\nQuery: ")
    assert schema(frame)["properties"]["group_by"]["items"] == {
        "enum": ["Date", "Line", "Defect", "Cost EUR", "Remark"]
    }


def test_what_asks_for_nothing_computed_does_not_wait_for_a_query(index: Index) -> None:
    tables = tables_in(index)
    assert table_for("How are valves overhauled?", tables) is None
    assert table_for("How do I find out how many leaks Line 2 had?", tables) is None
    found = table_for("Of the leaks, how many had Line 2 to put up with?", tables)
    assert found is not None
    assert found.source == "defects.csv"


# -- in the pipeline -------------------------------------------------------------------------------------------------------

QUESTION = "leaks above a cost of 100: how many?"
LEAKS = json.dumps({"filters": [where("Defect", "Leak"), where("Cost EUR", 100, ">")], "aggregate": COUNT})


def asked(chat: FakeChat, index: Index, question: str = QUESTION, **request: object) -> Answer:
    # Without `from_tables`: rules that learn to read the question leave this test as it is.
    app = SectorApp("test", "Test", "", Path(), "You answer.", with_model=(by_model,), after=(beside_tables,))
    return asyncio.run(answer(app, Request(question, **request), index=index, chat=chat))  # type: ignore[arg-type]


def test_a_checked_query_answers_in_the_models_place(index: Index) -> None:
    chat = FakeChat(replies=[LEAKS])
    got = asked(chat, index)
    assert len(chat.asked) == 1
    assert got.computed is not None
    assert (got.verdict, got.text, got.computed.by, got.computed.left) == ("supported", "10", "fake", ())
    assert got.computed.beside is False
    assert set(got.timings) == {"retrieve", "rules", "total"}


def test_one_that_leaves_a_word_out_stands_beside_the_models_answer(index: Index) -> None:
    chat = FakeChat(replies=[LEAKS, "The valves of hall 7 are overhauled once a year."])
    got = asked(chat, index, "tricky leaks above a cost of 100: how many?")
    assert len(chat.asked) == 2
    assert got.text.startswith("The valves of hall 7")
    assert got.computed is not None
    assert (got.computed.beside, got.computed.left, got.computed.rows) == (True, ("tricky",), ((10,),))


@pytest.mark.parametrize(
    "first", ['{"filters": [], "aggregate": {"function": "count", "column": null}}', "Five, I think.", '{"filters": [{"col', ServerUnavailable("away")],
)  # fmt: skip
def test_what_stands_no_check_is_left_to_the_prompt(first: str | Exception, index: Index) -> None:
    chat = FakeChat(replies=[first, "The valves of hall 7 are overhauled once a year."])
    got = asked(chat, index)
    assert len(chat.asked) == 2
    assert got.text.startswith("The valves of hall 7")


def test_what_stood_no_check_is_kept_for_a_person_to_judge(index: Index) -> None:
    question = "What do the marks of line 2 come to?"
    unsaid = {"filters": [where("Line", "Line 2")], "aggregate": {"function": "sum", "column": "Cost EUR"}}
    got = asyncio.run(propose(question, tables_in(index), FakeChat(replies=[json.dumps(unsaid)])))
    assert got is None or got.understood is None
    question = "How many defects of line 2 do we have on Sundays?"
    for query, runs in ((unsaid, True), (unsaid | {"order_by": [{"column": "Line"}]}, False)):
        got = asyncio.run(propose(question, tables_in(index), FakeChat(replies=[json.dumps(query)])))
        assert (got is not None) == runs
        if got is not None:
            assert got.understood is None
            assert got.query == TableQuery.model_validate(query)


def test_the_day_that_an_app_reads_out_of_a_question_does_not_keep_the_model_from_tables(index: Index) -> None:
    """`asked_about` sets a day for every question: today, where none is named."""
    app = SectorApp("test", "Test", "", Path(), "You answer.", before=(asked_about,), with_model=(by_model,))
    got = asyncio.run(answer(app, Request(QUESTION), index=index, chat=FakeChat(replies=[LEAKS])))
    assert got.computed is not None
    assert (got.text, got.computed.by) == ("10", "fake")


def test_a_question_that_is_narrowed_is_for_the_search(index: Index) -> None:
    chat = FakeChat(replies=["The valves of hall 7 are overhauled once a year."])
    assert asked(chat, index, where={"source": "valves.md"}).computed is None
    assert len(chat.asked) == 1


def test_that_there_is_none_is_not_said_on_a_models_word(index: Index) -> None:
    none = json.dumps({"filters": [where("Defect", "Leak"), where("Cost EUR", 100000, ">")], "aggregate": COUNT})
    chat = FakeChat(replies=[none, "The valves of hall 7 are overhauled once a year."])
    got = asked(chat, index, "leaks above a cost of 100000: how many?")
    assert got.text.startswith("The valves of hall 7")
    assert got.computed is None or not got.computed.by
