"""Fixtures that several kinds of tests share: the real models, once per run.

`SECTORKIT_HOME` names a cache folder with models; by default the user's own is used, so that a second run
fetches nothing. Indexes, logs and servers of a test always live in its temporary folder.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from concurrent.futures import Future
from pathlib import Path
from typing import TYPE_CHECKING

import hypothesis
import pytest

from sectorkit.settings import Settings, default_home

if TYPE_CHECKING:
    from sectorkit.models.server import ModelServer
    from sectorkit.retrieval.embed import LocalEmbedder
    from sectorkit.retrieval.index import Index

for _name in [name for name in os.environ if name.startswith("SECTORKIT_") and name not in ("SECTORKIT_HOME",)]:
    del os.environ[_name]  # a user's settings must not decide what a test sees
os.environ.update(ANONYMIZED_TELEMETRY="False", GRADIO_ANALYTICS_ENABLED="False", HF_HUB_OFFLINE="1", DO_NOT_TRACK="1")

hypothesis.settings.register_profile("sectorkit", deadline=None)  # a busy machine is no fault of what is tested
hypothesis.settings.load_profile("sectorkit")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Fast tests first: a broken unit shows before a server has started."""
    slow = ("embedder", "server", "browser")
    items.sort(key=lambda item: max((slow.index(m.name) + 1 for m in item.iter_markers() if m.name in slow), default=0))


@pytest.fixture(scope="session")
def models_home() -> Path:
    """The cache folder whose models the tests use."""
    return Path(os.environ.get("SECTORKIT_HOME") or default_home())


@pytest.fixture(scope="session")
def session_settings(models_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Settings with a home of this run's own, which shares the models of `models_home`."""
    home = tmp_path_factory.mktemp("home")
    (models_home / "models").mkdir(parents=True, exist_ok=True)
    (home / "models").symlink_to(models_home / "models")
    return Settings(home=home, embed_model="minilm-l6-v2", chat_model="qwen2.5-coder-0.5b")


@pytest.fixture(scope="session")
def embedder(session_settings: Settings) -> LocalEmbedder:
    """A real embedder: MiniLM, which is small."""
    from sectorkit.models.catalogue import find_model
    from sectorkit.retrieval.embed import LocalEmbedder

    return LocalEmbedder(find_model("minilm-l6-v2"), _pulled("minilm-l6-v2", session_settings))


@pytest.fixture(scope="module")
def index(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Index]:
    """The sample documents of the module's `APP`, with a fake embedder; a module with other documents has an index of its own."""
    from sectorkit.fakes import FakeEmbedder
    from sectorkit.retrieval.index import Index

    index = Index.open(tmp_path_factory.mktemp("index"), FakeEmbedder())
    index.sync(request.module.APP.corpus)
    yield index
    index.close()


class Ahead:
    """Commands that take minutes and little of the processor, run one after another beside the first tests.

    `results` holds what each gave back, by its name; a command that is not under way yet keeps its waiter waiting.
    """

    def __init__(self, commands: Mapping[str, list[str]], env: Mapping[str, str]) -> None:
        self.results: dict[str, Future[subprocess.CompletedProcess[str]]] = {name: Future() for name in commands}
        self._env = dict(os.environ) | dict(env)  # as it is now, whatever the tests do to theirs
        self._running: subprocess.Popen[str] | None = None
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(dict(commands),), daemon=True)
        self._thread.start()

    def _run(self, commands: dict[str, list[str]]) -> None:
        for name, command in commands.items():
            if self._ended.is_set():
                return
            pipe = subprocess.PIPE
            self._running = subprocess.Popen(
                command, env=self._env, stdout=pipe, stderr=pipe, text=True, encoding="utf-8"
            )
            out, err = self._running.communicate()
            self.results[name].set_result(subprocess.CompletedProcess(command, self._running.returncode, out, err))

    def end(self) -> None:
        """Interrupt what runs, as Ctrl-C would, and start nothing more."""
        self._ended.set()
        if self._running is not None and self._running.poll() is None:
            self._running.send_signal(signal.SIGINT)
        self._thread.join(timeout=60)


@pytest.fixture(scope="session", autouse=True)
def ahead(request: pytest.FixtureRequest, session_settings: Settings) -> Iterator[Ahead]:
    """The model servers that later tests take up, and `tests/alone.py`, where a test is to run that needs them."""
    from sectorkit.models.server import running_servers

    commands: dict[str, list[str]] = {}
    if any(item.get_closest_marker("server") for item in request.session.items):
        for name in ("qwen2.5-coder-0.5b", "smollm2-135m", "minilm-l6-v2"):
            _pulled(name, session_settings)
        serve = [str(Path(sys.executable).with_name("sectorkit")), "models", "serve", "--detach"]
        commands = {name: [*serve, name] for name in ("qwen2.5-coder-0.5b", "smollm2-135m", "minilm-l6-v2")}
        commands["alone"] = [
            sys.executable,
            str(Path(__file__).with_name("alone.py")),
            str(session_settings.models_dir),
        ]
    started = Ahead(commands, {"SECTORKIT_HOME": str(session_settings.home)})
    yield started
    started.end()
    for server in running_servers(session_settings):
        server.stop()


@pytest.fixture(scope="session")
def llm_server(session_settings: Settings, ahead: Ahead) -> ModelServer:
    """A real vLLM server with Qwen2.5-Coder-0.5B, for the whole run; it was started ahead, and is taken up."""
    return _taken_up("qwen2.5-coder-0.5b", session_settings)


@pytest.fixture(scope="session")
def rerank_server(session_settings: Settings, ahead: Ahead) -> ModelServer:
    """A real vLLM server that reranks: it scores with MiniLM, an embedding model, by cosine."""
    return _taken_up("minilm-l6-v2", session_settings)


def _taken_up(name: str, settings: Settings) -> ModelServer:
    from sectorkit.models.catalogue import find_model
    from sectorkit.models.server import start_server

    return start_server(find_model(name), settings.models_dir / name, settings=settings)


def _pulled(name: str, settings: Settings) -> Path:
    """The model's folder. Fetching a model is the one thing that may leave the machine; nothing else in the tests does."""
    from sectorkit.models.catalogue import find_model
    from sectorkit.models.pull import pull

    os.environ.pop("HF_HUB_OFFLINE", None)
    try:
        return pull(find_model(name), models_dir=settings.models_dir)
    finally:
        os.environ["HF_HUB_OFFLINE"] = "1"
