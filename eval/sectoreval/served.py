"""Served: the model that a run asks, behind its OpenAI-style server, and what is known of it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from sectorkit.errors import ConfigurationError
from sectorkit.models.catalogue import load_catalogue
from sectorkit.progress import Progress, silent
from sectorkit.settings import Settings

if TYPE_CHECKING:
    from inspect_ai.model import Model

    from sectorkit.models.preflight import Capabilities

PATIENCE = 600  # seconds for one call, in which it is tried again, ever later, where the server is away


@dataclass(frozen=True)
class Served:
    """`revision` and `sha256` are the catalogue's, and None for a model that only its server knows."""

    name: str
    url: str
    key: str | None
    capabilities: Capabilities
    revision: str | None = None
    sha256: str | None = None
    licence: str | None = None

    @property
    def context_limit(self) -> int:
        return self.capabilities.context_limit

    def to_dict(self) -> dict[str, Any]:
        """What a number depends on, in JSON form; no address and no key."""
        return {
            "name": self.name, "revision": self.revision, "sha256": self.sha256, "licence": self.licence,
            "engine": self.capabilities.engine, "context": self.context_limit,
        }  # fmt: skip


@contextmanager
def serve(settings: Settings, model: str | None, *, progress: Progress = silent) -> Iterator[Served]:
    """The model by its catalogue name on a server of our own, or by its name at SECTORKIT_LLM_URL.

    A server that was started for it is stopped at the end. Raises UnknownName, ServerStartError, ServerUnavailable,
    PullError, and ConfigurationError where the model cannot be held to a choice and report its probabilities.
    """
    from sectorkit.models.chat import connect
    from sectorkit.models.preflight import preflight
    from sectorkit.parts import start_chat_server

    server = None
    if settings.llm_url:
        settings = settings.model_copy(update={"llm_model": model or settings.llm_model})
    else:
        settings = settings.model_copy(update={"chat_model": model or settings.chat_model})
        server = start_chat_server(settings, progress=progress)
    try:
        chat = connect(settings, server=server)
        _reach_directly(chat.endpoint.url)
        progress("asking the model what it can do")
        found = preflight(chat.endpoint.url, chat.model_name, chat.endpoint.key)
        spec = load_catalogue(settings.home).get(chat.model_name)
        yield Served(
            chat.model_name, chat.endpoint.url, chat.endpoint.key, found,
            revision=spec.revision if spec else None, licence=spec.licence if spec else None,
            sha256=spec.wheels.sha256 if spec and spec.wheels else None,
        )  # fmt: skip
    finally:
        if server is not None and server.started_here:
            server.stop()


def inspect_model(served: Served | None, *, concurrency: int, seconds: float) -> Model:
    """The model as Inspect asks it; one that must never be asked where `served` is None."""
    from inspect_ai.model import GenerateConfig, get_model

    if served is None:
        return get_model("none/none")
    config = GenerateConfig(
        temperature=0.0, seed=0, max_connections=concurrency, timeout=PATIENCE, attempt_timeout=int(seconds)
    )
    return get_model(
        f"openai-api/sectorkit/{served.name}", base_url=served.url, api_key=served.key or "none", config=config
    )


def no_thinking(served: Served) -> dict[str, Any]:
    """The body that switches thinking off, for models that would think before they choose."""
    if served.capabilities.thinking_switch:
        return {"chat_template_kwargs": {"enable_thinking": False, "thinking": False}}
    return {}


def check_choices(served: Served) -> None:
    """ConfigurationError where the server cannot hold an answer to a list and report its probabilities."""
    found = served.capabilities
    if not (found.choice and found.choice_logprobs):
        why = "; ".join(f"{name}: {what}" for name, what in found.failures) or "it ignores the request"
        raise ConfigurationError(
            f"multiple choice needs constrained answers and their log-probabilities, and {served.url} does not give them "
            f"for {served.name} ({why}); serve it by vLLM: sectorkit models serve"
        )


def _reach_directly(url: str) -> None:
    """A proxy that the environment names must not stand before this machine's own server."""
    from sectorkit.models.endpoint import is_loopback

    if is_loopback(url):
        for name in ("NO_PROXY", "no_proxy"):
            hosts = [host for host in os.environ.get(name, "").split(",") if host]
            os.environ[name] = ",".join(dict.fromkeys([*hosts, str(urlsplit(url).hostname)]))
