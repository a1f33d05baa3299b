"""The audit log: one whole line an answer, whoever writes, readable by its owner alone."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from langchain_core.documents import Document

from sectorkit.answer import Answer, Citation
from sectorkit.app import SectorApp
from sectorkit.audit import answered, record
from sectorkit.errors import StoreError
from sectorkit.retrieval.passage import Hit
from sectorkit.settings import Settings

CITED = Citation(1, "p1", "waste.md", "Waste", "Article 3", "35 VLM", 100, 106)
ANSWER = Answer(
    "Was kostet die Abfuhr? 押金？\nZweite Zeile",
    "supported",
    "It costs 35 VLM. [1]",
    raw="It costs 35 VLM.",
    citations=(CITED,),
    evidence=("p1",),
    hits=tuple(Hit(Document(id=name, page_content="text"), 1.0) for name in ("p1", "p2")),
    notes=("a note",),
    model="tiny",
    timings={"total": 1.23456},
)


CITY = SectorApp("city", "City", "", Path("corpus"), "")
TRIAGE = SectorApp("triage", "Triage", "", Path("corpus"), "", about_persons=True)


@pytest.fixture
def home(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path)


@pytest.fixture
def log(home: Settings) -> Path:
    return home.logs_dir / "audit.jsonl"


@pytest.fixture
def _open_umask() -> Iterator[None]:
    before = os.umask(0)
    yield
    os.umask(before)


def entries(log: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in log.read_text(encoding="utf-8").split("\n")[:-1]]


def test_a_line_says_who_asked_what_when_and_what_was_shown(home: Settings, log: Path) -> None:
    answered(home, CITY, ANSWER, user="ada")
    (entry,) = entries(log)
    assert datetime.now(UTC) - datetime.fromisoformat(str(entry.pop("time"))) < timedelta(minutes=1)
    assert entry == {
        "app": "city",
        "user": "ada",
        "question": ANSWER.question,
        "verdict": "supported",
        "reason": None,
        "shown": ["p1", "p2"],
        "evidence": ["p1"],
        "cited": [["p1", 100, 106]],
        "model": "tiny",
        "notes": ["a note"],
        "seconds": 1.235,
    }


def test_an_app_whose_questions_are_about_persons_keeps_them_out(home: Settings, log: Path) -> None:
    answered(home, TRIAGE, ANSWER)
    assert entries(log)[0]["question"] is None
    assert "Abfuhr" not in log.read_text(encoding="utf-8")


def test_texts_are_kept_of_persons_where_that_is_wanted_and_then_masked(home: Settings, log: Path) -> None:
    asked = replace(ANSWER, question="My name is Ada Byron, ada@example.org. Is 39.4 a fever?")
    for texts in (True, False):
        for app in (CITY, TRIAGE):
            answered(home.model_copy(update={"audit_texts": texts}), app, asked)
    assert [entry["question"] for entry in entries(log)] == [
        asked.question, "My name is [name], [e-mail]. Is 39.4 a fever?", None, None,
    ]  # fmt: skip


def test_what_is_no_answer_is_an_entry_too_and_nothing_is_where_no_log_is_kept(home: Settings, log: Path) -> None:
    record(home.model_copy(update={"audit": False}), TRIAGE, {"decided": "urgent"})
    assert not log.exists()
    record(home, TRIAGE, {"decided": "urgent"})
    (entry,) = entries(log)
    assert (entry["app"], entry["decided"]) == ("triage", "urgent")


def test_the_log_is_appended_to(home: Settings, log: Path) -> None:
    answered(home, CITY, ANSWER)
    answered(home, TRIAGE, ANSWER)
    assert [entry["app"] for entry in entries(log)] == ["city", "triage"]


@pytest.mark.usefixtures("_open_umask")
def test_only_its_owner_reads_the_log(home: Settings, log: Path) -> None:
    answered(home, CITY, ANSWER)
    assert stat.S_IMODE(log.stat().st_mode) == 0o600


_WRITER = """
import sys
from pathlib import Path
from sectorkit.answer import Answer
from sectorkit.app import SectorApp
from sectorkit.audit import answered
from sectorkit.settings import Settings
home, name = Settings(home=Path(sys.argv[1])), sys.argv[2]
app = SectorApp(name, "", "", Path(), "")
print("ready", flush=True)
sys.stdin.readline()
for n in range(150):
    answered(home, app, Answer(f"{n} " + name * (50 * n), "abstained", ""))
"""


def test_lines_of_several_processes_do_not_mix(home: Settings, log: Path) -> None:
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", _WRITER, home.home, name], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        for name in "xyz"
    ]
    for writer in writers:
        assert writer.stdout is not None
        assert writer.stdout.readline() == b"ready\n"
    for writer in writers:  # all are loaded: now they write at once
        writer.communicate(b"go\n")
    assert [writer.returncode for writer in writers] == [0, 0, 0]
    for name in "xyz":
        written = [str(entry["question"]) for entry in entries(log) if entry["app"] == name]
        assert written == [f"{n} " + name * (50 * n) for n in range(150)]


def test_a_log_that_cannot_be_written_is_a_clear_error(home: Settings) -> None:
    home.logs_dir.write_text("a file where the folder should be")
    with pytest.raises(StoreError, match="SECTORKIT_AUDIT=false"):
        answered(home, CITY, ANSWER)
