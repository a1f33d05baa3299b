"""`sectorkit demo`: the page at once, models and documents behind it, with progress in the terminal and on the page."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
import webbrowser
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.markup import escape

from sectorkit.app import app_names, load_app
from sectorkit.errors import ConfigurationError
from sectorkit.runtime import Runtime

if TYPE_CHECKING:
    from sectorkit.settings import Settings

_SAY_EVERY = 2.0  # seconds; a log file should not fill with progress
_out = Console(highlight=False)


def demo(settings: Settings, names: Sequence[str], *, docs: Path | None, model: bool, browser: bool) -> int:
    """Serve the apps until Ctrl-C, which stops what was started here and nothing else."""
    from sectorkit.ui.server import serve

    apps = [load_app(name) for name in names or app_names()]
    if docs is not None and len(apps) != 1:
        raise ConfigurationError("--docs needs the one APP that it is for: sectorkit demo governance_search --docs DIR")
    corpora = {apps[0].name: docs} if docs is not None else {}
    runtime = Runtime(settings, apps, corpora=corpora, progress=_Teller())

    def opened(url: str) -> None:
        runtime.start_model(wanted=model)
        _out.print(f"[bold green]==> open {url}[/]  (Ctrl-C stops)")
        if browser and (sys.platform in ("darwin", "win32") or os.environ.get("DISPLAY")):
            # Apart: some browsers keep the caller waiting, and it is the caller who has to serve them.
            threading.Thread(target=webbrowser.open, args=(url,), daemon=True).start()

    try:
        serve(runtime, settings, on_open=opened, on_ready=lambda url: runtime.start_documents())
    finally:
        for name in ("SIGINT", "SIGTERM", "SIGHUP"):  # once is enough: a second one would leave the model server behind
            if hasattr(signal, name):
                signal.signal(getattr(signal, name), signal.SIG_IGN)
        with suppress(OSError):  # the terminal may be gone
            _out.print("==> stopping")
        runtime.close()
    return 0


class _Teller:
    """Progress for a terminal: a line when a part changes what it does, and every few seconds in between."""

    def __init__(self) -> None:
        self._said: dict[str, tuple[str, float]] = {}
        self._began = time.monotonic()

    def __call__(self, message: str, fraction: float | None = None) -> None:
        part, _, doing = message.partition(": ")
        now = time.monotonic()
        last, at = self._said.get(part, ("", 0.0))
        verb = " ".join(doing.split()[:2])
        if verb == last and now - at < _SAY_EVERY and fraction != 1.0:
            return
        self._said[part] = (verb, now)
        share = f" {fraction:4.0%}" if fraction is not None else ""
        _out.print(f"[dim]{now - self._began:5.0f} s[/]  [bold]{part:<9}[/]{share}  {escape(doing)}")
