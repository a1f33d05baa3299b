"""The manifest of a pulled model: what each file's SHA-256 was when it was pulled, and where it came from."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath

from pydantic import BaseModel, ConfigDict, ValidationError

from sectorkit.errors import CorruptModel
from sectorkit.progress import Progress, silent

MANIFEST = "manifest.json"

# Weights as safetensors, and text that is read as data. No pickles, no Python, no shared objects.
SAFE_PATTERNS = (
    "*.safetensors", "*.json", "*.jsonl", "*.txt", "*.model", "*.jinja", "*.md", "*.tiktoken", "LICENSE*"
)  # fmt: skip


class FileRecord(BaseModel):
    """Size in bytes and SHA-256 of one file."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    size: int
    sha256: str


class Manifest(BaseModel):
    """What one model folder holds, by path relative to it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: str
    source: str
    revision: str
    pulled: str
    files: dict[str, FileRecord]


def is_safe(path: str) -> bool:
    """Whether a model's file of this relative path may be kept: its kind is harmless and it stays inside."""
    relative = PurePosixPath(path)
    inside = not relative.is_absolute() and ".." not in relative.parts and "\\" not in path
    hidden = any(part.startswith(".") for part in relative.parts)
    return inside and not hidden and any(PurePosixPath(relative.name).match(p) for p in SAFE_PATTERNS)


def sha256_of(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal, read in pieces."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def write_manifest(folder: Path, *, model: str, source: str, revision: str, progress: Progress = silent) -> Manifest:
    """Hash every file of `folder` and write its manifest, all of it on disk before this returns."""
    files = {}
    for path in _files(folder):
        name = path.relative_to(folder).as_posix()
        progress(f"{model}: hashing {name}")
        files[name] = FileRecord(size=path.stat().st_size, sha256=sha256_of(path))
        _flush(path)
    when = datetime.now(UTC).isoformat(timespec="seconds")
    manifest = Manifest(model=model, source=source, revision=revision, pulled=when, files=files)
    target = folder / MANIFEST
    target.write_text(manifest.model_dump_json(indent=1) + "\n", encoding="utf-8")
    _flush(target)
    return manifest


def read_manifest(folder: Path) -> Manifest | None:
    """The manifest of a model folder; None where there is none that can be read."""
    try:
        return Manifest.model_validate_json((folder / MANIFEST).read_bytes())
    except (OSError, ValidationError):
        return None


def sizes_agree(folder: Path) -> bool:
    """Whether every recorded file is there with its recorded size: quick, and blind to a flipped bit."""
    manifest = read_manifest(folder)
    if manifest is None:
        return False
    return all(_size(folder / name) == record.size for name, record in manifest.files.items())


def check_manifest(folder: Path, *, progress: Progress = silent) -> Manifest:
    """Hash every file again; CorruptModel names a missing, changed or added file and the next step."""
    manifest = read_manifest(folder)
    again = f"fetch it afresh: sectorkit models pull {folder.name}"
    if manifest is None:
        raise CorruptModel(f"{folder} has no readable {MANIFEST}; {again}")
    total, done = sum(record.size for record in manifest.files.values()) or 1, 0
    for name, record in manifest.files.items():
        progress(f"{folder.name}: checking {name}", done / total)
        path = folder / name
        if _size(path) != record.size:
            raise CorruptModel(f"{path} is missing or has another size than when it was pulled; {again}")
        if sha256_of(path) != record.sha256:
            raise CorruptModel(f"{path} is not the file that was pulled: its SHA-256 differs; {again}")
        done += record.size
    added = {p.relative_to(folder).as_posix() for p in _files(folder)} - set(manifest.files)
    if added:
        raise CorruptModel(
            f"{folder / sorted(added)[0]} was not there when the model was pulled; remove it, or {again}"
        )
    return manifest


def _files(folder: Path) -> Iterator[Path]:
    return (p for p in sorted(folder.rglob("*")) if p.is_file() and p != folder / MANIFEST)


def _size(path: Path) -> int:
    return path.stat().st_size if path.is_file() else -1


def _flush(path: Path) -> None:
    with path.open("rb") as stream:
        os.fsync(stream.fileno())
