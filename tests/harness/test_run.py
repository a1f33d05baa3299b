"""A run end to end: Inspect AI, a chat server over HTTP, results, and what happens when something dies."""

from __future__ import annotations

import importlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from sectoreval.benchmark import Case
from sectoreval.results import RunResult, read_results
from sectoreval.run import RunSpec, sample
from sectoreval.run_folder import begin_anew
from sectorkit.errors import RequestError

FakeModel = importlib.import_module("fake_model").FakeModel
COMMAND = [sys.executable, "-c", "from sectoreval.cli import main; main()"]


def questions(folder: Path, count: int) -> Path:
    path = folder / "questions.jsonl"
    lines = [
        {"question": f"What is {n} times 7?", "options": [str(n * k) for k in (6, 7, 8, 9)], "answer": str(n * 7),
         "groups": {"size": "small" if n < 5 else "large"}}
        for n in range(1, count + 1)
    ]  # fmt: skip
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return path


def environment(home: Path, url: str, **more: str) -> dict[str, str]:
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("SECTORKIT_", "SECTOREVAL_"))}
    return kept | {"SECTORKIT_HOME": str(home), "SECTORKIT_LLM_URL": url, "COLUMNS": "200"} | more


def sectoreval(*arguments: object, home: Path, url: str, status: int = 0) -> str:
    command = [*COMMAND, *map(str, arguments)]
    ran = subprocess.run(command, env=environment(home, url), capture_output=True, text=True, timeout=240, check=False)
    assert ran.returncode == status, ran.stdout + ran.stderr
    return ran.stdout + ran.stderr


def outcomes(result: RunResult) -> list[tuple[str, str, dict[str, float]]]:
    return [(case.id, case.outcome, dict(case.values)) for arm in result.arms for case in arm.cases]


def test_a_run_scores_every_case_and_writes_its_reports(model: Any, tmp_path: Path) -> None:
    file, out = questions(tmp_path, 12), tmp_path / "run"
    said = sectoreval("run", "own_choices", "--data", file, "--out", out, home=tmp_path, url=model.url)
    result = read_results(out)
    (arm,) = result.arms
    assert [case.id for case in arm.cases] == [str(n) for n in range(1, 13)]
    assert arm.failed == 0
    right = sum(case.values["correct"] for case in arm.cases)
    assert f"{right / 12:.3f} [" in said
    assert result.about["model"]["name"] == "fake-model"
    assert (out / "report.html").exists()
    assert (out / "report.md").exists()
    assert "127.0.0.1" not in (out / "results.json").read_text()


def test_the_same_command_again_asks_nothing_again(model: Any, tmp_path: Path) -> None:
    file, out = questions(tmp_path, 6), tmp_path / "run"
    run = ("run", "own_choices", "--data", file, "--out", out)
    sectoreval(*run, home=tmp_path, url=model.url)
    asked, first = sum("times 7" in prompt for prompt in model.prompts), outcomes(read_results(out))
    sectoreval(*run, home=tmp_path, url=model.url)
    assert sum("times 7" in prompt for prompt in model.prompts) == asked == 6
    assert outcomes(read_results(out)) == first


def test_a_sample_is_the_same_for_every_run_and_another_for_another_seed() -> None:
    cases = [Case(str(n), "?", {}) for n in range(40)]
    first, again, other = (
        [case.id for case in sample(cases, RunSpec(("own_choices",), limit=8, seed=seed))] for seed in (0, 0, 1)
    )
    assert first == again != other
    assert len(first) == 8
    assert first == sorted(first, key=int)
    assert sample(cases, RunSpec(("own_choices",), limit=99)) == cases


@pytest.mark.parametrize(("how", "status"), [(signal.SIGKILL, -signal.SIGKILL), (signal.SIGTERM, 130)])
def test_a_run_that_is_killed_goes_on_and_ends_with_the_same_result(
    how: signal.Signals, status: int, model: Any, tmp_path: Path
) -> None:
    file = questions(tmp_path, 60)
    whole = tmp_path / "whole"
    sectoreval("run", "own_choices", "--data", file, "--out", whole, home=tmp_path, url=model.url)
    model.prompts.clear()
    model.seconds = 0.3
    out = tmp_path / "killed"
    run = ["run", "own_choices", "--data", str(file), "--out", str(out), "--concurrency", "4"]
    process = subprocess.Popen([*COMMAND, *run], env=environment(tmp_path, model.url), stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 120
    while sum("times 7" in prompt for prompt in model.prompts) < 40 and time.monotonic() < deadline:
        time.sleep(0.05)
    process.send_signal(how)
    assert process.wait(timeout=60) == status
    assert not (out / "results.json").exists()
    model.seconds = 0.0
    sectoreval(*run, home=tmp_path, url=model.url)
    assert outcomes(read_results(out)) == outcomes(read_results(whole))
    asked = sum("times 7" in prompt for prompt in model.prompts)
    assert asked < 60 + 40, f"{asked} questions were asked for 60 cases: nothing was kept of what was answered"


def test_a_server_that_is_away_for_a_while_costs_retries_and_no_case(model: Any, tmp_path: Path) -> None:
    file, out = questions(tmp_path, 30), tmp_path / "run"
    model.seconds = 0.2
    run = ["run", "own_choices", "--data", str(file), "--out", str(out), "--concurrency", "2"]
    process = subprocess.Popen([*COMMAND, *run], env=environment(tmp_path, model.url), stdout=subprocess.DEVNULL)
    while sum("times 7" in prompt for prompt in model.prompts) < 6:
        assert process.poll() is None
        time.sleep(0.05)
    model.stop()
    time.sleep(8)
    model.seconds = 0.0
    model.start()
    assert process.wait(timeout=180) == 0
    (arm,) = read_results(out).arms
    assert (len(arm.cases), arm.failed) == (30, 0)


def test_vectors_that_go_away_in_the_middle_make_no_case_another_arms(model: Any, tmp_path: Path) -> None:
    """An app goes on by words alone; in a run of `hybrid` such a case is not answered, and asked again."""
    embeddings = FakeModel()
    embeddings.start()
    docs, file, out = tmp_path / "docs", tmp_path / "own.jsonl", tmp_path / "run"
    docs.mkdir()
    for n in range(12):
        (docs / f"{n}.md").write_text(f"# Machine {n}\n\nMachine {n} is oiled every {n + 20} days.\n", encoding="utf-8")
    lines = [{"question": f"How often is machine {n} oiled?", "answer": f"every {n + 20} days"} for n in range(12)]
    file.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    run = ["run", "own_questions", "--arms", "hybrid", "--data", file, "--set", f"docs={docs}", "--out", out]
    variables = environment(tmp_path, model.url, SECTORKIT_EMBED_URL=embeddings.url)

    model.seconds = 0.5
    command = [*COMMAND, *map(str, run), "--concurrency", "2"]
    process = subprocess.Popen(command, env=variables, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    while sum("How often" in prompt for prompt in model.prompts) < 4:
        assert process.poll() is None
        time.sleep(0.05)
    embeddings.stop()
    _, said = process.communicate(timeout=180)
    assert process.returncode == 1, said
    (arm,) = read_results(out).arms
    assert 0 < arm.failed < 12
    assert all("words alone" in str(case.failure) for case in arm.cases if case.failure), arm.cases

    embeddings.start()
    model.seconds = 0.0
    ran = subprocess.run(command, env=variables, capture_output=True, text=True, timeout=180, check=False)
    embeddings.stop()
    assert ran.returncode == 0, ran.stderr
    (arm,) = read_results(out).arms
    assert (len(arm.cases), arm.failed) == (12, 0)


def test_a_reply_that_is_no_letter_is_wrong_and_said_to_be(model: Any, tmp_path: Path) -> None:
    file, out = questions(tmp_path, 4), tmp_path / "run"
    real = model.chat

    def unruly(body: dict[str, Any]) -> dict[str, Any]:
        answer: dict[str, Any] = real(body)
        if "4 times 7" in str(body["messages"]):
            answer["choices"][0]["message"]["content"] = "I think it is 28"
        return answer

    model.chat = unruly
    sectoreval("run", "own_choices", "--data", file, "--out", out, home=tmp_path, url=model.url)
    (arm,) = read_results(out).arms
    failed = {case.id: case for case in arm.cases if case.failure}
    assert list(failed) == ["4"]
    assert failed["4"].failure == "the model gave none of the letters"
    assert failed["4"].values["correct"] == 0.0
    assert len(arm.cases) == 4


def test_a_folder_that_holds_another_run_is_not_mixed_with_it(model: Any, tmp_path: Path) -> None:
    file, out = questions(tmp_path, 6), tmp_path / "run"
    run = ("run", "own_choices", "--data", file, "--out", out)
    sectoreval(*run, "--limit", 3, home=tmp_path, url=model.url)
    said = sectoreval(*run, "--limit", 5, home=tmp_path, url=model.url, status=1)
    assert "holds a run of another spec" in said
    assert len(read_results(out).arms[0].cases) == 3
    file.write_text(file.read_text().replace("What is 1", "What, then, is 1"))
    said = sectoreval(*run, "--limit", 3, home=tmp_path, url=model.url, status=1)
    assert "another cases" in said
    model.name = "another-model"
    said = sectoreval(*run, "--limit", 3, home=tmp_path, url=model.url, status=1)
    assert "another model, cases" in said
    sectoreval(*run, "--limit", 3, "--fresh", home=tmp_path, url=model.url)
    assert read_results(out).about["model"]["name"] == "another-model"


def test_beginning_anew_removes_a_run_and_nothing_else(tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    begin_anew(folder)  # nothing is there yet
    folder.mkdir()
    (folder / "thesis.txt").write_text("years of work")
    with pytest.raises(RequestError, match="holds no run, and is not emptied"):
        begin_anew(folder)
    (folder / "run.json").write_text("{}")
    (folder / "results.json").write_text("{}")
    (folder / "logs").mkdir()
    begin_anew(folder)
    assert [path.name for path in folder.iterdir()] == ["thesis.txt"]


def test_a_run_can_be_replayed_from_its_results(model: Any, tmp_path: Path) -> None:
    file, first, second = questions(tmp_path, 10), tmp_path / "first", tmp_path / "second"
    options = ("--limit", 5, "--seed", 3, "--debias", "permuted,calibrated")
    sectoreval("run", "own_choices", "--data", file, *options, "--out", first, home=tmp_path, url=model.url)
    sectoreval("run", "--replay", first, "--out", second, home=tmp_path, url=model.url)
    assert outcomes(read_results(first)) == outcomes(read_results(second))
    said = sectoreval("compare", first, second, home=tmp_path, url=model.url)
    assert "no difference shown" in said


@pytest.mark.parametrize(
    ("line", "what"),
    [
        ("{broken", "not JSON"),
        ('{"question": "q", "options": ["a"], "answer": "a"}', '"options" should be two to 10 texts'),
        ('{"question": "q", "options": ["a", "b"], "answer": "C"}', '"answer" should be one of the options'),
        ('{"options": ["a", "b"], "answer": "A"}', '"question"'),
    ],
)
def test_a_malformed_line_is_named_before_a_model_is_asked(line: str, what: str, model: Any, tmp_path: Path) -> None:
    file = questions(tmp_path, 2)
    file.write_text(file.read_text() + line + "\n")
    said = sectoreval("run", "own_choices", "--data", file, home=tmp_path, url=model.url, status=1)
    assert "line 3" in said
    assert what in said
    assert not model.prompts


def test_an_unknown_benchmark_and_an_arm_that_it_lacks_are_named(tmp_path: Path) -> None:
    url = "http://127.0.0.1:9/v1"
    said = sectoreval("run", "nothing", home=tmp_path, url=url, status=1)
    assert "unknown benchmark 'nothing'; known: " in said
    said = sectoreval("run", "medqa", "--arms", "hybrid", home=tmp_path, url=url, status=1)
    assert "unknown arm of medqa 'hybrid'; known: closed_book" in said


def test_data_that_is_not_there_names_the_command_that_gets_it(tmp_path: Path) -> None:
    said = sectoreval("run", "medqa", home=tmp_path, url="http://127.0.0.1:9/v1", status=1)
    assert "sectoreval fetch mirage_mcq" in said
    assert "SECTOREVAL_DATA_DIR" in said


def test_a_benchmark_is_a_task_of_inspects_own_command_line(model: Any, tmp_path: Path) -> None:
    file = questions(tmp_path, 5)
    command = [
        str(Path(sys.executable).with_name("inspect")), "eval", "sectoreval/own_choices", "--model", "openai-api/sectorkit/fake-model",
        "--model-base-url", model.url, "-T", f"data={file}", "-T", "limit=3", "--log-dir", str(tmp_path / "logs"),
        "--display", "none",
    ]  # fmt: skip
    inspects_own = {"XDG_DATA_HOME": str(tmp_path / "data"), "XDG_CACHE_HOME": str(tmp_path / "cache")}
    env = environment(tmp_path, model.url) | inspects_own | {"SECTORKIT_API_KEY": "none"}
    ran = subprocess.run(command, env=env, capture_output=True, text=True, timeout=240, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert len([prompt for prompt in model.prompts if "times 7" in prompt]) == 3
