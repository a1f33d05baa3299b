"""What a request can ask of the server besides its messages, as keywords for `chat.bind(...)`.

They travel in the request's body as they are: through LangChain's own `response_format` a truncated answer
would raise instead of coming back with its finish reason, and streaming would change its path.

    chat.bind(**answer_schema(Triage.model_json_schema()))
    chat.bind(**answer_choice(["A", "B", "C"], logprobs=5), max_tokens=1)
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


def answer_schema(schema: dict[str, Any], *, thinking: bool | None = None) -> dict[str, Any]:
    """The answer must be JSON of this schema, for any OpenAI-compatible server that knows schemas."""
    form = {"type": "json_schema", "json_schema": {"name": "answer", "schema": schema, "strict": True}}
    return {"extra_body": {"response_format": form, **_template(thinking)}}


def answer_choice(options: Sequence[str], *, logprobs: int = 0, thinking: bool | None = None) -> dict[str, Any]:
    """The answer must be one of `options` (vLLM); `logprobs`: alternatives to report for each token."""
    bound: dict[str, Any] = {"extra_body": {"structured_outputs": {"choice": list(options)}, **_template(thinking)}}
    if logprobs:
        bound |= {"logprobs": True, "top_logprobs": logprobs}
    return bound


def answer_thinking(thinking: bool) -> dict[str, Any]:
    """Think first, or not: for models whose template has that switch; others take no notice."""
    return {"extra_body": _template(thinking)}


def _template(thinking: bool | None) -> dict[str, Any]:
    # Qwen's templates call the switch enable_thinking, DeepSeek's thinking.
    switches = {"enable_thinking": thinking, "thinking": thinking}
    return {} if thinking is None else {"chat_template_kwargs": switches}
