"""Audit: who asked what, when, and which passages were shown; what was proposed and what a person decided. One JSON object a line, appended.

The log stays on this machine. It holds questions; of an app that is about persons it holds none, unless SECTORKIT_AUDIT_TEXTS says so, and then
masked (`sectorkit.masking`).
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from sectorkit.answer import Answer
from sectorkit.errors import StoreError
from sectorkit.masking import masked

if TYPE_CHECKING:
    from sectorkit.app import SectorApp
    from sectorkit.settings import Settings


def kept(settings: Settings, app: SectorApp, text: str) -> str | None:
    """What the log may hold of a text that somebody wrote: all of it, nothing, or all but what tells who a person is."""
    wanted = not app.about_persons if settings.audit_texts is None else settings.audit_texts
    if not wanted:
        return None
    return masked(text) if app.about_persons else text


def answered(settings: Settings, app: SectorApp, answer: Answer, *, user: str | None = None) -> None:
    """Append one answer, where the log is kept. StoreError where it cannot be written: an unlogged answer is not given."""
    question = kept(settings, app, answer.question)
    entry: dict[str, Any] = {
        "user": user,
        "question": question,
        "verdict": answer.verdict,
        "reason": answer.reason,
        "shown": [hit.id for hit in answer.hits],
        "evidence": list(answer.evidence),
        "cited": [[c.passage_id, c.start, c.end] for c in answer.citations],
        "model": answer.model,
        "notes": list(answer.notes),
        "seconds": round(answer.timings.get("total", 0.0), 3),
    }
    if found := answer.computed:
        query = None if question is None else dict(found.query)
        entry["computed"] = {"source": found.source, "query": query, "rows": found.total}
    record(settings, app, entry)


def record(settings: Settings, app: SectorApp, entry: Mapping[str, Any]) -> None:
    """Append one entry, with time and app ahead of it, where the log is kept. StoreError where it cannot be written."""
    if not settings.audit:
        return
    log = settings.logs_dir / "audit.jsonl"
    stamped = {"time": datetime.now(UTC).isoformat(timespec="milliseconds"), "app": app.name, **entry}
    line = json.dumps(stamped, ensure_ascii=False) + "\n"
    try:
        log.parent.mkdir(parents=True, exist_ok=True)
        # One write of a whole line to a file opened for appending: lines of several processes do not mix.
        descriptor = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            if os.write(descriptor, line.encode()) < len(line.encode()):
                raise OSError("the disk is full")
        finally:
            os.close(descriptor)
    except OSError as error:
        raise StoreError(
            f"the audit log {log} cannot be written ({error.strerror or error}); make room or mend its rights, or switch it "
            "off: SECTORKIT_AUDIT=false"
        ) from error
