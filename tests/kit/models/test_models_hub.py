"""The hub source, against a small hub on loopback that speaks the client's own protocol."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from sectorkit.errors import CorruptModel, PullError
from sectorkit.models.catalogue import ModelSpec, find_model
from sectorkit.models.hub import fetch_hub, hub_answers
from sectorkit.models.pull import pull, verify
from sectorkit.progress import silent

COMMIT = "c" * 40
WEIGHTS = b"w" * 5000
FILES = {
    "config.json": b"{}",
    "model.safetensors": WEIGHTS,
    "tokenizer.json": b"[]",
    "modeling_tiny.py": b"raise SystemExit",
    "pytorch_model.bin": b"pickle",
}
SPEC: ModelSpec = find_model("smollm2-135m").model_copy(
    update={"name": "tiny", "repo": "us/tiny", "revision": "main", "wheels": None, "size_gb": 0.001}
)


class FakeHub:
    """What a hub keeps, what it was asked for, and how it misbehaves."""

    def __init__(self) -> None:
        self.files = dict(FILES)
        self.asked: list[str] = []
        self.status = 200
        self.stated = {name: hashlib.sha256(data).hexdigest() for name, data in FILES.items()}
        self.url = ""

    def entry(self, name: str) -> dict[str, object]:
        data = self.files[name]
        found: dict[str, object] = {"size": len(data), "oid": "0" * 40, "blobId": "0" * 40}
        if name.endswith((".safetensors", ".bin")):
            found["lfs"] = {
                "oid": self.stated[name],
                "sha256": self.stated[name],
                "size": len(data),
                "pointerSize": 1,
            }
        return found


def handler(hub: FakeHub) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

        def do_HEAD(self) -> None:
            self.do_GET()

        def do_GET(self) -> None:
            path = urlsplit(self.path).path
            if hub.status != 200 and path != "/":
                return self.answer(hub.status, b"{}", {"X-Error-Code": "GatedRepo"})
            if path.startswith("/api/models/us/tiny/tree/"):
                rows = [{"type": "file", "path": n, **hub.entry(n)} for n in hub.files]
                return self.answer(200, json.dumps(rows).encode())
            if path.startswith("/api/models/us/tiny"):
                siblings = [{"rfilename": n, **hub.entry(n)} for n in hub.files]
                found = {"id": "us/tiny", "sha": COMMIT, "siblings": siblings, "private": False}
                return self.answer(200, json.dumps(found).encode())
            if "/resolve/" in path:
                name = path.split(f"/resolve/{COMMIT}/")[1]
                hub.asked.append(f"{self.command} {name}")
                tag = {
                    "ETag": f'"{hub.stated[name]}"',
                    "X-Repo-Commit": COMMIT,
                    "X-Linked-Etag": hub.stated[name],
                }
                return self.answer(200, hub.files[name], tag)
            return self.answer(200, b"a hub")

        def answer(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
            self.send_response(status)
            for key, value in {**(headers or {}), "Content-Length": str(len(body))}.items():
                self.send_header(key, value)
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

    return Handler


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeHub]:
    fake = FakeHub()
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler(fake))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    fake.url = f"http://127.0.0.1:{server.server_port}"
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    monkeypatch.delenv("HF_TOKEN", raising=False)
    monkeypatch.setenv("HF_ENDPOINT", fake.url)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
    yield fake
    server.shutdown()
    server.server_close()


def test_a_hub_that_answers_is_preferred_and_its_commit_recorded(hub: FakeHub, tmp_path: Path) -> None:
    assert hub_answers()
    folder = pull(SPEC, models_dir=tmp_path)
    manifest = verify(SPEC, models_dir=tmp_path)
    assert (manifest.source, manifest.revision) == ("hub:us/tiny", COMMIT)
    assert (folder / "model.safetensors").read_bytes() == WEIGHTS


def test_only_safe_files_are_fetched(hub: FakeHub, tmp_path: Path) -> None:
    folder = pull(SPEC, models_dir=tmp_path)
    wanted = {"config.json", "model.safetensors", "tokenizer.json"}
    assert {p.name for p in folder.rglob("*") if p.is_file()} == wanted | {"manifest.json"}
    assert not any("modeling_tiny" in asked or ".bin" in asked for asked in hub.asked)


def test_a_second_try_fetches_only_what_is_missing(hub: FakeHub, tmp_path: Path) -> None:
    fetch_hub(SPEC, work=tmp_path, progress=silent)
    (tmp_path / "hub" / "tokenizer.json").unlink()
    hub.asked.clear()
    fetch_hub(SPEC, work=tmp_path, progress=silent)
    assert "GET tokenizer.json" in hub.asked
    assert "GET model.safetensors" not in hub.asked


def test_weights_that_are_not_what_the_hub_states_are_refused(hub: FakeHub, tmp_path: Path) -> None:
    hub.stated["model.safetensors"] = "0" * 64
    with pytest.raises((CorruptModel, PullError)):
        pull(SPEC, models_dir=tmp_path)
    assert not (tmp_path / "tiny").exists()


def test_weights_that_are_not_what_the_catalogue_pins_are_refused(hub: FakeHub, tmp_path: Path) -> None:
    pinned = SPEC.model_copy(update={"sha256": {"model.safetensors": "1" * 64}})
    with pytest.raises(CorruptModel, match=r"model\.safetensors is damaged"):
        pull(pinned, models_dir=tmp_path)


def test_a_gated_model_says_what_to_do(hub: FakeHub, tmp_path: Path) -> None:
    hub.status = 403
    with pytest.raises(PullError, match="HF_TOKEN"):
        pull(SPEC, models_dir=tmp_path)


def test_a_repository_without_safetensors_is_refused(hub: FakeHub, tmp_path: Path) -> None:
    del hub.files["model.safetensors"]
    with pytest.raises(PullError, match="no safetensors"):
        pull(SPEC, models_dir=tmp_path)


def test_no_hub_is_found_out_quickly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    assert not hub_answers()


def test_offline_is_not_even_tried(hub: FakeHub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    assert not hub_answers()
