"""A server of a test's own, by vLLM's API: it picks letters, writes texts, embeds, is slow, goes away and comes back."""

from __future__ import annotations

import hashlib
import json
import math
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class FakeModel:
    """`picks` gives each option's probability, of the shown letters; `writes` a text; `seconds` is what an answer takes."""

    name: str = "fake-model"
    picks: Callable[[str, int], list[float]] = lambda prompt, count: by_hash(prompt, count)
    writes: Callable[[str], str] = lambda prompt: "NOT IN THE DOCUMENTS"
    finish: str = "stop"
    seconds: float = 0.0
    prompts: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}/v1"
        self._server: ThreadingHTTPServer | None = None

    def start(self) -> None:
        self._server = ThreadingHTTPServer(("127.0.0.1", self.port), _handler(self))
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def stop(self) -> None:
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    @property
    def here(self) -> bool:
        return self._server is not None

    def chat(self, body: dict[str, Any]) -> dict[str, Any]:
        """The completion of a request, with log-probabilities where it is held to a choice."""
        prompt = "\n".join(str(message["content"]) for message in body["messages"])
        time.sleep(self.seconds)
        self.prompts.append(prompt)
        options = (body.get("structured_outputs") or {}).get("choice")
        text, logprobs = self.writes(prompt), None
        if options:
            odds = self.picks(prompt, len(options))
            ranked = sorted(zip(options, odds, strict=True), key=lambda pair: -pair[1])
            text = ranked[0][0]
            listed = [{"token": o, "logprob": math.log(p), "bytes": list(o.encode())} for o, p in ranked]
            logprobs = {"content": [{**listed[0], "top_logprobs": listed}]}
        choice = {"index": 0, "finish_reason": self.finish, "logprobs": logprobs,
                  "message": {"role": "assistant", "content": text}}  # fmt: skip
        usage = {"prompt_tokens": len(prompt.split()), "completion_tokens": len(text.split()), "total_tokens": 0}
        return {
            "id": "1",
            "object": "chat.completion",
            "created": 0,
            "model": self.name,
            "choices": [choice],
            "usage": usage,
        }


def embedded(body: dict[str, Any]) -> dict[str, Any]:
    """Vectors of the length that the catalogue states for the model that is asked for."""
    from sectorkit.fakes import FakeEmbedder
    from sectorkit.models.catalogue import find_model

    fake = FakeEmbedder(dimension=find_model(body["model"], "embedding").dimension or 0)
    return {"data": [{"index": n, "embedding": v} for n, v in enumerate(fake.embed_documents(body["input"]))]}


def by_hash(prompt: str, count: int) -> list[float]:
    """Probabilities that only the prompt decides."""
    digest = hashlib.sha256(prompt.encode()).digest()
    weights = [1 + digest[n] for n in range(count)]
    return [weight / sum(weights) for weight in weights]


def _handler(fake: FakeModel) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: object) -> None:
            pass

        def do_GET(self) -> None:
            if self.path == "/version":
                self._say({"version": "0.0-fake"})
            else:
                self._say({"object": "list", "data": [{"id": fake.name, "object": "model", "max_model_len": 4096}]})

        def do_POST(self) -> None:
            if not fake.here:  # a connection that was open before it went away
                self.close_connection = True
                return
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            if self.path.endswith("/tokenize"):
                self._say({"count": 10, "max_model_len": 4096, "tokens": []})
            elif self.path.endswith("/chat/completions"):
                self._say(fake.chat(body))
            elif self.path.endswith("/embeddings"):
                self._say(embedded(body))
            else:
                self._say({"error": "not here"}, 404)

        def _say(self, answer: dict[str, Any], status: int = 200) -> None:
            raw = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(raw)))
            self.end_headers()
            self.wfile.write(raw)

    return Handler
