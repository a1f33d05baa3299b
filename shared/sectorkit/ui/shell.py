"""The page's outer HTML: what stands there before Gradio has drawn its part, and Gradio's own index, dressed.

Both show the title, the question box and the status strip at once, so that one can look and type while the rest
is still loading. What was typed is handed over by static/page.js.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sectorkit.app import SectorApp
from sectorkit.ui.text import esc, icon

STATIC = Path(__file__).parent / "static"
SUITE = "Sectorkit"
# Gradio's own scripts are inline and compile templates; beyond that, everything has to come from this host.
POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; font-src 'self' data:; connect-src 'self'; worker-src 'self' blob:; "
    "object-src 'none'; base-uri 'self'; form-action 'self'"
)
HEADERS = {"Content-Security-Policy": POLICY, "X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer"}
# Addresses of other hosts, an app manifest at a path that a prefix breaks, and a script for pages in frames.
_UNWANTED = re.compile(
    r'\s*<meta\s+(?:property|name)="(?:og|twitter):[^>]*>|\s*<link rel="manifest"[^>]*>'
    r"|\s*<script>(?:(?!</script>).)*iframeResizer\.contentWindow(?:(?!</script>).)*</script>",
    re.DOTALL,
)
# Gradio tells its script an absolute address, made of whatever the proxies left of the request's. Where the page
# was opened from is what a browser can surely reach.
_ROOT = """<script>if (window.gradio_config)
  window.gradio_config.root = new URL(".", document.baseURI).href.replace(/\\/$/, "");</script>"""


def header(app: SectorApp) -> str:
    """Title, tagline and disclaimer of one app."""
    note = f'<p class="sk-disclaimer">{icon("info")}<span>{esc(app.disclaimer)}</span></p>' if app.disclaimer else ""
    return f'<header class="sk-header"><h1>{esc(app.title)}</h1><p class="sk-tagline">{esc(app.tagline)}</p>{note}</header>'


def status_strip(app: SectorApp) -> str:
    """The place of the strip; the script fills it."""
    return f'<div class="sk-status" data-app="{esc(app.name)}" role="group" aria-label="Status"></div>'


def title(apps: Sequence[SectorApp]) -> str:
    return apps[0].title if len(apps) == 1 else SUITE


def early(apps: Sequence[SectorApp]) -> str:
    """The page before Gradio has started at all; its script opens the whole one as soon as that is there."""
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><base href="./">'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">{_head(apps)}</head>'
        f'<body data-early="true">{_boot(apps)}</body></html>'
    )


def dress(html: str, apps: Sequence[SectorApp]) -> str:
    """Gradio's index with our style sheet, script and first view, and without its links to other hosts."""
    html = _UNWANTED.sub("", html).replace("</head>", f"{_ROOT}{_head(apps)}</head>", 1)
    return html.replace("<gradio-app", f"{_boot(apps)}<gradio-app", 1)


def _head(apps: Sequence[SectorApp]) -> str:
    # A hash in the addresses, so that no browser shows a new page with an old one's style or script.
    version = sha256(b"".join(path.read_bytes() for path in sorted(STATIC.iterdir()))).hexdigest()[:12]
    return (
        f'<title>{esc(title(apps))}</title><meta name="color-scheme" content="light dark">'
        f'<link rel="stylesheet" href="ui/page.css?{version}"><script defer src="ui/page.js?{version}"></script>'
    )


def _boot(apps: Sequence[SectorApp]) -> str:
    first = apps[0]
    box = (
        '<form class="sk-ask sk-early"><textarea rows="1" dir="auto" aria-label="Your question" maxlength="4000" '
        'placeholder="Ask a question" autofocus></textarea><button type="submit" class="sk-go">Ask</button></form>'
    )
    if len(apps) == 1:
        body = f"{header(first)}{box}{status_strip(first)}"
    else:
        cards = "".join(f"<li><strong>{esc(app.title)}</strong><span>{esc(app.tagline)}</span></li>" for app in apps)
        body = f'<h1>{SUITE}</h1>{status_strip(first)}<ul class="sk-cards">{cards}</ul>'
    return f'<div id="sk-boot" class="sk-app">{body}<noscript>This page needs JavaScript.</noscript></div>'


class Shell:
    """ASGI middleware: `dress` for Gradio's index, and headers that keep a browser to this host."""

    def __init__(self, app: ASGIApp, *, apps: Sequence[SectorApp]) -> None:
        self._app, self._apps = app, apps

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        if scope["path"].endswith("/"):
            # The index must come as text, to be read here.
            scope = {**scope, "headers": [(k, v) for k, v in scope["headers"] if k != b"accept-encoding"]}
        start: Message | None = None
        parts: list[bytes] = []

        async def dressed(message: Message) -> None:
            nonlocal start
            if message["type"] == "http.response.start":
                headers = MutableHeaders(raw=message["headers"])
                own_policy = "content-security-policy" in headers
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
                if headers.get("content-type", "").startswith("text/html") and not own_policy:
                    start = message
                    return
            elif start is not None:
                parts.append(message.get("body", b""))
                if message.get("more_body"):
                    return
                body = dress(b"".join(parts).decode(), self._apps).encode()
                MutableHeaders(raw=start["headers"])["Content-Length"] = str(len(body))
                await send(start)
                await send({"type": "http.response.body", "body": body})
                return
            await send(message)

        await self._app(scope, receive, dressed)
