"""Model files from a model hub: only safe kinds of files, at one commit, checked against the hub's hashes."""

from __future__ import annotations

import os
import shutil
import threading
from pathlib import Path

from sectorkit.errors import CorruptModel, PullError
from sectorkit.models.catalogue import ModelSpec
from sectorkit.models.manifest import SAFE_PATTERNS, is_safe, sha256_of
from sectorkit.progress import Progress

_PROBE_SECONDS = 2.0


def hub_endpoint() -> str:
    """The hub's address: HF_ENDPOINT as it is now, for a mirror, else the client's own."""
    from huggingface_hub import constants

    return os.environ.get("HF_ENDPOINT", "").rstrip("/") or constants.ENDPOINT


def hub_answers() -> bool:
    """Whether a model hub can be reached from here, found out within about two seconds."""
    if os.environ.get("HF_HUB_OFFLINE", "").upper() in {"1", "ON", "YES", "TRUE"}:
        return False
    import httpx

    try:
        response = httpx.head(hub_endpoint(), timeout=_PROBE_SECONDS, follow_redirects=True)
    except (httpx.HTTPError, httpx.InvalidURL, OSError):
        return False
    return response.status_code < 400


def fetch_hub(spec: ModelSpec, *, work: Path, progress: Progress) -> tuple[Path, str]:
    """The model's folder inside `work`, and the commit it is of. What `work` holds is not fetched again.

    PullError where the hub refuses or breaks off; CorruptModel where a hash is not the hub's or catalogue's.
    """
    from huggingface_hub import HfApi, snapshot_download
    from huggingface_hub.utils.tqdm import disable_progress_bars

    disable_progress_bars()  # ours is shown instead
    ready = work / "hub"
    try:
        info = HfApi(endpoint=hub_endpoint()).model_info(spec.repo, revision=spec.revision, files_metadata=True)
        wanted = {f.rfilename: f for f in info.siblings or [] if is_safe(f.rfilename)}
        if not any(name.endswith(".safetensors") for name in wanted):
            raise PullError(f"{spec.repo} has no safetensors files; only safetensors are loaded: choose another model")
        commit = info.sha or spec.revision
        total = sum(f.size or 0 for f in wanted.values())
        with _Watch(spec.name, ready, total, progress):
            snapshot_download(
                spec.repo,
                revision=commit,
                local_dir=ready,
                allow_patterns=list(SAFE_PATTERNS),
                endpoint=hub_endpoint(),
            )
    except PullError:
        raise
    except Exception as error:  # the client raises its own, httpx's, the operating system's and Xet's errors
        if "No space left" in str(error):
            raise PullError(f"the disk is full at {ready}; free some space and pull again: it resumes") from error
        said = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise PullError(
            f"{spec.repo} could not be fetched from the model hub: {said}. If a licence has to be accepted, "
            "accept it on the model's page and set HF_TOKEN; otherwise pull again: it resumes"
        ) from error
    shutil.rmtree(ready / ".cache", ignore_errors=True)
    for path in [p for p in ready.rglob("*") if p.is_file()]:
        name = path.relative_to(ready).as_posix()
        if name not in wanted:
            path.unlink()  # matches a pattern, and is hidden or lies outside of what is safe
            continue
        lfs = wanted[name].lfs
        expected = spec.sha256.get(name) or (lfs.sha256 if lfs else None)
        if expected and sha256_of(path) != expected:
            path.unlink()
            raise CorruptModel(
                f"{spec.name}: {name} is damaged (its SHA-256 is not {expected}); it was removed. "
                f"Pull again, the rest is kept: sectorkit models pull {spec.name}"
            )
    return ready, commit


class _Watch:
    """Reports how many bytes lie in a folder, once a second, while another call fills it."""

    def __init__(self, name: str, folder: Path, total: int, progress: Progress) -> None:
        self._name, self._folder, self._total, self._progress = name, folder, total, progress
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._over.wait(1.0):
            share = min(folder_bytes(self._folder) / self._total, 1.0) if self._total else None
            self._progress(f"{self._name}: fetching {self._total / 1e9:.1f} GB from the model hub", share)


def folder_bytes(folder: Path) -> int:
    """Bytes in all files under a folder that others may be changing."""
    total = 0
    for path in folder.rglob("*"):
        try:
            total += path.stat().st_size if path.is_file() else 0
        except OSError:
            continue  # renamed or removed between listing and asking
    return total
