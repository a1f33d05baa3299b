"""What this machine has: GPUs as the driver names them, memory, and the processor's useful instructions."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

# What vLLM's CPU kernels and bfloat16 encoding look for; the rest of /proc/cpuinfo's flags say nothing here.
_USEFUL_FLAGS = frozenset({"avx2", "avx512f", "avx512_bf16", "amx_bf16", "amx_tile", "asimd", "bf16", "sve"})


@dataclass(frozen=True)
class Gpu:
    """One GPU: `memory_gb` is all of its memory in GiB."""

    name: str
    memory_gb: float


@dataclass(frozen=True)
class Hardware:
    """`memory_gb`: the memory that this process may use, in GiB, a container's limit counted in."""

    kind: Literal["cpu", "gpu"]
    gpus: tuple[Gpu, ...]
    memory_gb: float
    cores: int
    cpu_flags: frozenset[str]

    @property
    def bfloat16(self) -> bool:
        """Whether the processor multiplies bfloat16 itself; not whether it does so faster than float32."""
        return bool(self.cpu_flags & {"avx512_bf16", "amx_bf16", "bf16"})

    @property
    def serves_bfloat16(self) -> bool:
        """Whether vLLM has kernels for bfloat16 here: a GPU, AVX-512, or a processor that multiplies it itself.

        With AVX2 alone a 0.5B was measured to read 12 tokens a second in bfloat16 and 73 in float32.
        """
        return self.kind == "gpu" or self.bfloat16 or "avx512f" in self.cpu_flags

    def __str__(self) -> str:
        if self.kind == "gpu":
            return " + ".join(f"{gpu.name} ({gpu.memory_gb:.0f} GiB)" for gpu in self.gpus)
        return f"{self.cores} CPU cores, {self.memory_gb:.0f} GiB memory, no GPU"


def detect() -> Hardware:
    """This machine's hardware, without torch. Never raises: what cannot be read counts as absent."""
    gpus = _nvidia_gpus()
    return Hardware("gpu" if gpus else "cpu", gpus, _memory_gb(), _cores(), _cpu_flags())


def described() -> str:
    """One line about this machine, to stand beside what was measured on it."""
    return f"{detect()}; {platform.machine()}, Python {platform.python_version()}"


def _nvidia_gpus() -> tuple[Gpu, ...]:
    program = shutil.which("nvidia-smi")
    if program is None:
        return ()
    command = [program, "--query-gpu=name,memory.total", "--format=csv,noheader,nounits"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=10, check=True)
    except (OSError, subprocess.SubprocessError):
        return ()  # the tool is there and no GPU is, as in a container without --gpus
    found = []
    for line in done.stdout.splitlines():
        name, _, mebibytes = line.rpartition(",")
        if name and mebibytes.strip().isdigit():
            found.append(Gpu(name.strip(), int(mebibytes) / 1024))
    return tuple(found)


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _memory_gb() -> float:
    amounts = []
    for line in _text("/proc/meminfo").splitlines():
        if line.startswith("MemTotal:"):
            amounts.append(int(line.split()[1]) * 1024)
    for limit in ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"):
        if _text(limit).strip().isdigit():
            amounts.append(int(_text(limit)))
    if not amounts and "SC_PHYS_PAGES" in os.sysconf_names:
        amounts.append(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    return min(amounts, default=0) / 2**30


def _cpu_flags() -> frozenset[str]:
    for line in _text("/proc/cpuinfo").splitlines():
        if line.startswith(("flags", "Features")):
            return frozenset(line.partition(":")[2].split()) & _USEFUL_FLAGS
    return frozenset()


def _text(path: str) -> str:
    try:
        return Path(path).read_text()
    except OSError:
        return ""
