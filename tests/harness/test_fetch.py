"""Fetching data sets, from a real server on this machine that serves archives made here."""

from __future__ import annotations

import errno
import hashlib
import io
import os
import signal
import subprocess
import sys
import tarfile
import threading
import time
import zipfile
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path, PurePosixPath

import pytest

from sectoreval.data import Source, Take, Upstream, data_home, difference, fetched_folder, load_sources, matches, verify
from sectoreval.fetch import fetch
from sectorkit.errors import ConfigurationError

NEAR = Path(__file__).resolve().parents[3] / "shared" / "benchmarks"
NAMED = os.environ.get("SECTOREVAL_DATA_DIR")
LOCAL = Path(NAMED or NEAR)
needs_local = pytest.mark.skipif(
    not NAMED and not NEAR.is_dir(), reason="no data sets here; name them by SECTOREVAL_DATA_DIR"
)
COMMIT = "0123456789abcdef0123456789abcdef01234567"
TOY, MORE = f"/owner/toy/tar.gz/{COMMIT}", f"/owner/more/tar.gz/{COMMIT}"
WANTED = {"data/a/one.txt": b"one\n", "data/b/two.txt": b"two\n", "judged/qrels.txt": b"q d 1\n", "more.txt": b"more\n"}


def digest(files: Mapping[str, bytes]) -> str:
    lines = sorted(f"{hashlib.sha256(content).hexdigest()}  {path}\n" for path, content in files.items())
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def zipped(files: Mapping[str, bytes]) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as out:
        for path, content in files.items():
            out.writestr(path, content)
    return packed.getvalue()


def archive(files: Mapping[str, bytes], *special: tarfile.TarInfo) -> bytes:
    """A repository's archive: all of its files below one folder."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz", compresslevel=1, format=tarfile.PAX_FORMAT) as out:
        for path, content in files.items():
            member = tarfile.TarInfo(f"toy-{COMMIT}/{path}")
            member.size = len(content)
            out.addfile(member, io.BytesIO(content))
        for member in special:
            out.addfile(member)
    return packed.getvalue()


def good() -> dict[str, bytes]:
    """What the server has of the toy: its two repositories."""
    inner = zipped({"set/qrels.txt": WANTED["judged/qrels.txt"], "set/answers.csv": b"withheld"})
    toy = {"a/one.txt": b"one\n", "b/two.txt": b"two\n", "10/left.txt": b"no", "README.md": b"# Toy", "q.zip": inner}
    return {TOY: archive(toy), MORE: archive({"deep/down/more.txt": WANTED["more.txt"]})}


@pytest.fixture
def source() -> Source:
    """A data set of two repositories, with a folder kept, a file taken out of its folders, and one inside a zip."""
    toy = Upstream(
        "owner/toy",
        COMMIT,
        (Take(("?/*.txt",), to="data"), Take(("**/qrels.txt",), to="judged", flat=True, zip="q.zip")),
    )
    return Source(
        name="toy",
        title="Toy",
        folder="governance/toy",
        licence="CC0",
        citation="nobody",
        url="https://github.com/owner/toy",
        files=("**/*.txt",),
        count=len(WANTED),
        sha256=digest(WANTED),
        upstream=(toy, Upstream("owner/more", COMMIT, (Take(("**/more.txt",), flat=True),))),
    )


class Server:
    """Answers a path from `has`: by bytes, or by what a function sends. `asked` are the paths, in order."""

    def __init__(self) -> None:
        self.has: dict[str, bytes | Callable[[BaseHTTPRequestHandler], None]] = {}
        self.asked: list[str] = []
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                server.asked.append(self.path)
                answer = server.has.get(self.path)
                if callable(answer):
                    answer(self)
                    return
                self.send_response(404 if answer is None else 200)
                self.send_header("Content-Length", str(len(answer or b"")))
                self.end_headers()
                self.wfile.write(answer or b"")

            def log_message(self, *_: object) -> None:
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.http.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.http.server_address[1]}"
        self._thread = threading.Thread(target=self.http.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    def close(self) -> None:
        self.http.shutdown()
        self.http.server_close()
        self._thread.join()


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    started = Server()
    yield started
    started.close()


def written(folder: Path) -> dict[str, bytes]:
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def left(home: Path) -> list[str]:
    """Everything below the data's folder but the locks: empty folders as well."""
    found = [p.relative_to(data_home(home)).as_posix() for p in data_home(home).rglob("*")]
    return [path for path in found if not path.startswith(".locks") and path != ".partial"]


def test_a_fetched_data_set_lies_whole_in_its_folder(source: Source, server: Server, tmp_path: Path) -> None:
    server.has = {**good()}
    said: list[tuple[str, float | None]] = []
    folder = fetch(
        source, home=tmp_path, progress=lambda text, share=None: said.append((text, share)), base_url=server.url
    )
    assert folder == fetched_folder(source, home=tmp_path)
    assert written(folder) == WANTED
    assert server.asked == [TOY, MORE]
    assert not list((data_home(tmp_path) / ".partial").iterdir())
    assert said[-1] == (f"toy: ready in {folder}", 1.0)
    assert any("fetching owner/more" in text and share == 1.0 for text, share in said)
    verify(source, folder, home=tmp_path)


def test_a_second_call_asks_nothing(source: Source, server: Server, tmp_path: Path) -> None:
    server.has = {**good()}
    first = fetch(source, home=tmp_path, base_url=server.url)
    server.asked.clear()
    assert fetch(source, home=tmp_path, base_url=server.url) == first
    assert server.asked == []


def test_a_fetched_data_set_that_was_damaged_is_fetched_anew(source: Source, server: Server, tmp_path: Path) -> None:
    server.has = {**good()}
    folder = fetch(source, home=tmp_path, base_url=server.url)
    (folder / "more.txt").write_bytes(b"something else\n")
    assert written(fetch(source, home=tmp_path, base_url=server.url)) == WANTED
    assert server.asked == [TOY, MORE, TOY, MORE]


def test_other_files_than_those_pinned_are_not_used_and_not_kept(
    source: Source, server: Server, tmp_path: Path
) -> None:
    server.has = {**good(), MORE: archive({"deep/down/more.txt": b"tampered\n"})}
    with pytest.raises(ConfigurationError, match=rf"4 of 4 files, sha256 .*, expected {source.sha256}") as caught:
        fetch(source, home=tmp_path, base_url=server.url)
    assert "--data-dir DIR" in str(caught.value)
    assert left(tmp_path) == []


def test_a_file_that_upstream_lacks_is_missed(source: Source, server: Server, tmp_path: Path) -> None:
    server.has = {**good(), MORE: archive({"README.md": b""})}
    with pytest.raises(ConfigurationError, match="3 of 4 files"):
        fetch(source, home=tmp_path, base_url=server.url)
    assert left(tmp_path) == []


def link(path: str, to: str, kind: bytes = tarfile.SYMTYPE) -> tarfile.TarInfo:
    member = tarfile.TarInfo(f"toy-{COMMIT}/{path}")
    member.type, member.linkname = kind, to
    return member


def pipe(path: str) -> tarfile.TarInfo:
    member = tarfile.TarInfo(f"toy-{COMMIT}/{path}")
    member.type = tarfile.FIFOTYPE
    return member


@pytest.mark.parametrize(
    ("packed", "said"),
    [
        (archive({"../../evil.txt": b"evil"}), r"\.\./\.\./evil\.txt would lie outside of its folder"),
        (archive({"a/../../evil.txt": b"evil"}), "would lie outside of its folder"),
        (archive({"a\\..\\evil.txt": b"evil"}), "would lie outside of its folder"),
        (archive({}, link("a/one.txt", "/etc/hostname")), "is a link or a device"),
        (archive({}, link("a/one.txt", "two.txt", tarfile.LNKTYPE)), "is a link or a device"),
        (archive({}, pipe("a/one.txt")), "is a link or a device"),
        (archive({"q.zip": zipped({"../../evil.txt": b"evil"})}), "would lie outside of its folder"),
        (archive({"q.zip": b"no zip"}), "it is damaged"),
        (b"<html>Please log in</html>", "it is damaged"),
    ],
    ids=["up", "up again", "backslash", "symbolic", "hard", "pipe", "zip", "no zip", "no archive"],
)
def test_an_archive_that_would_write_elsewhere_or_is_damaged_is_refused(
    source: Source, server: Server, tmp_path: Path, packed: bytes, said: str
) -> None:
    takes = (Take(("**/*.txt",), to="data"), Take(("**/*.txt",), zip="q.zip"))
    source = replace(source, upstream=(Upstream("owner/toy", COMMIT, takes),))
    server.has = {TOY: packed}
    with pytest.raises(ConfigurationError, match=f"the archive of owner/toy .* is not used: .*{said}"):
        fetch(source, home=tmp_path / "home", base_url=server.url)
    assert left(tmp_path / "home") == []
    assert [p.name for p in tmp_path.iterdir()] == ["home"]


def test_a_link_that_nobody_wants_is_no_reason_to_refuse(source: Source, server: Server, tmp_path: Path) -> None:
    server.has = {**good(), MORE: archive({"deep/down/more.txt": b"more\n"}, link("docs", "deep"))}
    assert written(fetch(source, home=tmp_path, base_url=server.url)) == WANTED


@pytest.mark.parametrize("inside", ["archive", "zip"])
def test_files_that_unpack_to_too_much_are_refused(
    source: Source, server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, inside: str
) -> None:
    monkeypatch.setattr("sectoreval.fetch._LARGEST_SET", 3 << 20)
    large = {"a/one.txt": bytes(4 << 20)} if inside == "archive" else {"q.zip": zipped({"qrels.txt": bytes(4 << 20)})}
    server.has = {TOY: archive(large)}
    with pytest.raises(ConfigurationError, match="its files take more than"):
        fetch(source, home=tmp_path, base_url=server.url)
    assert left(tmp_path) == []


def test_an_archive_that_ends_too_early_is_refused(source: Source, server: Server, tmp_path: Path) -> None:
    whole = archive({"a/one.txt": os.urandom(100_000)})
    server.has = {TOY: whole[: len(whole) // 2]}
    with pytest.raises(ConfigurationError, match="it is damaged"):
        fetch(source, home=tmp_path, base_url=server.url)
    assert left(tmp_path) == []


def test_a_server_that_is_away_is_named_with_the_next_step(source: Source, server: Server, tmp_path: Path) -> None:
    server.close()
    with pytest.raises(ConfigurationError, match="owner/toy at commit 0123456789ab could not be fetched") as caught:
        fetch(source, home=tmp_path, base_url=server.url)
    for step in (server.url, "HTTPS_PROXY", "fetch again", "--data-dir DIR", "SECTOREVAL_DATA_DIR"):
        assert step in str(caught.value)
    assert left(tmp_path) == []


def test_what_the_server_does_not_have_is_asked_for_once(source: Source, server: Server, tmp_path: Path) -> None:
    server.has = {TOY: good()[TOY]}
    with pytest.raises(ConfigurationError, match=r"owner/more .* there is nothing of that name \(404\)"):
        fetch(source, home=tmp_path, base_url=server.url)
    assert server.asked == [TOY, MORE]
    assert left(tmp_path) == []


def test_a_server_that_is_busy_is_asked_again(source: Source, server: Server, tmp_path: Path) -> None:
    def busy(request: BaseHTTPRequestHandler) -> None:
        server.has = {**good()}
        request.send_error(503)

    server.has = {TOY: busy}
    assert written(fetch(source, home=tmp_path, base_url=server.url)) == WANTED
    assert server.asked == [TOY, TOY, MORE]


def half(request: BaseHTTPRequestHandler) -> None:
    """Announces more than it sends, and hangs up."""
    request.send_response(200)
    request.send_header("Content-Length", "100000")
    request.end_headers()
    request.wfile.write(bytes(50_000))


def test_a_connection_that_always_breaks_off_leaves_nothing(source: Source, server: Server, tmp_path: Path) -> None:
    server.has = {TOY: half}
    with pytest.raises(ConfigurationError, match="could not be fetched for toy"):
        fetch(source, home=tmp_path, base_url=server.url)
    assert server.asked == [TOY] * 3
    assert left(tmp_path) == []


SOURCES = """
[toy]
title = "Toy"
folder = "governance/toy"
licence = "CC0"
citation = "nobody"
url = "https://github.com/owner/toy"
files = ["*.txt"]
count = 1
sha256 = "{sha256}"
upstream = [{{ repo = "owner/toy", commit = "{commit}" }}]
"""
FETCH = """
import sys
from pathlib import Path
from sectoreval.data import load_sources
from sectoreval.fetch import fetch
fetch(load_sources(Path(sys.argv[1]))["toy"], home=Path(sys.argv[2]), base_url=sys.argv[3])
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no process can be killed outright here")
def test_a_fetch_that_was_killed_midway_is_completed_by_the_next(server: Server, tmp_path: Path) -> None:
    hanging, over = threading.Event(), threading.Event()

    def hang(request: BaseHTTPRequestHandler) -> None:
        request.send_response(200)
        request.send_header("Content-Length", "5000000")
        request.end_headers()
        request.wfile.write(bytes(3_000_000))
        request.wfile.flush()
        hanging.set()
        over.wait(60)

    files = {"one.txt": b"one\n"}
    listed = tmp_path / "sources.toml"
    listed.write_text(SOURCES.format(sha256=digest(files), commit=COMMIT), encoding="utf-8")
    source, home = load_sources(listed)["toy"], tmp_path / "home"
    server.has = {TOY: hang}
    running = subprocess.Popen([sys.executable, "-c", FETCH, str(listed), str(home), server.url])
    try:
        assert hanging.wait(60)
        half_there = data_home(home) / ".partial" / "toy" / "archive.tar.gz"
        until = time.monotonic() + 60
        while time.monotonic() < until and not (half_there.exists() and half_there.stat().st_size):
            time.sleep(0.02)
    finally:
        running.kill()
        running.wait()
        over.set()
    assert half_there.stat().st_size > 0
    assert not fetched_folder(source, home=home).exists()
    server.has = {TOY: archive(files)}
    assert written(fetch(source, home=home, base_url=server.url)) == files
    assert not half_there.parent.exists()


def test_two_at_once_fetch_it_once(source: Source, server: Server, tmp_path: Path) -> None:
    server.has = {**good()}
    waiting = threading.Event()

    def slow(request: BaseHTTPRequestHandler) -> None:
        waiting.wait(60)
        request.send_response(200)
        request.end_headers()
        request.wfile.write(good()[TOY])

    def progress(message: str, fraction: float | None = None) -> None:
        if "another process is fetching it" in message:
            waiting.set()

    server.has[TOY] = slow
    with ThreadPoolExecutor(2) as both:
        found = [both.submit(fetch, source, home=tmp_path, progress=progress, base_url=server.url) for _ in range(2)]
        assert {each.result().name for each in found} == {source.sha256[:12]}
    assert server.asked == [TOY, MORE]
    assert written(fetched_folder(source, home=tmp_path)) == WANTED


@pytest.mark.parametrize("when", ["fetching owner/toy", "unpacking owner/more", "checking"])
def test_a_full_disk_is_named_and_leaves_nothing_half_there(
    source: Source, server: Server, tmp_path: Path, when: str
) -> None:
    server.has = {**good()}

    def progress(message: str, fraction: float | None = None) -> None:
        if when in message:
            raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(ConfigurationError, match=r"the disk is full at .*; free some space") as caught:
        fetch(source, home=tmp_path, progress=progress, base_url=server.url)
    assert "sectoreval fetch toy" in str(caught.value)
    assert left(tmp_path) == []
    assert written(fetch(source, home=tmp_path, base_url=server.url)) == WANTED


def test_a_home_that_cannot_be_written_is_named(source: Source, server: Server, tmp_path: Path) -> None:
    (tmp_path / "home").write_bytes(b"")
    with pytest.raises(ConfigurationError, match=r"cannot write to .*home.*SECTORKIT_HOME"):
        fetch(source, home=tmp_path / "home", base_url=server.url)
    assert server.asked == []


def test_a_data_set_that_is_not_fetchable_says_how_to_get_it(source: Source, server: Server, tmp_path: Path) -> None:
    told = replace(source, upstream=(), fetchable=False, note="Ask its makers for it.")
    with pytest.raises(ConfigurationError, match=r"toy cannot be fetched\. Ask its makers for it\. .*--data-dir DIR"):
        fetch(told, home=tmp_path, base_url=server.url)
    assert server.asked == []
    assert list(tmp_path.iterdir()) == []


def test_the_proxy_of_the_environment_is_asked(
    source: Source, server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("NO_PROXY", "no_proxy", "ALL_PROXY", "all_proxy", "http_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HTTP_PROXY", server.url)
    server.has = {f"http://archives.invalid{path}": packed for path, packed in good().items()}
    assert written(fetch(source, home=tmp_path, base_url="http://archives.invalid")) == WANTED


def test_a_proxy_that_makes_no_sense_is_named(source: Source, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("NO_PROXY", "no_proxy", "http_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HTTP_PROXY", "gopher://127.0.0.1:1")
    with pytest.raises(ConfigurationError, match=r"the proxy that the environment names cannot be used: .*gopher"):
        fetch(source, home=tmp_path, base_url="http://archives.invalid")
    assert left(tmp_path) == []


def upstream_files(source: Source, part: Upstream) -> dict[str, bytes]:
    """The local copy's files where `part` says that they lie upstream, and beside them one that nobody wants."""
    inner: dict[str, dict[str, bytes]] = {}
    files = {"README.md": b"# Not wanted"}
    for take in part.take or (Take(source.files),):
        place = files if not take.zip else inner.setdefault(take.zip, {"folder/answers.csv": b"not wanted"})
        folder = LOCAL / source.folder / take.to
        for path in (p for p in folder.rglob("*") if p.is_file()):
            relative = path.relative_to(folder).as_posix()
            if take.flat:  # "**/" may stand for any folders: one of them here
                parents = {PurePosixPath(glob.replace("**/", "folder/")).parent for glob in take.files}
                candidates = [(parent / path.name).as_posix() for parent in parents]
            else:
                candidates = [relative]
            for candidate in candidates:
                if any(matches(glob, candidate) for glob in take.files):
                    place[candidate] = path.read_bytes()
    return {**files, **{name: zipped(held) for name, held in inner.items()}}


@needs_local
@pytest.mark.parametrize("name", [name for name, source in load_sources().items() if source.fetchable])
def test_what_is_taken_from_upstream_is_what_is_pinned(name: str, server: Server, tmp_path: Path) -> None:
    source = load_sources()[name]
    for part in source.upstream:
        server.has[f"/{part.repo}/tar.gz/{part.commit}"] = archive(upstream_files(source, part))
    folder = fetch(source, home=tmp_path, base_url=server.url)
    assert difference(source, folder) is None
    assert len(written(folder)) == source.count
