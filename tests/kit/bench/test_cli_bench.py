"""`sectorkit bench retrieval`, whole: real parsing and stores, a fake embedder behind real HTTP."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("ir_measures")
Run = Callable[..., Any]
Write = Callable[..., Path]
BENCH = ("bench", "retrieval", "--data")


def test_the_report_in_json_holds_all_that_a_number_depends_on(run: Run, write: Write) -> None:
    folder = write()
    ran = run(*BENCH, folder, "--json")
    assert (ran.status, ran.said) == (0, [])
    report = ran.json
    assert report["benchmark"]["folder"] == "tiny"
    for name, digest in report["benchmark"]["sha256"].items():
        assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == digest
    assert (report["benchmark"]["documents"], report["n"], report["k"], report["limit"]) == (5, 3, 10, None)
    assert report["embedder"]["name"] == "minilm-l6-v2"
    assert len(report["embedder"]["revision"]) == 40
    assert list(report["modes"]) == ["lexical", "dense", "hybrid"]
    for mode in report["modes"].values():
        assert list(mode["measures"]) == ["Recall@10", "nDCG@10", "MAP@10", "MRR@10"]
        assert all(m["low"] <= m["mean"] <= m["high"] for m in mode["measures"].values())
        assert 0 < mode["search_ms"]["p50"] <= mode["search_ms"]["p95"] <= mode["search_ms"]["p99"]
    assert report["modes"]["lexical"]["measures"]["MRR@10"]["mean"] == pytest.approx(0.5)
    assert report["query_embedding_ms"]["n"] == 3
    assert {found["verdict"] for found in report["differences"]["lexical"].values()} <= {
        "no difference shown", "higher", "lower",
    }  # fmt: skip
    assert (report["index"]["passages"], report["ingestion"]["documents"]) == (5, 5)
    assert report["index"]["bytes"] > 10_000
    assert {"sectorkit", "ir-measures", "tantivy", "chromadb"} <= set(report["versions"])
    assert "Python 3" in report["hardware"]


def test_the_report_for_a_person_says_n_intervals_and_where_no_difference_is_shown(run: Run, write: Write) -> None:
    ran = run(*BENCH, write(), "--limit", "2")
    assert ran.status == 0
    said = " ".join(ran.out.split())
    assert "tiny, split test: n=2, a sample of 3 (seed 0) queries" in said
    assert "95 % interval over queries" in said
    assert "difference from hybrid, paired by query" in said
    assert "no difference shown" in said
    for words in ("Recall@10", "search, hybrid", "a query's embedding", "MB on disk", "documents a second"):
        assert words in said, words


def test_a_second_run_asks_the_embedder_for_nothing(run: Run, write: Write, embeddings: Any) -> None:
    folder = write()
    run(*BENCH, folder, "--mode", "lexical", "--json")
    before = len(embeddings.requests)
    assert before > 0
    assert list(run(*BENCH, folder, "--mode", "lexical", "--json").json["modes"]) == ["lexical"]
    assert len(embeddings.requests) == before
    run(*BENCH, folder, "--mode", "lexical", "--rebuild")
    assert len(embeddings.requests) > before


def test_each_querys_results_go_to_a_file(run: Run, write: Write, tmp_path: Path) -> None:
    run(*BENCH, write(), "--mode", "lexical", "--mode", "hybrid", "-k", "1", "--out", "results.jsonl")
    lines = [json.loads(line) for line in (tmp_path / "results.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [(line["mode"], line["query_id"]) for line in lines] == [
        (mode, query) for mode in ("lexical", "hybrid") for query in ("q1", "q2", "q3")
    ]
    first = lines[0]
    assert [document["id"] for document in first["documents"]] == ["bulky", "waste"]
    assert (first["relevant"], first["measures"]["Recall@1"], first["measures"]["MRR@10"]) == ({"waste": 1}, 0, 0.5)
    assert (first["query_embedding_ms"], lines[3]["query_embedding_ms"] is None) == (None, False)
    assert all(line["search_ms"] > 0 for line in lines)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--mode", "magic"], "unknown search mode 'magic'"),
        (["--split", "dev"], "unknown split of"),
        (["--embedder", "bert"], "unknown embedding model 'bert'"),
        (["-k", "0"], "k is 0"),
        (["--limit", "0"], "the limit is 0"),
        (["--where", "kind"], "--where 'kind' is not KEY=VALUE"),
        (["--where", "colour=red"], "no document has 'colour'"),
        (["--out", "no/such/folder/x.jsonl"], "cannot be written"),
    ],
)
def test_what_cannot_be_done_is_one_line_and_status_1(run: Run, write: Write, arguments: list[str], words: str) -> None:
    assert words in run(*BENCH, write(), *arguments).refusal


def test_a_broken_benchmark_is_one_line_that_names_the_line(run: Run, write: Write) -> None:
    assert "corpus.jsonl, line 1: not JSON" in run(*BENCH, write(corpus="broken\n")).refusal


def test_notes_go_to_stderr_and_into_the_json(run: Run, write: Write) -> None:
    folder = write(qrels="q1\twaste\t1\n")
    assert any("has no header" in line for line in run(*BENCH, folder, "--mode", "lexical").said)
    assert "has no header" in run(*BENCH, folder, "--mode", "lexical", "--json").json["notes"][0]


def test_reranked_is_one_more_mode(run: Run, write: Write, reranking: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "SECTORKIT_RERANK_MODEL" in run(*BENCH, write(), "--mode", "reranked").refusal
    monkeypatch.setenv("SECTORKIT_RERANK_MODEL", "bge-reranker-v2-m3")
    monkeypatch.setenv("SECTORKIT_RERANK_URL", reranking.url)
    ran = run(*BENCH, write(), "--mode", "hybrid", "--mode", "reranked", "--out", "results.jsonl")
    assert ran.status == 0
    said = " ".join(ran.out.split())
    assert "reranked by bge-reranker-v2-m3@953dc6f6" in said.replace("@ ", "@")
    assert "difference from hybrid, paired by query" in said
    assert "search, reranked" in said
