"""Isolation: documents are parsed in a process of their own, which may crash, hang or run out of memory.

One process serves one document after another; it starts with the first and ends with this process.
"""

from __future__ import annotations

import atexit
import json
import os
import queue
import subprocess
import sys
import threading
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

from sectorkit.errors import DocumentError
from sectorkit.retrieval.parse.document import ParsedDocument
from sectorkit.retrieval.parse.ocr import PAGE_SECONDS, Tesseract
from sectorkit.retrieval.parse.worker import from_json


class Isolated:
    """A parser in another process. Calls from several threads wait for each other."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self.forget()

    def forget(self) -> None:
        """For a forked child: the process and its pipes are the parent's, and so may the lock's holder be."""
        self._lock = threading.Lock()
        self._process = None
        self._answers: queue.SimpleQueue[bytes] = queue.SimpleQueue()

    def parse(self, path: Path, *, seconds: float) -> ParsedDocument:
        """Raises DocumentError where the file cannot be read, takes over `seconds`, or ends the process."""
        return from_json(self._answer(path, seconds, {})["document"])

    def recognise(self, path: Path, page: int, tesseract: Tesseract) -> list[str]:
        """The paragraphs that OCR reads on a page. Raises DocumentError as `parse` does."""
        seconds = PAGE_SECONDS + 30  # to draw the page
        asked = {"page": page, "program": tesseract.program, "languages": tesseract.languages}
        return list(self._answer(path, seconds, asked)["paragraphs"])

    def _answer(self, path: Path, seconds: float, asked: Mapping[str, Any]) -> dict[str, Any]:
        request = json.dumps({"path": str(path.absolute()), "seconds": seconds, **asked}).encode() + b"\n"
        with self._lock:
            answer: dict[str, Any] = json.loads(self._ask(request, path, seconds))
        if "error" in answer:
            raise DocumentError(answer["error"])
        return answer

    def _ask(self, request: bytes, path: Path, seconds: float) -> bytes:
        # A process that has used much memory ends after its answer; then the next request finds it gone.
        for attempt in range(2):
            process = self._running()
            assert process.stdin is not None
            try:
                process.stdin.write(request)
                process.stdin.flush()
                line = self._answers.get(timeout=seconds)
            except BrokenPipeError:
                line = b""
            except queue.Empty:
                self._stop()
                raise DocumentError(
                    f"{path.name} was given up after {seconds:.0f} s. Split it, or print it to a new PDF."
                ) from None
            except BaseException:  # an interrupt: the answer that is still to come is nobody's
                self._stop()
                raise
            if line:
                return line
            code = self._stop(patience=2)
            if code != 0 or attempt:
                break
        raise DocumentError(
            f"{path.name} made the library that reads it fail (exit {code}). "
            "Open it in its own program and save it anew, or print it to a new PDF."
        )

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None or self._process.poll() is not None:
            environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", "sectorkit.retrieval.parse.worker"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env=environment,
            )
            self._answers = queue.SimpleQueue()
            threading.Thread(target=_forward, args=(self._process.stdout, self._answers), daemon=True).start()
        return self._process

    def _stop(self, *, patience: float = 0) -> int:
        """End the process and return its exit code; -9 where it had to be killed."""
        process, self._process = self._process, None
        if process is None:
            return 0
        try:
            # Its last line may be ahead of its end by a moment; one that hangs is not worth waiting for.
            code = process.wait(timeout=patience)
        except subprocess.TimeoutExpired:
            process.kill()
            code = process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                with suppress(BrokenPipeError):
                    pipe.close()
        return code

    def close(self) -> None:
        with self._lock:
            self._stop()


def _forward(pipe: IO[bytes], answers: queue.SimpleQueue[bytes]) -> None:
    """A thread's work: pipes cannot be waited for with a time limit on every platform, queues can."""
    try:
        for line in pipe:
            answers.put(line)
    except ValueError:  # the pipe was closed
        pass
    answers.put(b"")


isolated = Isolated()
atexit.register(isolated.close)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=isolated.forget)
