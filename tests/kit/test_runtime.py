"""The runtime with real threads, real stores and fake servers that come and go behind real HTTP."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from sectorkit.answer import Answer, Delta, Done, Event, Request, Retrieved
from sectorkit.app import SectorApp
from sectorkit.errors import StoreError, UnknownName
from sectorkit.fakes import FakeEmbedder
from sectorkit.parts import open_embedder, open_index
from sectorkit.runtime import Runtime, Stage
from sectorkit.settings import Settings

COST = Request("What does a bulky waste collection cost?")
PRICE = "A bulky waste collection costs 35 VLM."
Make = Callable[..., Runtime]


@pytest.fixture(autouse=True)
def _watched_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sectorkit.runtime._HEALTH_EVERY", 0.1)


@pytest.fixture
def settings(tmp_path: Path, embeddings: Any, chat_endpoint: Any) -> Settings:
    return Settings(
        home=tmp_path / "home", embed_url=embeddings.url, embed_model="minilm-l6-v2", llm_url=chat_endpoint.url
    )


@pytest.fixture
def app(docs: Path) -> SectorApp:
    return SectorApp("test", "Test", "", docs, "You answer.")


@pytest.fixture
def make(settings: Settings, app: SectorApp, embeddings: Any) -> Iterator[Make]:
    made: list[Runtime] = []

    def make(**options: Any) -> Runtime:
        made.append(Runtime(options.pop("settings", settings), [app], **options))
        return made[-1]

    yield make
    embeddings.go.set()
    for runtime in made:
        runtime.close()


def stage(runtime: Runtime, name: str) -> Stage:
    return next(stage for stage in runtime.stages() if stage.name == name)


def until(holds: Callable[[], bool], *, seconds: float = 15) -> bool:
    """Whether `holds` becomes true in time."""
    deadline = time.monotonic() + seconds
    while not holds() and time.monotonic() < deadline:
        time.sleep(0.01)
    return holds()


def events(runtime: Runtime, request: Request = COST) -> list[Event]:
    async def collect() -> list[Event]:
        return [event async for event in runtime.stream("test", request)]

    return asyncio.run(collect())


def ask(runtime: Runtime, request: Request = COST) -> Answer:
    done = events(runtime, request)[-1]
    assert isinstance(done, Done)
    return done.answer


# -- loading ------------------------------------------------------------------------------------------------------


def test_starting_returns_at_once_and_all_becomes_ready(make: Make, embeddings: Any) -> None:
    embeddings.go.clear()
    runtime = make()
    assert [s.state for s in runtime.stages()] == ["waiting", "waiting", "waiting"]
    began = time.monotonic()
    runtime.start()
    assert time.monotonic() - began < 2, "the embedder answers nobody yet"
    assert until(lambda: stage(runtime, "model").state == "ready"), "the model does not wait for the documents"
    assert stage(runtime, "documents").state == "working"
    embeddings.go.set()
    runtime.wait(timeout=20)
    assert [s.state for s in runtime.stages()] == ["ready", "ready", "off"]
    assert stage(runtime, "documents").message == "3 passages"
    assert stage(runtime, "model").message == "tiny"
    assert runtime.reports["test"].added == ("noise.md", "parking.md", "waste.md")


def test_progress_is_told_part_by_part(make: Make) -> None:
    told: list[str] = []
    runtime = make(progress=lambda message, fraction=None: told.append(message))
    runtime.start()
    runtime.wait(timeout=20)
    assert "documents: indexing waste.md" in told
    assert told.index("model: connecting") < told.index("model: tiny")


def test_a_document_that_cannot_be_read_is_counted(make: Make, docs: Path) -> None:
    (docs / "scan.pdf").write_bytes(b"%PDF-1.4 broken")
    runtime = make()
    runtime.start(model=False)
    runtime.wait("documents", timeout=20)
    assert stage(runtime, "documents").message == "3 passages; 1 documents could not be read"


def test_an_embedder_that_fails_shows_in_the_documents_stage(make: Make, embeddings: Any) -> None:
    embeddings.server.stop()
    runtime = make()
    runtime.start()
    with pytest.raises(StoreError, match=rf"documents: no embeddings from {embeddings.url}"):
        runtime.wait("documents", timeout=20)
    assert until(lambda: stage(runtime, "model").state == "ready"), "one part's failure is not the other's"


def test_waiting_ends_in_time_and_names_what_is_missing(make: Make, embeddings: Any) -> None:
    embeddings.go.clear()
    runtime = make()
    runtime.start(model=False)
    assert until(lambda: "indexing" in stage(runtime, "documents").message)
    with pytest.raises(StoreError, match="not ready after 0 s: indexing"):
        runtime.wait("documents", timeout=0.1)


def test_own_documents_leave_the_samples_index_alone(
    make: Make, settings: Settings, app: SectorApp, tmp_path: Path
) -> None:
    samples = make()
    samples.start(model=False)
    samples.wait("documents", timeout=20)
    samples.close()
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "own.md").write_text("# Own\n\nOur own words.\n")
    runtime = make(corpora={"test": tmp_path / "own"})
    runtime.start(model=False)
    runtime.wait("documents", timeout=20)
    index = runtime.index("test")
    assert index is not None
    assert [d.source for d in index.documents()] == ["own.md"]
    with_samples = open_index(settings, app, open_embedder(settings))
    assert len(with_samples.documents()) == 3
    with_samples.close()


@pytest.mark.parametrize("own", [False, True])
def test_the_samples_index_of_an_earlier_version_is_made_anew_and_that_of_own_documents_is_not(
    make: Make, app: SectorApp, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, own: bool
) -> None:
    app.vectors.touch()
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "own.md").write_text("# Own\n\nOur own words.\n")
    corpora = {"corpora": {"test": tmp_path / "own"}} if own else {}
    with monkeypatch.context() as earlier:
        earlier.setattr("sectorkit.retrieval.index.CHUNKING", "earlier-1")
        first = make(**corpora)
        first.start(model=False)
        first.wait("documents", timeout=20)
        first.close()
    runtime = make(**corpora)
    runtime.start(model=False)
    if own:
        with pytest.raises(StoreError, match="made with chunking earlier-1, and this is outline-2; make it anew"):
            runtime.wait("documents", timeout=20)
        return
    runtime.wait("documents", timeout=20)
    index = runtime.index("test")
    assert index is not None
    assert len(index.documents()) == 3


# -- asking -------------------------------------------------------------------------------------------------------


def test_a_question_gets_a_streamed_and_supported_answer(make: Make, chat_endpoint: Any) -> None:
    chat_endpoint.says(PRICE)
    runtime = make()
    runtime.start()
    runtime.wait(timeout=20)
    first, *pieces, done = events(runtime)
    assert isinstance(first, Retrieved)
    assert "".join(piece.text for piece in pieces if isinstance(piece, Delta)) == PRICE
    assert isinstance(done, Done)
    assert (done.answer.verdict, done.answer.text) == ("supported", f"{PRICE} [1]")


def test_a_question_asked_too_early_is_told_so(make: Make, embeddings: Any) -> None:
    embeddings.go.clear()
    runtime = make()
    with pytest.raises(StoreError, match="not ready yet: starting; try again"):
        ask(runtime)
    runtime.start()
    assert until(lambda: "indexing" in stage(runtime, "documents").message)
    assert runtime.index("test") is None
    with pytest.raises(StoreError, match=r"not ready yet: indexing .*\.md; try again"):
        ask(runtime)


def test_what_was_indexed_before_is_searched_while_the_rest_is_read(make: Make, embeddings: Any, docs: Path) -> None:
    first = make()
    first.start(model=False)
    first.wait("documents", timeout=20)
    first.close()
    (docs / "more.md").write_text("# More\n\nMore words.\n")
    embeddings.go.clear()
    runtime = make()
    runtime.start(model=False)
    assert until(lambda: runtime.index("test") is not None)
    index = runtime.index("test")
    assert index is not None
    assert index.search("bulky waste", 1, mode="lexical")[0].passage.metadata["source"] == "waste.md"
    assert stage(runtime, "documents").state == "working"


def test_an_unknown_app_is_refused_with_the_known_ones(make: Make) -> None:
    runtime = make()
    with pytest.raises(UnknownName, match="unknown app 'nowhere'; known: test"):
        runtime.index("nowhere")


def test_each_answer_is_one_line_of_the_audit_log(make: Make, settings: Settings, chat_endpoint: Any) -> None:
    chat_endpoint.says(PRICE)
    runtime = make()
    runtime.start()
    runtime.wait(timeout=20)
    answers = [ask(runtime), ask(runtime, Request("How loud may music be?"))]
    lines = (settings.logs_dir / "audit.jsonl").read_text().splitlines()
    assert [json.loads(line)["question"] for line in lines] == [answer.question for answer in answers]
    quiet = make(settings=settings.model_copy(update={"audit": False}))
    quiet.start()
    quiet.wait(timeout=20)
    ask(quiet)
    assert len((settings.logs_dir / "audit.jsonl").read_text().splitlines()) == 2


# -- closing ------------------------------------------------------------------------------------------------------


def test_closed_while_loading_it_goes_on_from_there_next_time(make: Make, embeddings: Any) -> None:
    embeddings.go.clear()
    runtime = make()
    runtime.start(model=False)
    assert until(lambda: "indexing" in stage(runtime, "documents").message)
    threading.Timer(0.2, embeddings.go.set).start()
    runtime.close()
    again = make()
    again.start(model=False)
    again.wait("documents", timeout=20)
    index = again.index("test")
    assert index is not None
    assert (len(index.documents()), index.check()) == (3, [])


def test_closing_stops_the_threads_whatever_they_do(make: Make, embeddings: Any, chat_endpoint: Any) -> None:
    chat_endpoint.server.stop()
    embeddings.go.clear()
    runtime = make()
    runtime.start()
    assert until(lambda: "indexing" in stage(runtime, "documents").message)
    assert [thread.is_alive() for thread in runtime._threads] == [True, True]
    threading.Timer(0.2, embeddings.go.set).start()
    runtime.close()
    assert [thread.is_alive() for thread in runtime._threads] == [False, False]
    assert runtime.chat is None
    runtime.close()


def test_a_question_that_was_stopped_is_in_the_log_with_what_was_shown(make: Make, settings: Settings) -> None:
    runtime = make()
    runtime.start()
    runtime.wait(timeout=20)

    async def stop_after_the_passages() -> None:
        stream = runtime.stream("test", COST)
        async for event in stream:
            if isinstance(event, Retrieved):
                break
        await stream.aclose()  # type: ignore[attr-defined]

    asyncio.run(stop_after_the_passages())
    (line,) = (settings.logs_dir / "audit.jsonl").read_text(encoding="utf-8").splitlines()
    entry = json.loads(line)
    assert (entry["question"], entry["reason"]) == (COST.question, "stopped")
    assert entry["shown"]
    assert entry["evidence"]


def test_what_is_in_can_be_searched_while_the_rest_is_read_and_the_reader_is_told(
    make: Make, embeddings: Any, docs: Path
) -> None:
    for n in range(120):
        (docs / f"many{n:03}.md").write_text(f"# Many {n}\n\nParagraph {n} about zoning.\n")
    released, batches = threading.Event(), 0

    def held_after_the_first_batch(texts: list[str]) -> Any:
        nonlocal batches
        if len(texts) > 26:  # documents, and no question
            batches += 1
            assert batches <= 2 or released.wait(30)
        vectors = FakeEmbedder(dimension=384).embed_documents(texts)
        return {"data": [{"index": n, "embedding": vector} for n, vector in enumerate(vectors)]}

    embeddings.reply = held_after_the_first_batch
    runtime = make()
    runtime.start(model=False)
    assert until(lambda: runtime.index("test") is not None, seconds=60)
    assert stage(runtime, "documents").state == "working"
    answer = ask(runtime, Request("zoning"))
    assert answer.hits
    assert any("still being read" in note for note in answer.notes)
    released.set()
    runtime.wait(timeout=60)
    assert not any("still being read" in note for note in ask(runtime, Request("zoning")).notes)


# -- the reranker -------------------------------------------------------------------------------------------------


@pytest.fixture
def reranked(settings: Settings, reranking: Any) -> Settings:
    return settings.model_copy(update={"rerank_model": "by-words", "rerank_url": reranking.url})


def test_without_a_reranker_the_state_says_so_and_nobody_waits(make: Make) -> None:
    runtime = make()
    runtime.start(model=False)
    runtime.wait(timeout=20)
    assert stage(runtime, "reranker").state == "off"
    assert "SECTORKIT_RERANK_MODEL" in stage(runtime, "reranker").message
    answer = ask(runtime)
    assert not any("reranker" in note for note in answer.notes)
    assert not any("reranked" in hit.ranks for hit in answer.hits)


def test_a_reranker_that_passes_its_check_is_used(make: Make, reranked: Settings) -> None:
    runtime = make(settings=reranked)
    runtime.start(model=False)
    runtime.wait(timeout=20)
    assert stage(runtime, "reranker").message == "reranked by by-words"
    answer = ask(runtime)
    assert answer.hits[0].passage.metadata["source"] == "waste.md"
    assert all("reranked" in hit.ranks for hit in answer.hits)
    assert not any("reranker" in note for note in answer.notes)


def test_a_reranker_that_ranks_nonsense_first_is_never_used_and_the_state_says_why(
    make: Make, reranked: Settings, reranking: Any
) -> None:
    reranking.reply = lambda texts: {"results": [{"index": n, "relevance_score": 0.5} for n in range(len(texts))]}
    runtime = make(settings=reranked)
    runtime.start(model=False)
    runtime.wait("documents", timeout=20)
    assert until(lambda: stage(runtime, "reranker").state == "failed")
    assert "by-words is refused: it scores every text 0.5" in stage(runtime, "reranker").message
    asked = len(reranking.requests)
    answer = ask(runtime)
    assert any("without the reranker, which is not available" in note for note in answer.notes)
    assert answer.hits
    assert len(reranking.requests) == asked


def test_a_reranker_that_comes_up_later_is_picked_up_and_may_go_again(
    make: Make, reranked: Settings, reranking: Any
) -> None:
    reranking.server.stop()
    runtime = make(settings=reranked)
    runtime.start(model=False)
    runtime.wait("documents", timeout=20)
    assert until(lambda: reranking.url in stage(runtime, "reranker").message)
    assert any("without the reranker" in note for note in ask(runtime).notes)
    reranking.server.start()
    assert until(lambda: stage(runtime, "reranker").state == "ready")
    assert not any("without the reranker" in note for note in ask(runtime).notes)
    reranking.server.stop()
    answer = ask(runtime)
    assert any("without the reranker: no scores from" in note for note in answer.notes)
    assert answer.hits[0].passage.metadata["source"] == "waste.md"
