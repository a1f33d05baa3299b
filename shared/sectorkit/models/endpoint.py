"""One OpenAI-compatible endpoint, asked without a chat client: its models, limits and tokenizer."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from sectorkit.errors import ServerUnavailable

DEFAULT_CONTEXT = 4096
_TEMPLATE_TOKENS = 8  # that a chat template puts around one message, about


@dataclass(frozen=True)
class Endpoint:
    """`url` ends where `/models` and `/chat/completions` begin, as a rule in /v1."""

    url: str
    key: str | None = None
    timeout: float = 10.0

    @property
    def root(self) -> str:
        """The server's own root, where vLLM keeps /health, /version and /tokenize."""
        return self.url.rstrip("/").removesuffix("/v1")

    @property
    def local(self) -> bool:
        """Whether it is this machine's loopback, which no proxy from the environment may stand before."""
        return is_loopback(self.url)

    def get(self, address: str) -> Any:
        return self._ask("GET", address, None)

    def post(self, address: str, body: dict[str, Any]) -> Any:
        return self._ask("POST", address, body)

    def _ask(self, method: str, address: str, body: dict[str, Any] | None) -> Any:
        """The JSON that it answers; ServerUnavailable where nothing does, or no JSON, or an error."""
        import httpx

        headers = {"Authorization": f"Bearer {self.key}"} if self.key else {}
        try:
            with httpx.Client(timeout=self.timeout, trust_env=not self.local, headers=headers) as client:
                response = client.request(method, address, json=body)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise ServerUnavailable(no_answer(self.url, str(error) or type(error).__name__)) from None
        if response.status_code in (401, 403):
            raise ServerUnavailable(f"{self.url} refuses the key; set SECTORKIT_LLM_KEY to one that it accepts")
        if response.status_code >= 400:
            raise ServerUnavailable(f"{address} answers {response.status_code}: {response.text[:300]}")
        try:
            return response.json()
        except ValueError:
            raise ServerUnavailable(f"{address} does not answer in JSON; is it an OpenAI-compatible server?") from None


def is_loopback(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def no_answer(url: str, why: str) -> str:
    """The text of a ServerUnavailable."""
    step = "start one: sectorkit models serve" if is_loopback(url) else "check SECTORKIT_LLM_URL and the network"
    return f"no model server answers at {url} ({why}); {step}"


def served_models(endpoint: Endpoint) -> dict[str, int | None]:
    """The models that it serves, each with its context limit in tokens where it says so (vLLM does)."""
    listed = endpoint.get(f"{endpoint.url.rstrip('/')}/models")
    try:
        return {str(entry["id"]): entry.get("max_model_len") for entry in listed["data"]}
    except (KeyError, TypeError, AttributeError):
        raise ServerUnavailable(f"{endpoint.url}/models lists no models; is it an OpenAI-compatible server?") from None


def context_limit(endpoint: Endpoint, model: str) -> int:
    """Tokens that prompt and answer share; 4096 where the server does not say."""
    return served_models(endpoint).get(model) or DEFAULT_CONTEXT


def count_tokens(endpoint: Endpoint, model: str, content: str | Sequence[dict[str, Any]]) -> int | None:
    """Tokens of a text or of chat messages by the server's own tokenizer; None where it has no /tokenize."""
    body: dict[str, Any] = {"model": model}
    body |= (
        {"prompt": content, "add_special_tokens": False} if isinstance(content, str) else {"messages": list(content)}
    )
    try:
        return int(endpoint.post(f"{endpoint.root}/tokenize", body)["count"])
    except (ServerUnavailable, KeyError, TypeError, ValueError):
        return None


def template_opens_thinking(endpoint: Endpoint, model: str) -> bool | None:
    """Whether some prompt of this model ends in `<think>`, so that answers begin inside a thought.

    Read off the templated prompt, with the template's switches for thinking unset and set; None where the
    server shows no prompts.
    """
    opens = False
    for switches in ({}, {"enable_thinking": True, "thinking": True}):
        body = {
            "model": model,
            "messages": [{"role": "user", "content": "?"}],
            "chat_template_kwargs": switches,
        }
        try:
            tokens = endpoint.post(f"{endpoint.root}/tokenize", body)["tokens"]
            text = endpoint.post(f"{endpoint.root}/detokenize", {"model": model, "tokens": tokens[-8:]})["prompt"]
        except (ServerUnavailable, KeyError, TypeError):
            return None
        opens = opens or str(text).rstrip().endswith("<think>")
    return opens


def estimate_tokens(content: str | Sequence[dict[str, Any]]) -> int:
    """Tokens without a tokenizer: rather too many, for English and for Chinese alike."""
    if not isinstance(content, str):
        return sum(estimate_tokens(str(message.get("content", ""))) + _TEMPLATE_TOKENS for message in content)
    return -(-len(content.encode("utf-8")) // 3)
