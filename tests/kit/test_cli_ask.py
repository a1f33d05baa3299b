"""`sectorkit ask`, whole, on a fake model behind real HTTP: what it prints, what it records and how it ends."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

APP = "governance_search"
COST = "What does a bulky waste collection cost?"
PRICE = "A bulky waste collection costs 35 VLM."
Run = Callable[..., Any]


def test_a_supported_answer_is_printed_with_its_quote_and_status_0(run: Run, chat_endpoint: Any) -> None:
    chat_endpoint.says(PRICE)
    ran = run("ask", APP, COST, "DOCS")
    assert ran.status == 0
    assert f"supported  {PRICE} [1]" in ran.out
    assert "[1] Waste ordinance Article 3\n" in ran.out
    assert f"“{PRICE}”  waste.md" in ran.out
    assert "tiny; " in ran.out, "the model and the times are named"
    assert PRICE in ran.err, "the unverified text streams to stderr, away from the answer"


def test_an_abstention_shows_passages_and_has_status_2(run: Run, chat_endpoint: Any) -> None:
    chat_endpoint.says("The mayor pays for everyone since spring.")
    ran = run("ask", APP, COST, "DOCS")
    assert ran.status == 3
    assert "abstained" in ran.out
    assert "mayor" not in ran.out
    assert "Waste ordinance" in ran.out


def test_an_answer_in_json_keeps_the_contract(run: Run, chat_endpoint: Any, docs: Path) -> None:
    chat_endpoint.says(PRICE)
    ran = run("ask", APP, COST, "DOCS", "--json")
    answer = ran.json
    assert (ran.status, ran.said) == (0, [])
    assert (answer["verdict"], answer["text"], answer["model"]) == ("supported", f"{PRICE} [1]", "tiny")
    (citation,) = answer["citations"]
    assert {"n", "passage_id", "source", "locator", "quote", "start", "end"} <= set(citation)
    assert (citation["n"], citation["source"], citation["locator"]) == (1, "waste.md", "Article 3")
    assert citation["quote"] == PRICE
    cited = next(hit for hit in answer["hits"] if hit["passage_id"] == citation["passage_id"])
    begin, end = (citation[key] - cited["start"] for key in ("start", "end"))
    assert cited["text"][begin:end] == citation["quote"]
    assert {"retrieve", "first_token", "generate", "ground", "total"} <= set(answer["timings"])
    assert answer["usage"] == {"prompt": 3, "completion": 2}


def test_retrieval_only_asks_no_model_and_keeps_the_contract(run: Run, chat_endpoint: Any) -> None:
    ran = run("ask", APP, COST, "DOCS", "--retrieval-only", "--json")
    answer = ran.json
    assert {"verdict", "text", "citations", "hits", "model", "timings", "usage"} <= set(answer)
    assert (ran.status, answer["verdict"], answer["model"], answer["usage"]) == (3, "abstained", None, {})
    assert answer["hits"][0]["source"] == "waste.md"
    assert answer["evidence"][0] == answer["hits"][0]["passage_id"]
    assert chat_endpoint.llm.requests == []


def test_the_question_and_what_was_found_reach_the_model(run: Run, chat_endpoint: Any) -> None:
    run("ask", APP, COST, "DOCS")
    (asked,) = chat_endpoint.llm.requests
    prompt = asked["messages"][-1]["content"]
    assert PRICE in prompt
    assert COST in prompt
    assert asked["max_completion_tokens"] == 256


def test_where_narrows_what_the_model_reads(run: Run, chat_endpoint: Any) -> None:
    chat_endpoint.says(PRICE)
    ran = run("ask", APP, COST, "DOCS", "--json", "--where", "language=fr")
    assert [hit["source"] for hit in ran.json["hits"]] == ["parking.md"]
    assert ran.status == 3, "what the model says is in no passage that it was given"


def test_with_the_model_away_it_searches_and_says_so(run: Run, chat_endpoint: Any) -> None:
    chat_endpoint.server.stop()
    ran = run("ask", APP, COST, "DOCS", "--json")
    assert "no model" in " ".join(ran.said)
    assert chat_endpoint.url in " ".join(ran.said)
    assert (ran.status, ran.json["reason"]) == (3, "model_unavailable")
    assert ran.json["hits"][0]["source"] == "waste.md"
    assert PRICE in run("ask", APP, COST, "DOCS").out


def test_a_model_that_is_not_served_there_is_named_beside_those_that_are(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECTORKIT_LLM_MODEL", "huge")
    ran = run("ask", APP, COST, "DOCS")
    assert "'huge'; known: tiny" in " ".join(ran.said)
    assert PRICE in ran.out


@pytest.mark.parametrize(
    ("status", "message"), [(401, "bad key"), (404, "no model tiny"), (429, "slow down"), (500, "engine died")]
)
def test_a_model_server_that_refuses_leaves_the_passages_and_the_reason(
    run: Run, chat_endpoint: Any, status: int, message: str
) -> None:
    chat_endpoint.llm.error = (status, message)
    ran = run("ask", APP, COST, "DOCS", "--json")
    assert ran.json["reason"] == "model_unavailable"
    assert ran.json["hits"][0]["source"] == "waste.md"
    assert ran.json["notes"], "the reader is told why there is no answer"


def test_a_request_that_the_model_server_calls_bad_is_said_without_a_traceback(run: Run, chat_endpoint: Any) -> None:
    chat_endpoint.llm.error = (400, "max_tokens is too large")
    ran = run("ask", APP, COST, "DOCS", "--json")
    assert ran.status in (1, 3)
    assert "max_tokens is too large" in ran.out + ran.err


def test_every_answer_leaves_a_line_in_the_audit_log(
    run: Run, chat_endpoint: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chat_endpoint.says(PRICE)
    answer = run("ask", APP, COST, "DOCS", "--json").json
    monkeypatch.setenv("SECTORKIT_AUDIT", "false")
    run("ask", APP, COST, "DOCS")
    (line,) = (tmp_path / "home" / "logs" / "audit.jsonl").read_text().splitlines()
    entry = json.loads(line)
    assert (entry["app"], entry["question"], entry["verdict"]) == (APP, COST, "supported")
    assert entry["shown"] == [hit["passage_id"] for hit in answer["hits"]]
    assert entry["cited"] == [[c["passage_id"], c["start"], c["end"]] for c in answer["citations"]]


# -- with a reranker ----------------------------------------------------------------------------------------------


def test_a_reranker_that_is_configured_is_used(run: Run, reranking: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECTORKIT_RERANK_MODEL", "by-words")
    monkeypatch.setenv("SECTORKIT_RERANK_URL", reranking.url)
    ran = run("ask", APP, COST, "DOCS", "--retrieval-only", "--json")
    assert ran.said == []
    assert ran.json["hits"][0]["ranks"]["reranked"] == 1
    assert not any("reranker" in note for note in ran.json["notes"])


def test_an_answer_without_its_reranker_says_so(run: Run, reranking: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECTORKIT_RERANK_MODEL", "by-words")
    monkeypatch.setenv("SECTORKIT_RERANK_URL", reranking.url)
    reranking.server.stop()
    ran = run("ask", APP, COST, "DOCS", "--retrieval-only", "--json")
    assert ran.json["hits"][0]["source"] == "waste.md"
    assert any("without the reranker, which is not available" in note for note in ran.json["notes"])
    assert "no reranker: no scores from" in " ".join(ran.err.split())
