"""A model endpoint that is away, comes, goes and changes: the runtime follows it, and search never stops."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from sectorkit.answer import Answer, Done, Request
from sectorkit.app import SectorApp
from sectorkit.errors import StoreError
from sectorkit.runtime import Runtime, Stage
from sectorkit.settings import Settings

COST = Request("What does a bulky waste collection cost?")
PRICE = "A bulky waste collection costs 35 VLM."


@dataclass
class Running:
    """A runtime whose documents are ready, and what a test asks of it."""

    runtime: Runtime

    @property
    def model(self) -> Stage:
        return self.runtime.stages()[1]

    def becomes(self, state: str, *, seconds: float = 15) -> bool:
        return until(lambda: self.model.state == state, seconds=seconds)

    def ask(self) -> Answer:
        async def last() -> Answer:
            async for event in self.runtime.stream("test", COST):
                if isinstance(event, Done):
                    return event.answer
            raise AssertionError("no Done")

        return asyncio.run(last())


def until(holds: Callable[[], bool], *, seconds: float = 15) -> bool:
    deadline = time.monotonic() + seconds
    while not holds() and time.monotonic() < deadline:
        time.sleep(0.01)
    return holds()


@pytest.fixture
def start(
    tmp_path: Path, docs: Path, embeddings: Any, chat_endpoint: Any, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[..., Running]]:
    """Starts a runtime on the endpoint as it is at that moment."""
    monkeypatch.setattr("sectorkit.runtime._HEALTH_EVERY", 0.1)
    chat_endpoint.says(PRICE)
    made: list[Runtime] = []

    def start(*, model: bool = True, **options: Any) -> Running:
        settings = Settings(home=tmp_path / "home", embed_url=embeddings.url, embed_model="minilm-l6-v2",
                            **{"llm_url": chat_endpoint.url, **options})  # fmt: skip
        made.append(Runtime(settings, [SectorApp("test", "Test", "", docs, "You answer.")]))
        made[-1].start(model=model)
        made[-1].wait("documents", timeout=20)
        return Running(made[-1])

    yield start
    for runtime in made:
        runtime.close()


Start = Callable[..., Running]


def test_while_the_model_is_away_questions_get_their_passages(start: Start, chat_endpoint: Any) -> None:
    chat_endpoint.server.stop()
    running = start()
    assert running.becomes("failed")
    assert chat_endpoint.url in running.model.message
    with pytest.raises(StoreError, match="model: no model server answers"):
        running.runtime.wait("model", timeout=5)
    answer = running.ask()
    assert (answer.verdict, answer.reason) == ("abstained", "model_unavailable")
    assert answer.hits[0].passage.metadata["source"] == "waste.md"


def test_a_model_that_comes_up_later_is_picked_up(start: Start, chat_endpoint: Any) -> None:
    chat_endpoint.server.stop()
    running = start()
    assert running.becomes("failed")
    chat_endpoint.server.start()
    assert running.becomes("ready")
    assert running.model.message == "tiny"
    assert running.ask().text == f"{PRICE} [1]"


def test_a_model_that_goes_away_is_missed_and_taken_back(start: Start, chat_endpoint: Any) -> None:
    running = start()
    assert until(lambda: running.runtime.capabilities is not None)
    chat_endpoint.server.stop()
    assert running.becomes("failed")
    assert running.runtime.chat is None
    assert running.ask().reason == "model_unavailable"
    chat_endpoint.server.start()
    assert running.becomes("ready")
    assert running.ask().verdict == "supported"


def test_a_model_that_fails_under_a_question_costs_only_its_answer(start: Start, chat_endpoint: Any) -> None:
    running = start()
    assert running.becomes("ready")
    chat_endpoint.llm.error = (500, "engine died")
    assert running.ask().reason == "model_unavailable"
    chat_endpoint.llm.error = None
    assert running.ask().verdict == "supported"


def test_without_a_model_wanted_none_is_asked(start: Start, chat_endpoint: Any) -> None:
    running = start(model=False)
    assert running.model.state == "off"
    running.runtime.wait(timeout=1)
    assert running.ask().reason == "model_unavailable"
    assert chat_endpoint.llm.requests == []


def test_what_the_server_can_do_is_found_out(start: Start) -> None:
    running = start()
    assert until(lambda: running.runtime.capabilities is not None)
    found = running.runtime.capabilities
    assert found is not None
    assert (found.model, found.context_limit, found.tokenizer, found.streaming) == ("tiny", 4096, True, True)


@pytest.mark.parametrize("early", [True, False], ids=["there at the start", "up later"])
def test_an_answer_keeps_to_the_servers_own_context(start: Start, chat_endpoint: Any, early: bool) -> None:
    chat_endpoint.llm.limit = 512
    if not early:
        chat_endpoint.server.stop()
    running = start()
    if not early:
        assert running.becomes("failed")
        chat_endpoint.server.start()
    assert running.becomes("ready")
    running.ask()
    asked = [body for body in chat_endpoint.llm.requests if "Passages:" in str(body["messages"])]
    assert asked[-1]["max_completion_tokens"] == 128, "a quarter of what the server reads"


def test_another_model_at_the_same_address_is_noticed(start: Start, chat_endpoint: Any) -> None:
    running = start()
    assert running.becomes("ready")
    chat_endpoint.llm.models = ("other",)
    assert until(lambda: running.model.message == "other", seconds=30)
    running.ask()
    assert chat_endpoint.llm.requests[-1]["model"] == "other"


class _Stumbles:
    """The list of models that a server serves; the second time that it is asked, the connection breaks."""

    asked = 0

    def __iter__(self) -> Iterator[str]:
        self.asked += 1
        if self.asked == 2:
            raise ConnectionAbortedError("a stumble, meant")
        return iter(("tiny",))


def test_a_server_that_stumbles_while_it_is_examined_is_ready_again(start: Start, chat_endpoint: Any) -> None:
    """The first listing is the connection's, the second the preflight's, the later ones the watch's."""
    chat_endpoint.llm.models = models = _Stumbles()
    running = start()
    assert until(lambda: models.asked >= 4)
    assert running.ask().verdict == "supported"
    assert running.becomes("ready", seconds=1), "it answers, so the page must not say that it failed"
