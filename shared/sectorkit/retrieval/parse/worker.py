"""The process that parses: `python -m sectorkit.retrieval.parse.worker`, started and watched by `isolate`.

It reads one JSON line a file from its input, {"path": ..., "seconds": ...}, and answers with one line:
{"document": ...} or {"error": ...}. Where a "page" is asked for, OCR reads it, and its {"paragraphs": ...} are the answer.
A parser may crash or hang it; that costs one document and a restart.
"""

from __future__ import annotations

import json
import os
import sys
import traceback
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

from sectorkit.errors import DocumentError
from sectorkit.retrieval.parse.document import Block, ParsedDocument
from sectorkit.retrieval.parse.ocr import PAGE_SECONDS, Tesseract, read_page

MEMORY = 2 * 2**30  # bytes of address space, of which the libraries take a quarter
_RESTART_ABOVE = 512 * 2**20  # bytes once in use: what a large document leaves behind is returned by ending


def main() -> None:
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever a library prints must not end up among the answers
    _limit_memory()
    for line in sys.stdin.buffer:
        request = json.loads(line)
        _limit_time(request["seconds"])
        answer = _answer(Path(request["path"]), request)
        _limit_time(0)
        answers.write(json.dumps(answer).encode() + b"\n")
        answers.flush()
        if _peak_memory() > _RESTART_ABOVE:
            return


def _answer(path: Path, request: Mapping[str, Any]) -> dict[str, Any]:
    from sectorkit.retrieval.parse import PARSERS

    try:
        if "page" in request:
            tesseract = Tesseract(request["program"], request["languages"])
            return {"paragraphs": read_page(path, request["page"], tesseract, seconds=PAGE_SECONDS)}
        return {"document": to_json(PARSERS[path.suffix.lower()](path))}
    except DocumentError as error:
        return {"error": str(error)}
    except MemoryError:
        return {"error": f"{path.name} needs more than {MEMORY // 2**30} GB of memory. Split it, or print a PDF."}
    # The one place where anything may be caught: several libraries read what strangers wrote, each fails in
    # ways of its own, and a file that none of them can read must not keep the others from being read.
    except Exception:
        traceback.print_exc()  # for whoever runs this by hand
        why = "it is damaged, or made in a way that the library for its format does not know"
        return {"error": f"{path.name} cannot be read: {why}. Open it in its own program and save it anew, or as PDF."}


def to_json(document: ParsedDocument) -> dict[str, Any]:
    return {
        "text": document.text,
        "blocks": [[b.start, b.end, b.kind, b.level, b.page, b.row] for b in document.blocks],
        "title": document.title,
        "language": document.language,
        "metadata": {k: {"date": v.isoformat()} if isinstance(v, date) else v for k, v in document.metadata.items()},
        "pages": document.pages,
        "notes": document.notes,
        "page_name": document.page_name,
        "scanned": document.scanned,
        "recognised": document.recognised,
    }


def from_json(form: Mapping[str, Any]) -> ParsedDocument:
    metadata = form["metadata"].items()
    return ParsedDocument(
        text=form["text"],
        blocks=tuple(Block(*fields) for fields in form["blocks"]),
        title=form["title"],
        language=form["language"],
        metadata={k: date.fromisoformat(v["date"]) if isinstance(v, dict) else v for k, v in metadata},
        pages=form["pages"],
        notes=tuple(form["notes"]),
        page_name=form["page_name"],
        scanned=tuple(form["scanned"]),
        recognised=tuple(form["recognised"]),
    )


def _limit_memory() -> None:
    if sys.platform == "linux":  # elsewhere there is no limit on address space, or it is not kept
        import resource

        _, hard = resource.getrlimit(resource.RLIMIT_AS)
        soft = MEMORY if hard == resource.RLIM_INFINITY else min(MEMORY, hard)
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))
        resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))


def _limit_time(seconds: float) -> None:
    """End this process after `seconds`, even inside C code, should nobody be left to do it; 0: never."""
    if sys.platform != "win32":
        import signal

        signal.alarm(int(seconds) + 5 if seconds else 0)


def _peak_memory() -> int:
    """Bytes that this process has had in memory at most; 0 where nobody says."""
    if sys.platform == "linux":  # where getrusage hands down the peak of the process that started this one
        status = Path("/proc/self/status").read_text()
        return next((int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("VmHWM:")), 0)
    if sys.platform == "win32":
        return 0
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


if __name__ == "__main__":
    main()
