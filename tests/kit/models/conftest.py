"""A small OpenAI-compatible server that answers what a test tells it to."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

Body = dict[str, Any]


@dataclass
class FakeLLM:
    """`reply` makes the assistant's message of a request's body; `chunks` its streamed deltas."""

    url: str = ""
    models: tuple[str, ...] = ("tiny",)
    limit: int | None = 512
    key: str | None = None
    reply: Callable[[Body], Body] = lambda body: {"content": "Hello."}
    chunks: Callable[[Body], list[Body]] = lambda body: [{"content": "Hel"}, {"content": "lo."}]
    finish: str = "stop"
    error: tuple[int, str] | None = None
    break_after: int | None = None
    tokenizes: bool = True
    prompt_end: str = "<|assistant|>"
    requests: list[Body] = field(default_factory=list)


def handler(llm: FakeLLM) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

        def send(self, status: int, body: Body) -> None:
            data = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def refused(self) -> bool:
            if llm.key and self.headers.get("Authorization") != f"Bearer {llm.key}":
                self.send(401, {"error": {"message": "bad key"}})
                return True
            return False

        def do_GET(self) -> None:
            if self.refused():
                return
            if self.path == "/v1/models":
                extra = {"max_model_len": llm.limit} if llm.limit else {}
                self.send(200, {"data": [{"id": m, **extra} for m in llm.models]})
            else:
                self.send(404, {"detail": "Not Found"})

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            if self.refused():
                return None
            if self.path == "/tokenize" and llm.tokenizes:
                text = body.get("prompt") or "".join(m["content"] for m in body["messages"])
                return self.send(200, {"count": len(text.split()), "tokens": list(range(20))})
            if self.path == "/detokenize" and llm.tokenizes:
                return self.send(200, {"prompt": llm.prompt_end})
            if self.path != "/v1/chat/completions":
                return self.send(404, {"detail": "Not Found"})
            llm.requests.append(body)
            if llm.error:
                return self.send(llm.error[0], {"error": {"message": llm.error[1], "code": llm.error[0]}})
            return self.stream(body) if body.get("stream") else self.whole(body)

        def whole(self, body: Body) -> None:
            made = llm.reply(body)
            extra = {k: made.pop(k) for k in ("logprobs", "finish_reason") if k in made}
            choice = {
                "index": 0,
                "message": {"role": "assistant", **made},
                "finish_reason": llm.finish,
                **extra,
            }
            usage = {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}
            self.send(200, {"id": "x", "model": "tiny", "choices": [choice], "usage": usage})

        def stream(self, body: Body) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/event-stream")
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            deltas = llm.chunks(body)
            for n, delta in enumerate(deltas):
                if llm.break_after == n:
                    self.connection.close()
                    return
                last = llm.finish if n == len(deltas) - 1 else None
                choice = {"index": 0, "delta": {"role": "assistant", **delta}, "finish_reason": last}
                self.event(json.dumps({"id": "x", "model": "tiny", "choices": [choice]}))
            usage = {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}
            self.event(json.dumps({"id": "x", "model": "tiny", "choices": [], "usage": usage}))
            self.event("[DONE]")
            self.wfile.write(b"0\r\n\r\n")

        def event(self, data: str) -> None:
            line = f"data: {data}\n\n".encode()
            self.wfile.write(f"{len(line):x}\r\n".encode() + line + b"\r\n")

    return Handler


@pytest.fixture
def llm() -> Iterator[FakeLLM]:
    fake = FakeLLM()
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler(fake))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    fake.url = f"http://127.0.0.1:{server.server_port}/v1"
    yield fake
    server.shutdown()
    server.server_close()
