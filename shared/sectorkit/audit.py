"""Audit: who asked what, when, and which passages were shown. One JSON object a line, appended.

The log stays on this machine. It holds questions; an app whose questions are about persons switches texts off.
"""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sectorkit.answer import Answer
from sectorkit.errors import StoreError


def record(log: Path, app: str, answer: Answer, *, user: str | None = None, texts: bool = True) -> None:
    """Append one answer to `log`. Raises StoreError where it cannot be written: an unlogged answer is not given."""
    entry: dict[str, Any] = {
        "time": datetime.now(UTC).isoformat(timespec="milliseconds"),
        "app": app,
        "user": user,
        "question": answer.question if texts else None,
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
        entry["computed"] = {"source": found.source, "query": dict(found.query) if texts else None, "rows": found.total}
    line = json.dumps(entry, ensure_ascii=False) + "\n"
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
