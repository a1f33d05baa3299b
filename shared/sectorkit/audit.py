"""Audit: who asked what, when, and which passages were shown. One JSON object a line, appended.

The log stays on this machine. It holds questions; an app whose questions are about persons switches texts off.
"""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from pathlib import Path

from sectorkit.answer import Answer


def record(log: Path, app: str, answer: Answer, *, user: str | None = None, texts: bool = True) -> None:
    """Append one answer to `log`. Raises OSError where it cannot be written: an unlogged answer is not given."""
    entry = {
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
    line = json.dumps(entry, ensure_ascii=False) + "\n"
    log.parent.mkdir(parents=True, exist_ok=True)
    # One write of a whole line to a file opened for appending: lines of several processes do not mix.
    descriptor = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        os.write(descriptor, line.encode())
    finally:
        os.close(descriptor)
