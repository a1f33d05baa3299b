"""Fetch: bring a data set onto this machine, at its pinned commits, checked, and whole or not at all.

benchmarks/data/<folder>/<pin>/       a data set that was fetched
benchmarks/data/.partial/<name>/      what is under way; a broken fetch's rest is removed by the next one
benchmarks/data/.locks/<name>.lock    one fetch of a data set at a time
"""

from __future__ import annotations

import errno
import shutil
import tarfile
import time
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import IO

import httpx
from filelock import FileLock, Timeout

from sectoreval.data import Source, Take, Upstream, data_home, difference, fetched_folder, matches, verify
from sectorkit.errors import ConfigurationError
from sectorkit.progress import Progress, silent

GITHUB = "https://codeload.github.com"
_LOCK_SECONDS = 3600.0
_PAUSES = (0.5, 2.0)  # before the second and the third try
_TIMEOUT = httpx.Timeout(60.0, connect=15.0)
_PIECE = 1 << 20
# Far above what any of the data sets needs, and far below what would fill a disk or keep a machine busy for a day.
_LARGEST_ARCHIVE = 4 << 30
_LARGEST_UNPACKED = 32 << 30
_LARGEST_SET = 1 << 30
_INNER = ".inner.zip"


def fetch(source: Source, *, home: Path, progress: Progress = silent, base_url: str = GITHUB) -> Path:
    """The data set's folder: at once where it is whole, else fetched from `base_url`/OWNER/NAME/tar.gz/COMMIT.

    Proxies are those of the environment. ConfigurationError says what could not be fetched and what to do next; then
    nothing is left behind.
    """
    if not source.fetchable:
        raise ConfigurationError(f"{source.name} cannot be fetched. {source.note} Then {_named(source)}")
    folder = fetched_folder(source, home=home)
    if _is_whole(source, folder, home):
        return folder
    try:
        with _alone(source, home, progress) as work:
            if not _is_whole(source, folder, home):
                _fetch_alone(source, folder, work, progress, base_url)
            verify(source, folder, home=home)
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            said = f"the disk is full at {data_home(home)}; free some space"
        else:
            said = f"cannot write to {data_home(home)}: {error.strerror or error}; correct that"
        raise ConfigurationError(
            f"{said}, or set SECTORKIT_HOME elsewhere, and fetch again: sectoreval fetch {source.name}"
        ) from error
    progress(f"{source.name}: ready in {folder}", 1.0)
    return folder


def _fetch_alone(source: Source, folder: Path, work: Path, progress: Progress, base_url: str) -> None:
    ready = work / "ready"
    ready.mkdir(parents=True)
    for part in source.upstream:
        archive = work / "archive.tar.gz"
        _download(source, part, archive, progress, base_url)
        progress(f"{source.name}: unpacking {part.repo}")
        _Unpacking(source, part, ready).run(archive)
        archive.unlink()
    progress(f"{source.name}: checking its files")
    if differs := difference(source, ready):
        raise ConfigurationError(
            f"what {base_url} gave for {source.name} is not used: {differs}. Fetch again; if it differs again, {_named(source)}"
        )
    folder.parent.mkdir(parents=True, exist_ok=True)
    if folder.exists():
        folder.rename(work / "old")  # a broken one: a whole one was returned long before
    ready.rename(folder)


def _is_whole(source: Source, folder: Path, home: Path) -> bool:
    try:
        verify(source, folder, home=home)
    except ConfigurationError:
        return False
    return True


@contextmanager
def _alone(source: Source, home: Path, progress: Progress) -> Iterator[Path]:
    """The folder to work in, empty and this process's own until it is removed."""
    root = data_home(home)
    (root / ".locks").mkdir(parents=True, exist_ok=True)
    lock = FileLock(root / ".locks" / f"{source.name}.lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        progress(f"{source.name}: another process is fetching it; waiting")
        try:
            lock.acquire(timeout=_LOCK_SECONDS)
        except Timeout:
            raise ConfigurationError(
                f"another process has been fetching {source.name} for an hour; end it and try again"
            ) from None
    work = root / ".partial" / source.name
    try:
        shutil.rmtree(work, ignore_errors=True)
        yield work
    finally:
        shutil.rmtree(work, ignore_errors=True)
        lock.release()


def _download(source: Source, part: Upstream, archive: Path, progress: Progress, base_url: str) -> None:
    url = f"{base_url}/{part.repo}/tar.gz/{part.commit}"
    for pause in (*_PAUSES, None):
        try:
            _stream(source, part, url, archive, progress)
            return
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            said = _why(error)
            if pause is None or not _may_pass(error):
                raise ConfigurationError(
                    f"{part.repo} at commit {part.commit[:12]} could not be fetched for {source.name}: {said} ({url}). "
                    f"Check the network (and HTTPS_PROXY) and fetch again; where it cannot be reached, {_named(source)}"
                ) from None
        progress(f"{source.name}: {said}; trying again")
        time.sleep(pause)


def _stream(source: Source, part: Upstream, url: str, archive: Path, progress: Progress) -> None:
    try:
        client = httpx.Client(timeout=_TIMEOUT, follow_redirects=True, headers={"Accept-Encoding": "identity"})
    except (ValueError, ImportError) as error:
        raise ConfigurationError(f"the proxy that the environment names cannot be used: {error}; correct it") from None
    progress(f"{source.name}: asking for {part.repo}")
    with client, client.stream("GET", url) as response, archive.open("wb") as out:
        response.raise_for_status()
        total, done = int(response.headers.get("Content-Length") or 0), 0
        for piece in response.iter_bytes(_PIECE):
            out.write(piece)
            done += len(piece)
            if done > _LARGEST_ARCHIVE:
                raise _refused(source, part, f"it is larger than {_LARGEST_ARCHIVE >> 30} GiB")
            progress(
                f"{source.name}: fetching {part.repo}, {done / 1e6:.1f} MB", min(done / total, 1.0) if total else None
            )


def _may_pass(error: Exception) -> bool:
    """Whether another try may succeed."""
    if isinstance(error, httpx.HTTPStatusError):
        return error.response.status_code >= 500 or error.response.status_code == 429
    return isinstance(error, httpx.TransportError)


def _why(error: Exception) -> str:
    if isinstance(error, httpx.HTTPStatusError):
        status = error.response.status_code
        return "there is nothing of that name (404)" if status == 404 else f"the server answered {status}"
    return str(error) or type(error).__name__


class _Unpacking:
    """Writes the wanted files of one repository's archive below a folder, and nothing anywhere else."""

    def __init__(self, source: Source, part: Upstream, ready: Path) -> None:
        self._source, self._part, self._ready = source, part, ready
        self._takes = part.take or (Take(source.files),)
        self._room = _LARGEST_SET

    def run(self, archive: Path) -> None:
        """ConfigurationError where the archive is damaged, or holds what could write elsewhere or fill the disk."""
        try:
            with tarfile.open(archive, "r|gz") as tar:
                for member in tar:
                    self._member(tar, member)
        except tarfile.FilterError as error:
            raise self._refuse(str(error)) from None
        except (tarfile.TarError, zipfile.BadZipFile, zlib.error, EOFError, RuntimeError) as error:
            # RuntimeError: an entry of a zip file that is encrypted, or packed in a way that is not read
            raise self._refuse(f"it is damaged ({error})") from None

    def _member(self, tar: tarfile.TarFile, member: tarfile.TarInfo) -> None:
        if member.offset_data + member.size > _LARGEST_UNPACKED:
            raise self._refuse(f"it unpacks to more than {_LARGEST_UNPACKED >> 30} GiB")
        path = member.name.partition("/")[2]  # below the one folder that holds all
        for take in () if member.isdir() else self._takes:
            if take.zip:
                target = _INNER if path == take.zip else None
            else:
                target = self._wanted(take, path)
            if target is None:
                continue
            if not member.isreg():
                raise self._refuse(f"{member.name} is a link or a device")
            tarfile.data_filter(member.replace(name=target), str(self._ready))
            stream = tar.extractfile(member)
            assert stream is not None  # it is a regular file
            self._write(stream, target)
            if take.zip:
                self._unzip(take)
            return

    def _unzip(self, take: Take) -> None:
        inner = self._ready / _INNER
        with zipfile.ZipFile(inner) as opened:
            for entry in opened.infolist():
                target = None if entry.is_dir() else self._wanted(take, entry.filename)
                if target is not None:
                    with opened.open(entry) as unpacked:
                        self._write(unpacked, target)
        inner.unlink()

    def _wanted(self, take: Take, path: str) -> str | None:
        """Where a file of the archive goes; None where it is not wanted."""
        if not any(matches(pattern, path) for pattern in take.files):
            return None
        target = PurePosixPath(take.to, PurePosixPath(path).name if take.flat else path)
        if target.is_absolute() or ".." in target.parts or "\\" in path:
            raise self._refuse(f"{path} would lie outside of its folder")
        return target.as_posix()

    def _write(self, stream: IO[bytes], target: str) -> None:
        place = self._ready / target
        place.parent.mkdir(parents=True, exist_ok=True)
        with place.open("wb") as out:
            while piece := stream.read(_PIECE):
                self._room -= len(piece)
                if self._room < 0:
                    raise self._refuse(f"its files take more than {_LARGEST_SET >> 30} GiB")
                out.write(piece)

    def _refuse(self, what: str) -> ConfigurationError:
        return _refused(self._source, self._part, what)


def _refused(source: Source, part: Upstream, what: str) -> ConfigurationError:
    return ConfigurationError(
        f"the archive of {part.repo} that came for {source.name} is not used: {what}. "
        f"Fetch again; if that does not help, {_named(source)}"
    )


def _named(source: Source) -> str:
    return f"name a folder that holds {source.folder} by --data-dir DIR or SECTOREVAL_DATA_DIR"
