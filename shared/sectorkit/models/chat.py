"""The chat client: LangChain's ChatOpenAI, with thinking kept out of the text and errors that guide."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import openai
from langchain_core.callbacks import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage, convert_to_openai_messages
from langchain_core.outputs import ChatGenerationChunk, ChatResult
from langchain_openai import ChatOpenAI
from pydantic import PrivateAttr, SecretStr

from sectorkit.errors import RequestError, ServerUnavailable, UnknownName
from sectorkit.models import endpoint as ep
from sectorkit.models.server import ModelServer
from sectorkit.models.thinking import Split, ThinkSplitter, split_thinking
from sectorkit.settings import Settings


class SectorChat(ChatOpenAI):
    """ChatOpenAI whose messages hold only the answer; thinking is in `additional_kwargs["reasoning"]`.

    Raises ServerUnavailable where the server is away or breaks off, RequestError where a prompt is too long.
    """

    context_limit: int = ep.DEFAULT_CONTEXT
    """Tokens that prompt and answer share."""
    thinking_opened: bool | None = None
    """Whether the model's template writes `<think>` itself. None: found out from the first answer of each
    kind, which is then shown only once complete; False streams from the first token."""

    # By the template's switches, since a model may think in one request and not in the next.
    _opened: dict[str, bool] = PrivateAttr(default_factory=dict)
    _tokenizes: bool = PrivateAttr(default=True)

    @property
    def endpoint(self) -> ep.Endpoint:
        key = self.openai_api_key.get_secret_value() if isinstance(self.openai_api_key, SecretStr) else None
        return ep.Endpoint(str(self.openai_api_base), key)

    def count_tokens(self, content: str | Sequence[BaseMessage]) -> int:
        """Tokens of a text, or of messages in their template: the server's count, or a high estimate."""
        plain = content if isinstance(content, str) else _as_dicts(content)
        if self._tokenizes:
            counted = ep.count_tokens(self.endpoint, self.model_name, plain)
            if counted is not None:
                return counted
            self._tokenizes = False  # another kind of server: do not ask it again for each passage
        return ep.estimate_tokens(plain)

    def get_num_tokens(self, text: str) -> int:
        return self.count_tokens(text)  # LangChain's own would fetch another model's vocabulary from the net

    def get_num_tokens_from_messages(self, messages: Sequence[BaseMessage], *_: Any, **__: Any) -> int:
        return self.count_tokens(messages)

    def _create_chat_result(
        self, response: dict[str, Any] | openai.BaseModel, generation_info: dict[str, Any] | None = None
    ) -> ChatResult:
        result = super()._create_chat_result(response, generation_info)
        plain = response if isinstance(response, dict) else response.model_dump(warnings=False)
        for generation, choice in zip(result.generations, plain["choices"], strict=True):
            message = generation.message
            given = _given_reasoning(choice["message"])
            if not isinstance(message, AIMessage) or not isinstance(message.content, str):
                continue
            if given is not None:
                split = Split(message.content, given)
            else:
                split = split_thinking(
                    message.content,
                    opened=self.thinking_opened or None,  # a whole answer is judged as one: a stray end tag counts
                    finish_reason=choice.get("finish_reason"),
                )
            message.content = split.content
            generation.text = split.content
            if split.reasoning:
                message.additional_kwargs["reasoning"] = split.reasoning
        return result

    def _convert_chunk_to_generation_chunk(
        self, chunk: dict[str, Any], default_chunk_class: type, base_generation_info: dict[str, Any] | None
    ) -> ChatGenerationChunk | None:
        made = super()._convert_chunk_to_generation_chunk(chunk, default_chunk_class, base_generation_info)
        choices = chunk.get("choices") or (chunk.get("chunk") or {}).get("choices") or [{}]
        given = _given_reasoning(choices[0].get("delta") or {})
        if made is not None and given is not None:
            made.message.additional_kwargs["reasoning"] = given
        return made

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        with _clear_errors(str(self.openai_api_base)):
            return super()._generate(messages, stop, run_manager, **kwargs)

    async def _agenerate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        with _clear_errors(str(self.openai_api_base)):
            return await super()._agenerate(messages, stop, run_manager, **kwargs)

    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> Iterator[ChatGenerationChunk]:
        stream = _SplitStream(self, kwargs)
        with _clear_errors(str(self.openai_api_base)):
            # Without run_manager: callbacks hear of a token only once thinking is off it.
            for chunk in super()._stream(messages, stop, None, **kwargs):
                for piece in stream.feed(chunk):
                    if run_manager:
                        run_manager.on_llm_new_token(piece.text, chunk=piece)
                    yield piece
        for piece in stream.end():
            if run_manager:
                run_manager.on_llm_new_token(piece.text, chunk=piece)
            yield piece

    async def _astream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> AsyncIterator[ChatGenerationChunk]:
        stream = _SplitStream(self, kwargs)
        with _clear_errors(str(self.openai_api_base)):
            async for chunk in super()._astream(messages, stop, None, **kwargs):
                for piece in stream.feed(chunk):
                    if run_manager:
                        await run_manager.on_llm_new_token(piece.text, chunk=piece)
                    yield piece
        for piece in stream.end():
            if run_manager:
                await run_manager.on_llm_new_token(piece.text, chunk=piece)
            yield piece


class _SplitStream:
    """The chunks of one streamed answer, with thinking moved out of their text."""

    def __init__(self, chat: SectorChat, kwargs: dict[str, Any]) -> None:
        body = kwargs.get("extra_body") or chat.extra_body or {}
        self._kind = json.dumps(body.get("chat_template_kwargs"), sort_keys=True, default=str)
        self._known = chat._opened
        self._splitter = ThinkSplitter(self._known.get(self._kind, chat.thinking_opened))
        self._given = False
        self._finish: str | None = None

    def feed(self, chunk: ChatGenerationChunk) -> Iterator[ChatGenerationChunk]:
        message = chunk.message
        if not self._given and "reasoning" in message.additional_kwargs:
            self._given = True  # the server splits by itself: what it calls content is content
            yield from self._flush()
        self._finish = (chunk.generation_info or {}).get("finish_reason") or self._finish
        if not self._given and isinstance(message.content, str) and message.content:
            split = self._splitter.feed(message.content)
            message.content = split.content
            chunk.text = split.content
            if split.reasoning:
                message.additional_kwargs["reasoning"] = split.reasoning
        yield chunk

    def end(self) -> Iterator[ChatGenerationChunk]:
        yield from self._flush()
        if self._given:
            self._known[self._kind] = False
        elif self._splitter.closed_unopened:
            self._known[self._kind] = True
        elif self._finish == "stop":
            self._known[self._kind] = False

    def _flush(self) -> Iterator[ChatGenerationChunk]:
        rest = self._splitter.end(self._finish)
        if rest.content or rest.reasoning:
            extra = {"reasoning": rest.reasoning} if rest.reasoning else {}
            yield ChatGenerationChunk(message=AIMessageChunk(content=rest.content, additional_kwargs=extra))


def connect(settings: Settings, *, server: ModelServer | None = None, **options: Any) -> SectorChat:
    """A chat client of `server`, or of SECTORKIT_LLM_URL where none is given; `options` go to ChatOpenAI.

    ServerUnavailable where nothing answers; UnknownName where SECTORKIT_LLM_MODEL is not served there.
    """
    url: str
    key: str | None = None
    wanted: str | None
    if server is not None:
        url, wanted = server.url, server.model
    elif settings.llm_url:
        key = settings.llm_key.get_secret_value() if settings.llm_key else None
        url, wanted = settings.llm_url, settings.llm_model
    else:
        raise ServerUnavailable("no model server: start one (sectorkit models serve), or name one in SECTORKIT_LLM_URL")
    where = ep.Endpoint(url, key)
    served = ep.served_models(where)
    if wanted is not None and wanted not in served:
        raise UnknownName("model at " + url, wanted, list(served))
    if not served:
        raise ServerUnavailable(f"{url} serves no model; load one there, or start ours: sectorkit models serve")
    model = wanted or next(iter(served))
    given: dict[str, Any] = {
        "model": model,
        "base_url": url,
        "api_key": SecretStr(key or "none"),
        "temperature": 0.0,
        "timeout": settings.answer_timeout,
        "max_retries": 1,
        "stream_usage": True,
        "use_responses_api": False,
        "context_limit": served[model] or ep.DEFAULT_CONTEXT,
        # Text can stream from the first token where no template of the model's begins in a thought.
        "thinking_opened": False if ep.template_opens_thinking(where, model) is False else None,
    }
    if where.local:
        given["http_client"] = openai.DefaultHttpxClient(trust_env=False, timeout=settings.answer_timeout)
        given["http_async_client"] = openai.DefaultAsyncHttpxClient(trust_env=False, timeout=settings.answer_timeout)
    return SectorChat(**given | options)


def _given_reasoning(message: dict[str, Any]) -> str | None:
    """Thinking in a field of its own: `reasoning` in vLLM, `reasoning_content` before and elsewhere."""
    for field in ("reasoning", "reasoning_content"):
        if isinstance(message.get(field), str) and message[field]:
            return str(message[field])
    return None


def _as_dicts(messages: Sequence[BaseMessage]) -> list[dict[str, Any]]:
    converted = convert_to_openai_messages(list(messages))
    return converted if isinstance(converted, list) else [converted]


@contextmanager
def _clear_errors(url: str) -> Iterator[None]:
    try:
        yield
    except openai.APITimeoutError as error:
        raise ServerUnavailable(
            f"the model server at {url} did not answer in time; set SECTORKIT_ANSWER_TIMEOUT higher, or ask for less"
        ) from error
    except openai.APIConnectionError as error:
        raise ServerUnavailable(ep.no_answer(url, str(error.__cause__ or error))) from error
    except (openai.AuthenticationError, openai.PermissionDeniedError) as error:
        raise ServerUnavailable(f"{url} refuses the key; set SECTORKIT_LLM_KEY to one that it accepts") from error
    except openai.BadRequestError as error:
        if "context" in str(error).lower():
            raise RequestError(f"the prompt is longer than the model can read: {error.message}") from error
        raise RequestError(f"the model server at {url} refuses the request: {error.message}") from error
    except openai.RateLimitError as error:
        raise ServerUnavailable(f"the model server at {url} is busy: {error.message}; ask again later") from error
    except openai.APIStatusError as error:
        raise ServerUnavailable(f"the model server at {url} failed: {error.message}; see its log") from error
    except Exception as error:
        # Where a stream breaks off, the HTTP library's own error comes through, and which library that is
        # (httpx or its successor) differs between releases of the client.
        if not any(base.__name__ == "TransportError" for base in type(error).__mro__):
            raise
        raise ServerUnavailable(f"the model server at {url} stopped in mid-answer ({error}); ask again") from error
