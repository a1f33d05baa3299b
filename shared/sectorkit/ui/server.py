"""The server: the page and its HTTP routes on one port, behind a path prefix where there is one.

    serve(runtime, settings, on_open=webbrowser.open, on_ready=lambda url: runtime.start())

Nothing on the page comes from another host: the policy that is sent with it forbids the browser to ask one.
"""

from __future__ import annotations

import errno
import socket
from collections.abc import Callable
from typing import TYPE_CHECKING

import uvicorn

from sectorkit.errors import ConfigurationError
from sectorkit.runtime import Runtime
from sectorkit.settings import Settings
from sectorkit.ui.shell import STATIC, Shell
from sectorkit.ui.starting import Starting

if TYPE_CHECKING:
    from fastapi import FastAPI
    from starlette.types import ASGIApp, Receive, Scope, Send


def create_app(runtime: Runtime, *, root_path: str = "") -> FastAPI:
    """The page and the routes as one ASGI app. `root_path` is the prefix under which a proxy serves it."""
    # Imported here, since Gradio takes seconds.
    import gradio as gr
    from fastapi import FastAPI
    from starlette.staticfiles import StaticFiles

    from sectorkit.ui import api, page

    app = FastAPI(title="sectorkit", docs_url=None, redoc_url=None, openapi_url="/api/openapi.json")
    app.include_router(api.routes(runtime))
    app.mount("/ui", StaticFiles(directory=STATIC))
    app.add_middleware(Shell, apps=list(runtime.apps.values()))
    app.add_middleware(Prefix, root_path=root_path)
    gr.mount_gradio_app(
        app,
        page.build(runtime),
        path="/",
        theme=page.theme(),
        footer_links=[],
        run_history=False,
        ssr_mode=False,
        pwa=False,
    )
    return app


def serve(
    runtime: Runtime,
    settings: Settings,
    *,
    on_open: Callable[[str], None] | None = None,
    on_ready: Callable[[str], None] | None = None,
) -> None:
    """Serve until interrupted.

    `on_open` gets the address as soon as a browser can open it, within a second or two, and is the moment to start
    the model; `on_ready` gets it when the whole page is there, and is the moment to start the documents: not earlier,
    for their imports would delay the page's. Raises ConfigurationError where the port is taken.
    """
    listener = listen(settings.host, settings.port)
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    url = f"http://{host}:{listener.getsockname()[1]}/"
    failures: list[Exception] = []

    def failed(error: Exception) -> None:
        failures.append(error)
        server.should_exit = True

    def told(hook: Callable[[str], None] | None) -> Callable[[], None]:
        return lambda: hook(url) if hook is not None else None

    app = Starting(runtime, lambda: create_app(runtime), on_built=told(on_ready), on_failed=failed)
    config = uvicorn.Config(
        Prefix(app, root_path=settings.root_path), log_level="warning", timeout_graceful_shutdown=3, ws="none"
    )
    server = _Server(config, told(on_open))
    server.run(sockets=[listener])
    if failures:
        raise failures[0]


def listen(host: str, port: int) -> socket.socket:
    """A listening socket; ConfigurationError where the address is taken or is none of this machine's."""
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(2048)
    except OSError as error:
        listener.close()
        if error.errno == errno.EADDRINUSE:
            raise ConfigurationError(
                f"port {port} is in use, perhaps by another sectorkit; stop it, or choose another: "
                f"SECTORKIT_PORT={port + 1 if port < 65535 else 7861}"
            ) from None
        raise ConfigurationError(f"cannot listen on {host}:{port}: {error.strerror}; see SECTORKIT_HOST") from None
    return listener


class Prefix:
    """Puts the app under `root_path`, whether the proxy before it strips the prefix or passes it on."""

    def __init__(self, app: ASGIApp, root_path: str = "") -> None:
        self._app, self._root = app, f"/{root_path.strip('/')}" if root_path.strip("/") else ""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._root and scope["type"] in ("http", "websocket"):
            path = scope["path"]
            if not (path == self._root or path.startswith(f"{self._root}/")):
                path = self._root + path
            scope = {**scope, "path": path, "root_path": self._root}
        await self._app(scope, receive, send)


class _Server(uvicorn.Server):
    """uvicorn's server, which tells when it listens."""

    def __init__(self, config: uvicorn.Config, on_open: Callable[[], None]) -> None:
        super().__init__(config)
        self._on_open = on_open

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._on_open()
