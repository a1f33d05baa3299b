"""Processes that we started: told apart for certain from any later one that got the same id."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from pathlib import Path


def process_mark(pid: int) -> str | None:
    """What tells this process from any later one with the same id; None where none runs (or only a zombie)."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        if Path("/proc/self/stat").exists():
            return None
        done = subprocess.run(["ps", "-o", "stat=,lstart=", "-p", str(pid)], capture_output=True, text=True)
        state, _, started = done.stdout.strip().partition(" ")
        return None if not started or state.startswith("Z") else started.strip()
    return None if fields[0] in "ZX" else f"{boot}:{fields[19]}"


def end_orphans(pid: int, mark: str) -> None:
    """Kill what is left of a dead server's session: workers that would hold its memory.

    A session's id is its first process's; the kernel gives it to no new process while a member lives. Members
    must have started after that process, in the same boot.
    """
    boot, _, leader_started = mark.partition(":")
    if not leader_started or process_mark(pid) is not None:
        return  # no /proc here, or the id belongs to a process that runs: nothing is proved
    for entry in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = entry.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        member = int(entry.parent.name)
        own = process_mark(member)
        if (
            int(fields[3]) == pid
            and own
            and own.startswith(f"{boot}:")
            and int(fields[19]) >= int(leader_started)
        ):
            try:
                os.kill(member, signal.SIGKILL)
            except ProcessLookupError:
                continue


def reap(pid: int) -> None:
    """Collect our own ended child, so that it stays no zombie; another process's child is not ours to collect."""
    with contextlib.suppress(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)
