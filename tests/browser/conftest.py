"""A Chromium, and servers of the page on pretended runtimes. See pretend.py."""

from __future__ import annotations

import os
import shutil
import socket
import sys
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

sys.path.append(str(Path(__file__).parent))
os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"

from pretend import PretendRuntime, pretend_app

# Nothing of Chromium's own may ask for another host, and nothing could be reached.
_ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
]


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    """A running Chromium of the distribution's."""
    path = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if path is None:
        reason = "no Chromium for the browser tests: apt-get install chromium"
        if os.environ.get("CI"):
            pytest.fail(reason)
        warnings.warn(reason, stacklevel=1)
        pytest.skip(reason)
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=_ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def open_page(chromium: Any) -> Iterator[Callable[..., Any]]:
    """Opens pages: `open_page(url, width=..., scheme=...)`; `page.requests` holds their requests' addresses.

    No script of a page may have failed, nor anything been refused by its security policy, when a test ends.
    """
    contexts: list[Any] = []
    problems: list[str] = []

    def watch(page: Any) -> Any:
        page.requests, page.problems = [], problems
        page.on("request", lambda request: page.requests.append(request.url))
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.on("console", lambda m: problems.append(m.text) if "Content Security Policy" in m.text else None)
        return page

    def open_(
        url: str,
        *,
        width: int = 1280,
        height: int = 800,
        scheme: str = "light",
        phone: bool = False,
        tab_of: Any = None,
    ) -> Any:
        if tab_of is None:
            view = {"width": width, "height": height}
            contexts.append(chromium.new_context(viewport=view, color_scheme=scheme, is_mobile=phone, has_touch=phone))
        page = watch((contexts[-1] if tab_of is None else tab_of.context).new_page())
        page.set_default_timeout(20_000)
        page.goto(url)
        return page

    yield open_
    for context in contexts:
        context.close()
    assert problems == []


@pytest.fixture
def runtime() -> PretendRuntime:
    """One app, all ready, a model that writes a word every 30 ms."""
    return PretendRuntime({"city_rules": pretend_app()}, delay=0.03)


@pytest.fixture
def served(request: pytest.FixtureRequest) -> Iterator[Callable[..., str]]:
    """Serves `create_app(runtime)`, or any ASGI app, on a free port for the time of the test."""
    with ExitStack() as stack:
        yield lambda app, **options: stack.enter_context(_serving(_asgi(app, **options)))


def _asgi(app: Any, **options: Any) -> Any:
    from sectorkit.ui.server import create_app

    return create_app(app, **options) if isinstance(app, PretendRuntime) else app


@contextmanager
def _serving(app: Any) -> Iterator[str]:
    import uvicorn

    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        server = uvicorn.Server(uvicorn.Config(app, log_level="error", ws="none", timeout_graceful_shutdown=1))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        deadline = time.monotonic() + 30
        while not server.started:
            assert time.monotonic() < deadline
            assert thread.is_alive()
            time.sleep(0.02)
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        server.should_exit = True
        thread.join(timeout=10)
