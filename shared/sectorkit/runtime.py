"""Runtime: the parts of one running process, made in the background while a page is already open.

runtime = Runtime(settings, [load_app("governance_search")])
runtime.start()                       # returns at once
runtime.stages()                      # what is ready, what is being loaded and how far it is
async for event in runtime.stream("governance_search", Request("...")): ...
runtime.close()                       # stops what it started and nothing else
"""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import aclosing, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from sectorkit.answer import Answer, Done, Event, Request, Retrieved
from sectorkit.app import SectorApp
from sectorkit.errors import IndexBusy, SectorkitError, ServerUnavailable, StoreError, UnknownName
from sectorkit.parts import current_index, limits_for, open_embedder, open_reranker, start_chat_server
from sectorkit.progress import Progress, silent
from sectorkit.settings import Settings

if TYPE_CHECKING:
    from sectorkit.answering import Limits
    from sectorkit.models.chat import SectorChat
    from sectorkit.models.preflight import Capabilities
    from sectorkit.models.server import ModelServer
    from sectorkit.retrieval.embed import Embedder
    from sectorkit.retrieval.index import Index, SyncReport
    from sectorkit.retrieval.rerank import Reranker

StageName = Literal["documents", "model", "reranker"]
StageState = Literal["waiting", "working", "ready", "failed", "off"]
"""`off`: not wanted, so not waited for."""
_RESTARTS = 3
_HEALTH_EVERY = 3.0  # seconds


@dataclass(frozen=True)
class Stage:
    """How far one part is: `fraction` in [0, 1] where it is known; `message` is fit to show."""

    name: StageName
    state: StageState = "waiting"
    message: str = ""
    fraction: float | None = None
    seconds: float = 0.0


class Runtime:
    """Embedder, indexes and model of a process. All methods may be called from any thread."""

    def __init__(
        self, settings: Settings, apps: Sequence[SectorApp], *, corpora: Mapping[str, Path] | None = None,
        progress: Progress = silent,
    ) -> None:  # fmt: skip
        self.settings = settings
        self.apps = {app.name: app for app in apps}
        self.reports: dict[str, SyncReport] = {}
        self.capabilities: Capabilities | None = None
        self._corpora = dict(corpora or {})
        self._report = progress
        self._stages: dict[StageName, Stage] = {
            "documents": Stage("documents"), "model": Stage("model"), "reranker": Stage("reranker"),
        }  # fmt: skip
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self._threads: list[threading.Thread] = []
        self._began = time.monotonic()
        self._indexes: dict[str, Index] = {}
        self._embedder: Embedder | None = None
        self._embedding = threading.Event()  # set when the embedder is loaded
        self._reranker: Reranker | None = None
        self._chat: SectorChat | None = None
        self._limits: Limits | None = None
        self._server: ModelServer | None = None
        self._examined = False
        self._answering = 0

    # -- life -------------------------------------------------------------------------------------------------

    def start(self, *, model: bool = True) -> None:
        """Begin loading in the background and return at once; `model=False` leaves answers out."""
        self.start_documents()
        self.start_model(wanted=model)

    def start_documents(self) -> None:
        """Begin with the documents alone, and their reranker. Their libraries take seconds of this process to import."""
        self._begin("documents", self._keep_documents)
        if self.settings.rerank_model is None and self.settings.rerank_url is None:
            self._set("reranker", "off", "none; SECTORKIT_RERANK_MODEL names one")
        else:
            self._begin("reranker", self._keep_reranker)

    def start_model(self, *, wanted: bool = True) -> None:
        """Begin with the model alone: a process of its own, which takes the longest and burdens this one little."""
        if wanted:
            self._begin("model", self._keep_model)
        else:
            self._set("model", "off", "")

    def _begin(self, name: StageName, part: Callable[[], None]) -> None:
        thread = threading.Thread(target=self._guarded, args=(name, part), name=name, daemon=True)
        thread.start()
        self._threads.append(thread)

    def close(self) -> None:
        """Stop what was started here: the model server of this runtime, and no other."""
        self._closing.set()
        with self._lock:
            server, self._server, self._chat = self._server, None, None
        if server is not None and server.started_here:
            server.stop()
        for thread in self._threads:
            thread.join(timeout=30)
        for index in self._indexes.values():
            index.close()

    def stages(self) -> tuple[Stage, ...]:
        """A snapshot of all parts."""
        with self._lock:
            return tuple(self._stages.values())

    def wait(self, *names: StageName, timeout: float | None = None) -> None:
        """Block until these parts (by default all) are ready. Raises the failure's text as a StoreError."""
        deadline = None if timeout is None else time.monotonic() + timeout
        while True:
            stages = [stage for stage in self.stages() if not names or stage.name in names]
            for stage in stages:
                if stage.state == "failed":
                    raise StoreError(f"{stage.name}: {stage.message}")
            if all(stage.state in ("ready", "off") for stage in stages):
                return
            if deadline is not None and time.monotonic() > deadline:
                raise StoreError(f"not ready after {timeout:.0f} s: " + "; ".join(s.message for s in stages))
            time.sleep(0.05)

    # -- use --------------------------------------------------------------------------------------------------

    def index(self, app: str) -> Index | None:
        """The app's index, or None while it is not open yet."""
        if app not in self.apps:
            raise UnknownName("app", app, list(self.apps))
        return self._indexes.get(app)

    @property
    def chat(self) -> SectorChat | None:
        """The model's client, or None while the model is loading or away."""
        return self._chat

    @property
    def rules_chat(self) -> SectorChat | None:
        """The model's client where the model is large enough for rules that ask it (`Limits.rules`)."""
        return self._chat if self._limits is None or self._limits.rules else None

    async def stream(self, app: str, request: Request) -> AsyncIterator[Event]:
        """Events of one answer; see `answering.stream`. Raises StoreError while there is no index yet."""
        from sectorkit import answering

        index = self.index(app)
        if index is None:
            stage = self._stages["documents"]
            raise StoreError(f"the documents are not ready yet: {stage.message or 'starting'}; try again in a moment")
        limits = self._limits or answering.Limits(seconds=self.settings.answer_timeout)
        documents = self._stages["documents"]
        if documents.state == "working" and documents.fraction is not None:
            request = request.with_note(
                f"The documents are still being read ({documents.fraction:.0%}): an answer may stand in one that is not in yet."
            )
        reranker, ranking = self._reranker, self._stages["reranker"].state
        if reranker is None and ranking != "off":
            why = "not available; the status says why" if ranking == "failed" else "still being loaded"
            request = request.with_note(f"{answering.UNRANKED}, which is {why}.")
        events = answering.stream(
            self.apps[app], request, index=index, chat=self._chat, limits=limits, reranker=reranker
        )
        shown: Retrieved | None = None  # passages that somebody has seen, and that no line tells of yet
        self._answering += 1
        try:
            async with aclosing(events):  # type: ignore[type-var]  # an async generator
                async for event in events:
                    if isinstance(event, Retrieved):
                        shown = event
                    elif isinstance(event, Done):
                        shown = None
                        self._audit(app, event.answer)
                    yield event
        finally:
            self._answering -= 1
            if shown is not None:
                self._audit(app, _stopped(request, shown))

    def _audit(self, app: str, answer: Answer) -> None:
        from sectorkit import audit

        audit.answered(self.settings, self.apps[app], answer)

    # -- loading ----------------------------------------------------------------------------------------------

    def _set(self, name: StageName, state: StageState, message: str, fraction: float | None = None) -> None:
        with self._lock:
            known = self._stages[name]
            seconds = time.monotonic() - self._began if state != known.state else known.seconds
            self._stages[name] = replace(known, state=state, message=message, fraction=fraction, seconds=seconds)
        self._report(f"{name}: {message}", fraction)

    def _set_quietly(self, name: StageName, state: StageState, message: str, fraction: float | None = None) -> None:
        """`_set`, where that changes anything: what is watched is not told again and again."""
        known = self._stages[name]
        if (known.state, known.message) != (state, message):
            self._set(name, state, message, fraction)

    def _working(self, name: StageName) -> Progress:
        def progress(message: str, fraction: float | None = None) -> None:
            self._unless_closing(message)
            self._set(name, "working", message, fraction)

        return progress

    def _unless_closing(self, message: str, fraction: float | None = None) -> None:
        """A progress that tells nobody, and ends what was begun, a half-started model server too, once all is to end."""
        if self._closing.is_set():
            raise StoreError("stopped while loading")

    def _guarded(self, name: StageName, part: Callable[[], None]) -> None:
        """Run a part; whatever ends it is shown, since nobody waits for a thread's exception."""
        try:
            part()
        except SectorkitError as error:
            self._set(name, "failed", str(error))
        except Exception as error:
            self._set(name, "failed", f"a bug, please report it: {type(error).__name__}: {error}")
            raise

    def _keep_documents(self) -> None:
        """Bring the documents up to date; where the embedder is away, until it is back."""
        _let_others_first()
        while True:
            try:
                self._load_documents()
            except (ServerUnavailable, IndexBusy) as error:
                self._set_quietly("documents", "failed", str(error))
                if self._closing.wait(_HEALTH_EVERY):
                    return
            else:
                break
        self._compile_when_idle()

    def _compile_when_idle(self) -> None:
        """Make the embedder faster, for what is asked later and for later starts; a first start is slow enough as it is."""
        from sectorkit.retrieval.embed import LocalEmbedder

        while self._model_is_starting() or self._answering:
            if self._closing.wait(_HEALTH_EVERY):
                return
        if isinstance(self._embedder, LocalEmbedder):
            with suppress(StoreError):
                self._embedder.compile(self._unless_closing)

    def _model_is_starting(self) -> bool:
        return self._stages["model"].state in ("waiting", "working")

    def _keep_reranker(self) -> None:
        """Load and check the reranker; where its server is away, until it is back."""
        _let_others_first()
        while not self._embedding.wait(0.1):  # both may import torch, and two threads at once get in each other's way
            if self._closing.is_set():
                return
        while True:
            try:
                found = open_reranker(self.settings, progress=self._working("reranker"))
            except ServerUnavailable as error:
                self._set_quietly("reranker", "failed", str(error))
                if self._closing.wait(_HEALTH_EVERY):
                    return
            else:
                break
        assert found is not None
        self._reranker = found.reranker
        self._set("reranker", "ready", f"reranked by {found}", 1.0)

    def _load_documents(self) -> None:
        from sectorkit.retrieval.embed import LocalEmbedder

        progress = self._working("documents")
        progress("loading the embedding model")
        self._embedder = open_embedder(self.settings, progress=progress)
        if isinstance(self._embedder, LocalEmbedder):
            self._embedder.leave_a_core = self._model_is_starting
        self._embedding.set()
        passages, unread = 0, 0
        for name, app in self.apps.items():
            progress(f"opening the index of {app.title}")
            corpus = self._corpora.get(name)
            index = self._indexes.get(name) or current_index(
                self.settings, app, self._embedder, corpus=self._corpora.get(name), progress=progress
            )
            try:
                telling = self._searchable_meanwhile(name, index, progress)
                self.reports[name] = report = index.sync(corpus or app.corpus, progress=telling)
                unread += len(report.failed)
            except IndexBusy:
                if name not in self._indexes:
                    raise  # nothing is there yet, and another process is making it
            self._indexes[name] = index
            passages += len(index)
        self._embedder.embed_query("warm up")
        tail = f"; {unread} documents could not be read" if unread else ""
        self._set("documents", "ready", f"{passages} passages{tail}", 1.0)

    def _searchable_meanwhile(self, name: str, index: Index, progress: Progress) -> Progress:
        """`progress`, which also lets the index be searched as soon as anything is in it."""

        def look() -> None:
            if name not in self._indexes and len(index):
                self._indexes[name] = index

        def telling(message: str, fraction: float | None = None) -> None:
            progress(message, fraction)
            look()

        look()
        return telling

    def _keep_model(self) -> None:
        """Start or find the model, then watch it; one of our own that died is started again, a few times."""
        for attempt in range(1 + _RESTARTS):
            try:
                self._load_model()
            except SectorkitError as error:
                if self.settings.llm_url is None:
                    raise
                self._set("model", "failed", str(error))  # it may come back: watched below
            while not self._closing.wait(_HEALTH_EVERY):
                if self.settings.llm_url is not None:
                    self._watch_endpoint(self.settings.llm_url)
                elif self._server is None or not self._server.alive():
                    break
                if self._chat is not None and not self._examined and self._answering == 0:
                    self._examine(self._chat)
            if self._closing.is_set():
                return
            self._chat = None
            self._set("model", "working", f"the model server died; starting it again ({attempt + 1} of {_RESTARTS})")
        self._set("model", "failed", "the model server keeps dying; its log is at sectorkit models status")

    def _load_model(self) -> None:
        progress = self._working("model")
        server = None
        if self.settings.llm_url is None:
            server = start_chat_server(self.settings, progress=progress)
            with self._lock:
                if self._closing.is_set():
                    if server.started_here:
                        server.stop()
                    return
                self._server = server
        progress("connecting")
        chat = self._connect(server)
        self._set("model", "ready", chat.model_name, 1.0)

    def _examine(self, chat: SectorChat) -> None:
        """Find out what the server can do. When nobody waits for an answer: on a CPU it takes half a minute."""
        from sectorkit.models.preflight import preflight

        self._examined = True
        with suppress(SectorkitError):  # if the server is really away, the watch will see it
            self.capabilities = preflight(str(chat.openai_api_base), chat.model_name, key=_key(self.settings))

    def _watch_endpoint(self, url: str) -> None:
        """Follow somebody else's server: it may go, come back, and serve another model."""
        from sectorkit.models.endpoint import Endpoint, served_models

        try:
            chat = self._chat
            if chat is None or chat.model_name not in served_models(Endpoint(url, _key(self.settings))):
                chat = self._connect(None)
            self._set_quietly("model", "ready", chat.model_name, 1.0)
        except SectorkitError as error:
            self._chat = None
            self._set_quietly("model", "failed", str(error))

    def _connect(self, server: ModelServer | None) -> SectorChat:
        from sectorkit.models.chat import connect

        chat = connect(self.settings, server=server)
        self._limits = limits_for(self.settings, chat.model_name, chat.context_limit)
        self._chat, self._examined = chat, False
        return chat


def _stopped(request: Request, shown: Retrieved) -> Answer:
    """A question that was stopped or that failed after its passages were shown, as the audit log has it."""
    return Answer(
        request.question, "abstained", "", reason="stopped", hits=shown.hits, notes=shown.notes,
        evidence=tuple(e.hit.id for e in shown.evidence),
    )  # fmt: skip


def _let_others_first() -> None:
    """Lower this thread's priority, and that of the threads that it starts.

    What is indexed can be searched from the first documents on, and everybody waits for the model: on few cores, its
    loading and its answers go before the indexing.
    """
    if sys.platform == "linux":  # where a priority is a thread's own, and no process's
        with suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), 10)


def _key(settings: Settings) -> str | None:
    return settings.llm_key.get_secret_value() if settings.llm_key else None
