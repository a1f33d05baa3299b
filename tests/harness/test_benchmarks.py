"""Every benchmark: its cases as upstream counts them, and its scores of replies that are known."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from sectoreval.answers import JUDGED
from sectoreval.asking import lines_of
from sectoreval.benchmark import Benchmark, Case, benchmark_names, load_benchmark
from sectoreval.context import Context
from sectoreval.corpora import copied
from sectoreval.measures import matrix
from sectorkit.errors import ConfigurationError, UnknownName
from sectorkit.settings import Settings

# name -> cases, as each data set's own description counts them
COUNTS = {
    "semigran45": 45, "mimic_esi": 207, "triage_invariance": 108,
    "failuresensoriq": 2667, "medqa": 1273, "medmcqa": 4183, "mmlu_med": 1089, "pubmedqa": 500,
    "omos_qa_retrieval": 5 * 197, "omos_qa_lines": 197, "omos_qa_abstention": 252, "mtrag_govt": 88 + 17 + 27,
    "lecoqa_retrieval": 309, "qmsum_committee": 66, "emanual_s10": 49, "medquad_liveqa": 60,
    "ai4i_readings": 299, "fmea_qa": 40,
}  # fmt: skip
OWN = {"triage_cases", "own_choices", "own_questions", "own_retrieval", "golden"}


@pytest.fixture(scope="module")
def context(benchmark_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Context:
    return Context(Settings(home=tmp_path_factory.mktemp("home")), benchmark_data)


@pytest.fixture(scope="module")
def read(context: Context) -> dict[str, list[Case]]:
    return {name: load_benchmark(name).cases(context) for name in COUNTS}


def scores(benchmark: Benchmark, cases: list[tuple[Any, Any]]) -> dict[str, float]:
    """The measures of replies to golds, those alone that their columns allow."""
    rows = [dict(benchmark.score(gold, reply).values) for gold, reply in cases]
    return {
        m.name: float(m.of(matrix(rows, m.columns).mean(axis=0)))
        for m in benchmark.measures
        if all(column in row for row in rows for column in m.columns)
    }


def test_every_benchmark_is_counted_here() -> None:
    assert set(benchmark_names()) == set(COUNTS) | OWN


def test_an_unknown_benchmark_lists_the_known_ones() -> None:
    with pytest.raises(UnknownName, match="medqa"):
        load_benchmark("med_qa")


@pytest.mark.parametrize("name", COUNTS)
def test_it_has_the_cases_that_upstream_counts(name: str, read: dict[str, list[Case]]) -> None:
    assert len(read[name]) == COUNTS[name]
    assert len({case.id for case in read[name]}) == COUNTS[name]
    assert all(case.asked.strip() for case in read[name])


@pytest.mark.parametrize("name", COUNTS)
def test_a_case_that_failed_is_right_by_no_measure(name: str, read: dict[str, list[Case]]) -> None:
    benchmark = load_benchmark(name)
    found = scores(benchmark, [(case.gold, None) for case in read[name][:50]])
    for measure in benchmark.measures:
        if measure is JUDGED:
            continue  # by a judge alone, after the run
        value = found[measure.name]
        if measure.name not in ("chance", "position bias"):
            worst = value == 0.0 if measure.higher_is_better else value in (0.0, 1.0)
            assert worst or value != value, f"{measure.name} of nothing but failures is {value}"
    assert {benchmark.score(case.gold, None).outcome for case in read[name][:50]} == {"failed"}


def test_gold_answers_are_those_that_upstream_marks(read: dict[str, list[Case]]) -> None:
    positions = [case.gold["original"]["right"] for case in read["failuresensoriq"]]
    assert [positions.count(n) for n in range(5)] == [753, 701, 480, 416, 317]
    assert round(sum(1 / len(case.gold["original"]["options"]) for case in read["failuresensoriq"]) / 2667, 3) == 0.275
    for case in read["failuresensoriq"]:
        original, perturbed = case.gold["original"], case.gold["perturbed"]
        assert original["options"][original["right"]] == perturbed["options"][perturbed["right"]]
    answers = [case.gold["options"][case.gold["right"]] for case in read["pubmedqa"]]
    assert {answer: answers.count(answer) for answer in set(answers)} == {"yes": 276, "no": 169, "maybe": 55}
    unanswerable = [case for case in read["omos_qa_abstention"] if not case.gold["lines"]]
    assert len(unanswerable) == 55


def test_an_unanswerable_task_of_mtrag_has_no_passages_of_its_own(read: dict[str, list[Case]]) -> None:
    kinds = {case.groups["answerability"]: bool(case.gold["right"]) for case in read["mtrag_govt"]}
    assert kinds == {"answerable": True, "partial": True, "unanswerable": False}


def picks(position: int) -> dict[str, Any]:
    return {"plain": position, "calibrated": position, "permuted": position}


def test_failuresensoriq_is_consistent_only_where_both_are_right() -> None:
    gold = {
        "original": {"question": "q", "options": ["a", "b"], "right": 0},
        "perturbed": {"question": "q", "options": ["b", "a"], "right": 1},
        "selection": True,
    }  # fmt: skip
    replies = [
        {"original": picks(0), "perturbed": picks(1)},
        {"original": picks(0), "perturbed": picks(0)},  # the position was picked, and not the option
        {"original": picks(1), "perturbed": picks(1)},
        None,
    ]
    found = scores(load_benchmark("failuresensoriq"), [(gold, reply) for reply in replies])
    assert (found["accuracy"], found["perturbed"], found["consistency"], found["selection"]) == (0.5, 0.5, 0.25, 0.5)
    assert found["chance"] == 0.5


def test_ai4i_asks_what_the_limits_decide_and_follows_them_where_they_change(
    context: Context, read: dict[str, list[Case]]
) -> None:
    changed = Context(context.settings, context.data_dir, options={"limits": "changed"})
    both = {"original": read["ai4i_readings"], "changed": load_benchmark("ai4i_readings").cases(changed)}
    for cases in both.values():
        groups = Counter(case.gold["group"] for case in cases)
        assert {groups[group] for group in ("HDF", "PWF", "OSF")} == {60}
        assert {groups[group] for group in ("near", "far")} == {50}
        assert all(len(case.gold["modes"]) >= 2 for case in cases if case.gold["group"] == "two")
        assert not any(case.gold["modes"] for case in cases if case.gold["group"] in ("near", "far"))
    gold = {case.id: case.gold["modes"] for case in both["original"]}
    shared = [case for case in both["changed"] if case.id in gold]
    assert any(case.gold["modes"] != gold[case.id] for case in shared)


def test_ai4i_takes_the_exact_set_of_modes_only() -> None:
    benchmark = load_benchmark("ai4i_readings")
    two, none = {"modes": ["HDF", "OSF"], "group": "two"}, {"modes": [], "group": "far"}
    found = scores(
        benchmark,
        [
            (two, {"modes": ["OSF", "HDF"]}),
            (two, {"modes": ["HDF"]}),
            (none, {"modes": ["PWF"]}),
            (none, {"modes": []}),
        ],
    )
    assert found["exact"] == 0.5
    assert found["false alarms, far"] == 0.5
    assert found["macro-F1"] == pytest.approx((1 + 2 / 3 + 0) / 3)
    assert scores(benchmark, [(two, {"answer": {"plain": 5}})])["exact"] == 1.0


def test_pubmedqa_counts_an_answer_that_is_missing_against_its_f1() -> None:
    def gold(right: int) -> dict[str, Any]:
        return {"question": "q", "options": ["yes", "no", "maybe"], "right": right, "article": "1"}

    replies = [
        (gold(0), {"answer": picks(0)}),
        (gold(0), {"answer": picks(1)}),
        (gold(1), {"answer": picks(1)}),
        (gold(2), None),
    ]
    found = scores(load_benchmark("pubmedqa"), replies)
    assert found["accuracy"] == 0.5
    assert found["macro-F1"] == pytest.approx((2 / 3 + 2 / 3 + 0) / 3)


def answer(
    verdict: str, text: str = "", cited: tuple[tuple[str, tuple[int, ...]], ...] = (), read: tuple[str, ...] = ()
) -> dict[str, Any]:
    citations = [{"document": document, "lines": list(lines), "source": document} for document, lines in cited]
    return {
        "verdict": verdict,
        "text": text,
        "citations": citations,
        "read": list(read),
        "hits": [],
        "evidence_spans": [],
    }


LINES = {
    "right": ["m-1"],
    "lines": [1, 2],
    "context": "Opening\nMonday to Friday.\nFrom 8 to 12.\nClosed in May.",
    "question": "?",
}


MTRAG = {"question": "?", "right": ["p1"], "reference": "the fee is ten dollars", "unanswerable": False}


def test_omos_scores_lines_by_the_official_metric() -> None:
    benchmark = load_benchmark("omos_qa_lines")
    both = answer("supported", "...", (("m-1", (1,)), ("m-1", (2,))), ("m-1",))
    one_and_wrong = answer("supported", "...", (("m-1", (2,)), ("m-1", (3,))), ("m-1",))
    none = answer("abstained", "...", (("m-1", (2,)),), ("m-1",))
    found = scores(benchmark, [(LINES, both), (LINES, one_and_wrong), (LINES, none)])
    precision, recall = (1 + 0.5 + 1) / 3, (1 + 0.5 + 0) / 3  # nothing selected: precision 1, recall 0
    assert found["precision"] == pytest.approx(precision)
    assert found["recall"] == pytest.approx(recall)
    assert found["F"] == pytest.approx(2 * precision * recall / (precision + recall))


def test_a_line_of_another_page_counts_as_wrong() -> None:
    elsewhere = answer("supported", "...", (("m-1", (2,)), ("m-2", (2,))), ("m-1", "m-2"))
    assert scores(load_benchmark("omos_qa_lines"), [(LINES, elsewhere)])["precision"] == 0.5


def test_omos_abstention_takes_selecting_nothing_as_the_positive_class() -> None:
    benchmark, unanswerable = load_benchmark("omos_qa_abstention"), LINES | {"lines": []}
    quotes = answer("supported", "...", (("m-1", (2,)),), ("m-1",))
    declines = answer("abstained", "...", (), ("m-1",))
    found = scores(
        benchmark, [(unanswerable, declines), (unanswerable, quotes), (LINES, declines), (LINES, quotes), (LINES, None)]
    )
    assert found["accuracy"] == 0.4
    assert found["recall"] == 0.5
    assert found["precision"] == pytest.approx(1 / 3)  # the failed case is a wrong abstention


def test_failures_beside_right_abstentions_cost_precision() -> None:
    """A model that only answers by failing must not reach a perfect F1."""
    declines = answer("abstained")
    for name, known, unknown in (
        ("omos_qa_abstention", LINES, LINES | {"lines": []}),
        ("mtrag_govt", MTRAG, MTRAG | {"right": [], "unanswerable": True}),
        ("own_questions", MTRAG | {"answerable": True}, MTRAG | {"answerable": False, "right": []}),
        ("golden", MTRAG | {"answerable": True, "spans": [["a.md", 0, 5]]}, MTRAG | {"answerable": False, "spans": []}),
    ):
        benchmark = load_benchmark(name)
        found = scores(benchmark, [(known, None)] * 9 + [(unknown, declines)])
        f1 = found.get("F1", found.get("abstention F1"))
        assert f1 is not None
        assert f1 < 0.3, f"{name}: {f1}"


def test_a_golden_answer_that_was_computed_finds_and_cites_the_rows_that_it_rests_on() -> None:
    benchmark, gold = load_benchmark("golden"), MTRAG | {"answerable": True, "spans": [["a.csv", 20, 30]]}

    def computed(source: str = "a.csv", left: tuple[str, ...] = ()) -> dict[str, Any]:
        parts = {"source": source, "used": [[0, 9, 2], [18, 40, 3]], "left": left}
        return answer("supported", "Two.") | {"hits": [], "evidence_spans": [], "computed": parts}

    names = ("evidence found", "evidence read", "cites the gold words")
    for reply, right in ((computed(), 1.0), (computed("b.csv"), 0.0), (computed(left=("old",)), 0.0)):
        found = scores(benchmark, [(gold, reply)])
        assert [found[name] for name in names] == [right] * 3
    assert benchmark.score(gold, computed()).outcome == "right"


def test_failuresensoriq_without_a_reranker_is_refused_before_the_run(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"(?i)rerank"):
        load_benchmark("failuresensoriq").solve(Context(Settings(home=tmp_path, rerank_model=None)), "reranked")


def test_a_folder_of_copies_holds_these_files_and_no_other(tmp_path: Path) -> None:
    paths = [tmp_path / name for name in ("a.csv", "b.csv")]
    for path in paths:
        path.write_text(path.name, encoding="utf-8")
    folder = copied(paths, tmp_path / "copies")
    (folder / "old.csv").write_text("old", encoding="utf-8")
    (folder / "b.csv").write_text("changed", encoding="utf-8")
    copied(paths, folder)
    assert {path.name: path.read_text(encoding="utf-8") for path in folder.glob("*")} == {p.name: p.name for p in paths}
    assert [path.name for path in copied(paths[:1], folder).glob("*")] == ["a.csv"]


def test_lines_are_counted_where_the_quote_stands_and_not_where_its_words_do() -> None:
    text = "Office\n\nOpen\nMonday\n\nOpen\n"
    assert lines_of(text, 0, 6) == [0]
    assert lines_of(text, text.rindex("Open"), text.rindex("Open") + 4) == [3]
    assert lines_of(text, 8, 19) == [1, 2]
    assert lines_of(text, 7, 7) == []


def test_mtrag_gives_nothing_for_declining_what_can_be_answered_and_all_for_declining_what_cannot() -> None:
    benchmark = load_benchmark("mtrag_govt")
    known = {"right": ["p1"], "reference": "the fee is ten dollars", "unanswerable": False}
    unknown = {"right": [], "reference": "I do not know", "unanswerable": True}
    exact = answer("supported", "The fee is ten dollars. [1]", (("p1", (0,)),), ("p1", "p2"))
    declines = answer("abstained", "nothing", (), ("p2",))
    found = scores(benchmark, [(known, exact), (known, declines), (unknown, declines), (unknown, exact)])
    assert found["conditioned ROUGE-L"] == pytest.approx((1 + 0 + 1 + 0) / 4)
    assert found["decided rightly"] == 0.5
    assert found["ROUGE-L F1"] == pytest.approx(0.5)
    assert found["right one read"] == 0.5
    assert found["citations right"] == 0.5  # of two that are cited, one is in a passage that answers
    outcomes = [
        benchmark.score(g, r).outcome
        for g, r in ((known, exact), (known, declines), (unknown, declines), (unknown, exact))
    ]
    assert outcomes == ["right", "retrieval missed", "right", "answered wrongly"]


def test_a_ranking_is_scored_by_trec_evals_definitions() -> None:
    gold = {"question": "q", "qrels": {"a": 3, "b": 1, "c": 0}}
    found = scores(load_benchmark("medquad_liveqa"), [(gold, {"ranking": ["x", "a", "c"]}), (gold, {"ranking": []})])
    assert found["Recall@10"] == 0.25
    assert found["MRR@10"] == 0.25
    assert found["hit@1"] == 0.0
    assert found["judged@10"] == pytest.approx(0.1)
    found = scores(load_benchmark("medquad_liveqa"), [(gold, {"ranking": ["a"]})])
    assert (found["avgScore"], found["succ@4+"]) == (3.0, 1.0)


def test_the_closed_book_is_not_scored_on_what_it_did_not_search() -> None:
    gold = {"right": ["p1"], "reference": "the fee is ten dollars", "unanswerable": False}
    closed = {"verdict": "unverified", "text": "ten dollars", "citations": [], "hits": []}
    found = scores(load_benchmark("mtrag_govt"), [(gold, closed)])
    assert "right one read" not in found
    assert found["ROUGE-L recall"] == pytest.approx(2 / 5)
