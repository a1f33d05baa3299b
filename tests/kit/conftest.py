"""Servers of a test's own: embeddings and reranking without a model, and the fake chat model, each at a fixed address.

All can go away and come back, so that the whole product runs here without torch and without a download.
"""

from __future__ import annotations

import importlib.util
import json
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from sectorkit.fakes import FakeEmbedder, FakeReranker
from sectorkit.models.catalogue import find_model

# The fake chat model stands in the conftest of the tests of models, which no other test can import by a name.
_spec = importlib.util.spec_from_file_location("fake_llm_server", Path(__file__).parent / "models" / "conftest.py")
assert _spec is not None
assert _spec.loader is not None
_fake_llm = sys.modules.setdefault(_spec.name, importlib.util.module_from_spec(_spec))
_spec.loader.exec_module(_fake_llm)


class LocalServer:
    """An HTTP server on a loopback port that stays the same over `stop` and `start`."""

    def __init__(self, handler: type[BaseHTTPRequestHandler]) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}/v1"
        self._handler = handler
        self._server: ThreadingHTTPServer | None = None

    def start(self) -> None:
        self._server = ThreadingHTTPServer(("127.0.0.1", self.port), self._handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def stop(self) -> None:
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None


@dataclass
class FakeEndpoint:
    """What stands behind one address. `reply` makes another body of the texts; while `go` is clear, requests wait."""

    server: Any = None
    reply: Callable[[list[str]], Any] | None = None
    status: int = 200
    go: threading.Event = field(default_factory=threading.Event)
    requests: list[dict[str, Any]] = field(default_factory=list)
    keys: list[str | None] = field(default_factory=list)

    @property
    def url(self) -> str:
        return str(self.server.url)


class FakeEmbeddings(FakeEndpoint):
    """`/v1/embeddings` by FakeEmbedder, of the length that the catalogue states for the model asked for."""

    def answer(self, body: dict[str, Any]) -> Any:
        texts = body["input"]
        if self.reply is not None:
            return self.reply(texts)
        dimension = find_model(body["model"], "embedding").dimension or 0
        vectors = FakeEmbedder(dimension=dimension).embed_documents(texts)
        # In reverse: the order of a row is its index and not its place.
        rows = [{"index": n, "embedding": vector, "object": "embedding"} for n, vector in enumerate(vectors)]
        return {"object": "list", "data": rows[::-1]}


class FakeReranking(FakeEndpoint):
    """`/v1/rerank` by FakeReranker, best first as servers have it.

    Like vLLM, it refuses a text of more than `longest` characters, unless it is told to cut it.
    """

    longest = 10_000

    def answer(self, body: dict[str, Any]) -> Any:
        texts = body["documents"]
        if self.reply is not None:
            return self.reply(texts)
        if max(map(len, texts)) > self.longest and body.get("truncate_prompt_tokens") != -1:
            return 400, {"error": {"message": "the maximum context length is exceeded"}}
        scores = FakeReranker().scores(body["query"], texts)
        rows = [{"index": n, "relevance_score": score, "document": texts[n]} for n, score in enumerate(scores)]
        return {"model": body["model"], "results": sorted(rows, key=lambda row: -float(row["relevance_score"]))}


def _handler(fake: FakeEmbeddings | FakeReranking) -> type[BaseHTTPRequestHandler]:
    """Answers a POST with what `fake.answer` makes of its body: bytes, JSON, or a status with JSON."""

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            fake.go.wait(20)
            fake.requests.append({"path": self.path, **body})
            fake.keys.append(self.headers.get("Authorization"))
            answer = fake.answer(body)
            status, answer = answer if isinstance(answer, tuple) else (fake.status, answer)
            raw = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(raw)))
            self.end_headers()
            self.wfile.write(raw)

    return Handler


@pytest.fixture
def embeddings() -> Iterator[FakeEmbeddings]:
    """A running embeddings server; name its `url` in SECTORKIT_EMBED_URL."""
    yield from _served(FakeEmbeddings())


@pytest.fixture
def reranking() -> Iterator[FakeReranking]:
    """A running rerank server; name its `url` in SECTORKIT_RERANK_URL, and any model."""
    yield from _served(FakeReranking())


def _served(fake: Any) -> Iterator[Any]:
    fake.go.set()
    fake.server = LocalServer(_handler(fake))
    fake.server.start()
    yield fake
    fake.go.set()
    fake.server.stop()


@dataclass
class ChatEndpoint:
    """The fake chat model at an address: `llm` is what it says, `start` and `stop` whether it is there."""

    llm: Any
    server: LocalServer

    @property
    def url(self) -> str:
        return self.server.url

    def says(self, text: str) -> None:
        """Stream `text`, in words, from now on."""
        words = text.split(" ")
        deltas = [{"content": word if n == 0 else f" {word}"} for n, word in enumerate(words)]
        self.llm.chunks = lambda body: deltas


@pytest.fixture
def chat_endpoint() -> Iterator[ChatEndpoint]:
    """A running chat server; name its `url` in SECTORKIT_LLM_URL."""
    llm = _fake_llm.FakeLLM(limit=4096)
    server = LocalServer(_fake_llm.handler(llm))
    server.start()
    yield ChatEndpoint(llm, server)
    server.stop()


_DOCUMENTS = {
    "waste.md": "# Waste ordinance\n\n## Article 3\n\nA bulky waste collection costs 35 VLM. It is booked by phone.\n",
    "noise.md": "# Noise ordinance\n\n## Article 4\n\nMusic must not exceed 45 dB(A) at night.\n",
    "parking.md": "# Règlement du stationnement\n\n## Article 9\n\nLa carte de résident coûte 84 VLM par an.\n",
    "metadata.toml": '["waste.md"]\nkind = "ordinance"\n["noise.md"]\nkind = "guidance"\nyear = 2021\n'
    '["parking.md"]\nlanguage = "fr"\n',
}


@dataclass(frozen=True)
class Ran:
    """One run of the command line."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    @property
    def said(self) -> list[str]:
        return [line for line in self.err.splitlines() if line.strip()]

    @property
    def refusal(self) -> str:
        """What a refused command says: one line on stderr, nothing on stdout, exit status 1."""
        assert (self.status, self.out) == (1, ""), self
        (line,) = self.said
        assert line.startswith("sectorkit: ")
        return line


@pytest.fixture
def docs(tmp_path: Path) -> Path:
    """A folder of three small documents, in English and French."""
    folder = tmp_path / "docs"
    folder.mkdir()
    for name, text in _DOCUMENTS.items():
        (folder / name).write_text(text, encoding="utf-8")
    return folder


@pytest.fixture
def run(
    tmp_path: Path, docs: Path, embeddings: FakeEmbeddings, chat_endpoint: ChatEndpoint,
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
) -> Callable[..., Ran]:  # fmt: skip
    """Runs `sectorkit` in this process, with both servers running; `DOCS` stands for `--docs` and a small folder."""
    from sectorkit.cli import main

    monkeypatch.chdir(tmp_path)  # away from a .env of the checkout
    for name, value in {
        "SECTORKIT_HOME": str(tmp_path / "home"), "SECTORKIT_EMBED_URL": embeddings.url,
        "SECTORKIT_EMBED_MODEL": "minilm-l6-v2", "SECTORKIT_LLM_URL": chat_endpoint.url,
        # The command line sets what is not set, and a test must leave no trace.
        "HF_HOME": str(tmp_path / "hub"), "GRADIO_TEMP_DIR": str(tmp_path), "HF_HUB_DISABLE_TELEMETRY": "1",
        "VLLM_NO_USAGE_STATS": "1", "LANGSMITH_TRACING": "false",
    }.items():  # fmt: skip
        monkeypatch.setenv(name, value)

    def run(*arguments: object) -> Ran:
        words: list[str] = []
        for argument in arguments:
            words += ["--docs", str(docs)] if argument == "DOCS" else [str(argument)]
        with pytest.raises(SystemExit) as ended:
            main(words)
        printed = capsys.readouterr()
        return Ran(int(ended.value.code or 0), printed.out, printed.err)

    return run
