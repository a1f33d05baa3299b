"""Answers that are computed from the tables of documents: what they say, what they cite, and when there is none."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from sectorkit.answer import Answer, Citation, Claim, Request
from sectorkit.answering import answer
from sectorkit.app import SectorApp
from sectorkit.fakes import FakeChat, FakeEmbedder
from sectorkit.query import Aggregate, TableQuery
from sectorkit.retrieval.index import Index
from sectorkit.table_answers import beside_tables, from_tables, plain, table_answer, tables_in
from sectorkit.table_questions import Understood, understand

LOG = ["Date,Line,Defect,Cost EUR,Remark"] + [
    f"2025-{1 + n % 9:02}-{1 + n % 28:02},Line {1 + n % 3},{('Leak', 'Scratch')[n % 2]},{10 * n + 5},{'' if n % 4 else 'seen twice'}"
    for n in range(30)
]
VALVES = """# Valves

The valves of hall 7 are overhauled once a year.

| Valve | Medium | Pressure bar |
|---|---|---|
| V-101 | Steam | 16 |
| V-102 | Water | 10 |
| V-103 | Steam | 40 |
| V-104 | Oil | 6 |

Valves of a medium that is not named here are not overhauled.
"""
METADATA = """["old-valves.md"]
title = "Valves, 2019"
valid_to = 2019-12-31
status = "superseded"
superseded_by = "valves.md"
"""


def opened(folder: Path) -> Index:
    """An index of the documents in a new folder of their own, `corpus`."""
    corpus = folder / "corpus"
    corpus.mkdir()
    for name, text in {
        "defects.csv": "\n".join(LOG), "valves.md": VALVES, "old-valves.md": VALVES.replace("V-10", "V-90"), "metadata.toml": METADATA,
    }.items():  # fmt: skip
        (corpus / name).write_text(text, encoding="utf-8")
    index = Index.open(folder / "index", FakeEmbedder())
    index.sync(corpus)
    return index


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Index]:
    index = opened(tmp_path_factory.mktemp("tables"))
    yield index
    index.close()


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Index]:
    """An index of which a test may change the documents."""
    index = opened(tmp_path)
    yield index
    index.close()


def computed(question: str, index: Index) -> Answer:
    got = from_tables(Request(question), index)
    assert isinstance(got, Answer), question
    return got


def asked(question: str, index: Index) -> Answer:
    """What stands beside an answer that the search and the model gave."""
    return beside_tables(Request(question), GIVEN, index)


GIVEN = Answer(
    "?", "partial", "Some. [1]", citations=(Citation(1, "p", "valves.md", "Valves", "", "The valves", 10, 20),), claims=(Claim("Some.", True, 1.0, (1,)),),
)  # fmt: skip


# -- an answer ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("question", "text"),
    [
        ("How many leaks were there on Line 1?", "5"), ("What is the total cost on Line 1?", "1400"), ("What is the average cost on Line 1?", "140"), ("Line 2的缺陷有多少条？", "10"),
        ("Which valves are for steam?", "V-101 [1]\nV-103 [2]"), ("What is the pressure of V-103?", "Medium: Steam; Pressure bar: 40 [1]"),
        ("What is the total cost per line?", "Line: Line 3; sum of Cost EUR: 1600\nLine: Line 2; sum of Cost EUR: 1500\nLine: Line 1; sum of Cost EUR: 1400"),
        ("Which defects cost more than 5000 EUR?", "None: no row meets this."), ("费用高于5000欧元的缺陷有哪些？", "没有：表中没有符合条件的行。"),
    ],
)  # fmt: skip
def test_the_text_is_the_result(question: str, text: str, index: Index) -> None:
    got = computed(question, index)
    assert got.text == text
    assert (got.verdict, got.raw, got.question) == ("supported", "", question)


@pytest.mark.parametrize(
    "question",
    ["Which valves are for steam?", "Which defects cost more than 200 EUR?", "What is the pressure of V-103?"],
)
def test_a_row_is_cited_as_it_stands_in_its_document(question: str, index: Index) -> None:
    got = computed(question, index)
    for n, citation in enumerate(got.citations, start=1):
        assert citation.n == n
        assert citation.quote == index.document(citation.source).text[citation.start : citation.end]
        assert citation.passage_id in index.passages([citation.passage_id])
    assert [claim.citations for claim in got.claims] == [(citation.n,) for citation in got.citations]


@pytest.mark.parametrize(
    ("question", "rows"), [("How many leaks were there on Line 1?", 5), ("Which valves are for steam?", 2), ("What is the total cost per line?", 30), ("Which defects cost more than 5000 EUR?", 0)]
)  # fmt: skip
def test_all_rows_that_were_used_are_named(question: str, rows: int, index: Index) -> None:
    found = computed(question, index).computed
    assert found is not None
    text = index.document(found.source).text
    assert len(found.used) == rows
    assert all(text[start:end].strip() == text[start:end] and start < end for start, end, _ in found.used)


def test_rows_of_a_sheet_have_their_numbers_and_those_of_a_page_none(index: Index) -> None:
    sheet, page = (
        computed("Which defects cost less than 20 EUR?", index).computed,
        computed("Which valves are for steam?", index).computed,
    )
    assert sheet is not None
    assert page is not None
    assert [number for *_, number in sheet.used] == [2, 3]
    assert [number for *_, number in page.used] == [0, 0]


def test_the_query_is_told_with_its_table(index: Index) -> None:
    found = computed("How many leaks were there on Line 1?", index).computed
    assert found is not None
    assert (found.source, found.columns, found.rows, found.total, found.left) == (
        "defects.csv",
        ("count",),
        ((5,),),
        5,
        (),
    )
    assert (
        found.said
        == TableQuery.model_validate(found.query).in_words()
        == "number of rows; where Line = Line 1 and Defect contains leak"
    )


def test_numbers_of_all_rows_are_cited_by_none(index: Index) -> None:
    assert computed("How many leaks were there on Line 1?", index).citations == ()


def test_a_long_list_is_cut_in_the_text_and_whole_in_the_result(index: Index) -> None:
    got = computed("Which defects cost more than 30 EUR?", index)
    lines = got.text.splitlines()
    assert len(lines) == 26
    assert lines[-1] == "and 2 more rows."
    assert got.computed is not None
    assert len(got.computed.rows) == 27


def test_no_more_than_twelve_rows_are_cited(index: Index) -> None:
    got = computed("Which defects cost more than 30 EUR?", index)
    assert [citation.n for citation in got.citations] == list(range(1, 13))
    assert [line.endswith("]") for line in got.text.splitlines()] == [True] * 12 + [False] * 14


def test_rows_that_have_something_are_those_that_have_it(index: Index) -> None:
    got = computed("Which defects on Line 1 have a remark?", index)
    assert len(got.citations) == 3


@pytest.mark.parametrize(
    ("value", "text"), [(None, "–"), (9999, "9999"), (10_000, "10,000"), (-12_345, "-12,345"), (2.0, "2.00"), (1234.567, "1,234.57"), ("x", "x"), (2025, "2025"), ("2025-03-31", "2025-03-31")]
)  # fmt: skip
def test_values_are_for_people(value: object, text: str) -> None:
    assert plain(value) == text


@pytest.mark.parametrize("question", ["How many leaks were there on Line 1?", "Which valves are for steam?", "What is the total cost per line?", "Which defects cost more than 5000 EUR?"])  # fmt: skip
def test_an_answer_is_json(question: str, index: Index) -> None:
    told = json.loads(json.dumps(computed(question, index).to_dict(), allow_nan=False))
    assert told["computed"]["said"]
    assert told["citations"] == [] or told["citations"][0]["quote"]


def test_an_answer_with_a_huge_number_is_json(index: Index) -> None:
    got = computed(f"Which defects cost more than {'9' * 309} EUR?", index)
    json.dumps(got.to_dict(), allow_nan=False)


# -- none -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("question", ["Which valves are overdue?", "How are valves overhauled?", "How many overdue leaks were there on Line 1?", "What is the pressure of V-903?"])  # fmt: skip
def test_what_is_not_wholly_understood_is_passed_on(question: str, index: Index) -> None:
    request = Request(question)
    assert from_tables(request, index) is request


def test_a_request_that_is_narrowed_is_passed_on(index: Index) -> None:
    request = Request("Which valves are for steam?", where={"source": "valves.md"})
    assert from_tables(request, index) is request
    assert beside_tables(request, GIVEN, index) is GIVEN


def test_a_table_that_is_not_in_force_is_not_asked(index: Index) -> None:
    assert {frame.source for frame in tables_in(index).frames} == {"defects.csv", "valves.md"}
    assert "V-90" not in computed("Which valves are for steam?", index).text


def test_a_table_that_is_in_force_again_is_asked(tmp_path: Path, own: Index) -> None:
    (tmp_path / "corpus" / "metadata.toml").write_text(METADATA.replace("2019-12-31", "2999-12-31"), encoding="utf-8")
    own.sync(tmp_path / "corpus")
    assert computed("What is the pressure of V-903?", own).text == "Medium: Steam; Pressure bar: 40 [1]"


def test_a_document_without_tables_is_none(tmp_path: Path) -> None:
    folder = tmp_path / "words"
    folder.mkdir()
    (folder / "a.md").write_text("# Valves\n\nValves are for steam.\n", encoding="utf-8")
    index = Index.open(tmp_path / "index", FakeEmbedder())
    index.sync(folder)
    request = Request("Which valves are for steam?")
    assert from_tables(request, index) is request
    index.close()


# -- documents change -----------------------------------------------------------------------------------------------


def test_tables_are_read_once_while_nothing_changes(tmp_path: Path, own: Index) -> None:
    first = tables_in(own)
    own.sync(tmp_path / "corpus")
    assert tables_in(own) is first


def test_new_numbers_are_used_after_a_sync(tmp_path: Path, own: Index) -> None:
    assert computed("What is the pressure of V-103?", own).text.startswith("Medium: Steam; Pressure bar: 40")
    (tmp_path / "corpus" / "valves.md").write_text(VALVES.replace("| 40 |", "| 63 |"), encoding="utf-8")
    assert computed("What is the pressure of V-103?", own).text.startswith("Medium: Steam; Pressure bar: 40"), (
        "not before"
    )
    own.sync(tmp_path / "corpus")
    got = computed("What is the pressure of V-103?", own)
    assert got.text.startswith("Medium: Steam; Pressure bar: 63")
    assert "63" in got.citations[0].quote


def test_a_table_whose_time_runs_out_is_not_asked_any_more(
    tmp_path: Path, own: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Later(date):
        @classmethod
        def today(cls) -> Later:
            return cls(3000, 1, 1)

    (tmp_path / "corpus" / "metadata.toml").write_text(METADATA.replace("2019-12-31", "2999-12-31"), encoding="utf-8")
    own.sync(tmp_path / "corpus")
    computed("What is the pressure of V-903?", own)
    for module in ("reading", "table_answers"):
        monkeypatch.setattr(f"sectorkit.{module}.date", Later)
    assert isinstance(from_tables(Request("What is the pressure of V-903?"), own), Request)


def test_a_table_that_is_gone_is_not_asked(tmp_path: Path, own: Index) -> None:
    computed("Which valves are for steam?", own)
    (tmp_path / "corpus" / "valves.md").unlink()
    own.sync(tmp_path / "corpus")
    assert isinstance(from_tables(Request("Which valves are for steam?"), own), Request)


# -- beside an answer -----------------------------------------------------------------------------------------------


def test_a_result_that_leaves_out_a_word_stands_beside_the_answer(index: Index) -> None:
    got = asked("How many overdue defects were there on Line 1?", index)
    assert got.computed is not None
    assert (got.computed.left, got.computed.rows) == (("overdue",), ((10,),))
    assert replace(got, computed=None) == GIVEN


@pytest.mark.parametrize(
    "question",
    ["Which valves are overdue?", "List the overdue defects on Line 1", "How many overdue defects were there on Line 1 before the overhaul?", "How are valves overhauled?"],
)  # fmt: skip
def test_a_list_or_a_guess_is_not_put_beside_an_answer(question: str, index: Index) -> None:
    assert asked(question, index) is GIVEN


def test_an_answer_that_was_computed_is_left_as_it_is(index: Index) -> None:
    made = computed("Which valves are for steam?", index)
    assert beside_tables(Request("How many overdue defects were there on Line 1?"), made, index) is made


def test_what_is_left_out_is_named_in_the_answer_of_a_query(index: Index) -> None:
    understood = understand("How many overdue defects were there on Line 1?", tables_in(index))
    assert understood is not None
    found = table_answer("?", understood, index).computed
    assert found is not None
    assert found.left == ("overdue",)


# -- in the pipeline ------------------------------------------------------------------------------------------------


@pytest.fixture
def app(tmp_path: Path) -> SectorApp:
    return SectorApp("test", "Test", "", tmp_path, "You answer.", before=(from_tables,), after=(beside_tables,))


def test_a_question_to_a_table_needs_no_model(app: SectorApp, index: Index) -> None:
    got = asyncio.run(answer(app, Request("Which valves are for steam?"), index=index, chat=None))
    assert (got.verdict, got.text, got.model) == ("supported", "V-101 [1]\nV-103 [2]", None)
    assert set(got.timings) == {"total"}


def test_a_question_to_a_table_asks_no_model(app: SectorApp, index: Index) -> None:
    chat = FakeChat(replies=["Steam, I guess."])
    asyncio.run(answer(app, Request("Which valves are for steam?"), index=index, chat=chat))
    assert chat.asked == []


def test_a_models_answer_has_the_result_beside_it(app: SectorApp, index: Index) -> None:
    chat = FakeChat(replies=["The valves of hall 7 are overhauled once a year."])
    got = asyncio.run(answer(app, Request("How many overdue defects were there on Line 1?"), index=index, chat=chat))
    assert len(chat.asked) == 1
    assert got.computed is not None
    assert got.computed.left == ("overdue",)


@pytest.mark.parametrize(
    ("column", "quantities", "note"),
    [
        ("Quantity", "3142", "Rows were counted. Their column “Quantity” adds up to 10."),
        ("数量", "3142", "Rows were counted. Their column “数量” adds up to 10."),
        ("Quantity", "1111", None),
        ("Cost EUR", "3142", None),
    ],
)
def test_who_counts_rows_is_told_what_their_quantities_add_up_to(
    column: str, quantities: str, note: str | None, tmp_path: Path
) -> None:
    rows = [f"2025-03-0{n + 1},Leak,{q}" for n, q in enumerate(quantities)]
    (tmp_path / "corpus").mkdir()
    (tmp_path / "corpus" / "leaks.csv").write_text("\n".join([f"Date,Defect,{column}", *rows]), encoding="utf-8")
    index = Index.open(tmp_path / "index", FakeEmbedder())
    index.sync(tmp_path / "corpus")
    frame = tables_in(index).asked[0]
    for query, noted in (
        (TableQuery(aggregate=Aggregate(function="count")), note),
        (TableQuery(aggregate=Aggregate(function="count"), group_by=["Defect"]), None),
        (TableQuery(), None),
    ):
        assert table_answer("?", Understood(frame, query, 1.0), index).notes == ((noted,) if noted else ())
    index.close()
