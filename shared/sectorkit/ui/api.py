"""Status, questions and documents over HTTP: for the page's script, for health checks and for forks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastapi import APIRouter, HTTPException
from fastapi.responses import HTMLResponse, JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from sectorkit.answer import Done, Request
from sectorkit.errors import RequestError, StoreError, UnknownName
from sectorkit.runtime import Runtime
from sectorkit.ui import source as view
from sectorkit.ui import status

if TYPE_CHECKING:
    from sectorkit.retrieval.index import Index
    from sectorkit.retrieval.manifest import StoredDocument

# A document's page holds text and one style sheet of ours; whatever a document smuggled in could not run.
_DOCUMENT_POLICY = "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'"


class Question(BaseModel):
    """Body of `POST /api/{app}/ask`."""

    model_config = ConfigDict(extra="forbid")

    question: str
    where: dict[str, Any] = Field(default_factory=dict)
    k: int = Field(10, ge=1, le=50)


def routes(runtime: Runtime) -> APIRouter:
    """All routes but the page's."""
    router = APIRouter()

    @router.get("/healthz")
    async def healthz() -> dict[str, str]:
        """200 as soon as the process serves; what is ready is at /api/status."""
        return {"status": "ok"}

    @router.get("/api/status")
    async def state() -> dict[str, Any]:
        return status.report(runtime)

    @router.get("/ui/status/{app}")
    async def strip(app: str) -> dict[str, Any]:
        """The page's status strip."""
        try:
            return status.shown(runtime, app, page=True)
        except UnknownName as error:
            raise HTTPException(404, str(error)) from error

    @router.post("/api/{app}/ask")
    async def ask(app: str, body: Question) -> JSONResponse:
        _known(runtime, app)
        try:
            async for event in runtime.stream(app, Request(body.question, where=body.where, k=body.k)):
                if isinstance(event, Done):
                    return JSONResponse(event.answer.to_dict())
        except RequestError as error:
            raise HTTPException(400, str(error)) from error
        except StoreError as error:
            raise HTTPException(503, str(error), headers={"Retry-After": "2"}) from error
        raise AssertionError("stream ends with Done")

    @router.get("/api/{app}/documents/{source:path}")
    def document(app: str, source: str) -> dict[str, Any]:
        found = _document(runtime, app, source)[0]
        return {
            "source": found.source,
            "title": found.title,
            "metadata": dict(found.metadata),
            "notes": list(found.notes),
            "text": found.text,
        }

    @router.get("/documents/{app}/{source:path}")
    def document_page(app: str, source: str, start: int = 0, end: int = 0) -> HTMLResponse:
        """A document as a page, with `[start:end]` marked."""
        found, index = _document(runtime, app, source)
        shape = view.outline(index.passages_of(source))
        return HTMLResponse(view.page(found, shape, start, end), headers={"Content-Security-Policy": _DOCUMENT_POLICY})

    return router


def _known(runtime: Runtime, app: str) -> Index | None:
    try:
        return runtime.index(app)
    except UnknownName as error:
        raise HTTPException(404, str(error)) from error


def _document(runtime: Runtime, app: str, source: str) -> tuple[StoredDocument, Index]:
    index = _known(runtime, app)
    if index is None:
        raise HTTPException(503, "the documents are not ready yet; try again in a moment", {"Retry-After": "2"})
    try:
        return index.document(source), index
    except UnknownName as error:
        raise HTTPException(404, f"no document {source!r}") from error
