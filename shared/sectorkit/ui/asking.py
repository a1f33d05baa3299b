"""One question on the page: the runtime's events become views of what is shown, at a pace a browser can draw."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from sectorkit.answer import Answer, Delta, Done, Event, Request, Retrieved
from sectorkit.errors import RequestError, SectorkitError, StoreError
from sectorkit.runtime import Runtime, Stage
from sectorkit.ui import render, working
from sectorkit.verifying import WITHOUT_MODEL

_DRAW_EVERY = 0.1  # seconds between two drafts: faster than anyone reads, slow enough for a phone
_ALIVE_EVERY = 5.0  # seconds: proxies cut a stream that says nothing
_LOOK_EVERY = 0.4


@dataclass(frozen=True)
class View:
    """What is to be shown now; None leaves a part as it is. `busy` while more is to come."""

    work: str | None = None
    answer: str | None = None
    busy: bool = True


class Run:
    """One question being answered. `stop` ends it and keeps its draft; `drop` ends it without another view."""

    def __init__(self) -> None:
        self.ended = asyncio.Event()
        self.dropped = False

    def stop(self) -> None:
        self.ended.set()

    def drop(self) -> None:
        self.dropped = True
        self.ended.set()


async def ask(runtime: Runtime, app: str, question: str, run: Run) -> AsyncIterator[View]:
    """Views of one question, from the search to the verified answer. An expected error is shown, not raised."""
    ended: asyncio.Future[Any] = asyncio.ensure_future(run.ended.wait())
    text = ""
    try:
        if not question.strip():
            raise RequestError("Type a question first.")
        yield View(working.waiting("Searching the documents"), "")
        async for view in _until_searchable(runtime, app, ended):
            yield view
        writing, drawn = False, 0.0
        evidence: Retrieved | None = None
        async for event in _until(ended, runtime.stream(app, Request(question))):
            match event:
                case Retrieved():
                    evidence = event
                    if event.evidence and _state(runtime, "model").state == "ready":
                        yield View(working.reading(app, event.evidence))
                case Delta(text=piece):
                    text += piece
                    if not writing and evidence is not None:
                        writing = True
                        yield View(working.reading(app, evidence.evidence, writing=True))
                    if time.monotonic() - drawn >= _DRAW_EVERY:
                        drawn = time.monotonic()
                        yield View(answer=working.draft(text))
                case Done(answer=answer):
                    yield View("", render.answer(app, _for_now(answer, _state(runtime, "model"))), busy=False)
                    return
                case None:
                    yield View(answer=working.draft(text) if text else None)
        if not run.dropped:
            yield View("", working.draft(text, stopped=True), busy=False)
    except SectorkitError as error:
        yield View("", working.problem(_sentence(str(error))), busy=False)
    except Exception:  # a bug must not leave the page waiting for ever
        logging.getLogger(__name__).exception("a question failed")
        yield View("", working.problem("Something went wrong; the log says what. Ask again."), busy=False)
    finally:
        ended.cancel()


async def _until_searchable(runtime: Runtime, app: str, ended: asyncio.Future[Any]) -> AsyncIterator[View]:
    """Views while the app's documents are being opened; ends when they are, or when the run is ended."""
    while runtime.index(app) is None and not ended.done():
        stage = _state(runtime, "documents")
        if stage.state == "failed":
            raise StoreError(f"the documents could not be opened: {stage.message}")
        message = f"Your question waits for the documents: {stage.message or 'starting'}"
        yield View(working.waiting(message, stage.fraction))
        await asyncio.wait({ended}, timeout=_LOOK_EVERY)


async def _until(ended: asyncio.Future[Any], events: AsyncIterator[Event]) -> AsyncIterator[Event | None]:
    """The events until `ended`; None where nothing has happened for a while. Closes `events` in any case."""
    pending: asyncio.Task[Event] | None = None
    try:
        while not ended.done():
            pending = pending or asyncio.ensure_future(_next(events))
            both: list[asyncio.Future[Any]] = [pending, ended]
            await asyncio.wait(both, timeout=_ALIVE_EVERY, return_when=asyncio.FIRST_COMPLETED)
            if ended.done():
                return
            if not pending.done():
                yield None
                continue
            try:
                event = pending.result()
            except StopAsyncIteration:
                return
            finally:
                pending = None
            yield event
    finally:
        if pending is not None:
            pending.cancel()
            with suppress(asyncio.CancelledError, StopAsyncIteration, SectorkitError):
                await pending
        close = getattr(events, "aclose", None)
        if close is not None:
            await close()


async def _next(events: AsyncIterator[Event]) -> Event:
    return await anext(events)


def _state(runtime: Runtime, name: str) -> Stage:
    return next(stage for stage in runtime.stages() if stage.name == name)


def _for_now(answer: Answer, model: Stage) -> Answer:
    """Where the model is only being loaded, say that, and not that there is none."""
    if answer.reason != "model_unavailable" or model.state not in ("waiting", "working"):
        return answer
    again = "ask again for a written answer as soon as it is ready."
    if answer.verdict == "quoted":
        return replace(answer, notes=(*answer.notes, f"The model is still loading: {again}"))
    loading = f"The model is still loading. These are the passages that were found; {again}"
    return replace(answer, text=answer.text.replace(WITHOUT_MODEL, loading))


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]
