"""Source: a data set that benchmarks read, pinned to commits upstream and to one digest of its files.

They are listed in sources.toml. In a data set's folder, its digest is `sha256sum FILES | LC_ALL=C sort | sha256sum`.
"""

from __future__ import annotations

import hashlib
import os
import re
import tomllib
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Annotated

from pydantic import ConfigDict, StringConstraints, TypeAdapter, ValidationError, model_validator
from pydantic.dataclasses import dataclass

from sectorkit.errors import ConfigurationError, UnknownName
from sectorkit.models.manifest import sha256_of

SOURCES = Path(__file__).with_name("sources.toml")
_STRICT = ConfigDict(extra="forbid")
_WILD = {"**/": "(?:[^/]+/)*", "*": "[^/]*", "?": "[^/]"}


@dataclass(frozen=True, config=_STRICT)
class Take:
    """Files of an archive by globs, or of the zip file in it that `zip` names.

    A file goes to `to`/<its path>, or where `flat` is set to `to`/<its name>. In a glob `**/` is any folders, none
    included; `*` and `?` stay within one name.
    """

    files: tuple[str, ...]
    to: str = ""
    flat: bool = False
    zip: str = ""


@dataclass(frozen=True, config=_STRICT)
class Upstream:
    """One repository that files come from, at one commit. Without `take`, the pinned files are where they will lie."""

    repo: Annotated[str, StringConstraints(pattern=r"^[\w.-]+/[\w.-]+$")]
    commit: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{40}$")]
    take: tuple[Take, ...] = ()


@dataclass(frozen=True, config=_STRICT)
class Source:
    """One data set. `folder` is its place in a folder of data sets; `files` are globs of the `count` files that are pinned.

    `sha256` is of the sorted lines `<sha256 of a file>  <its path>`. `note` says how to get a set that is not fetchable.
    """

    name: str
    title: str
    folder: str
    licence: str
    citation: str
    url: str
    files: tuple[str, ...]
    count: int
    sha256: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
    upstream: tuple[Upstream, ...] = ()
    fetchable: bool = True
    note: str = ""

    @model_validator(mode="after")
    def _has_a_way_to_get_it(self) -> Source:
        if self.fetchable and not self.upstream:
            raise ValueError("a data set without `upstream` is not fetchable; say `fetchable = false`")
        if not self.fetchable and not self.note:
            raise ValueError("a data set that is not fetchable needs a `note` that says how to get it")
        return self


def load_sources(path: Path = SOURCES) -> dict[str, Source]:
    """All data sets by name. ConfigurationError names a bad entry and field."""
    return dict(_read(path))


def find_source(name: str) -> Source:
    """The data set of that exact name; UnknownName lists those there are."""
    known = _read(SOURCES)
    if name not in known:
        raise UnknownName("data set", name, list(known))
    return known[name]


def folder_of(source: Source, *, data_dir: Path | None, home: Path) -> Path:
    """Where the data set lies: below `data_dir` where that is given, else where `fetch` puts it.

    Raises ConfigurationError where it is not there. What it holds is checked by `verify`.
    """
    folder = data_dir / source.folder if data_dir else fetched_folder(source, home=home)
    if not folder.is_dir():
        raise ConfigurationError(f"{source.name} is not at {folder}; {_next_step(source)}")
    return folder


def fetched_folder(source: Source, *, home: Path) -> Path:
    """Where `fetch` puts the data set; another pin is another folder."""
    return data_home(home) / source.folder / source.sha256[:12]


def data_home(home: Path) -> Path:
    return home / "benchmarks" / "data"


def verify(source: Source, folder: Path, *, home: Path) -> None:
    """Check the files in `folder` against the pin; ConfigurationError says what differs and the next step.

    Every byte is read once: below `home` a stamp remembers each file's size and time of change. `folder` is not written.
    """
    place = hashlib.sha256(os.fsencode(f"{source.name}\n{folder.resolve()}")).hexdigest()[:24]
    stamp = data_home(home) / ".checked" / place
    state = _state(source, folder)
    with suppress(OSError):
        if stamp.read_bytes() == state:
            return
    if differs := difference(source, folder):
        raise ConfigurationError(f"{source.name} in {folder}: {differs}; {_next_step(source)}")
    with suppress(OSError):  # without its stamp a data set is only read again
        stamp.parent.mkdir(parents=True, exist_ok=True)
        half = stamp.with_name(f"{place}.{os.getpid()}.part")
        half.write_bytes(state)
        half.replace(stamp)


def difference(source: Source, folder: Path) -> str | None:
    """In words, how the files in `folder` differ from those that are pinned; None where they do not."""
    found = _files(source, folder)
    for pattern in source.files:
        if not any(matches(pattern, path) for path in found):
            return f"no file there is {pattern}"
    try:
        lines = sorted(f"{sha256_of(folder / path)}  {path}\n" for path in found)
    except OSError as error:
        return f"{error.filename} cannot be read: {error.strerror}"
    digest = hashlib.sha256(os.fsencode("".join(lines))).hexdigest()
    if digest == source.sha256:
        return None
    counted = f"{len(found)} of {source.count} files"
    return f"its files are not those that are pinned: {counted}, sha256 {digest}, expected {source.sha256}"


def matches(pattern: str, path: str) -> bool:
    """Whether a relative path, with `/` in it, is one that the glob means."""
    return _compiled(pattern).fullmatch(path) is not None


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    parts = re.split(r"(\*\*/|\*|\?)", pattern)
    return re.compile("".join(_WILD.get(part) or re.escape(part) for part in parts))


def _files(source: Source, folder: Path) -> list[str]:
    """Paths, relative to `folder`, of the files there that the pin is about."""
    paths = (path.relative_to(folder).as_posix() for path in sorted(folder.rglob("*")) if path.is_file())
    return [path for path in paths if any(matches(pattern, path) for pattern in source.files)]


def _state(source: Source, folder: Path) -> bytes:
    lines = [source.sha256]
    for path in _files(source, folder):
        with suppress(OSError):  # removed since it was listed: then `difference` says so
            about = (folder / path).stat()
            lines.append(f"{about.st_size} {about.st_mtime_ns} {path}")
    return os.fsencode("\n".join(lines) + "\n")


def _next_step(source: Source) -> str:
    named = "by --data-dir DIR or SECTOREVAL_DATA_DIR"
    if not source.fetchable:
        return f"{source.note} Name the folder DIR that holds {source.folder} {named}"
    return (
        f"fetch it: sectoreval fetch {source.name} (read where no folder is named), "
        f"or name a folder that holds {source.folder} {named}"
    )


@cache
def _read(path: Path) -> dict[str, Source]:
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{path} is not valid TOML: {error}; correct it") from None
    return {name: _parse(path, name, table) for name, table in tables.items()}


def _parse(path: Path, name: str, table: object) -> Source:
    if not isinstance(table, dict):
        raise ConfigurationError(f"{path}: {name!r} should be a table; write it as [{name}]")
    try:
        return TypeAdapter(Source).validate_python({**table, "name": name})
    except ValidationError as error:
        said = "; ".join(f"{'.'.join(map(str, e['loc'])) or 'entry'}: {e['msg']}" for e in error.errors())
        raise ConfigurationError(f"{path}, {name}: {said}; correct it") from None
