"""Starting: what is served from the first second on, while Gradio is still being imported; then the whole page."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Receive, Scope, Send

from sectorkit.errors import UnknownName
from sectorkit.runtime import Runtime
from sectorkit.ui import shell, status

if TYPE_CHECKING:
    from fastapi import FastAPI


class Starting:
    """ASGI app that answers at once and hands over to `build()`'s app when that is made.

    `on_built` is called then; `on_failed` where building raised, with the error.
    """

    def __init__(
        self,
        runtime: Runtime,
        build: Callable[[], FastAPI],
        *,
        on_built: Callable[[], None],
        on_failed: Callable[[Exception], None],
    ) -> None:
        self._build, self._on_built, self._on_failed = build, on_built, on_failed
        self._app: ASGIApp = _early(runtime)
        self._life = AsyncExitStack()
        self._building: asyncio.Task[None] | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        else:
            await self._app(scope, receive, send)

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()
        self._building = asyncio.create_task(self._hand_over())
        await send({"type": "lifespan.startup.complete"})
        await receive()
        self._building.cancel()
        await asyncio.gather(self._building, return_exceptions=True)
        await self._life.aclose()
        await send({"type": "lifespan.shutdown.complete"})

    async def _hand_over(self) -> None:
        try:
            app = await asyncio.to_thread(self._build)
            await self._life.enter_async_context(app.router.lifespan_context(app))
        except Exception as error:
            self._on_failed(error)
            return
        self._app = app
        self._on_built()


def _early(runtime: Runtime) -> Starlette:
    async def index(request: Request) -> HTMLResponse:
        page = shell.early(list(runtime.apps.values()))
        return HTMLResponse(page, headers={**shell.HEADERS, "Cache-Control": "no-store"})

    async def healthz(request: Request) -> JSONResponse:
        return JSONResponse({"status": "ok"})

    async def report(request: Request) -> JSONResponse:
        return JSONResponse(status.report(runtime))

    async def strip(request: Request) -> JSONResponse:
        try:
            return JSONResponse(status.shown(runtime, request.path_params["app"], page=False))
        except UnknownName as error:
            return JSONResponse({"detail": str(error)}, 404)

    async def icon(request: Request) -> Response:
        return Response(status_code=204)

    async def later(request: Request) -> PlainTextResponse:
        return PlainTextResponse("starting; try again in a moment", 503, headers={"Retry-After": "2"})

    return Starlette(
        routes=[
            Route("/", index),
            Route("/favicon.ico", icon),
            Route("/healthz", healthz),
            Route("/api/status", report),
            Route("/ui/status/{app}", strip),
            Mount("/ui", StaticFiles(directory=shell.STATIC)),
            Route("/{path:path}", later, methods=["GET", "POST"]),
        ]
    )
