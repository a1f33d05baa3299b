"""The pipeline on a real vLLM server with a small model: it answers, it reads the documents, it survives."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from sectorkit.answer import Answer, Delta, Done, Request
from sectorkit.answering import Limits, answer, stream
from sectorkit.app import SectorApp
from sectorkit.models.chat import SectorChat, connect
from sectorkit.retrieval.index import Index

if TYPE_CHECKING:
    from sectorkit.models.server import ModelServer
    from sectorkit.retrieval.embed import LocalEmbedder
    from sectorkit.settings import Settings

pytestmark = pytest.mark.server
LIMITS = Limits(context=4096, evidence=400, answer=60, declines=False)
QUESTION = "What is the fee for a bulky waste collection?"


def write(folder: Path, fee: int) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "waste.md").write_text(
        "# Waste ordinance\n\n## Article 3 Bulky waste\n\n"
        f"The fee for a bulky waste collection is {fee} VLM. A collection is booked by telephone.\n"
    )
    (folder / "noise.md").write_text("# Noise ordinance\n\n## Article 4\n\nMusic must not exceed 45 dB(A) at night.\n")
    return folder


@pytest.fixture
def app(tmp_path: Path) -> SectorApp:
    return SectorApp("test", "Test", "", tmp_path / "corpus", "You answer questions about documents.", max_passages=3)


@pytest.fixture
def index(tmp_path: Path, embedder: LocalEmbedder) -> Iterator[Index]:
    opened = Index.open(tmp_path / "index", embedder)
    opened.sync(write(tmp_path / "corpus", 35))
    yield opened
    opened.close()


@pytest.fixture
def chat(session_settings: Settings, llm_server: ModelServer) -> SectorChat:
    return connect(session_settings, server=llm_server)


def ask(app: SectorApp, index: Index, chat: SectorChat) -> Answer:
    return asyncio.run(answer(app, Request(QUESTION), index=index, chat=chat, limits=LIMITS))


def test_a_question_gets_a_cited_answer(app: SectorApp, index: Index, chat: SectorChat) -> None:
    got = ask(app, index, chat)
    assert got.verdict in ("supported", "partial")
    assert "35" in got.text
    assert got.citations[0].source == "waste.md"
    assert "35 VLM" in got.citations[0].quote
    assert got.model == "qwen2.5-coder-0.5b"
    assert got.usage["prompt"] > 50
    assert got.usage["completion"] > 3


def test_with_other_documents_the_same_question_gets_another_answer(
    app: SectorApp, index: Index, tmp_path: Path, session_settings: Settings, llm_server: ModelServer
) -> None:
    before = ask(app, index, connect(session_settings, server=llm_server))
    index.sync(write(tmp_path / "corpus", 90))
    after = ask(app, index, connect(session_settings, server=llm_server))
    assert "35" in before.text
    assert "90" not in before.text
    assert "90" in after.text
    assert "35" not in after.text


def test_the_text_is_streamed_while_it_is_written(app: SectorApp, index: Index, chat: SectorChat) -> None:
    async def collect() -> list[object]:
        return [e async for e in stream(app, Request(QUESTION), index=index, chat=chat, limits=LIMITS)]

    events = asyncio.run(collect())
    pieces = [event for event in events if isinstance(event, Delta)]
    assert len(pieces) > 5
    assert isinstance(events[-1], Done)


def test_a_server_that_is_killed_in_mid_answer_leaves_the_passages(
    app: SectorApp, index: Index, session_settings: Settings
) -> None:
    """A real vLLM of its own, killed with SIGKILL while it writes."""
    from sectorkit.models.catalogue import find_model
    from sectorkit.models.server import start_server

    spec = find_model("smollm2-135m", "chat")
    server = start_server(spec, session_settings.models_dir / spec.name, settings=session_settings)
    chat = connect(session_settings, server=server, extra_body={"min_tokens": 300})  # long enough to be interrupted

    async def ask_and_kill() -> Answer:
        killed = False
        async for event in stream(
            app, Request(QUESTION), index=index, chat=chat, limits=Limits(answer=512, declines=False)
        ):
            if isinstance(event, Delta) and not killed:
                killed = True
                os.kill(server.pid, signal.SIGKILL)
            if isinstance(event, Done):
                return event.answer
        raise AssertionError("no Done")

    try:
        got = asyncio.run(ask_and_kill())
    finally:
        server.stop()
    assert got.reason == "interrupted"
    assert got.hits[0].passage.metadata["source"] == "waste.md"
    assert any("ask again" in note or "no model server" in note for note in got.notes)


@pytest.mark.skipif(sys.platform != "linux", reason="network namespaces are Linux's")
@pytest.mark.timeout(900)  # it may have to wait for its turn among what was started ahead
def test_no_socket_leaves_the_machine_during_an_ask(ahead: Any) -> None:
    """`sectorkit ask`, its own vLLM server included, in a network that has no way out and counts who tries one.

    `tests/alone.py` does it.
    """
    done = ahead.results["alone"].result(timeout=800)
    if done.returncode == 77:
        if os.environ.get("CI"):
            pytest.fail("no right to make a network namespace; run CI as root")
        pytest.skip("no right to make a network namespace")
    assert done.stdout, done.stderr
    report = json.loads(done.stderr.strip().splitlines()[-1])
    got = json.loads(done.stdout)
    assert got["model"] == "smollm2-135m", "the model answered"
    assert got["hits"]
    assert report["status"] in (0, 3)
    assert report["attempts"] == {"OutNoRoutes": 0, "Ip6OutNoRoutes": 0}
