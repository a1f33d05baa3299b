"""Preflight: what a live server can really do, found by asking it. Documentation and engines disagree."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Literal

from sectorkit.errors import ServerUnavailable
from sectorkit.models import endpoint as ep
from sectorkit.models.thinking import split_thinking

_SCHEMA = {
    "type": "object",
    "properties": {"word": {"type": "string", "enum": ["seven", "eight"]}, "count": {"type": "integer"}},
    "required": ["word", "count"],
    "additionalProperties": False,
}
_THINKING_TOKENS = 1024  # a thought about one small question; longer ones leave the probe undecided


@dataclass(frozen=True)
class Capabilities:
    """What one server showed for one model. None: undecided, or it does not apply."""

    url: str
    model: str
    engine: str | None = None
    context_limit: int = ep.DEFAULT_CONTEXT
    tokenizer: bool = False
    """Counts tokens itself; otherwise counts are estimates."""
    streaming: bool = False
    json_schema: bool = False
    """An answer obeys a JSON schema, thinking off."""
    json_schema_thinking: bool | None = None
    """The same, thinking on; None for a model that does not think."""
    choice: bool = False
    """An answer can be held to a list of words."""
    choice_logprobs: bool = False
    """The probabilities of such words are reported."""
    deterministic: bool | None = None
    """The same request at temperature 0 gave the same text twice."""
    reasoning: Literal["field", "tags", "none"] = "none"
    """Where thinking comes: in a field of its own, in <think> tags, or not at all."""
    thinking_switch: bool | None = None
    """Thinking can be switched off for one request; None for a model that does not think."""
    failures: tuple[tuple[str, str], ...] = ()
    """(probe, what went wrong), for the probes that the server answered with an error."""


def preflight(url: str, model: str, key: str | None = None, *, timeout: float = 120.0) -> Capabilities:
    """Ask a live server for each thing that the apps use. About 6 s for a 0.5B on two CPU cores.

    ServerUnavailable where nothing answers at all; a probe that fails only leaves its capability out.
    """
    endpoint = ep.Endpoint(url, key, timeout)
    limit = ep.served_models(endpoint).get(model)
    found = Capabilities(url, model, context_limit=limit or ep.DEFAULT_CONTEXT)
    probes: tuple[tuple[str, Callable[[ep.Endpoint, Capabilities], Capabilities]], ...] = (
        ("engine", _engine),
        ("tokenizer", _tokenizer),
        ("reasoning", _reasoning),
        ("streaming", _streaming),
        ("JSON schema", _json_schema),
        ("JSON schema, thinking", _json_schema_thinking),
        ("choice", _choice),
        ("determinism", _determinism),
    )
    failures = []
    for name, probe in probes:
        try:
            found = probe(endpoint, found)
        except (ServerUnavailable, LookupError, TypeError, ValueError) as error:
            failures.append((name, f"{type(error).__name__}: {error}"[:300]))
    return replace(found, failures=tuple(failures))


def render(capabilities: Capabilities) -> str:
    """A small table of what was found."""
    c = capabilities
    rows = [
        ("server", f"{c.engine or 'unknown engine'} at {c.url}"),
        ("model", c.model),
        ("context limit", f"{c.context_limit} tokens"),
        ("token counts", "exact" if c.tokenizer else "estimated"),
        ("streaming", _say(c.streaming)),
        ("JSON schema", _say(c.json_schema)),
        ("JSON schema, thinking", _say(c.json_schema_thinking, c.reasoning)),
        ("constrained choice", _say(c.choice)),
        ("choice logprobs", _say(c.choice_logprobs)),
        ("same answer twice", _say(c.deterministic)),
        (
            "thinking",
            {"field": "split off by the server", "tags": "in the text, split here", "none": "no"}[c.reasoning],
        ),
        ("thinking can be off", _say(c.thinking_switch, c.reasoning)),
        *((f"! {name}", why) for name, why in c.failures),
    ]
    width = max(len(name) for name, _ in rows)
    return "\n".join(f"{name:<{width}}  {value}" for name, value in rows)


def _say(value: bool | None, reasoning: str | None = None) -> str:
    if value is None:
        return "does not apply" if reasoning == "none" else "undecided"
    return "yes" if value else "no"


def _ask(endpoint: ep.Endpoint, model: str, question: str, *, max_tokens: int, **body: Any) -> dict[str, Any]:
    """The first choice of a chat completion at temperature 0."""
    asked = {"model": model, "messages": [{"role": "user", "content": question}], "temperature": 0}
    answer = endpoint.post(f"{endpoint.url.rstrip('/')}/chat/completions", asked | {"max_tokens": max_tokens} | body)
    choice = answer["choices"][0]
    if not isinstance(choice, dict):
        raise TypeError("a choice that is no object")
    return choice


def _switch(on: bool) -> dict[str, Any]:
    return {"chat_template_kwargs": {"enable_thinking": on, "thinking": on}}


def _off(found: Capabilities) -> dict[str, Any]:
    return _switch(False) if found.thinking_switch else {}


def _parts(choice: dict[str, Any]) -> tuple[str, str, bool]:
    """(content, thinking, whether thinking had a field of its own)."""
    message = choice["message"]
    given = message.get("reasoning") or message.get("reasoning_content")
    if given:
        return message.get("content") or "", str(given), True
    split = split_thinking(message.get("content") or "", finish_reason=choice.get("finish_reason"))
    return split.content, split.reasoning, False


def _engine(endpoint: ep.Endpoint, found: Capabilities) -> Capabilities:
    try:
        return replace(found, engine=f"vLLM {endpoint.get(f'{endpoint.root}/version')['version']}")
    except (ServerUnavailable, LookupError, TypeError):
        return found  # another engine: its name is only for show


def _tokenizer(endpoint: ep.Endpoint, found: Capabilities) -> Capabilities:
    counted = ep.count_tokens(endpoint, found.model, [{"role": "user", "content": "one two three"}])
    return replace(found, tokenizer=counted is not None)


def _reasoning(endpoint: ep.Endpoint, found: Capabilities) -> Capabilities:
    question = "What is 3 + 4? Answer with the number."
    try:
        choice = _ask(endpoint, found.model, question, max_tokens=_THINKING_TOKENS, **_switch(True))
    except ServerUnavailable:  # a server that takes no such switch
        choice = _ask(endpoint, found.model, question, max_tokens=_THINKING_TOKENS)
    _, thought, own_field = _parts(choice)
    if not thought.strip():
        return found
    found = replace(found, reasoning="field" if own_field else "tags", thinking_switch=False)
    quiet = _ask(endpoint, found.model, question, max_tokens=_THINKING_TOKENS, **_switch(False))
    return replace(found, thinking_switch=not _parts(quiet)[1].strip())


def _streaming(endpoint: ep.Endpoint, found: Capabilities) -> Capabilities:
    import httpx

    headers = {"Authorization": f"Bearer {endpoint.key}"} if endpoint.key else {}
    question = [{"role": "user", "content": "Count from one to five."}]
    body: dict[str, Any] = {"model": found.model, "messages": question}
    body |= {"max_tokens": 16, "temperature": 0, "stream": True, **_off(found)}
    pieces = 0
    try:
        with (
            httpx.Client(timeout=endpoint.timeout, trust_env=not endpoint.local, headers=headers) as client,
            client.stream("POST", f"{endpoint.url.rstrip('/')}/chat/completions", json=body) as response,
        ):
            for line in response.iter_lines():
                pieces += line.startswith("data:") and "[DONE]" not in line
    except httpx.HTTPError as error:
        raise ServerUnavailable(str(error) or type(error).__name__) from None
    return replace(found, streaming=pieces > 2)


def _schema_kept(endpoint: ep.Endpoint, found: Capabilities, *, max_tokens: int, **body: Any) -> bool | None:
    form = {"type": "json_schema", "json_schema": {"name": "probe", "schema": _SCHEMA, "strict": True}}
    # Without the constraint a model would say a sentence: prose that comes back shows that nothing held it.
    question = "Tell me in one friendly sentence which number comes after six."
    choice = _ask(endpoint, found.model, question, max_tokens=max_tokens, response_format=form, **body)
    content, _, _ = _parts(choice)
    if choice.get("finish_reason") == "length" and not content.strip():
        return None
    try:
        value = json.loads(content)
    except ValueError:
        return False
    return (
        isinstance(value, dict)
        and set(value) == {"word", "count"}
        and value["word"] in ("seven", "eight")
        and type(value["count"]) is int
    )


def _json_schema(endpoint: ep.Endpoint, found: Capabilities) -> Capabilities:
    tokens = _THINKING_TOKENS if found.reasoning != "none" and not found.thinking_switch else 64
    return replace(found, json_schema=bool(_schema_kept(endpoint, found, max_tokens=tokens, **_off(found))))


def _json_schema_thinking(endpoint: ep.Endpoint, found: Capabilities) -> Capabilities:
    if found.reasoning == "none":
        return found
    body = _switch(True) if found.thinking_switch else {}
    kept = _schema_kept(endpoint, found, max_tokens=2 * _THINKING_TOKENS, **body)
    return replace(found, json_schema_thinking=kept)


def _choice(endpoint: ep.Endpoint, found: Capabilities) -> Capabilities:
    options = ["maybe", "perhaps"]
    choice = _ask(
        endpoint,
        found.model,
        "Is water wet? Say yes or no.",
        max_tokens=8 if found.reasoning == "none" or found.thinking_switch else _THINKING_TOKENS,
        structured_outputs={"choice": options},
        logprobs=True,
        top_logprobs=4,
        **_off(found),
    )
    listed = (choice.get("logprobs") or {}).get("content") or []
    reported = bool(listed) and len(listed[0].get("top_logprobs") or []) >= len(options)
    held = _parts(choice)[0].strip() in options
    return replace(found, choice=held, choice_logprobs=held and reported)


def _determinism(endpoint: ep.Endpoint, found: Capabilities) -> Capabilities:
    question = "Write one sentence about the sea."
    texts = {
        _ask(endpoint, found.model, question, max_tokens=24, seed=7, **_off(found))["message"].get("content")
        for _ in range(2)
    }
    return replace(found, deterministic=len(texts) == 1)
