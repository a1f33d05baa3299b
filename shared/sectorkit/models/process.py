"""Processes that we started: told apart for certain from any later one that got the same id."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from pathlib import Path


def process_mark(pid: int) -> str | None:
    """What tells this process from any later one with its id; None where none runs, or only a zombie."""
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


def send(pid: int, mark: str, what: signal.Signals) -> None:
    """Signal the process of that mark and no other; nothing happens where it has ended."""
    if not hasattr(os, "pidfd_open"):
        if process_mark(pid) == mark:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, what)
        return
    try:
        handle = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    try:
        # The handle holds on to one process: if the mark is right now, it is right for the signal too.
        if process_mark(pid) == mark:
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(handle, what)
    finally:
        os.close(handle)


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
        if int(fields[3]) == pid and own and own.startswith(f"{boot}:") and int(fields[19]) >= int(leader_started):
            send(member, own, signal.SIGKILL)


def reap(pid: int) -> None:
    """Collect our own ended child, so that it stays no zombie; nothing happens to another's child."""
    with contextlib.suppress(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)
