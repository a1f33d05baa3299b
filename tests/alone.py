"""`sectorkit ask` with a model server of its own, in a network without a way out, which counts who tries one.

    python tests/alone.py MODELS_DIR

The answer's JSON goes to stdout; the last line on stderr is the exit status and the packets that found no route.
Exit status 77: no right to make a network namespace.
"""

from __future__ import annotations

import ctypes
import fcntl
import json
import os
import socket
import struct
import sys
import tempfile
from itertools import pairwise
from pathlib import Path

CLONE_NEWNET = 0x40000000
QUESTION = "What is the fee for a bulky waste collection?"


def main() -> None:
    if ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWNET) != 0:
        sys.exit(77)
    with socket.socket() as any_socket:  # a namespace starts with its loopback down; IFF_UP
        fcntl.ioctl(any_socket, 0x8914, struct.pack("16sh", b"lo", 1))
    with tempfile.TemporaryDirectory() as folder:
        home, corpus = Path(folder, "home"), Path(folder, "corpus")
        home.mkdir()
        corpus.mkdir()
        (home / "models").symlink_to(Path(sys.argv[1]).resolve())
        (corpus / "waste.md").write_text("# Waste ordinance\n\nThe fee for a bulky waste collection is 35 VLM.\n")
        os.environ.pop("HF_HUB_OFFLINE", None)  # what a user has not set must not be needed
        os.environ["SECTORKIT_HOME"] = str(home)
        os.environ |= {"SECTORKIT_EMBED_MODEL": "minilm-l6-v2", "SECTORKIT_CHAT_MODEL": "smollm2-135m"}
        ask(corpus)


def ask(corpus: Path) -> None:
    from sectorkit.cli import main as sectorkit

    before = unrouted()
    try:
        sectorkit(["ask", "governance_search", QUESTION, "--docs", str(corpus), "--json"])
    except SystemExit as end:
        attempts = {name: count - before[name] for name, count in unrouted().items()}
        print(json.dumps({"status": end.code, "attempts": attempts}), file=sys.stderr)


def unrouted() -> dict[str, int]:
    """The kernel's counts of packets without a route, for both versions of IP."""
    found: dict[str, str] = {}
    for path in ("/proc/self/net/snmp", "/proc/self/net/snmp6"):
        rows = Path(path).read_text().splitlines()
        for first, second in pairwise(rows):
            if first.startswith("Ip:") and second.startswith("Ip:"):
                found.update(zip(first.split()[1:], second.split()[1:], strict=True))
        found.update(tuple(row.split()) for row in rows if row.startswith("Ip6"))  # type: ignore[misc]
    return {name: int(count) for name, count in found.items() if name.endswith("OutNoRoutes")}


if __name__ == "__main__":
    main()
