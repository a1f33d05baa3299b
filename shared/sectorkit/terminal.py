"""What the command line prints for search, ask and index: to a person in colour, to a program as JSON."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, SpinnerColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.progress import Progress as Bar

from sectorkit.answer import Delta, Done, Request, Retrieved
from sectorkit.app import SectorApp, load_app
from sectorkit.errors import ConfigurationError, IndexBusy, SectorkitError, StoreError
from sectorkit.models.catalogue import chosen_chat
from sectorkit.parts import (
    current_index,
    limits_for,
    open_embedder,
    open_index,
    open_reranker,
    rebuild_index,
    start_chat_server,
)
from sectorkit.progress import Progress

if TYPE_CHECKING:
    from sectorkit.answer import Answer
    from sectorkit.retrieval.index import Index, SyncReport
    from sectorkit.retrieval.rerank import Reranker
    from sectorkit.settings import Settings

# Without emoji codes: 1:100:200 in a quote is no picture.
_LINE_SECONDS = 10
out = Console(highlight=False, emoji=False, soft_wrap=not sys.stdout.isatty())
err = Console(stderr=True, highlight=False, emoji=False)


@contextmanager
def progress_bar(label: str) -> Iterator[Progress]:
    """A progress bar on stderr, so that stdout stays clean; where that is a file, a line from time to time."""
    if not err.is_terminal:
        yield _Lines()
        return
    columns = (
        SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn(),
        TextColumn("left"), TimeRemainingColumn(),
    )  # fmt: skip
    with Bar(*columns, console=err, transient=True) as bar:
        task = bar.add_task(label, total=None)

        def progress(message: str, fraction: float | None = None) -> None:
            total = None if fraction is None else 1.0
            bar.update(task, description=escape(message[:70]), completed=fraction or 0.0, total=total)

        yield progress


class _Lines:
    """Progress for a log: what is done every ten seconds, and nothing of work that takes less."""

    def __init__(self) -> None:
        self._said = time.monotonic()

    def __call__(self, message: str, fraction: float | None = None) -> None:
        now = time.monotonic()
        if now - self._said >= _LINE_SECONDS:
            self._said = now
            share = "" if fraction is None else f" ({fraction:.0%})"
            err.print(f"{datetime.now():%H:%M:%S} {escape(message)}{share}", soft_wrap=True)


@contextmanager
def _ready_index(settings: Settings, app: SectorApp, docs: Path | None) -> Iterator[Index]:
    """The app's index, synced: an empty one would find nothing, and a stale one would mislead."""
    with progress_bar("starting") as progress:
        embedder = open_embedder(settings, progress=progress)
        index = current_index(settings, app, embedder, corpus=docs, progress=progress)
        try:
            _warn(index.sync(docs or app.corpus, progress=progress))
        except IndexBusy as busy:
            if not len(index):
                raise
            err.print(f"[yellow]not brought up to date:[/] {escape(str(busy))}")
    try:
        yield index
    finally:
        index.close()


def needed_reranker(settings: Settings, progress: Progress) -> Reranker:
    """The reranker for `--mode reranked`. Raises ConfigurationError where there is none, or one that is refused."""
    from sectorkit.retrieval.rerank import MISSING

    found = open_reranker(settings, progress=progress)
    if found is None:
        raise ConfigurationError(MISSING)
    if found.weak_in:
        err.print(f"[yellow]reranker:[/] {escape(str(found))}")
    return found.reranker


def _warn(report: SyncReport) -> None:
    for source, reason in report.failed.items():
        err.print(f"[yellow]not indexed:[/] {escape(source)}: {escape(reason)}")


def sync(settings: Settings, name: str, *, docs: Path | None, rebuild: bool, as_json: bool) -> int:
    """Bring an index up to date and report per file; exit status 1 where a document failed."""
    app = load_app(name)
    with progress_bar("starting") as progress:
        many = docs is not None or not app.vectors.exists()
        embedder = open_embedder(settings, progress=progress, many=many)
        if rebuild:
            report = rebuild_index(settings, app, embedder, corpus=docs, progress=progress)
        else:
            with closing(current_index(settings, app, embedder, corpus=docs, progress=progress)) as index:
                report = index.sync(docs or app.corpus, progress=progress)
    if as_json:
        out.print_json(json.dumps(report.__dict__, default=list))
        return 1 if report.failed else 0
    for source, notes in report.notes.items():
        for note in notes:
            out.print(f"[dim]note:[/] {escape(source)}: {escape(note)}")
    for new, old in report.moved.items():
        out.print(f"[dim]moved:[/] {escape(old)} to {escape(new)}")
    for source, reason in report.skipped.items():
        out.print(f"[dim]skipped:[/] {escape(source)} {escape(reason)}")
    _warn(report)
    out.print(report.summary())
    if not report.passages:
        err.print(f"[yellow]nothing to search in {docs or app.corpus}:[/] put documents there and sync again")
    return 1 if report.failed else 0


def index_vectors(settings: Settings, name: str) -> int:
    """Embed an app's samples and keep their vectors beside them, so that a first start need not embed them.

    Nothing is kept, and the exit status is 1, where a document failed.
    """
    from sectorkit.retrieval.chunk import context
    from sectorkit.retrieval.embed import LocalEmbedder
    from sectorkit.retrieval.index import Index
    from sectorkit.retrieval.known import write_known

    if settings.embed_url:
        raise ConfigurationError("the samples' vectors are made in this process; unset SECTORKIT_EMBED_URL")
    app = load_app(name)
    with progress_bar("starting") as progress, TemporaryDirectory() as folder:
        embedder = open_embedder(settings, progress=progress)
        assert isinstance(embedder, LocalEmbedder)
        with closing(Index.open(Path(folder), embedder)) as index:
            report = index.sync(app.corpus, progress=progress)
            _warn(report)
            if report.failed:
                return 1
            passages = [p for document in index.documents() for p in index.passages_of(document.source)]
            vectors = index.stores.vectors([str(p.id) for p in passages])
    texts = [embedder.passage_text(context(p)) for p in passages]
    write_known(app.vectors, embedder.fingerprint, texts, vectors, corpus=app.corpus)
    out.print(f"{len(texts)} vectors of {embedder.fingerprint} in {app.vectors}")
    return 0


def index_status(settings: Settings, name: str, *, docs: Path | None, as_json: bool) -> int:
    """Counts, documents and their problems."""
    app = load_app(name)
    index = open_index(settings, app, open_embedder(settings, load=False), corpus=docs, create=False)
    status = {**index.status(), "reranker": settings.rerank_model or "none"}
    documents = index.documents()
    problems = index.check()
    index.close()
    if as_json:
        listed = [{**d.metadata, "state": d.status, "problem": d.problem} for d in documents]
        out.print_json(json.dumps({**status, "problems": problems, "list": listed}))
        return 1 if problems else 0
    for key, value in status.items():
        out.print(f"{key:>10}  {escape(str(value))}")
    for document in documents:
        state = "" if document.status == "indexed" else f"  [yellow]{escape(document.problem or '')}[/]"
        out.print(f"  {escape(document.source)}  [dim]{escape(document.title or '')}[/]{state}")
    for problem in problems:
        err.print(f"[red]inconsistent:[/] {problem}; the next sync repairs it")
    return 1 if problems else 0


def search(
    settings: Settings, name: str, question: str | None, *, queries: Path | None, docs: Path | None, k: int,
    where: Mapping[str, Sequence[str]], mode: str, as_json: bool,
) -> int:  # fmt: skip
    """Print hits of one question, or of a file of them, as JSON Lines."""
    from sectorkit.cli import read_queries
    from sectorkit.retrieval.index import check_mode
    from sectorkit.retrieval.rerank import MODES, search_by

    many = read_queries(queries) if queries else []
    check_mode(mode, MODES)
    app, reranker = load_app(name), None
    if mode == "reranked":
        with progress_bar("starting") as progress:
            reranker = needed_reranker(settings, progress)
    with _ready_index(settings, app, docs) as index:
        find = search_by(mode, index, reranker)
        for identifier, text in many:
            hits = find(text, k, where=where)
            print(json.dumps({"id": identifier, "hits": [h.to_dict() for h in hits]}, ensure_ascii=False))
        if question is None:
            return 0
        hits = find(question, k, where=where)
    if as_json:
        print(json.dumps({"question": question, "hits": [h.to_dict() for h in hits]}, ensure_ascii=False, indent=2))
        return 0
    for place, hit in enumerate(hits, start=1):
        meta = hit.passage.metadata
        found = ", ".join(f"{stage} {rank}" for stage, rank in hit.ranks.items())
        out.print(f"[bold]{place}. {escape(str(meta['title']))}[/] [dim]{escape(str(meta['locator']))} ({found})[/]")
        out.print(f"   {escape(hit.passage.page_content[:300])}\n")
    if not hits:
        err.print(f"no passage was found; is the filter right? see: sectorkit index status {name}")
    return 0


def ask(
    settings: Settings, name: str, question: str, *, docs: Path | None, where: Mapping[str, Sequence[str]],
    as_json: bool, model: bool,
) -> int:  # fmt: skip
    """Answer a question; streams to a terminal. Exit status 3 for an abstention."""
    from sectorkit import answering, audit
    from sectorkit.models.chat import connect

    app = load_app(name)
    request = Request(question, where=where)
    answering.check_question(question)
    if model and not settings.llm_url:
        chosen_chat(settings)  # a name that there is not is an error, and no server that is away
    with _ready_index(settings, app, docs) as index:
        chat, server, limits, reranker = None, None, answering.Limits(), None
        try:
            with progress_bar("starting the reranker") as progress:
                found = open_reranker(settings, progress=progress)
            reranker = found.reranker if found else None
        except SectorkitError as error:
            err.print(f"[yellow]no reranker:[/] {escape(str(error))}")
            request = request.with_note(f"{answering.UNRANKED}, which is not available.")
        if model:
            try:
                with progress_bar("starting the model") as progress:
                    server = None if settings.llm_url else start_chat_server(settings, progress=progress)
                chat = connect(settings, server=server)
                limits = limits_for(settings, chat.model_name, chat.context_limit)
            except SectorkitError as error:
                err.print(f"[yellow]no model:[/] {escape(str(error))}")
        try:
            result = asyncio.run(_stream(app, request, index, chat, limits, reranker, quiet=as_json))
        finally:
            if server is not None and server.started_here:
                server.stop()
    audit.answered(settings, app, result)
    if as_json:
        print(json.dumps(result.to_dict(), ensure_ascii=False, indent=2))
    else:
        show(result)
    return 3 if result.verdict == "abstained" else 0  # 2 is argparse's


async def _stream(
    app: SectorApp, request: Request, index: Index, chat: Any, limits: Any, reranker: Reranker | None, *, quiet: bool
) -> Answer:
    from sectorkit import answering

    async for event in answering.stream(app, request, index=index, chat=chat, limits=limits, reranker=reranker):
        match event:
            case Retrieved(evidence=evidence) if not quiet and evidence:
                err.print(f"[dim]reading {len(evidence)} passages ...[/]")
            case Delta(text=text) if not quiet:
                err.print(escape(text), end="", style="dim")
            case Done(answer=answer):
                if not quiet:
                    err.print()
                    if answer.reason in ("not_supported", "not_answered"):
                        err.print("[dim]The model's draft above is no answer: see below.[/]")
                return answer
            case _:
                pass
    raise StoreError("the answer ended early; ask again")


def show(result: Answer) -> None:
    """An answer for a person: text, citations with their quotes, notes, timings."""
    colour = {"supported": "green", "partial": "yellow", "quoted": "cyan", "abstained": "magenta"}[result.verdict]
    out.print()
    for warning in result.warnings:
        out.print(f"[bold yellow]{escape(warning.quote)}[/] [dim]{escape(warning.title)}, {escape(warning.locator)}[/]")
    verdict = "by a rule of the app" if result.by_rule else result.verdict
    out.print(f"[{'cyan' if result.by_rule else colour} bold]{verdict}[/]  {escape(result.text)}\n")
    if found := result.computed:
        if found.beside:
            out.print(
                ", ".join(
                    f"{name}: {value}" for row in found.rows[:5] for name, value in zip(found.columns, row, strict=True)
                )
            )
        out.print(f"[dim]computed from {escape(found.title)}: {escape(found.said)}; {found.total:,} rows[/]")
        if found.left:
            out.print(f"[yellow]not taken into account:[/] {escape(', '.join(found.left))}")
    for citation in result.citations:
        out.print(f"[bold]\\[{citation.n}][/] {escape(citation.title)} [dim]{escape(citation.locator)}[/]")
        out.print(f"    “{escape(citation.quote)}”  [dim]{escape(citation.source)}[/]")
    if not result.citations:
        for hit in result.hits[:3]:
            meta = hit.passage.metadata
            out.print(f"[bold]·[/] {escape(str(meta['title']))} [dim]{escape(str(meta['locator']))}[/]")
            out.print(f"    {escape(hit.passage.page_content[:240])}")
    for note in result.notes:
        out.print(f"[yellow]note:[/] {escape(note)}")
    times = ", ".join(f"{key.replace('_', ' ')} {seconds:.1f} s" for key, seconds in result.timings.items())
    out.print(f"[dim]{escape(result.model or 'no model')}; {times}[/]")
