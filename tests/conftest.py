"""Fixtures that several kinds of tests share: the real models, once per run.

`SECTORKIT_TEST_HOME` names a cache folder with models; by default the user's own is used, so that a second run
fetches nothing. Indexes, logs and servers of a test always live in its temporary folder.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from sectorkit.settings import Settings, default_home

if TYPE_CHECKING:
    from sectorkit.models.server import ModelServer
    from sectorkit.retrieval.embed import LocalEmbedder

for _name in [name for name in os.environ if name.startswith("SECTORKIT_") and name not in ("SECTORKIT_HOME",)]:
    del os.environ[_name]  # a user's settings must not decide what a test sees
os.environ.update(ANONYMIZED_TELEMETRY="False", GRADIO_ANALYTICS_ENABLED="False", HF_HUB_OFFLINE="1", DO_NOT_TRACK="1")


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
    from sectorkit.models.pull import pull
    from sectorkit.retrieval.embed import LocalEmbedder

    spec = find_model("minilm-l6-v2", "embedding")
    return LocalEmbedder(spec, _online(lambda: pull(spec, models_dir=session_settings.models_dir)))


@pytest.fixture(scope="session")
def llm_server(session_settings: Settings) -> Iterator[ModelServer]:
    """A real vLLM server with Qwen2.5-Coder-0.5B, for the whole run."""
    from sectorkit.models.catalogue import find_model
    from sectorkit.models.pull import pull
    from sectorkit.models.server import start_server

    spec = find_model("qwen2.5-coder-0.5b", "chat")
    model_dir = _online(lambda: pull(spec, models_dir=session_settings.models_dir))
    server = start_server(spec, model_dir, settings=session_settings)
    yield server
    server.stop()


def _online(fetch):  # type: ignore[no-untyped-def]
    """Fetching a model is the one thing that may leave the machine; nothing else in the tests does."""
    os.environ.pop("HF_HUB_OFFLINE", None)
    try:
        return fetch()
    finally:
        os.environ["HF_HUB_OFFLINE"] = "1"
