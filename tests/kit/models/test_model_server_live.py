"""A real vLLM with a real model: the preflight, streaming in two languages, and constrained answers."""

from __future__ import annotations

import json

import pytest

from sectorkit.models.chat import connect
from sectorkit.models.constraints import answer_choice, answer_schema
from sectorkit.models.preflight import preflight, render
from sectorkit.models.server import ModelServer
from sectorkit.settings import Settings

pytestmark = pytest.mark.server


def test_the_preflight_finds_what_the_apps_need(llm_server: ModelServer) -> None:
    found = preflight(llm_server.url, llm_server.model)
    assert found.failures == ()
    assert found.engine
    assert found.engine.startswith("vLLM")
    assert found.context_limit == 8192
    assert found.json_schema
    assert found.choice
    assert found.choice_logprobs
    assert found.streaming
    assert found.deterministic
    assert found.tokenizer
    assert found.reasoning == "none"
    assert "8192" in render(found)


@pytest.mark.parametrize(
    ("question", "answer"),
    [("What is the capital of France? One sentence.", "Paris"), ("法国的首都是哪里？一句话。", "巴黎")],
)
def test_it_answers_in_the_language_of_the_question_and_streams(
    llm_server: ModelServer, question: str, answer: str
) -> None:
    chunks = list(connect(Settings(), server=llm_server, max_tokens=40).stream(question))
    text = "".join(str(chunk.content) for chunk in chunks)
    assert answer in text
    assert sum(bool(chunk.content) for chunk in chunks) > 3
    assert chunks[-1].usage_metadata or any(chunk.usage_metadata for chunk in chunks)


def test_an_answer_keeps_to_a_schema(llm_server: ModelServer) -> None:
    schema = {
        "type": "object",
        "properties": {"city": {"type": "string", "maxLength": 20}, "in_europe": {"type": "boolean"}},
        "required": ["city", "in_europe"],
        "additionalProperties": False,
    }
    chat = connect(Settings(), server=llm_server, max_tokens=60)
    answer = chat.bind(**answer_schema(schema)).invoke("What is the capital of France?")
    assert set(json.loads(str(answer.content))) == {"city", "in_europe"}


def test_a_choice_comes_with_its_probabilities(llm_server: ModelServer) -> None:
    chat = connect(Settings(), server=llm_server, max_tokens=4)
    answer = chat.bind(**answer_choice(["yes", "no"], logprobs=4)).invoke("Is Paris in France? yes or no?")
    assert answer.content in ("yes", "no")
    first = answer.response_metadata["logprobs"]["content"][0]
    assert len(first["top_logprobs"]) >= 2


def test_tokens_are_counted_as_the_model_counts_them(llm_server: ModelServer) -> None:
    chat = connect(Settings(), server=llm_server, max_tokens=1)
    question = "How many tokens are these?"
    answer = chat.invoke(question)
    from langchain_core.messages import HumanMessage

    assert answer.usage_metadata
    assert chat.count_tokens([HumanMessage(question)]) == answer.usage_metadata["input_tokens"]
