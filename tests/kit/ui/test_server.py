"""The HTTP routes, and the server around them."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pretend import HOSTILE, PretendRuntime, pretend_app
from starlette.testclient import TestClient

from sectorkit.errors import ConfigurationError
from sectorkit.runtime import Stage
from sectorkit.settings import Settings
from sectorkit.ui.server import Prefix, create_app, listen, serve
from sectorkit.ui.starting import Starting

LOUD = "How loud may a bar be at night?"


@pytest.fixture
def pretended() -> PretendRuntime:
    return PretendRuntime({"city": pretend_app("city")})


@pytest.fixture
def client(pretended: PretendRuntime) -> Iterator[TestClient]:
    with TestClient(create_app(pretended)) as client:  # type: ignore[arg-type]
        yield client


def test_health_is_served_whatever_is_loading(client: TestClient, pretended: PretendRuntime) -> None:
    pretended.model, pretended.searchable = Stage("model", "working", "loading", 0.4), False
    assert client.get("/healthz").json() == {"status": "ok"}
    state = client.get("/api/status").json()
    assert state["ready"] is False
    assert state["apps"]["city"]["searchable"] is False
    assert state["stages"][1] == {
        "name": "model",
        "state": "working",
        "message": "loading",
        "fraction": 0.4,
        "seconds": 0.0,
    }


def test_an_answer_is_json(client: TestClient) -> None:
    answer = client.post("/api/city/ask", json={"question": LOUD}).json()
    assert answer["verdict"] == "partial"
    assert answer["citations"][0]["quote"].startswith("The sound level of a bar")


@pytest.mark.parametrize(
    ("path", "body", "status", "words"),
    [
        ("/api/city/ask", {"question": "x" * 5000}, 400, "4,000 are the limit"),
        ("/api/nowhere/ask", {"question": LOUD}, 404, "unknown app 'nowhere'; known: city"),
        ("/api/city/ask", {"question": LOUD, "k": 0}, 422, "greater than or equal to 1"),
        ("/api/city/ask", {"q": LOUD}, 422, "question"),
    ],
)
def test_a_bad_request_is_told_why(
    client: TestClient, path: str, body: dict[str, Any], status: int, words: str
) -> None:
    response = client.post(path, json=body)
    assert response.status_code == status
    assert words in response.text


def test_before_the_documents_are_open_it_says_to_come_back(client: TestClient, pretended: PretendRuntime) -> None:
    pretended.searchable = False
    for response in (client.post("/api/city/ask", json={"question": LOUD}), client.get("/api/city/documents/a.md")):
        assert response.status_code == 503
        assert response.headers["retry-after"] == "2"
        assert "not ready yet" in response.json()["detail"]


def test_documents_by_name_as_json_and_as_a_page(client: TestClient) -> None:
    path = "city/documents/hostile%20%26%20co/%3Cb%3E%231%3F.html"
    document = client.get(f"/api/{path}").json()
    assert document["title"] == HOSTILE
    start = document["text"].index("forty")
    page = client.get(f"/documents/city/hostile%20%26%20co/%3Cb%3E%231%3F.html?start={start}&end={start + 5}")
    assert '<mark id="quote">forty</mark>' in page.text
    assert "<script" not in page.text
    assert page.headers["content-security-policy"].startswith("default-src 'none'")
    missing = client.get("/api/city/documents/../../etc/passwd")
    assert missing.status_code == 404
    assert client.get("/documents/city/none.md").status_code == 404


def test_the_page_names_no_other_host_and_forbids_asking_one(client: TestClient) -> None:
    response = client.get("/")
    assert "default-src 'self'" in response.headers["content-security-policy"]
    assert "http://" not in response.text.replace("http://testserver", "")
    assert "https://" not in response.text
    assert "Governance document search</h1>" in response.text
    assert response.headers["content-length"] == str(len(response.content))


def test_no_connection_is_held_open_by_an_idle_tab(client: TestClient) -> None:
    assert client.get("/config").json()["connect_heartbeat"] is False


@pytest.mark.parametrize("path", ["/healthz", "/city/healthz"], ids=["stripped", "passed on"])
def test_a_prefix_may_have_been_stripped_or_not(pretended: PretendRuntime, path: str) -> None:
    with TestClient(create_app(pretended, root_path="/city/")) as client:  # type: ignore[arg-type]
        assert client.get(path).json() == {"status": "ok"}


def test_a_prefix_is_no_mere_beginning_of_a_name() -> None:
    seen = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        seen.append((scope["path"], scope["root_path"]))

    prefixed: Any = Prefix(app, "city")
    for path in ("/city", "/city/x", "/citymap"):
        asyncio.run(prefixed({"type": "http", "path": path}, None, None))
    assert seen == [("/city", "/city"), ("/city/x", "/city"), ("/city/citymap", "/city")]


def test_a_taken_port_is_named_with_the_setting() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(ConfigurationError, match=rf"port {port} is in use.*SECTORKIT_PORT="):
            listen("127.0.0.1", port)


def test_an_address_of_another_machine_is_named_with_the_setting() -> None:
    with pytest.raises(ConfigurationError, match=r"203\.0\.113\.1.*SECTORKIT_HOST"):
        listen("203.0.113.1", 0)


def test_while_gradio_is_imported_there_is_a_page_already(pretended: PretendRuntime) -> None:
    go, built = threading.Event(), threading.Event()

    def build() -> Any:
        go.wait(10)
        return create_app(pretended)  # type: ignore[arg-type]

    starting = Starting(pretended, build, on_built=built.set, on_failed=lambda error: None)  # type: ignore[arg-type]
    with TestClient(starting) as client:
        assert client.get("/healthz").status_code == 200
        page = client.get("/")
        assert 'class="sk-ask sk-early"' in page.text
        assert "default-src 'self'" in page.headers["content-security-policy"]
        assert client.get("/ui/status/city").json()["page"] is False
        assert client.get("/ui/page.js").status_code == 200
        assert client.post("/api/city/ask", json={}).status_code == 503
        go.set()
        assert built.wait(30)
        assert client.get("/ui/status/city").json()["page"] is True
        assert "gradio_config" in client.get("/").text


def test_serving_tells_when_a_browser_can_open_it_and_when_all_is_there(
    pretended: PretendRuntime, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import uvicorn

    told: list[str] = []
    servers: list[uvicorn.Server] = []
    startup = uvicorn.Server.startup

    async def remembered(self: uvicorn.Server, sockets: Any = None) -> None:
        servers.append(self)
        await startup(self, sockets)

    monkeypatch.setattr(uvicorn.Server, "startup", remembered)

    def ready(url: str) -> None:
        told.append("ready")
        servers[0].should_exit = True

    def opened(url: str) -> None:
        told.append("open")
        threading.Thread(
            target=lambda: told.append(json.load(urllib.request.urlopen(f"{url}healthz"))["status"])
        ).start()

    serve(pretended, Settings(home=tmp_path, port=0), on_open=opened, on_ready=ready)  # type: ignore[arg-type]
    assert told == ["open", "ok", "ready"]


def test_a_page_that_cannot_be_built_ends_the_server_with_the_reason(
    pretended: PretendRuntime, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sectorkit.ui.page.build", lambda runtime: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        serve(pretended, Settings(home=tmp_path, port=0))  # type: ignore[arg-type]
