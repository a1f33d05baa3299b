"""An app inside a run, on a real model: every call is in Inspect's log, and the gate of CI."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from sectoreval.compare import gate
from sectoreval.results import RunResult, read_results

if TYPE_CHECKING:
    from sectorkit.models.server import ModelServer
    from sectorkit.settings import Settings

BASELINE = Path(__file__).parents[2] / "eval" / "baselines" / "golden.json"
pytestmark = pytest.mark.server


@pytest.fixture(scope="module")
def folder(session_settings: Settings, llm_server: ModelServer, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run that the baseline is of: twelve golden questions and a choice, on the 0.5B and MiniLM."""
    out = tmp_path_factory.mktemp("runs") / "golden"
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("SECTORKIT_", "SECTOREVAL_"))}
    env = kept | {"SECTORKIT_HOME": str(session_settings.home), "SECTORKIT_LLM_URL": llm_server.url}
    command = [sys.executable, "-c", "from sectoreval.cli import main; main()", "run", "golden", "--arms",
               "closed_book,hybrid", "--limit", "12", "--embedder", "minilm-l6-v2", "--model", "qwen2.5-coder-0.5b",
               "--out", str(out)]  # fmt: skip
    ran = subprocess.run(command, env=env, capture_output=True, text=True, timeout=580, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return out


@pytest.fixture(scope="module")
def result(folder: Path) -> RunResult:
    return read_results(folder)


def test_an_app_answers_inside_a_run_and_every_call_is_in_the_log(folder: Path, result: RunResult) -> None:
    from inspect_ai.log import list_eval_logs, read_eval_log

    for info in list_eval_logs(str(folder / "logs")):
        log = read_eval_log(info, resolve_attachments=True)
        assert log.status == "success"
        for sample in log.samples or []:
            calls = [event for event in sample.events if event.event == "model"]
            assert len(calls) == 1
            asked = " ".join(str(message.text) for message in calls[0].input)
            assert str(sample.input) in asked
            if "hybrid" in log.eval.task:
                assert "[1]" in asked, "the passages are in the prompt"
    assert {arm.arm: len(arm.cases) for arm in result.arms} == {"closed_book": 12, "hybrid": 12}
    assert all(case.completion_tokens for arm in result.arms for case in arm.cases)


def test_the_app_finds_what_the_closed_book_cannot(result: RunResult) -> None:
    (hybrid,) = [arm for arm in result.arms if arm.arm == "hybrid"]
    answerable = [case for case in hybrid.cases if case.groups["answerable"] == "yes"]
    assert sum(case.values["found"] for case in answerable) / len(answerable) > 0.6
    assert all("found" not in case.values for arm in result.arms if arm.arm == "closed_book" for case in arm.cases)


def test_the_run_is_no_worse_than_the_baseline(result: RunResult) -> None:
    baseline = read_results(BASELINE)
    assert json.dumps(baseline.about["spec"]["limit"]) == "12"
    assert list(gate(result, baseline)) == []
