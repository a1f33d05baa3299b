"""Corpus: a folder of documents, and what is said about them in its `metadata.toml`.

    ["procurement-rule-2019.pdf"]
    title = "Procurement rule 2019"
    status = "superseded"
    valid_to = 2023-06-30

The file is optional, as is every field. One in a folder below speaks of the files there; where both name a file, the upper one counts.
What a document says of itself (front matter, HTML `meta`) comes second.
"""

from __future__ import annotations

import hashlib
import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

from sectorkit.errors import ConfigurationError
from sectorkit.retrieval.parse import supported_suffixes
from sectorkit.retrieval.parse.normalise import DATES

METADATA_FILE = "metadata.toml"


@dataclass(frozen=True)
class CorpusFile:
    """One file of a corpus: `source` is its path below the folder, `metadata` what the side file says of it."""

    source: str
    path: Path
    metadata: Mapping[str, Any]

    def digest(self) -> str:
        """SHA-256 of the file's bytes and of its metadata. Raises OSError where it cannot be read."""
        sha = hashlib.sha256(json.dumps(dict(self.metadata), sort_keys=True).encode())
        with self.path.open("rb") as stream:
            while block := stream.read(2**20):
                sha.update(block)
        return sha.hexdigest()


@dataclass(frozen=True)
class Skipped:
    """A file that is left out, and why."""

    source: str
    reason: str


def scan(folder: Path) -> tuple[list[CorpusFile], list[Skipped]]:
    """Files of `folder` and below, by source, and those left out.

    Raises ConfigurationError where the folder is not one, or its metadata file is malformed.
    """
    if not folder.is_dir():
        raise ConfigurationError(f"{folder} is not a folder; name one that holds documents")
    root = folder.resolve()
    side = _side_files(folder, root)
    suffixes = supported_suffixes()
    files: list[CorpusFile] = []
    skipped: list[Skipped] = []
    for path in sorted(folder.rglob("*")):
        source = path.relative_to(folder).as_posix()
        if any(part.startswith(".") for part in path.relative_to(folder).parts) or path.name == METADATA_FILE:
            continue
        try:
            reason = _refusal(path, root, suffixes)
        except (OSError, RuntimeError) as error:  # links that go round in circles, a folder without rights
            reason = f"cannot be looked at ({getattr(error, 'strerror', None) or error}); check its permissions, or remove it"
        if reason:
            skipped.append(Skipped(source.encode(errors="backslashreplace").decode(), reason))
        elif not path.is_dir():
            files.append(CorpusFile(source, path, side.pop(source, {})))
    bare = {file.path.name: file.source for file in files if not file.metadata}
    for source in side:
        what = "add it, or remove its entry"
        if (moved := bare.get(Path(source).name)) is not None:
            what = f'{moved} has no entry: if it is the same file, name that in place of "{source}"'
        skipped.append(Skipped(source, f"is named in {METADATA_FILE} and is not there; {what}"))
    return files, skipped


def _refusal(path: Path, root: Path, suffixes: frozenset[str]) -> str | None:
    """Why a path is left out; None for a folder, and for a file that is read."""
    if path.is_symlink() and not path.resolve().is_relative_to(root):
        return "is a link to a place outside the folder; copy the file here instead"
    if path.is_dir():
        return None
    if not path.is_file():
        return "is not a regular file; put the document itself there"
    if path.suffix.lower() not in suffixes:
        return f"has a format that is not read; convert it to one of: {' '.join(sorted(suffixes))}"
    try:
        path.name.encode()
    except UnicodeEncodeError:
        return "has a name that is not valid UTF-8; rename it"
    return None


def _side_files(folder: Path, root: Path) -> dict[str, dict[str, Any]]:
    """What the side files of the folder and of those below it say, by source."""
    said: dict[str, dict[str, Any]] = {}
    for path in sorted(folder.rglob(METADATA_FILE), key=lambda path: -len(path.parts)):
        place = path.parent.relative_to(folder)
        hidden = any(part.startswith(".") for part in place.parts)
        if path.is_file() and path.resolve().is_relative_to(root) and not hidden:
            said |= {(place / source).as_posix(): entry for source, entry in _read_metadata(path).items()}
    return said


def _read_metadata(path: Path) -> dict[str, dict[str, Any]]:
    try:
        entries = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be read ({error.strerror}); check its permissions") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{path} is not valid TOML: {error}") from None
    for source, entry in entries.items():
        if not isinstance(entry, dict):
            raise ConfigurationError(f'{path}: {source!r} should be a table, such as ["{source}"]')
        for key in DATES & entry.keys():
            entry[key] = _day(entry[key], f"{path}, {source!r}: {key}")
    return {source: plain(entry) for source, entry in entries.items()}


def _day(value: Any, what: str) -> date:
    if isinstance(value, datetime):
        return value.date()
    try:
        return value if isinstance(value, date) else date.fromisoformat(str(value))
    except ValueError:
        raise ConfigurationError(f"{what} is {value!r}, which is not a date; write it as 2024-05-31") from None


def plain(metadata: Mapping[str, Any]) -> dict[str, Any]:
    """Metadata as the stores take it: text, numbers and truth values; dates as ISO text; the rest as text."""

    def value(v: Any) -> str | int | float | bool:
        if isinstance(v, date | datetime):
            return v.isoformat()
        return v if isinstance(v, str | int | float | bool) else str(v)

    return {key: value(v) for key, v in metadata.items() if v is not None}
