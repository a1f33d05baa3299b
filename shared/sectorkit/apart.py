"""One of our modules in a process of its own: the memory that it takes is given back, and it can be ended."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

_LOOK_EVERY = 0.5  # seconds


def run_apart(module: str, *arguments: str, going_on: Callable[[], None]) -> subprocess.CompletedProcess[str]:
    """`python -m module arguments`, until it ends, whatever its exit status.

    `going_on` is called meanwhile; what it raises ends the process and goes on to the caller.
    """
    command = [sys.executable, "-m", module, *arguments]
    environment = dict(os.environ, HF_HUB_OFFLINE="1", TOKENIZERS_PARALLELISM="false")
    root = str(Path(__file__).resolve().parents[1])
    environment["PYTHONPATH"] = os.pathsep.join(filter(None, [root, os.environ.get("PYTHONPATH")]))
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True, errors="replace", env=environment) as process:
        try:
            while True:
                going_on()
                try:
                    out, err = process.communicate(timeout=_LOOK_EVERY)
                except subprocess.TimeoutExpired:
                    continue
                return subprocess.CompletedProcess(command, process.returncode, out, err)
        finally:
            if process.poll() is None:
                process.kill()


def last_words(done: subprocess.CompletedProcess[str]) -> str:
    """Why a process failed: the last line that it said, or its exit status."""
    if done.returncode in (-9, 137):
        return "it was killed, as happens when memory runs out"
    return (done.stderr.strip().splitlines() or [f"it ended with code {done.returncode}"])[-1]
