"""How long it takes from a command to a page and to a first answer.

    .venv/bin/python tests/bench/startup.py [--home EMPTY_FOLDER]

Without `--home`, what is in the user's own cache folder is used: the second start. With an empty folder the models are
fetched (downloads may be cached) and converted, and the documents are indexed: the first start. A question is asked as
soon as documents can be searched and the model is ready.
"""

from __future__ import annotations

import argparse
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx

from sectorkit.models.hardware import described

APP = "governance_search"
QUESTION = "Until when may a household ask for help with this winter's heating costs?"
SECTORKIT = Path(sys.executable).with_name("sectorkit")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--home", type=Path, help="an empty folder, for a first start")
    options = parser.parse_args()
    print(f"{'first' if options.home else 'second'} start; {described()}")
    times = sorted(seconds_of_help() for _ in range(10))
    print(f"sectorkit --help           {times[5]:.2f} s (median of 10)")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    env = os.environ | {"SECTORKIT_PORT": str(port)} | ({"SECTORKIT_HOME": str(options.home)} if options.home else {})
    began = time.monotonic()
    demo = subprocess.Popen(
        [SECTORKIT, "demo", "--no-browser", APP], env=env, stdout=subprocess.DEVNULL, stderr=subprocess.STDOUT
    )
    try:
        measure(demo, f"http://127.0.0.1:{port}", began)
    finally:
        demo.send_signal(signal.SIGINT)
        began = time.monotonic()
        demo.wait(60)
        print(f"Ctrl-C to the end          {time.monotonic() - began:.1f} s")


def seconds_of_help() -> float:
    began = time.perf_counter()
    subprocess.run([SECTORKIT, "--help"], stdout=subprocess.DEVNULL, check=True)
    return time.perf_counter() - began


def measure(demo: subprocess.Popen[bytes], url: str, began: float) -> None:
    """Print when each thing was there, in seconds from the command."""
    said: set[str] = set()

    def note(what: str) -> None:
        if what not in said:
            said.add(what)
            print(f"{what:<26} {time.monotonic() - began:.1f} s", flush=True)

    with httpx.Client(base_url=url, timeout=600, trust_env=False) as client:
        while demo.poll() is None:
            time.sleep(0.1)
            try:
                state = client.get("/api/status").json()
                whole = client.get(f"/ui/status/{APP}").json()["page"]
            except (httpx.HTTPError, ValueError):
                continue
            note("a page is served")
            if whole:
                note("the whole page is there")
            stages = {stage["name"]: stage for stage in state["stages"]}
            searchable = state["apps"][APP]["searchable"]
            if searchable:
                note("documents can be searched")
            if stages["documents"]["state"] == "ready":
                note("all documents are indexed")
            if stages["model"]["state"] == "ready":
                note("the model is ready")
            if "failed" in (stages["model"]["state"], stages["documents"]["state"]):
                raise SystemExit(f"failed: {stages}")
            if searchable and stages["model"]["state"] == "ready":
                asked = time.monotonic() - began
                answer = client.post(f"/api/{APP}/ask", json={"question": QUESTION}).json()
                print(f"first word of an answer    {asked + answer['timings']['first_token']:.1f} s")
                print(f"first verified answer      {time.monotonic() - began:.1f} s: {answer['verdict']}")
                return
    raise SystemExit("the demo ended by itself")


if __name__ == "__main__":
    main()
