"""An index whose vectors are at a real Chroma server, which may go away and come back."""

from __future__ import annotations

import asyncio
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from sectorkit.answer import Request
from sectorkit.answering import answer
from sectorkit.app import SectorApp
from sectorkit.errors import StoreBroken
from sectorkit.fakes import FakeChat, FakeEmbedder
from sectorkit.retrieval.index import Index


class ChromaServer:
    """`chroma run` on a port of its own."""

    def __init__(self, folder: Path) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self._folder = folder

    def start(self) -> None:
        command = [Path(sys.executable).with_name("chroma"), "run", "--path", self._folder, "--host", "127.0.0.1"]
        self._process = subprocess.Popen([*command, "--port", str(self.port)], stdout=subprocess.DEVNULL)
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            try:
                if httpx.get(f"{self.url}/api/v2/heartbeat", trust_env=False).status_code == 200:
                    return
            except httpx.HTTPError:
                time.sleep(0.1)
        raise AssertionError("no Chroma server")

    def stop(self) -> None:
        self._process.kill()
        self._process.wait()

    def collections(self) -> int:
        import chromadb

        return chromadb.HttpClient("127.0.0.1", self.port).count_collections()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ChromaServer]:
    server = ChromaServer(tmp_path / "chroma")
    server.start()
    yield server
    server.stop()


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    folder = tmp_path / "corpus"
    folder.mkdir()
    (folder / "waste.md").write_text("# Waste ordinance\n\nA bulky waste collection costs 35 VLM.\n")
    (folder / "noise.md").write_text("# Noise ordinance\n\nMusic must not exceed 45 dB(A) at night.\n")
    return folder


@pytest.fixture
def opened(tmp_path: Path, server: ChromaServer) -> Iterator[Callable[[str], Index]]:
    made: list[Index] = []

    def open_(name: str) -> Index:
        made.append(Index.open(tmp_path / name, FakeEmbedder(), chroma_url=server.url))
        return made[-1]

    yield open_
    for index in made:
        index.close()


def first(index: Index, query: str, mode: str = "dense") -> str:
    return str(index.search(query, 1, mode=mode)[0].passage.metadata["source"])  # type: ignore[arg-type]


def test_two_indexes_share_a_server_and_nothing_else(
    opened: Callable[[str], Index], corpus: Path, server: ChromaServer
) -> None:
    one, two = opened("one"), opened("two")
    one.sync(corpus)
    (corpus / "waste.md").unlink()
    two.sync(corpus)
    assert first(one, "bulky waste collection") == "waste.md"
    assert first(two, "bulky waste collection") == "noise.md"
    assert one.check() == two.check() == []
    assert server.collections() == 2


def test_a_rebuild_leaves_no_old_collection_behind(
    opened: Callable[[str], Index], corpus: Path, tmp_path: Path, server: ChromaServer
) -> None:
    opened("one").sync(corpus)
    Index.rebuild(tmp_path / "one", FakeEmbedder(), corpus, chroma_url=server.url)
    assert server.collections() == 1
    again = opened("one")
    assert first(again, "bulky waste collection") == "waste.md"
    assert again.check() == []


def test_while_the_server_is_away_words_are_searched_and_the_reader_is_told(
    opened: Callable[[str], Index], corpus: Path, server: ChromaServer
) -> None:
    index = opened("one")
    index.sync(corpus)
    server.stop()
    with pytest.raises(StoreBroken, match=server.url):
        index.search("bulky waste", mode="dense")
    with pytest.raises(StoreBroken, match="SECTORKIT_CHROMA_URL"):
        index.sync(corpus)
    app = SectorApp("test", "Test", "", corpus, "You answer.")
    chat = FakeChat(replies=["A bulky waste collection costs 35 VLM."])
    got = asyncio.run(answer(app, Request("What does a bulky waste collection cost?"), index=index, chat=chat))
    assert got.verdict == "supported"
    assert any("words alone" in note for note in got.notes)
    server.start()
    assert first(index, "bulky waste collection") == "waste.md"
