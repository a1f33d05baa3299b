"""A small reverse proxy."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import httpx
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route


def reverse_proxy(upstream: str, prefix: str, *, strips: bool) -> Any:
    """A proxy for `prefix`, as careless as many are: it sends the upstream's own address as the host."""
    client = httpx.AsyncClient(base_url=upstream, timeout=60)

    async def forward(request: Request) -> Response:
        path = request.url.path
        if not path.startswith(f"{prefix}/"):
            return Response("outside of the prefix", 404)
        target = path.removeprefix(prefix) if strips else path
        headers = {k: v for k, v in request.headers.items() if k not in ("host", "accept-encoding")}
        outgoing = client.build_request(
            request.method, httpx.URL(path=target, query=request.url.query.encode()), headers=headers,
            content=await request.body(),
        )  # fmt: skip
        answer = await client.send(outgoing, stream=True)

        async def body() -> AsyncIterator[bytes]:
            try:
                async for part in answer.aiter_raw():
                    yield part
            finally:
                await answer.aclose()

        kept = {k: v for k, v in answer.headers.items() if k not in ("transfer-encoding", "connection")}
        return StreamingResponse(body(), answer.status_code, kept)

    return Starlette(routes=[Route("/{path:path}", forward, methods=["GET", "HEAD", "POST"])])
