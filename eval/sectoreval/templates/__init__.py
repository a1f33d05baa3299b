"""Templates: pages and Markdown that reports are made of. What a model or a document said is data, and is escaped.

A page is one file that asks for nothing else: its policy forbids it to load anything, and to run any script but its own.
"""

from __future__ import annotations

import base64
import hashlib
import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sectorkit.stats import Estimate

if TYPE_CHECKING:
    from jinja2 import Environment

_FOLDER = Path(__file__).parent


def render(template: str, script: str = "", **values: Any) -> str:
    """A template of this folder, with the page's style and, where one is named, its script.

    Names that end in `.html.j2` are escaped as HTML; in Markdown, `cell` escapes.
    """
    from markupsafe import Markup

    code = (_FOLDER / script).read_text(encoding="utf-8") if script else ""
    digest = base64.b64encode(hashlib.sha256(code.encode()).digest()).decode()
    return _environment().get_template(template).render(
        **values, style=Markup((_FOLDER / "page.css").read_text(encoding="utf-8")), script=Markup(code), digest=digest
    )  # fmt: skip


def finite(value: Any) -> Any:
    """JSON has no NaN and no infinity: they become None, everywhere in `value`."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {key: finite(held) for key, held in value.items()}
    if isinstance(value, list | tuple):
        return [finite(held) for held in value]
    return value


def number(found: Estimate | None) -> str:
    """An estimate with its interval, or why there is none."""
    if found is None:
        return "not measured"
    return "not defined" if math.isnan(found.mean) else str(found)


def flat(about: Mapping[str, Any], *, above: Sequence[str] = ()) -> Iterator[tuple[str, str]]:
    """Every value of nested mappings with the names that lead to it."""
    for key, value in about.items():
        path = (*above, str(key))
        if isinstance(value, Mapping):
            yield from flat(value, above=path)
        else:
            yield (
                " › ".join(path),
                value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str),
            )


def cell(text: object) -> str:
    """Text in Markdown, a cell of a table or a line: it makes no cells, lines or elements of its own."""
    line = " ".join(str(text).split())
    # Only what would begin an element or a link: "p < 0.001" and intervals in brackets stay readable as they are.
    return re.sub(r"([\\`*|]|<(?=[A-Za-z/!?])|(?<=\])\()", r"\\\1", line)


def embedded(value: Any) -> str:
    """JSON that can stand in a script element: nothing in it ends the element."""
    from markupsafe import Markup

    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return Markup(text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026"))


def _environment() -> Environment:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

    from sectoreval import plots

    escape = select_autoescape(enabled_extensions=("html.j2",), default=False)
    made = Environment(
        loader=FileSystemLoader(_FOLDER),
        autoescape=escape,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {"number": number, "flat": flat, "cell": cell, "embedded": embedded}
    made.globals["plots"] = plots
    return made
