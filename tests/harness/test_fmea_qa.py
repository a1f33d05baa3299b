"""FMEA spreadsheet QA on a sheet of a test's own: the workbook's broken cells, nuggets by words, values, rows, and a whole pass."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from sectoreval.arms import Arm
from sectoreval.benchmark import Case
from sectoreval.benchmarks import fmea_qa
from sectoreval.benchmarks._nuggets import close, content, denies, nugget_scores, read_nuggets
from sectoreval.context import Context
from sectoreval.measures import matrix
from sectorkit.errors import UnknownName
from sectorkit.fakes import FakeEmbedder
from sectorkit.settings import Settings

COLUMNS = ("Group", "Part", "Failure Mode", "Cause", "Score", "Advice")
ROWS = [
    ("Brewer", "Boiler", "Scaling", "Hard water, no descaling for many weeks", 40, "Descale every month"),
    ("Brewer", "Boiler", "Cracking", "Frost", 12, ""),
    ("Brewer", "Valve", "Sticking", "Hard water", 24, "Replace the seal"),
    ("Grinder", "Burrs", "Blunting", "Stones among the beans", 30, "Sharpen"),
    ("Grinder", "Hopper", "Jamming", "Oily beans", 18, ""),
    ("Frame", "Feet", "Loosening", "Vibration", 6, "Tighten"),
]
ESSENTIAL, OPTIONAL = "ESSENTIAL", "OPTIONAL"
ENTRIES = [
    (1, "What does the sheet advise where the valve is sticking?", "Replace the seal.", "Name matching",
     '[{"nugget": "The advice is \'Replace the seal\'., "status": "ESSENTIAL"}, {"nugget": "The valve is in the Brewer.", "status": "OPTIONAL"}]'),
    (2, "What is the mean score of the brewer?", "25.33", "Name matching, Aggregation/ Computation",
     r'[{"nugget": "The mean score\ is 25.33.", "status": "ESSENTIAL"}]'),
    (4, "Which part is damaged by lightning?", "There is none.", "Semantic matching",
     json.dumps([{"nugget": "No part is damaged by lightning.", "status": ESSENTIAL}])),
]  # fmt: skip
ANNOTATION: dict[str, Any] = {
    "none": [4], "twins": {"2": 1}, "look-up": {"1": [4]}, "value": {"2": {"rows": [[2, 4]], "numbers": [25.333]}},
}  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from openpyxl import Workbook

    folder = tmp_path_factory.mktemp("fmea")
    with (folder / fmea_qa.FILE).open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([COLUMNS, *ROWS])
    book = Workbook()
    for row in (("ID", "Question", "Answer", "Categories", "Nuggets"), *ENTRIES):
        book.active.append(row)
    book.save(folder / fmea_qa.QUESTIONS)
    return folder


@pytest.fixture(scope="module")
def cases(folder: Path) -> dict[str, Case]:
    return {case.id: case for case in fmea_qa.cases_of(folder, ANNOTATION)}


def reply(text: str, verdict: str = "supported", **more: Any) -> dict[str, Any]:
    return {"verdict": verdict, "text": text, "citations": [], "hits": [], "read": [], "computed": None} | more


def columns(case: Case, said: dict[str, Any] | None) -> dict[str, float]:
    return dict(fmea_qa.score(case.gold, said).values)


def test_the_workbook_is_read_whole_broken_cells_too(cases: dict[str, Case]) -> None:
    assert [(case.id, case.cluster, case.groups["kind"]) for case in cases.values()] == [
        ("1", "1", "look-up"), ("2", "1", "value"), ("4", "4", "none"),
    ]  # fmt: skip
    texts = [[nugget["nugget"] for nugget in case.gold["nuggets"]] for case in cases.values()]
    assert texts[0] == ["The advice is 'Replace the seal'.", "The valve is in the Brewer."]
    assert texts[1] == [r"The mean score\ is 25.33."]
    assert cases["2"].groups == {
        "kind": "value", "name matching": "yes", "aggregation/ computation": "yes", "semantic matching": "no",
    }  # fmt: skip


def test_a_cell_that_is_whole_stays_as_it_is_and_one_beyond_mending_is_an_error() -> None:
    assert read_nuggets('[{"nugget": "a \\"b\\", c\\\\d", "status": "OPTIONAL"}]')[0]["nugget"] == 'a "b", c\\d'
    with pytest.raises(json.JSONDecodeError):
        read_nuggets('[{"nugget": ')


def test_rows_are_where_the_index_has_them(folder: Path, cases: dict[str, Case]) -> None:
    text, spans = fmea_qa.rows_of(folder / fmea_qa.FILE)
    assert len(spans) == len(ROWS) + 1
    ((number, start, end),) = cases["1"].gold["rows"]
    assert number == 4
    assert text[start:end].startswith("Group: Brewer | Part: Valve | Failure Mode: Sticking")
    assert [number for number, *_ in cases["2"].gold["rows"]] == [2, 3, 4]
    apart = fmea_qa.rows_apart(folder, list(cases.values()))
    assert [document.id for document in apart.documents] == [str(n) for n in range(2, len(ROWS) + 2)]
    assert apart.documents[2].text == text[start:end]
    assert apart.qrels == {"1": {"4": 1}, "2": {"2": 1, "3": 1, "4": 1}}


def test_the_annotation_names_every_question_once_and_rows_that_there_are(benchmark_data: Path, tmp_path: Path) -> None:
    found = fmea_qa.cases(Context(Settings(home=tmp_path), benchmark_data))
    kinds = [case.gold["kind"] for case in found]
    assert {kind: kinds.count(kind) for kind in kinds} == {"look-up": 29, "value": 7, "none": 4}
    assert all(bool(case.gold["rows"]) == (case.gold["kind"] != "none") for case in found)
    assert all(2 <= row[0] <= 331 for case in found for row in case.gold["rows"])
    statuses = [nugget["status"] for case in found for nugget in case.gold["nuggets"]]
    assert (statuses.count(ESSENTIAL), statuses.count(OPTIONAL)) == (144, 44)
    for case in found:
        values = columns(case, reply(case.gold["reference"]))
        assert values["value_right"] == values["value"], "the model answer is right"
        assert values["none_right"] == values["none"]


@pytest.mark.parametrize(
    ("nugget", "text", "states"),
    [
        ("The burrs are sharpened after 250 hours.", "Sharpen the burrs every 250 hours", True),
        ("The burrs are sharpened after 250 hours.", "Sharpen the burrs every 500 hours", False),
        ("The burrs are sharpened after 250 hours.", "After 250 hours the hopper is emptied", False),
        ("The mean is 3.136.", "The mean is 3.14", True),
        ("Scaling has a score of 40 (2nd to 3rd place).", "Scaling: score 40", True),
        ("There is no advice.", "Advice: none", True),
        ("There is no advice.", "Advice: replace it", False),
        ("The sub-component is the boiler.", "Subcomponent: boiler", True),
        ("The boiler leaks because of wear.", "The boiler does not leak because of wear.", False),
        ("The boiler does not leak because of wear.", "The boiler leaks because of wear.", False),
        ("The boiler leaks because of wear.", "Boiler no. 3 leaks because of wear. It is not cracked.", True),
        ("The boiler leaks because of wear.", "Advice: none; Boiler: leaks because of wear", True),
    ],
)
def test_a_nugget_is_stated_by_its_numbers_and_most_of_its_words(nugget: str, text: str, states: bool) -> None:
    recall, _ = nugget_scores([{"nugget": nugget, "status": ESSENTIAL}], text, "")
    assert recall == float(states)


def test_what_the_question_says_is_no_part_of_a_nugget_unless_nothing_else_is() -> None:
    nugget = [{"nugget": "The score of the boiler is 40.", "status": ESSENTIAL}]
    assert nugget_scores(nugget, "It is 40", "What is the score of the boiler?")[0] == 1.0
    assert nugget_scores(nugget, "It is 40", "")[0] == 0.0
    assert nugget_scores(nugget, "The boiler is meant, with a score of 40", "Is the score of the boiler 40?")[0] == 1.0
    assert nugget_scores(nugget, "Yes", "Is the score of the boiler 40?")[0] == 0.0


def test_where_the_question_denies_a_nugget_is_stated_without_a_denial() -> None:
    nugget = [{"nugget": "The hopper has no advice.", "status": ESSENTIAL}]
    assert nugget_scores(nugget, "The hopper", "Which part is without advice?") == (1.0, 1.0)
    assert nugget_scores(nugget, "The hopper", "Which part has advice?") == (0.0, 0.0)


def test_a_denied_nugget_is_a_claim_that_states_none() -> None:
    nuggets = [
        {"nugget": "The boiler is scaling.", "status": ESSENTIAL},
        {"nugget": "The valve is sticking.", "status": ESSENTIAL},
    ]
    assert nugget_scores(nuggets, "The boiler is scaling. The valve is not sticking.", "") == (0.5, 1 / 1.3)


def test_recall_and_precision_are_upstreams() -> None:
    nuggets = [
        {"nugget": "The boiler is scaling.", "status": ESSENTIAL},
        {"nugget": "The valve is sticking.", "status": ESSENTIAL},
        {"nugget": "The burrs are blunt.", "status": OPTIONAL},
    ]
    text = "Boiler: scaling\nBurrs: blunt\nThe hopper is painted green. It weighs 12 kg.\nThe valve too."
    recall, precision = nugget_scores(nuggets, text, "")
    assert recall == 0.5
    assert precision == pytest.approx((1 + 0.3) / (1 + 0.3 + 0.3 * 3))  # "the valve too" is more than it states
    assert nugget_scores(nuggets[2:], "nothing", "")[0] == 1.0
    assert nugget_scores(nuggets, "", "") == (0.0, 0.0)


def test_whole_numbers_are_exact_and_others_nearly() -> None:
    assert close(212, 212.0)
    assert not close(212, 213)
    assert close(57.143, 57)
    assert close(3.1364, 3.13)
    assert not close(3.1364, 3.1)
    assert content("from 1,250 to 2.5, in the 3rd").numbers == {1250.0, 2.5}


@pytest.mark.parametrize(
    ("text", "is_denial"),
    [
        ("There is no such row. The valve sticks.", True),
        ("There are none.", True),
        ("There isn't any.", True),
        ("No part of the frame is listed.", True),
        ("In the sheet, no cause was recorded.", True),
        ("No part is damaged by lightning.", True),
        ("None: no row meets this.", True),
        ("The sheet does not mention lightning.", True),
        ("The documents don't contain this", True),
        ("The frame does not have a part of that name.", True),
        ("The frame has no such part.", True),
        ("Lightning is not listed.", True),
        ("Lightning is not in the sheet.", True),
        ("The cause is unknown.", True),
        ("The valve sticks. It is not cracked.", False),
        ("The parts with no recommended action are the pump and the hose.", False),
        ("The parts with no recommended action are listed below: the pump and the hose.", False),
        ("The pump and the hose, for which no action is given.", False),
        ("The pump and the hose, where there is no action.", False),
        ("The parts that do not have an action are the pump and the hose.", False),
        ("I cannot access the spreadsheet.", False),
        ("No. 3 and No. 7 are affected.", False),
        ("No 3 is listed.", False),
        ("The valve does not close.", False),
        ("", False),
    ],
)
def test_only_that_there_is_none_is_a_denial(text: str, is_denial: bool) -> None:
    assert denies(text) is is_denial


def test_a_value_needs_its_numbers_and_names_in_their_order() -> None:
    gold = {"numbers": [3.0, 2.5], "names": ["Brewer", "Grinder"], "in_order": "names"}
    assert fmea_qa.has_value(gold, "Brewer: 3.0\nGrinder: 2.5")
    assert not fmea_qa.has_value(gold, "Grinder: 2.5\nBrewer: 3.0")
    assert not fmea_qa.has_value(gold, "Brewer: 3.0\nGrinder: 2.7")
    assert not fmea_qa.has_value(gold, "3.0 and 2.5")
    assert fmea_qa.has_value(gold | {"names": None, "in_order": "numbers"}, "first 3, then 2.5")


def test_a_value_and_none_are_counted_apart(cases: dict[str, Case]) -> None:
    value, none = cases["2"], cases["4"]
    assert columns(value, reply("25.33 [1]"))["value_right"] == 1.0
    assert columns(value, reply("[25]\n25. The mean is not known"))["value_right"] == 0.0
    empty, some = ({"total": n, "used": [[0, 9, 2]] * n} for n in (0, 1))
    for said, right, abstained in (
        (reply("The documents do not answer this.", "abstained"), 1.0, 1.0),
        (reply("None: no row meets this.", computed=empty), 1.0, 0.0),
        (reply("Part: Feet; Advice: none", computed=some), 0.0, 0.0),
        (reply("There is no such part."), 1.0, 0.0),
        (reply("Lightning damages the feet."), 0.0, 0.0),
    ):
        values = columns(none, said)
        assert (values["none_right"], values["none_abstained"]) == (right, abstained)
    assert columns(none, reply("Not here.", "abstained"))["nugget_recall"] == 1.0
    assert fmea_qa.score(none.gold, reply("Lightning damages the feet.")).outcome == "answered wrongly"


def test_rows_are_found_in_ten_passages_and_used_by_what_was_computed(cases: dict[str, Case]) -> None:
    case = cases["1"]
    ((_, start, end),) = case.gold["rows"]
    middle = (start + end) // 2

    def hit(a: int, b: int, document: str = fmea_qa.FILE) -> dict[str, Any]:
        return {"document": document, "start": a, "end": b}

    for hits, found in (
        ([hit(0, 9), hit(start, end)], 1.0),
        ([hit(start, middle), hit(middle, end)], 1.0),  # a long row goes on in the next passage
        ([hit(start, middle)], 0.0),
        ([hit(0, 9)] * 10 + [hit(start, end)], 0.0),
        ([hit(0, 40, "4")], 1.0),
    ):
        values = columns(case, reply("Replace the seal.", hits=hits))
        assert (values["rows_found"], values["look_up_searched"]) == (found, 1.0)
    values = columns(
        case, reply("Advice: Replace the seal", computed={"total": 2, "used": [[0, 9, 1], [start, end, 4]]})
    )
    assert (values["computed"], values["rows_found"], values["look_up_searched"]) == (1.0, 0.0, 0.0)
    assert (values["used_recall"], values["used_precision"]) == (1.0, 0.5)
    assert fmea_qa.score(case.gold, reply("The documents do not say.", "abstained")).outcome == "retrieval missed"
    assert "rows_found" not in columns(case, {"verdict": "unverified", "text": "Oil it.", "citations": [], "hits": []})


def test_a_failed_case_is_wrong_by_every_measure(cases: dict[str, Case]) -> None:
    rows = [columns(case, None) for case in cases.values()]
    for measure in fmea_qa.BENCHMARK.measures:
        if measure.name != "judged right":
            value = float(measure.of(matrix(rows, measure.columns).mean(axis=0)))
            assert value == 0.0 or value != value, measure.name
    assert {fmea_qa.score(case.gold, None).outcome for case in cases.values()} == {"failed"}


@pytest.fixture
def context(folder: Path, cases: dict[str, Case], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Context:
    """Words are embedded by a fake."""
    monkeypatch.setattr(Context, "data", lambda self, source: folder)
    monkeypatch.setattr(fmea_qa, "cases", lambda context: list(cases.values()))
    served: Any = SimpleNamespace(name="fake-model", context_limit=4096)
    embedder: Any = FakeEmbedder()
    return Context(Settings(home=tmp_path / "home"), served=served, _embedder=embedder)


def test_the_apps_rule_is_left_out_by_an_option_and_where_rows_are_shown(context: Context) -> None:
    def rules(of: Context, arm: Arm) -> list[str]:
        return [getattr(rule, "__name__", "") for rule in fmea_qa.the_app(of, arm).before]

    off = Context(context.settings, options={"tables": "off"})
    assert "from_tables" in rules(context, "hybrid")
    assert "from_tables" not in rules(off, "hybrid") + rules(context, "oracle")
    assert "asked_about" in rules(off, "hybrid")
    with pytest.raises(UnknownName, match="tables"):
        fmea_qa.the_app(Context(context.settings, options={"tables": "maybe"}), "hybrid")


@pytest.mark.parametrize(("arm", "tables"), [("hybrid", "off"), ("hybrid", "on"), ("oracle", "on")])
def test_the_app_is_asked_over_the_sheet_alone(
    arm: Arm, tables: str, context: Context, cases: dict[str, Case], model: Any, tmp_path: Path
) -> None:
    from inspect_ai import Task
    from inspect_ai import eval as evaluate
    from inspect_ai.dataset import Sample
    from inspect_ai.model import get_model

    model.writes = lambda prompt: "Replace the seal [1]."
    context.options = {"tables": tables}
    samples = [Sample(input=case.asked, id=case.id, metadata={"gold": dict(case.gold)}) for case in cases.values()]
    (log,) = evaluate(
        Task(dataset=samples, solver=fmea_qa.solve(context, arm)), display="none", log_dir=str(tmp_path / "logs"),
        model=get_model("openai-api/sectorkit/fake-model", base_url=model.url, api_key="none", memoize=False),
    )  # fmt: skip
    context.close()
    assert log.status == "success", [str(s.error and s.error.message) for s in log.samples or []]
    replies = {str(sample.id): sample.store["reply"] for sample in log.samples or []}
    values = {key: columns(case, replies[key]) for key, case in cases.items()}
    computed = arm == "hybrid" and tables == "on"
    assert [found["computed"] for found in values.values()] == [float(computed), float(computed), 0.0]
    assert values["1"]["used_recall" if computed else "rows_found"] == values["1"]["nugget_recall"] == 1.0
    assert values["2"]["value_right"] == float(computed)
    found = set() if computed else {fmea_qa.FILE} if arm == "hybrid" else {"4"}
    assert {hit["document"] for hit in replies["1"]["hits"]} == found
    copied = context.settings.home / "benchmarks" / "corpora" / "fmea"
    assert [path.name for path in copied.glob("*")] == [fmea_qa.FILE] * (arm == "hybrid")
