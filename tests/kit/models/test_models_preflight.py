"""The preflight believes what it sees, and survives servers that fail it."""

from __future__ import annotations

import itertools
import json
from typing import Any

import pytest

from sectorkit.errors import ServerUnavailable
from sectorkit.models.preflight import Capabilities, preflight, render


def obedient(body: dict[str, Any]) -> dict[str, Any]:
    """A server whose model does all that it is asked."""
    if "response_format" in body:
        return {"content": json.dumps({"word": "seven", "count": 7})}
    if "structured_outputs" in body:
        top = [{"token": "maybe", "logprob": -0.1}, {"token": "perhaps", "logprob": -2.0}]
        return {"content": "maybe", "logprobs": {"content": [{"token": "maybe", "top_logprobs": top}]}}
    return {"content": "7"}


def thinking(body: dict[str, Any]) -> bool:
    return bool(body.get("chat_template_kwargs", {}).get("enable_thinking", True))


def test_an_able_server_is_found_able(llm: Any) -> None:
    llm.reply = obedient
    llm.chunks = lambda _: [{"content": c} for c in "12345"]
    found = preflight(llm.url, "tiny")
    expected = Capabilities(llm.url, "tiny", None, 512, True, True, True, None, True, True, True, "none", None, ())
    assert found == expected


def test_a_server_that_ignores_constraints_is_found_out(llm: Any) -> None:
    llm.reply = lambda _: {"content": "Seven comes after six, of course!"}
    found = preflight(llm.url, "tiny")
    assert not found.json_schema
    assert not found.choice
    assert not found.choice_logprobs
    assert found.deterministic


def test_json_of_another_shape_does_not_count(llm: Any) -> None:
    llm.reply = lambda _: {"content": '{"answer": 7}'}
    assert not preflight(llm.url, "tiny").json_schema


def test_a_server_that_answers_differently_each_time_is_found_out(llm: Any) -> None:
    numbers = itertools.count()
    llm.reply = lambda _: {"content": str(next(numbers))}
    assert preflight(llm.url, "tiny").deterministic is False


@pytest.mark.parametrize("where", ["field", "tags"])
def test_where_thinking_comes_and_that_it_can_be_off(llm: Any, where: str) -> None:
    def reply(body: dict[str, Any]) -> dict[str, Any]:
        made = obedient(body)
        if thinking(body):
            if where == "field":
                made["reasoning"] = "hm"
            else:
                made["content"] = "hm</think>" + made["content"]
        return made

    llm.reply = reply
    found = preflight(llm.url, "tiny")
    assert (found.reasoning, found.thinking_switch) == (where, True)
    assert found.json_schema
    assert found.json_schema_thinking


def test_json_lost_in_the_thinking_field_is_found_out(llm: Any) -> None:
    def reply(body: dict[str, Any]) -> dict[str, Any]:
        made = obedient(body)
        if thinking(body):
            made = {"content": "", "reasoning": made["content"]}
        return made

    llm.reply = reply
    found = preflight(llm.url, "tiny")
    assert found.json_schema
    assert found.json_schema_thinking is False


def test_a_thought_too_long_for_the_probe_leaves_it_undecided(llm: Any) -> None:
    llm.reply = lambda body: {"content": "", "reasoning": "hm", "finish_reason": "length"}
    found = preflight(llm.url, "tiny")
    assert found.json_schema_thinking is None
    assert "undecided" in render(found)


def test_a_server_that_fails_every_question_is_described_all_the_same(llm: Any) -> None:
    llm.error = (500, "broken")
    llm.tokenizes = False
    found = preflight(llm.url, "tiny")
    assert not found.json_schema
    assert not found.streaming
    assert not found.choice
    assert "determinism" in dict(found.failures)
    assert "500" in render(found)


def test_answers_of_no_known_shape_are_survived(llm: Any) -> None:
    llm.reply = lambda _: {"content": None}
    found = preflight(llm.url, "tiny")
    assert not found.json_schema


def test_no_server_is_an_error() -> None:
    with pytest.raises(ServerUnavailable, match="no model server answers"):
        preflight("http://127.0.0.1:9/v1", "tiny")


def test_the_table_names_what_was_asked() -> None:
    table = render(Capabilities("http://x/v1", "tiny", "vLLM 1", 8192, json_schema=True))
    assert "8192 tokens" in table
    assert "does not apply" in table
    assert len({line.find("  ") for line in table.splitlines()}) >= 1
