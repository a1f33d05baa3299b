"""The command line, whole: real parsing, real stores, a fake embedder and a fake model behind real HTTP."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from sectorkit import terminal

APP = "governance_search"
COST = "What does a bulky waste collection cost?"
PRICE = "A bulky waste collection costs 35 VLM."
Run = Callable[..., Any]


def sources(hits: list[dict[str, Any]]) -> list[str]:
    return [hit["source"] for hit in hits]


def test_help_names_every_command_and_needs_no_settings() -> None:
    script = Path(sys.executable).with_name("sectorkit")
    help_text = subprocess.run([script, "--help"], capture_output=True, text=True, check=True).stdout
    for command in ("demo", "ask", "search", "index", "bench", "models", "settings"):
        assert re.search(rf"^ +{command} +\w", help_text, re.MULTILINE), command


# -- what is refused ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["search", "nowhere", "x"], "unknown app 'nowhere'; known: governance_search"),
        (["ask", "nowhere", "x"], "unknown app 'nowhere'"),
        (["index", "sync", "nowhere"], "unknown app 'nowhere'"),
        (["index", "status", APP], "no index at"),
        (
            ["search", APP, "x", "DOCS", "--mode", "magic"],
            "unknown search mode 'magic'; known: dense, hybrid, lexical, reranked",
        ),
        (
            ["search", APP, "x", "DOCS", "--mode", "reranked"],
            "no reranker is configured: name one in SECTORKIT_RERANK_MODEL",
        ),
        (["models", "pull", "gpt-9"], "unknown model 'gpt-9'; known: "),
        (["models", "serve", "gpt-9"], "unknown model 'gpt-9'; known: "),
        (["search", APP, "x", "--where", "language"], "--where 'language' is not KEY=VALUE"),
        (["ask", APP, "x", "--where", "=fr"], "--where '=fr' is not KEY=VALUE"),
        (["search", APP], "give either a QUESTION or --queries"),
        (["search", APP, "x", "--queries", "q.jsonl"], "give either a QUESTION or --queries"),
        (["search", APP, "--queries", "none.jsonl"], "none.jsonl cannot be read"),
        (["search", APP, "x", "DOCS", "-k", "0"], "k is 0"),
        (["search", APP, " ", "DOCS"], "the question is empty"),
        (["ask", APP, " "], "the question is empty"),
        (["index", "sync", APP, "--docs", "none"], "none is not a folder"),
    ],
)
def test_what_cannot_be_done_is_one_line_and_status_1(run: Run, arguments: list[str], words: str) -> None:
    assert words in run(*arguments).refusal


@pytest.mark.parametrize("line", ['{"id": "a"}', "not json", '["text"]', '"text"', '{"id": "a", "text": null}'])
def test_a_malformed_query_is_named_by_its_line(run: Run, tmp_path: Path, line: str) -> None:
    (tmp_path / "q.jsonl").write_text(f'{{"id": "ok", "text": "waste"}}\n{line}\n')
    assert "q.jsonl, line 2:" in run("search", APP, "DOCS", "--queries", "q.jsonl").refusal


def test_a_question_in_broken_characters_is_refused_as_such(run: Run, embeddings: Any) -> None:
    """A terminal that is not in UTF-8 hands over a lone surrogate for each byte that it does not know."""
    assert embeddings.url not in run("search", APP, "caf\udce9", "DOCS").refusal


@pytest.mark.parametrize(
    ("name", "value"),
    [("PORT", "99999"), ("MODEL_PORT", "x"), ("ANSWER_TIMEOUT", "0"), ("AUDIT", "perhaps"), ("EMBED_MODEL", "bert")],
)
def test_a_bad_setting_is_named(run: Run, monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(f"SECTORKIT_{name}", value)
    said = run("search", APP, "waste", "DOCS").refusal
    assert f"SECTORKIT_{name}" in said if name != "EMBED_MODEL" else "unknown embedding model 'bert'; known: " in said


@pytest.mark.parametrize("name", ["EMBED_URL", "CHROMA_URL"])
def test_an_address_that_is_none_is_said_without_a_traceback(
    run: Run, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv(f"SECTORKIT_{name}", "http://localhost:port")
    assert "localhost:port" in run("search", APP, "waste", "DOCS").refusal


def test_settings_are_all_shown_and_no_secret_is(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    from sectorkit.settings import Settings

    monkeypatch.setenv("SECTORKIT_LLM_KEY", "swordfish")
    monkeypatch.setenv("SECTORKIT_EMBED_KEY", "swordfish")
    monkeypatch.setenv("SECTORKIT_RERANK_KEY", "swordfish")
    monkeypatch.setenv("SECTORKIT_PORT", "7861")
    shown = run("settings")
    lines = shown.out.splitlines()
    for name in Settings.model_fields:
        assert sum(line.startswith(f"SECTORKIT_{name.upper()}=") for line in lines) == 1
    assert any(line.startswith("SECTORKIT_PORT=7861  # port") for line in lines)
    assert "swordfish" not in shown.out + shown.err


# -- the index ----------------------------------------------------------------------------------------------------


def test_a_sync_says_what_it_did_and_the_status_what_is_there(run: Run, docs: Path) -> None:
    assert "3 added, 0 changed, 0 removed, 0 unchanged, 0 failed" in run("index", "sync", APP, "DOCS").out
    (docs / "waste.md").write_text("# Waste\n\nNothing costs anything.\n")
    (docs / "parking.md").unlink()
    (docs / "metadata.toml").unlink()
    report = run("index", "sync", APP, "DOCS", "--json").json
    assert report["removed"] == ["parking.md"]
    assert set(report["changed"]) == {"waste.md", "noise.md"}, "the metadata of one and the words of the other"
    status = run("index", "status", APP, "DOCS", "--json")
    assert status.status == 0
    assert (status.json["documents"], status.json["failed"], status.json["problems"]) == (2, 0, [])
    assert sources(status.json["list"]) == ["noise.md", "waste.md"]
    assert "Waste" in run("index", "status", APP, "DOCS").out
    assert status.json["reranker"] == "none"


def test_a_document_that_cannot_be_read_is_named_and_the_status_is_1(run: Run, docs: Path) -> None:
    (docs / "scan.pdf").write_bytes(b"%PDF-1.4 broken")
    ran = run("index", "sync", APP, "DOCS")
    assert ran.status == 1
    assert "scan.pdf" in ran.err
    assert "3 added" in ran.out
    assert "scan.pdf" in run("index", "status", APP, "DOCS").out


def test_a_rebuild_embeds_everything_again(run: Run, embeddings: Any) -> None:
    run("index", "sync", APP, "DOCS")
    before = len(embeddings.requests)
    run("index", "sync", APP, "DOCS")
    assert len(embeddings.requests) == before
    assert "3 added" in run("index", "sync", APP, "DOCS", "--rebuild").out
    assert len(embeddings.requests) > before


def test_the_vectors_of_an_apps_samples_are_kept_beside_them_unless_a_document_fails(
    run: Run, docs: Path, models_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "apps" / "forked_app"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text(
        "from pathlib import Path\nfrom sectorkit.app import SectorApp\n"
        'APP = SectorApp("forked_app", "Forked", "", Path(__file__).parent / "corpus", "")\n'
    )
    docs.rename(package / "corpus")
    monkeypatch.syspath_prepend(package.parent)
    assert "unset SECTORKIT_EMBED_URL" in run("index", "vectors", "forked_app").refusal
    monkeypatch.delenv("SECTORKIT_EMBED_URL")
    (tmp_path / "home").mkdir(exist_ok=True)
    (tmp_path / "home" / "models").symlink_to(models_home / "models")
    (package / "corpus" / "scan.pdf").write_bytes(b"%PDF-1.4 broken")
    assert run("index", "vectors", "forked_app").status == 1
    assert not (package / "vectors.npz").exists()
    (package / "corpus" / "scan.pdf").unlink()
    assert "3 vectors of minilm-l6-v2@" in run("index", "vectors", "forked_app").out
    monkeypatch.setattr("sectorkit.retrieval.embed.LocalEmbedder._embed", lambda self, texts: [[] for _ in texts])
    assert "3 added" in run("index", "sync", "forked_app").out, "nothing is embedded"


def test_a_rebuild_that_fails_leaves_the_index_that_was(run: Run, embeddings: Any) -> None:
    run("index", "sync", APP, "DOCS")
    embeddings.server.stop()
    assert "no embeddings from" in run("index", "sync", APP, "DOCS", "--rebuild").refusal
    assert run("index", "status", APP, "DOCS", "--json").json["documents"] == 3


# -- search -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["lexical", "dense", "hybrid"])
def test_every_mode_finds_the_passage_and_shows_its_place(run: Run, mode: str) -> None:
    found = run("search", APP, COST, "DOCS", "--mode", mode)
    assert found.status == 0
    assert found.out.startswith("1. Waste ordinance Article 3 (")
    assert PRICE in found.out


def test_hits_are_json_with_their_passage_and_span(run: Run) -> None:
    found = run("search", APP, COST, "DOCS", "--json", "-k", 1).json
    (hit,) = found["hits"]
    assert hit["source"] == "waste.md"
    assert hit["text"].startswith(PRICE)
    assert {"passage_id", "score", "ranks", "title", "locator", "start", "end"} <= set(hit)
    assert len(run("search", APP, COST, "DOCS", "--json", "-k", 2).json["hits"]) == 2


def test_a_file_of_queries_gives_a_line_of_json_each(run: Run, tmp_path: Path) -> None:
    (tmp_path / "q.jsonl").write_text(
        '{"id": "a", "text": "bulky waste"}\n\n{"_id": "b", "text": "music at night"}\n{"text": "carte de résident"}\n'
    )
    lines = run("search", APP, "DOCS", "--queries", "q.jsonl", "-k", 1).out.splitlines()
    assert [json.loads(line)["id"] for line in lines] == ["a", "b", "4"]
    assert [sources(json.loads(line)["hits"]) for line in lines] == [["waste.md"], ["noise.md"], ["parking.md"]]


def test_a_line_separator_inside_a_query_does_not_end_its_line(run: Run, tmp_path: Path) -> None:
    (tmp_path / "q.jsonl").write_text('{"id": "a", "text": "bulky\u2028waste"}\n', encoding="utf-8")
    assert run("search", APP, "DOCS", "--queries", "q.jsonl", "-k", 1).json["id"] == "a"


def test_where_narrows_and_repeats(run: Run) -> None:
    def found(*where: str) -> set[str]:
        clauses = [word for clause in where for word in ("--where", clause)]
        return set(sources(run("search", APP, "ordinance", "DOCS", "--json", *clauses).json["hits"]))

    assert found("language=fr") == {"parking.md"}
    assert found("kind=ordinance", "kind=guidance") == {"waste.md", "noise.md"}
    assert found("kind=ordinance", "language=fr") == set()
    assert "is the filter right" in run("search", APP, "x", "DOCS", "--where", "kind=novel").err


@pytest.mark.parametrize("mode", ["lexical", "dense"])
def test_where_finds_numbers_in_every_mode(run: Run, mode: str) -> None:
    found = run("search", APP, "music", "DOCS", "--json", "--where", "year=2021", "--mode", mode).json
    assert sources(found["hits"]) == ["noise.md"]


def test_the_question_may_come_last(run: Run) -> None:
    """As in `sectorkit search APP --docs DIR QUESTION`."""
    assert sources(run("search", APP, "DOCS", "--json", COST).json["hits"])[0] == "waste.md"


def test_words_are_found_without_an_embedder_once_all_is_indexed(run: Run, embeddings: Any) -> None:
    run("index", "sync", APP, "DOCS")
    embeddings.server.stop()
    assert run("search", APP, COST, "DOCS", "--mode", "lexical").status == 0
    assert embeddings.url in run("search", APP, COST, "DOCS").refusal


def test_a_search_that_went_well_says_nothing_on_stderr(run: Run) -> None:
    assert run("search", APP, COST, "DOCS").err == ""


# -- reranking ----------------------------------------------------------------------------------------------------


@pytest.fixture
def reranker(reranking: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("SECTORKIT_RERANK_MODEL", "by-words")
    monkeypatch.setenv("SECTORKIT_RERANK_URL", reranking.url)
    return reranking


def test_a_reranked_search_shows_the_rank_that_it_gave(run: Run, reranker: Any) -> None:
    ran = run("search", APP, COST, "DOCS", "--mode", "reranked", "--json", "-k", 2)
    assert (ran.status, ran.err) == (0, "")
    assert [hit["ranks"]["reranked"] for hit in ran.json["hits"]] == [1, 2]
    assert ran.json["hits"][0]["source"] == "waste.md"
    assert len(reranker.requests[-1]["documents"]) == 3, "all that was found"
    assert run("index", "status", APP, "DOCS", "--json").json["reranker"] == "by-words"
    asked = len(reranker.requests)
    run("search", APP, COST, "DOCS", "--mode", "hybrid")
    assert len(reranker.requests) == asked


def test_a_search_by_a_reranker_that_is_away_or_refused_fails_and_says_why(run: Run, reranker: Any) -> None:
    reranker.reply = lambda texts: {"results": [{"index": n, "relevance_score": n} for n in range(len(texts))]}
    said = run("search", APP, COST, "DOCS", "--mode", "reranked").refusal
    assert "the reranker by-words is refused: asked 'How long may a parked trailer" in said
    reranker.server.stop()
    assert f"no scores from {reranker.url}/rerank" in run("search", APP, COST, "DOCS", "--mode", "reranked").refusal


def test_what_a_reranker_cannot_read_is_said(run: Run, reranker: Any) -> None:
    from sectorkit.fakes import FakeReranker

    def english_only(texts: list[str]) -> Any:
        query = reranker.requests[-1]["query"]
        scores = FakeReranker().scores(query, texts)
        sign = 1 if query.isascii() else -1
        return {"results": [{"index": n, "relevance_score": sign * score} for n, score in enumerate(scores)]}

    reranker.reply = english_only
    ran = run("search", APP, COST, "DOCS", "--mode", "reranked")
    assert ran.status == 0
    assert "reranker: by-words (not for " in ran.err
    assert "Chinese" in ran.err


def test_without_a_terminal_long_work_tells_how_far_it_is_in_lines(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    clock = iter([0.0, 2.0, 11.0, 15.0, 22.0])
    monkeypatch.setattr(terminal, "time", SimpleNamespace(monotonic=lambda: next(clock)))
    with terminal.progress_bar("starting") as progress:
        for share in (0.1, 0.2, 0.3, 0.4):
            progress("indexing [a].md", share)
    said = capsys.readouterr()
    assert said.out == ""
    assert [line.partition(" ")[2] for line in said.err.splitlines()] == [
        "indexing [a].md (20%)",
        "indexing [a].md (40%)",
    ]
