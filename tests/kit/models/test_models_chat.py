"""The chat client: thinking never in the content, errors that say what to do, counts from the server."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.messages import AIMessage, AIMessageChunk, HumanMessage
from pydantic import SecretStr

from sectorkit.errors import RequestError, ServerUnavailable, UnknownName
from sectorkit.models.chat import SectorChat, connect
from sectorkit.models.constraints import answer_choice, answer_schema, answer_thinking
from sectorkit.settings import Settings


def chat_of(llm: Any, **options: Any) -> SectorChat:
    return connect(Settings(llm_url=llm.url, answer_timeout=10), **{"max_retries": 0, **options})


def streamed(chat: Any) -> tuple[list[str], AIMessageChunk]:
    chunks = list(chat.stream("hi"))
    total = chunks[0]
    for chunk in chunks[1:]:
        total += chunk
    return [c.content for c in chunks if c.content], total


def deltas(text: str, size: int = 3) -> list[dict[str, Any]]:
    return [{"content": text[i : i + size]} for i in range(0, len(text), size)]


@pytest.mark.parametrize("field", ["reasoning", "reasoning_content"])
def test_thinking_in_a_field_of_its_own_is_kept_apart(llm: Any, field: str) -> None:
    llm.reply = lambda _: {"content": "7", field: "3 + 4"}
    message = chat_of(llm).invoke("hi")
    assert (message.content, message.additional_kwargs["reasoning"]) == ("7", "3 + 4")


@pytest.mark.parametrize("field", ["reasoning", "reasoning_content"])
def test_thinking_in_streamed_deltas_is_kept_apart(llm: Any, field: str) -> None:
    llm.chunks = lambda _: [{field: "3 "}, {field: "+ 4"}, {"content": "Se"}, {"content": "ven"}]
    contents, total = streamed(chat_of(llm))
    assert contents == ["Se", "ven"]
    assert total.additional_kwargs["reasoning"] == "3 + 4"


@pytest.mark.parametrize("tokenizes", [True, False])
@pytest.mark.parametrize("text", ["<think>3 + 4</think>\n\nSeven", "<think>3 + 4</think>Seven", "3 + 4</think>Seven"])
def test_thinking_in_tags_is_kept_apart_whole_and_streamed(llm: Any, text: str, tokenizes: bool) -> None:
    llm.tokenizes = tokenizes
    llm.prompt_end = "<|assistant|>" if text.startswith("<") else "<|assistant|><think>\n"
    llm.reply = lambda _: {"content": text}
    llm.chunks = lambda _: deltas(text)
    chat = chat_of(llm)
    whole = chat.invoke("hi")
    _, total = streamed(chat)
    for message in (whole, total):
        assert message.content == "Seven"
        assert message.additional_kwargs["reasoning"] == "3 + 4"


def test_an_asynchronous_stream_does_the_same(llm: Any) -> None:
    llm.chunks = lambda _: deltas("<think>3 + 4</think>Seven")

    async def ask() -> list[Any]:
        return [chunk async for chunk in chat_of(llm).astream("hi")]

    chunks = asyncio.run(ask())
    assert "".join(c.content for c in chunks) == "Seven"
    assert "".join(c.additional_kwargs.get("reasoning", "") for c in chunks) == "3 + 4"


def test_callbacks_hear_no_thinking(llm: Any) -> None:
    class Listener(BaseCallbackHandler):
        def __init__(self) -> None:
            self.heard = ""

        def on_llm_new_token(self, token: str, **_: Any) -> None:
            self.heard += token

    llm.chunks = lambda _: deltas("<think>3 + 4</think>Seven")
    listener = Listener()
    list(chat_of(llm).stream("hi", config={"callbacks": [listener]}))
    assert listener.heard == "Seven"


def test_text_streams_from_the_first_token_where_the_template_opens_no_thought(llm: Any) -> None:
    llm.chunks = lambda _: deltas("One two three")
    contents, _ = streamed(chat_of(llm))
    assert contents == ["One", " tw", "o t", "hre", "e"]


def test_where_the_template_opens_a_thought_the_first_words_are_not_taken_for_the_answer(llm: Any) -> None:
    llm.prompt_end = "<|assistant|><think>\n"
    llm.chunks = lambda _: deltas("3 + 4</think>Seven")
    chat = chat_of(llm)
    for _ in range(2):
        contents, total = streamed(chat)
        assert "".join(contents) == "Seven"
        assert total.additional_kwargs["reasoning"] == "3 + 4"


def test_a_template_that_misled_us_does_so_only_once(llm: Any) -> None:
    llm.chunks = lambda _: deltas("3 + 4</think>Seven")
    chat = chat_of(llm)
    assert "think>" not in "".join(streamed(chat)[0])
    assert "".join(streamed(chat)[0]) == "Seven"


def test_an_unknown_server_is_learned_from_its_first_answer_for_each_mode(llm: Any) -> None:
    llm.tokenizes = False
    llm.chunks = lambda body: deltas(
        "3 + 4</think>Seven" if body.get("chat_template_kwargs", {}).get("enable_thinking") else "Seven it is"
    )
    chat = chat_of(llm)
    held, _ = streamed(chat)
    assert held == ["Seven it is"]
    assert streamed(chat)[0] == ["Sev", "en ", "it ", "is"]
    thinking = chat.bind(**answer_thinking(True))
    for _ in range(2):
        contents, total = streamed(thinking)
        assert "".join(contents) == "Seven"
        assert total.additional_kwargs["reasoning"] == "3 + 4"


def test_thinking_is_not_sent_back_in_the_next_turn(llm: Any) -> None:
    llm.reply = lambda _: {"content": "7", "reasoning": "secret thought"}
    chat = chat_of(llm)
    first = chat.invoke("hi")
    chat.invoke([HumanMessage("hi"), first, HumanMessage("and?")])
    assert "secret thought" not in str(llm.requests[-1])


def test_usage_comes_with_a_stream(llm: Any) -> None:
    _, total = streamed(chat_of(llm))
    assert total.usage_metadata
    assert total.usage_metadata["output_tokens"] == 2
    assert llm.requests[-1]["stream_options"] == {"include_usage": True}


def test_a_schema_and_a_choice_travel_in_the_body(llm: Any) -> None:
    llm.finish = "length"
    chat = chat_of(llm)
    cut = chat.bind(**answer_schema({"type": "object"}, thinking=False)).invoke("hi")
    assert isinstance(cut, AIMessage)
    assert cut.response_metadata["finish_reason"] == "length"
    sent = llm.requests[-1]
    assert sent["response_format"]["json_schema"]["schema"] == {"type": "object"}
    assert sent["chat_template_kwargs"]["enable_thinking"] is False
    chat.bind(**answer_choice(["A", "B"], logprobs=2)).invoke("hi")
    sent = llm.requests[-1]
    assert sent["structured_outputs"] == {"choice": ["A", "B"]}
    assert sent["top_logprobs"] == 2


# ---- tokens and limits


def test_the_servers_own_limit_and_tokenizer_are_used(llm: Any) -> None:
    chat = chat_of(llm)
    assert chat.context_limit == 512
    assert chat.count_tokens("one two three") == 3
    assert chat.get_num_tokens_from_messages([HumanMessage("one two")]) == 2


def test_another_kind_of_server_gets_a_default_and_a_high_estimate(llm: Any) -> None:
    llm.limit, llm.tokenizes = None, False
    chat = chat_of(llm)
    assert chat.context_limit == 4096
    assert chat.count_tokens("one two three four") >= 4
    assert chat.count_tokens("合格证在哪里") >= 4
    assert chat.count_tokens([HumanMessage("one two")]) > chat.count_tokens("one two")


# ---- errors


def test_a_url_of_another_server_and_its_key_are_used(llm: Any) -> None:
    llm.key, llm.models = "k", ("a", "b")
    settings = Settings(llm_url=llm.url, llm_key=SecretStr("k"), llm_model="b")
    assert connect(settings).model_name == "b"
    assert connect(settings).invoke("hi").content == "Hello."
    assert "k" not in repr(connect(settings)).split("openai_api_key")[1][:30].replace("SecretStr", "")


def test_a_wrong_key_is_said(llm: Any) -> None:
    llm.key = "k"
    with pytest.raises(ServerUnavailable, match="SECTORKIT_LLM_KEY"):
        chat_of(llm)


def test_a_model_that_is_not_served_lists_those_that_are(llm: Any) -> None:
    with pytest.raises(UnknownName, match="known: tiny"):
        connect(Settings(llm_url=llm.url, llm_model="large"))


def test_nothing_at_the_url_says_how_to_start_one() -> None:
    with pytest.raises(ServerUnavailable, match="sectorkit models serve"):
        connect(Settings(llm_url="http://127.0.0.1:9/v1"))


def test_no_server_at_all_names_both_ways() -> None:
    with pytest.raises(ServerUnavailable, match=r"models serve.*SECTORKIT_LLM_URL"):
        connect(Settings(llm_url=None))


@pytest.mark.parametrize("how", ["whole", "stream", "async"])
def test_a_server_that_went_away_is_said(llm: Any, how: str) -> None:
    chat = chat_of(llm, base_url="http://127.0.0.1:9/v1")
    asked = {
        "whole": lambda: chat.invoke("hi"),
        "stream": lambda: list(chat.stream("hi")),
        "async": lambda: asyncio.run(chat.ainvoke("hi")),
    }
    with pytest.raises(ServerUnavailable, match="no model server answers"):
        asked[how]()


def test_a_server_killed_in_mid_answer_is_said(llm: Any) -> None:
    llm.break_after = 1
    with pytest.raises(ServerUnavailable):
        list(chat_of(llm).stream("hi"))


def test_a_prompt_that_is_too_long_is_a_bad_request(llm: Any) -> None:
    llm.error = (400, "This model's maximum context length is 512 tokens.")
    with pytest.raises(RequestError, match="longer than the model can read"):
        chat_of(llm).invoke("hi")


def test_a_failing_server_is_said(llm: Any) -> None:
    llm.error = (500, "engine died")
    with pytest.raises(ServerUnavailable, match="engine died"):
        chat_of(llm).invoke("hi")


def test_a_proxy_in_the_environment_has_no_say_on_loopback(llm: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    chat = chat_of(llm)
    assert chat.invoke("hi").content == "Hello."
    assert asyncio.run(chat.ainvoke("hi")).content == "Hello."
