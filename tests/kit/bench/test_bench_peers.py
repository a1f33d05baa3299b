"""The bench of peers, without the peers: its sets, what a system is put through, its tables and its picture."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any
from xml.etree import ElementTree

import pytest

BENCH = Path(__file__).resolve().parents[2] / "bench"


@pytest.fixture(autouse=True)
def _scripts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(BENCH / "systems"))
    monkeypatch.syspath_prepend(str(BENCH))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A benchmark of twenty documents, two of which answer a question each."""
    documents = [{"_id": f"d{n}", "title": f"Title {n}", "text": f"Text {n}."} for n in range(20)]
    (tmp_path / "corpus.jsonl").write_text("\n".join(map(json.dumps, documents)))
    (tmp_path / "queries.jsonl").write_text('{"_id": "q1", "text": "first"}\n{"_id": "q2", "text": "second"}\n')
    (tmp_path / "qrels").mkdir()
    (tmp_path / "qrels" / "test.tsv").write_text("query-id\tcorpus-id\tscore\nq1\td7\t2\nq2\td11\t1\n")
    return tmp_path


def test_a_set_has_neutral_names_and_a_title_on_the_first_line(folder: Path) -> None:
    from peer_sets import read_set

    found = read_set(str(folder), folder)
    assert found.documents["00007.txt"] == "Title 7\n\nText 7."
    assert found.qrels == {"q1": {"00007.txt": 2}, "q2": {"00011.txt": 1}}


def test_the_right_documents_stay_in_a_set_that_is_cut_down(folder: Path) -> None:
    from peer_sets import read_set

    found = read_set(str(folder), folder, documents=3, questions=1)
    ((key, right),) = found.qrels.items()
    assert len(found.documents) == 3
    assert list(found.questions) == [key]
    assert set(right) <= set(found.documents)


class Fake:
    """A system that finds the file a question names, twice over."""

    libraries = ("pytest",)

    def __init__(self, job: Any) -> None:
        self.job = job
        self.model = sys.modules["sentence_transformers"].SentenceTransformer()

    def ingest(self, documents: Path, index: Path) -> None:
        index.mkdir(exist_ok=True)
        files = sorted(documents.glob("*.txt"))
        (index / "kept").write_text("x" * 100)
        self.model.encode([file.read_text() for file in files])
        self.files = [file.name for file in files]

    update = ingest

    def search(self, question: str, mode: str) -> list[str]:
        self.model.encode(question)
        return [file for file in self.files if file[0] in question] * 2

    def passages(self) -> int:
        return len(self.files)


def test_a_system_is_measured_on_its_folder_and_not_on_the_trial_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import worker

    library = ModuleType("sentence_transformers")
    library.SentenceTransformer = type("SentenceTransformer", (), {"encode": lambda self, inputs: None})  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "sentence_transformers", library)
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "documents").mkdir()
    for name in "ab":
        (tmp_path / "documents" / f"{name}.txt").write_text(name)
    names = ("documents", "index", "model", "result")
    job = {name: str(tmp_path / name) for name in names} | {
        "task": "ingest", "model_name": "m", "dtype": "float32", "query_prompt": "", "passage_prompt": "", "depth": 5, "splitting": [],
        "modes": ["hybrid", "vectors"], "questions": {"q": "where is b"},
    }  # fmt: skip
    (tmp_path / "job.json").write_text(json.dumps(job))
    monkeypatch.setattr(sys, "argv", ["fake.py", str(tmp_path / "job.json")])
    worker.run(Fake)
    turn = json.loads((tmp_path / "result").read_text())
    assert (turn["embedded"], turn["passages"], turn["bytes_on_disk"]) == (2, 2, 100)
    assert turn["rankings"] == {"hybrid": {"q": ["b.txt"]}, "vectors": {"q": ["b.txt"]}}
    seconds, embedding = turn["question_seconds"]["hybrid"]["q"]
    assert 0 < embedding < seconds < 1
    assert turn["memory_bytes"] > 2**20


@pytest.fixture
def results() -> dict[str, Any]:
    """One set, where one peer is worse and another failed."""
    pytest.importorskip("ir_measures")
    from peer_report import score

    qrels = {f"q{n}": {f"{n}.txt": 1} for n in range(8)}
    systems = {}
    for system, rank in (("sectorkit", 0), ("slow", 4)):
        found = {key: [f"other{n}.txt" for n in range(rank)] + list(right) for key, right in qrels.items()}
        ingest = {
            "seconds": 10.0 + rank, "embedding_seconds": 8.0, "embedded": 9, "passages": 9, "bytes_on_disk": 10**6,
            "memory_bytes": 10**8, "rankings": {"hybrid": found, "vectors": found}, "versions": {"library": "1.0"},
            "question_seconds": {mode: {key: [0.02, 0.015] for key in qrels} for mode in ("hybrid", "vectors")},
        }  # fmt: skip
        update = {"seconds": 1.0, "embedded": 1, "passages": 9, "rankings": {"hybrid": {"0.txt": ["0.txt"]}}}
        rounds = [{"ingest": ingest, "update": update}]
        systems[system] = {"rounds": rounds, "scores": score(SimpleNamespace(qrels=qrels), rounds)}
    failed = {"failed": "ImportError: no such library"}
    systems["broken"] = {"rounds": [{"ingest": failed, "update": failed}], "scores": {}}
    one = {"documents": 9, "characters": 99, "questions": len(qrels), "systems": systems}
    about = {"machine": "a machine", "load": [0.0], "measured": "2026-01-01", "embedder": "m", "dtype": "float32"}
    return about | {"rounds": 1, "sets": {"one": one, "two": one}}


def test_a_failure_is_named_and_compared_with_nothing(results: dict[str, Any]) -> None:
    from peer_report import show

    shown = show(results)
    assert shown.count("| broken | **failed**: ImportError: no such library |") == 4
    assert "| broken | **failed**: failed at one of the sets |" in shown
    assert "| slow, hybrid | 1.000 [1.000, 1.000] | 0.387 " in shown
    assert "+0.613 [+0.613, +0.613] higher |" in shown
    assert "all sets together: 16 questions" in shown


def test_the_picture_is_whole_and_leaves_out_what_failed(results: dict[str, Any]) -> None:
    from peer_plot import plot

    drawn = ElementTree.fromstring(plot(results))
    said = [element.text for element in drawn.iter("{http://www.w3.org/2000/svg}text")]
    assert "sectorkit" in said
    assert "slow" in said
    assert "broken" not in said
    assert "28" in said  # seconds of two ingestions of 14
