"""The model server's log, read for people: what it is doing, what went wrong, its last lines."""

from __future__ import annotations

import re
from pathlib import Path

_LAST_BYTES = 64 * 1024

# In the order in which they appear; shares from measured starts.
_STAGES: tuple[tuple[str, str, float], ...] = (
    (r"non-default args|vLLM (?:API server )?version", "starting vLLM", 0.2),
    (r"Resolved architecture|Using max model len", "reading the model's configuration", 0.35),
    (r"Initializing a V\d LLM engine|Waiting for .* engine", "starting the engine", 0.5),
    (r"Starting to load model|Loading (?:safetensors|weights)", "loading weights", 0.7),
    (r"Loading weights took|Model loading took", "weights loaded", 0.8),
    (r"KV cache size|Maximum concurrency", "making room for context", 0.85),
    (r"Warming up|Capturing|init engine", "warming up", 0.9),
    (r"Started server process|Application startup complete", "opening its port", 0.98),
)

_REMEDIES: tuple[tuple[str, str], ...] = (
    (r"[Aa]ddress already in use", "its port was taken: set SECTORKIT_MODEL_PORT=0 to take a free one"),
    (
        r"[Nn]o available memory for the cache|KV cache .*(?:larger|needed|available)|max seq len",
        "its context does not fit in memory: set VLLM_CPU_KVCACHE_SPACE higher (GiB), or a smaller context",
    ),
    (
        r"out of memory|OutOfMemory|Cannot allocate memory|MemoryError",
        "memory ran out: choose a smaller model",
    ),
    (r"libnuma\.so", "a system library is missing: apt-get install libnuma1"),
    (
        r"No module named .?vllm|No module named",
        "its environment is incomplete: make it again with `make vllm`",
    ),
    (r"SafetensorError|header too large|InvalidHeader|MetadataIncompleteBuffer", "a weights file is damaged"),
    (r"trust_remote_code", "the model wants its own code to run, which is never done: choose another model"),
    (r"No space left", "the disk is full: free some space and start again"),
    (
        r"unrecognized arguments|error: argument",
        "this vLLM does not know an argument in the catalogue's entry",
    ),
)


def tail(log: Path, lines: int = 20) -> str:
    """The last lines of the log."""
    return "\n".join(_end_of(log).splitlines()[-lines:])


def what_it_does(log: Path) -> tuple[str, float]:
    """(what the server is doing, share of the start that is done)."""
    text = _end_of(log)
    for pattern, doing, share in reversed(_STAGES):
        if re.search(pattern, text):
            return doing, share
    return "starting Python", 0.05


def next_step(log: Path, code: int | None) -> str:
    """What to do about a server that ended with `code` (None where another process saw it end)."""
    text = _end_of(log)
    for pattern, remedy in _REMEDIES:
        if re.search(pattern, text):
            damaged = "; check it: sectorkit models verify" if "damaged" in remedy else ""
            return remedy + damaged
    if code is not None and (code == -9 or code == 137):
        return "it was killed, by hand or because memory ran out: choose a smaller model if it happens again"
    if code is not None and code < 0:
        return f"it was stopped by signal {-code}: start it again"
    return "the lines below say why"


def _end_of(log: Path) -> str:
    try:
        with log.open("rb") as stream:
            stream.seek(max(0, log.stat().st_size - _LAST_BYTES))
            return stream.read().decode("utf-8", errors="replace")
    except OSError:
        return ""
