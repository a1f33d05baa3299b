"""`sectorkit models ...`: list, pull, verify, serve, status, stop, as functions that print.

Each takes Settings and lets errors through; the command line catches them once.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from sectorkit.errors import ConfigurationError, CorruptModel, ServerStartError
from sectorkit.models.catalogue import TIERS, chosen_chat, find_model, load_catalogue
from sectorkit.models.hardware import detect
from sectorkit.progress import Progress
from sectorkit.settings import Settings

if TYPE_CHECKING:
    from rich.console import Console

    from sectorkit.models.server import ModelServer


def list_models(settings: Settings) -> None:
    """Print the catalogue by kind and tier: what is here, where the rest comes from, the defaults; 80 columns are enough."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    from sectorkit.models.pull import is_pulled

    hardware = detect()
    defaults = {chosen_chat(settings).name, settings.embed_model, settings.rerank_model}
    specs = sorted(load_catalogue(settings.home).values(), key=lambda s: (s.kind, TIERS.index(s.tier), s.size_gb))
    table = Table(
        title=f"Models; this machine: {hardware}", caption="* default here", box=SIMPLE_HEAD, pad_edge=False,
        collapse_padding=True,
    )  # fmt: skip
    # Names are what one copies: whole in the narrowest terminal.
    table.add_column("name", min_width=max(len(spec.name) for spec in specs) + 1)
    for heading in ("tier", "size", "context"):
        table.add_column(heading, justify="left" if heading == "tier" else "right")
    table.add_column("licence", max_width=12)
    table.add_column("state")
    kind = ""
    for spec in specs:
        if spec.kind != kind:
            kind = spec.kind
            table.add_section()
            table.add_row(f"[bold]{kind}[/]")
        pulled = is_pulled(spec, models_dir=settings.models_dir)
        runs = hardware.kind == "gpu" or spec.vllm_cpu is not None
        table.add_row(
            spec.name + ("*" if spec.name in defaults else ""),
            spec.tier,
            f"{spec.size_gb:g} GB",
            f"{spec.context // 1024}k" if spec.context >= 1024 else str(spec.context),
            spec.licence,
            "pulled" if pulled else "GPU only" if not runs else "hub/wheels" if spec.wheels else "hub",
        )
    _console().print(table, soft_wrap=False)


def pull_model(settings: Settings, name: str) -> None:
    """Bring a model here; one that is here is checked, and fetched afresh where a file is damaged."""
    from sectorkit.models.pull import discard, is_pulled, pull, verify

    spec = find_model(name, home=settings.home)
    console = _console()
    started = time.monotonic()
    with _shown(console) as progress:
        if is_pulled(spec, models_dir=settings.models_dir):
            try:
                verify(spec, models_dir=settings.models_dir, progress=progress)
            except CorruptModel as damage:
                progress(f"{damage} - fetching it afresh")
                discard(spec, models_dir=settings.models_dir)
        folder = pull(spec, models_dir=settings.models_dir, progress=progress)
    console.print(f"{spec.name} is in {folder} ({time.monotonic() - started:.0f} s); licence: {spec.licence}")


def verify_model(settings: Settings, name: str) -> None:
    """Check every file of a pulled model against the SHA-256 of when it was pulled."""
    from sectorkit.models.pull import verify

    spec = find_model(name, home=settings.home)
    console = _console()
    with _shown(console) as progress:
        manifest = verify(spec, models_dir=settings.models_dir, progress=progress)
    size = sum(record.size for record in manifest.files.values())
    console.print(
        f"{spec.name}: all {len(manifest.files)} files ({size / 1e9:.2f} GB) are as pulled on "
        f"{manifest.pulled[:10]} from {manifest.source} at {manifest.revision}"
    )


def serve(settings: Settings, name: str | None = None, *, detach: bool = False) -> None:
    """Serve a model (by default the chat model for this hardware) and show what its server can do.

    In the foreground Ctrl-C stops it; `detach` leaves it running, for `status` and `stop` to find.
    """
    from sectorkit.models.preflight import preflight, render
    from sectorkit.models.pull import pull
    from sectorkit.models.server import start_server

    spec = find_model(name, home=settings.home) if name else chosen_chat(settings)
    settings.vllm_executable()  # before a long download, not after it
    console = _console()
    with _shown(console) as progress:
        folder = pull(spec, models_dir=settings.models_dir, progress=progress)
        server = start_server(spec, folder, settings=settings, progress=progress)
    try:
        if spec.kind == "chat":
            console.print(render(preflight(server.url, server.model)), highlight=False)
        if spec.kind == "reranker":
            from sectorkit.retrieval.rerank import EndpointReranker
            from sectorkit.retrieval.rerank_check import check_reranker

            console.print(f"checked: {check_reranker(EndpointReranker(spec.name, server.url))}", highlight=False)
        console.print(f"{spec.name} is served at {server.url}; log: {server.log}")
        if detach:
            console.print(f"stop it with: sectorkit models stop {spec.name}")
            return
        console.print("Ctrl-C stops it")
        _watch(server)
    except KeyboardInterrupt:
        console.print(f"stopping {spec.name}")
        server.stop()
    except BaseException:
        server.stop()
        raise


def status(settings: Settings) -> None:
    """Print the servers started here, and what SECTORKIT_LLM_URL names."""
    from sectorkit.models.endpoint import Endpoint, served_models
    from sectorkit.models.server import running_servers
    from sectorkit.models.serverlog import what_it_does

    console = _console()
    if settings.llm_url:
        key = settings.llm_key.get_secret_value() if settings.llm_key else None
        models = ", ".join(served_models(Endpoint(settings.llm_url, key)))
        console.print(f"SECTORKIT_LLM_URL: {settings.llm_url} answers and serves {models}", highlight=False)
    servers = running_servers(settings)
    for server in servers:
        state = "ready" if server.ready() else what_it_does(server.log)[0]
        console.print(f"{server.name}: {state} at {server.url} (process {server.pid})", highlight=False)
    if not servers:
        console.print("no model server of ours runs; start one: sectorkit models serve")


def stop(settings: Settings, name: str | None = None) -> None:
    """Stop one server by name, or the only one that runs."""
    from sectorkit.models.server import running_servers, stop_server

    if name is None:
        names = [server.name for server in running_servers(settings)]
        if len(names) > 1:
            raise ConfigurationError(f"several servers run ({', '.join(names)}); say which one to stop")
        if not names:
            _console().print("no model server of ours runs")
            return
        name = names[0]
    server = stop_server(name, settings)
    _console().print(f"stopped {server.name} (process {server.pid})")


def _watch(server: ModelServer) -> None:
    from sectorkit.models.serverlog import next_step, tail

    while server.alive():
        time.sleep(1.0)
    server.stop()  # its workers, should any be left
    raise ServerStartError(
        f"the model server of {server.name} ended by itself: {next_step(server.log, None)}\n"
        f"last lines of {server.log}:\n{tail(server.log)}"
    )


def _console() -> Console:
    from rich.console import Console

    return Console(soft_wrap=True)


@contextmanager
def _shown(console: Console) -> Iterator[Progress]:
    """Progress on one live line in a terminal; in a log, one line for each new message."""
    if not console.is_terminal:
        yield _lines(console)
        return
    from rich.progress import BarColumn, TextColumn
    from rich.progress import Progress as Bar

    with Bar(TextColumn("{task.description}"), BarColumn(), console=console, transient=True) as bar:
        task = bar.add_task("", total=None)

        def show(message: str, fraction: float | None = None) -> None:
            bar.update(task, description=message, total=None if fraction is None else 1.0, completed=fraction or 0.0)

        yield show


def _lines(console: Console) -> Callable[..., None]:
    lock = threading.Lock()
    last = ""

    def show(message: str, fraction: float | None = None) -> None:
        nonlocal last
        with lock:
            if message != last:
                console.print(message, highlight=False, markup=False)
            last = message

    return show
