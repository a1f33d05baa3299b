"""SectorApp: everything that one sector says. The registry is the file name: `load_app("x")` imports `x`."""

from __future__ import annotations

import importlib
import re
import sys
import tomllib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from pydantic import BaseModel

from sectorkit.answer import Answer, Request
from sectorkit.errors import ConfigurationError, UnknownName

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel

    from sectorkit.retrieval.index import Index
    from sectorkit.runtime import Runtime

BeforeRule: TypeAlias = "Callable[[Request, Index], Request | Answer]"
"""Ahead of the search and the model: narrows the request, or answers it at once."""
AfterRule: TypeAlias = "Callable[[Request, Answer, Index], Answer]"
"""Behind the grounding: adds to the answer or tightens its verdict; the index is the one that was searched."""

ModelRule: TypeAlias = "Callable[[Request, Index, BaseChatModel], Awaitable[Answer | None]]"
"""Behind the search, where there is a model: answers by its help, or leaves it to the prompt."""

_MAKES_APP = re.compile(r"^APP\b.*=\s*SectorApp\(", re.MULTILINE)


@dataclass(frozen=True)
class AppPage:
    """One more page of an app, behind a tab of that title, which is ahead of "Ask" where it is `first`. `builder` names a function,
    "module:function", which is imported when pages are built and adds Gradio components of its own: `function(runtime, app)`."""

    title: str
    builder: str
    first: bool = False

    def build(self, runtime: Runtime, app: SectorApp) -> None:
        """Add its components to the Gradio page that is being built."""
        module, _, function = self.builder.partition(":")
        getattr(importlib.import_module(module), function)(runtime, app)


@dataclass(frozen=True)
class SectorApp:
    """One sector's app.

    `corpus` is the folder of its sample documents; `instructions` go to the model ahead of the rules that all apps
    share; `answer_model` constrains the answer where the sector wants fields and not prose; `max_passages` is how
    many passages a prompt holds at most; `before`, `with_model` and `after` are rules in the order of their use; `pages` are pages beside that of questions. Of an app that is `about_persons` the audit
    log keeps no texts, unless it is told to. `quotes` is whether the sentence nearest to a question may be its answer where no model's
    words hold: not where one about a neighbouring case does harm.
    """

    name: str
    title: str
    tagline: str
    corpus: Path
    instructions: str
    before: tuple[BeforeRule, ...] = ()
    after: tuple[AfterRule, ...] = ()
    with_model: tuple[ModelRule, ...] = ()
    answer_model: type[BaseModel] | None = None
    examples: tuple[str, ...] = ()
    max_passages: int = 5
    pages: tuple[AppPage, ...] = ()
    disclaimer: str | None = None
    about_persons: bool = False
    quotes: bool = True

    @property
    def golden(self) -> Path:
        """The app's own questions with the passages that answer them."""
        return self.corpus.parent / "golden.jsonl"

    def page_examples(self, title: str) -> list[dict[str, Any]]:
        """What the page of that title offers to fill its form with, from `examples.toml` beside the corpus, if there is one:
        a `label`, and the values by names that the page knows. ConfigurationError where the file is no such thing."""
        path = self.corpus.parent / "examples.toml"
        if not path.exists():
            return []
        try:
            found: list[dict[str, Any]] = tomllib.loads(path.read_text(encoding="utf-8")).get(title, [])
            if all(isinstance(example["label"], str) for example in found):
                return found
            raise ValueError("a label is no text")
        except (OSError, ValueError, LookupError, TypeError) as error:
            raise ConfigurationError(f"{path} holds no examples of pages ({error!r}); each has a label") from None

    @property
    def vectors(self) -> Path:
        """The vectors of the sample passages, where they were made before: `sectorkit index vectors` writes them."""
        return self.corpus.parent / "vectors.npz"


def app_names() -> list[str]:
    """Names of the apps that can be loaded: packages on the path that hold a `corpus/` and make an `APP`."""
    found = set()
    for entry in map(Path, dict.fromkeys(sys.path)):
        if not entry.is_dir():
            continue
        for init in entry.glob("*/__init__.py"):
            if (init.parent / "corpus").is_dir() and _MAKES_APP.search(init.read_text(encoding="utf-8")):
                found.add(init.parent.name)
    return sorted(found)


def _no_app(name: str) -> str:
    """Why a package of that name is no app; nothing where there is no such package."""
    for entry in map(Path, sys.path):
        init = entry / name / "__init__.py"
        if init.is_file():
            if not (init.parent / "corpus").is_dir():
                return f"{init.parent} is no app: it has no folder corpus/; put the app's documents there"
            return f"{init} makes no app: write APP = SectorApp(name={name!r}, ...) there, at the beginning of a line"
    return ""


def load_app(name: str) -> SectorApp:
    """The app of that name. UnknownName lists the ones that there are; ConfigurationError tells of one that bears another's."""
    known = app_names()
    if name not in known:
        if name.isidentifier() and (why := _no_app(name)):
            raise ConfigurationError(why)
        raise UnknownName("app", name, known)
    try:
        app: SectorApp = importlib.import_module(name).APP
    except (TypeError, NameError, ImportError, SyntaxError) as error:  # a field that is missing, or one too many
        raise ConfigurationError(f"the app {name} cannot be loaded: {type(error).__name__}: {error}") from error
    if app.name != name:  # its index would be another app's
        raise ConfigurationError(f"apps/{name} makes an app named {app.name!r}; name it {name!r}, as its folder is")
    return app
