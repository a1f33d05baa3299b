"""The judge: what it is asked, that it is measured, that it is never the candidate, and that its word lasts."""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from sectoreval.judge import (
    FILE,
    Labelled,
    agreement_columns,
    best_threshold,
    check_judge,
    in_words,
    judgement,
    key_of,
    read_labelled,
    to_judge,
    with_judgement,
    write_sheet,
)
from sectoreval.results import ArmResult, CaseResult, RunResult, read_results
from sectorkit.errors import ConfigurationError, RequestError

COMMAND = [sys.executable, "-c", "from sectoreval.cli import main; main()"]
CAPITALS = {"France": "Paris", "Spain": "Madrid", "Italy": "Rome", "Norway": "Oslo", "Peru": "Lima", "Kenya": "Nairobi"}


def sectoreval(*arguments: object, home: Path, url: str, status: int = 0) -> str:
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("SECTORKIT_", "SECTOREVAL_"))}
    environment = kept | {"SECTORKIT_HOME": str(home), "SECTORKIT_LLM_URL": url, "COLUMNS": "200"}
    command = [*COMMAND, *map(str, arguments)]
    ran = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=240, check=False)
    assert ran.returncode == status, ran.stdout + ran.stderr
    return ran.stdout + ran.stderr


def reads_well(prompt: str, count: int) -> list[float]:
    """A judge that says yes where the right answer's words stand in the person's, whatever letter yes has."""
    body = prompt.rsplit("Right answer: ", 1)[-1]
    right, _, rest = body.partition("\n")
    said = rest.partition("\n")[0]
    yes = 0.9 if right.lower() in said.lower() else 0.1
    return [yes, 1 - yes] if "A. yes" in prompt else [1 - yes, yes]


@pytest.fixture
def judge() -> Iterator[Any]:
    fake = importlib.import_module("fake_model").FakeModel(name="the-judge", picks=reads_well)
    fake.start()
    yield fake
    fake.stop()


def labelled_file(folder: Path) -> Path:
    lines = [
        {"question": f"Capital of {land} ({asked})?", "reference": city, "answer": answer, "right": right, "kind": kind}
        for land, city in CAPITALS.items()
        for asked in range(3)
        for answer, right, kind in ((f"That is {city}.", True, ""), ("That is Bern.", False, "another city"))
    ]
    path = folder / "labelled.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return path


def test_a_run_is_judged_by_another_model_and_the_word_lasts(model: Any, judge: Any, tmp_path: Path) -> None:
    file, out = tmp_path / "own.jsonl", tmp_path / "run"
    asked = [{"question": f"What is the capital of {land}?", "answer": city} for land, city in CAPITALS.items()]
    file.write_text("".join(json.dumps(line) + "\n" for line in asked), encoding="utf-8")
    model.writes = lambda prompt: "It is Paris." if "France" in prompt else "It is Rome, I think."
    run = ["run", "own_questions", "--arms", "closed_book", "--data", file, "--out", out]
    sectoreval(*run, home=tmp_path, url=model.url)
    labels = labelled_file(tmp_path)

    said = sectoreval("judge", out, "--model", "fake-model", home=tmp_path, url=model.url, status=1)
    assert "no model judges its own" in said

    said = sectoreval("judge", out, "--model", "the-judge", "--labels", labels, home=tmp_path, url=judge.url)
    assert "agrees with the label in 1.000" in said
    assert "accepts 0 of 18 wrong ones: another city" in said
    (arm,) = read_results(out).arms
    assert {case.asked.split()[-1][:-1]: case.values["judged"] for case in arm.cases} == {
        land: float(land in ("France", "Italy")) for land in CAPITALS
    }
    assert "the-judge judged." in (out / "report.html").read_text()
    assert "judged right" in (out / "report.md").read_text()

    asked_so_far = len(judge.prompts)
    sectoreval("judge", out, "--model", "the-judge", "--labels", labels, home=tmp_path, url=judge.url)
    # What a server can do is asked for by every command; no answer is read twice.
    assert not any("Person's answer" in prompt for prompt in judge.prompts[asked_so_far:])

    sectoreval(*run, home=tmp_path, url=model.url)
    assert sum(case.values["judged"] for case in read_results(out).arms[0].cases) == 2
    sectoreval(*run, "--fresh", home=tmp_path, url=model.url)
    assert not any("judged" in case.values for case in read_results(out).arms[0].cases)


def test_a_judge_is_measured_without_a_run(judge: Any, tmp_path: Path) -> None:
    judge.picks = lambda prompt, count: [0.7, 0.3]  # the first letter, whatever it stands for
    said = sectoreval("judge", "--model", "the-judge", home=tmp_path, url=judge.url)
    assert "On 72 labelled answers" in said
    assert "not shown to be better than guessing" in said


def test_the_labelled_answers_of_the_harness_hold_every_kind_of_error() -> None:
    labelled = read_labelled()
    kinds = Counter(case.kind for case in labelled if not case.right)
    assert len(labelled) >= 60
    assert min(kinds.values()) >= 3
    assert 0.3 < sum(case.right for case in labelled) / len(labelled) < 0.7
    right, wrong = ([len(case.answer) for case in labelled if case.right == label] for label in (True, False))
    longer = sum((a > b) + 0.5 * (a == b) for a in right for b in wrong) / len(right) / len(wrong)
    assert 0.4 < longer < 0.6, "the length of an answer tells whether it is right"


@pytest.mark.parametrize(
    ("line", "what"),
    [
        ({"question": "a", "reference": "b", "answer": "c", "right": None}, 'line 1: "right" is not filled in'),
        ({"question": "a", "reference": "b", "answer": "c", "right": "yes"}, 'line 1: "right" should be true or false'),
        ({"question": "a", "reference": "b", "right": True}, 'line 1: "answer" is missing'),
        ({"question": "a", "reference": "b", "answer": "c", "right": True}, "right and wrong answers"),
    ],
)
def test_labels_that_are_no_labels_are_named(line: dict[str, Any], what: str, tmp_path: Path) -> None:
    path = tmp_path / "labels.jsonl"
    path.write_text(json.dumps(line) + "\n", encoding="utf-8")
    with pytest.raises(ConfigurationError, match=what):
        read_labelled(path)


def labelled(count: int) -> list[Labelled]:
    return [Labelled(f"q{n // 2}", "r", "a", n % 2 == 0, "", f"q{n // 2}") for n in range(count)]


def judged(margins: list[float], failed: int = 0) -> ArmResult:
    cases = [
        CaseResult(f"labelled-{n}", "", "", "", "right", {"margin": margin}, failure="timeout" if n < failed else None)
        for n, margin in enumerate(margins)
    ]
    return ArmResult("judge", "closed_book", "the-judge", tuple(cases))


def test_a_judge_that_prefers_yes_is_worth_what_it_tells_apart() -> None:
    cases = labelled(40)
    yes_to_all = [5.0 + case.right for case in cases]  # never below 0, and yet it knows
    found = judgement(cases, judged(yes_to_all), {"name": "the-judge"})
    assert found["agreement"]["agreement"]["mean"] == 1.0
    assert found["agreement"]["kappa"]["mean"] == 1.0
    assert "guessing" not in in_words(found)


def test_a_judge_is_not_measured_on_the_labels_that_set_its_threshold() -> None:
    """On noise, the best threshold of the same labels would always agree with more than half of them."""
    import numpy as np

    scores = []
    for seed in range(30):
        noise = np.random.default_rng(seed).normal(size=24)
        found = judgement(labelled(24), judged([float(x) for x in noise]), {"name": "the-judge"})
        scores.append(found["agreement"]["agreement"]["mean"])
    assert abs(np.mean(scores) - 0.5) < 0.05


def test_an_answer_that_could_not_be_judged_gets_no_yes() -> None:
    cases = labelled(12)
    arm = judged([1.0 if case.right else -1.0 for case in cases])
    open_case = CaseResult("answer", "", "", "", "failed", {"margin": 0.0}, failure="timeout")
    found = judgement(cases, ArmResult("judge", "closed_book", "the-judge", (*arm.cases, open_case)), {"name": "x"})
    assert found["failed"] == {"labelled": 0, "answers": 1}
    assert found["verdicts"] == {"answer": False}


def test_the_threshold_lies_between_the_labels() -> None:
    yes, no = labelled(2)
    assert 1.0 < best_threshold([(yes, 3.0), (yes, 2.0), (no, 1.0), (no, 0.0)]) < 2.0
    assert agreement_columns(True, False)["agrees"] == 0.0


def run_of(model: str, count: int) -> RunResult:
    cases = tuple(
        CaseResult(str(n), f"question {n}", f"answer {n} [1]", f"reference {n}", "right",
                   {"open": float(n % 2), "declined_rightly": 0.0})
        for n in range(count)
    )  # fmt: skip
    return RunResult({}, (ArmResult("own_questions", "hybrid", model, cases),))


def test_the_candidate_is_refused_as_its_own_judge() -> None:
    with pytest.raises(RequestError, match="no model judges its own"):
        check_judge(run_of("a-model", 4), {"name": "a-model"})
    check_judge(run_of("a-model", 4), {"name": "another"})
    same = RunResult({"model": {"name": "a-model", "sha256": "1f"}}, run_of("a-model", 4).arms)
    with pytest.raises(RequestError, match="no model judges its own"):
        check_judge(same, {"name": "its-alias", "sha256": "1f"})


def test_a_sheet_holds_answers_to_be_labelled_and_overwrites_no_labels(tmp_path: Path) -> None:
    sheet = tmp_path / "sheet.jsonl"
    assert write_sheet(run_of("a-model", 20), sheet, 6) == 6
    lines = [json.loads(line) for line in sheet.read_text(encoding="utf-8").splitlines()]
    assert all(line["right"] is None and "[1]" not in line["answer"] for line in lines)
    with pytest.raises(ConfigurationError, match="not filled in"):
        read_labelled(sheet)
    with pytest.raises(RequestError, match="may hold labels"):
        write_sheet(run_of("a-model", 20), sheet, 6)


def test_a_judge_that_fails_on_labels_is_no_better_for_it() -> None:
    """It says the same of everything, and failed on most of the wrong ones: that is no agreement."""
    cases = labelled(60)
    arm = judged([1.0] * 60)
    failed = tuple(
        replace(case, failure="timeout" if not label.right and n % 4 == 1 else None)
        for n, (case, label) in enumerate(zip(arm.cases, cases, strict=True))
    )
    found = judgement(cases, ArmResult("judge", "closed_book", "the-judge", failed), {"name": "the-judge"})
    assert not found["better than guessing"]
    assert found["failed"]["labelled"] == 15
    assert "could not judge 15 labelled answers" in in_words(found)


def test_where_every_label_failed_nothing_is_accepted() -> None:
    cases = labelled(40)
    answer = CaseResult("answer", "", "", "", "right", {"margin": 9.0})
    arm = ArmResult("judge", "closed_book", "the-judge", (*judged([1.0] * 40, failed=40).cases, answer))
    found = judgement(cases, arm, {"name": "the-judge"})
    assert found["verdicts"] == {"answer": False}
    assert not found["better than guessing"]


def test_kinds_of_wrong_answers_count_wrong_answers_only() -> None:
    cases = [replace(case, kind="numbers") for case in labelled(40)]
    found = judgement(cases, judged([1.0 if case.right else -1.0 for case in cases]), {"name": "the-judge"})
    assert found["wrong accepted by kind"] == {"numbers": [0, 20]}


def test_a_few_labels_say_too_little(tmp_path: Path) -> None:
    cases = labelled(12)
    found = judgement(cases, judged([1.0 if case.right else -1.0 for case in cases]), {"name": "the-judge"})
    assert not found["better than guessing"]
    assert "Fewer than 30" in in_words(found)


def test_what_a_worthless_judge_says_is_left_out(tmp_path: Path) -> None:
    run = run_of("a-model", 8)
    keys = [key_of(case) for case in run.arms[0].cases if case.values["open"]]
    cases = labelled(40)
    answers = tuple(CaseResult(key, "", "", "", "right", {"margin": 9.0}) for key in keys)
    for margins, useful in (([1.0] * 40, False), ([1.0 if case.right else -1.0 for case in cases], True)):
        arm = ArmResult("judge", "closed_book", "the-judge", (*judged(margins).cases, *answers))
        (tmp_path / FILE).write_text(json.dumps(judgement(cases, arm, {"name": "the-judge"})), encoding="utf-8")
        found = with_judgement(run, tmp_path)
        assert all(("judged" in case.values) == useful for case in found.arms[0].cases)
        assert "the-judge judged." in found.about["judge"]["agreement"]


def test_a_baseline_without_texts_is_not_judged() -> None:
    slim = RunResult(
        {},
        tuple(
            replace(a, cases=tuple(replace(c, asked="", expected="", said="") for c in a.cases))
            for a in run_of("m", 4).arms
        ),
    )
    with pytest.raises(RequestError, match="name the run's folder"):
        to_judge(slim)
