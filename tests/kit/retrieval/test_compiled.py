"""A real embedding model in OpenVINO, beside the same in PyTorch."""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from sectorkit.models.catalogue import find_model
from sectorkit.progress import silent
from sectorkit.retrieval import compiled
from sectorkit.retrieval.embed import LocalEmbedder

TEXTS = ["Music must not exceed 45 dB(A).", "", "押金不得超过两个月租金。", "The brown bin. " * 200, "ok"]
SPEC = find_model("minilm-l6-v2", "embedding")


@pytest.fixture
def model_dir(embedder: LocalEmbedder, tmp_path: Path) -> Path:
    """A copy of the model's files, without what was compiled of them."""
    folder = tmp_path / "model"
    shutil.copytree(embedder._model_dir, folder, ignore=shutil.ignore_patterns("openvino*"))
    return folder


@pytest.fixture
def plain(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A processor that neither has a GPU beside it nor multiplies bfloat16."""
    hardware = replace(compiled.detect(), kind="cpu", gpus=(), cpu_flags=frozenset({"avx2"}))
    monkeypatch.setattr(compiled, "detect", lambda: hardware)
    compiled.fastest_dtype.cache_clear()
    yield
    compiled.fastest_dtype.cache_clear()


def in_torch(texts: list[str], model_dir: Path) -> np.ndarray:
    return np.array(compiled.in_pytorch(model_dir).encode(texts, normalize_embeddings=True, show_progress_bar=False))


@pytest.mark.usefixtures("plain")
def test_it_gives_the_vectors_of_pytorch_alone_and_in_a_batch_and_of_what_is_too_long(model_dir: Path) -> None:
    embedder = LocalEmbedder(SPEC, model_dir)
    said: list[str] = []
    embedder.load()
    assert embedder.backend == "PyTorch"
    embedder.compile(lambda message, fraction=None: said.append(message))
    assert embedder.backend == "OpenVINO"
    assert set(said) == {"compiling the embedding model for this processor (once)"}
    expected = in_torch(TEXTS, model_dir)
    together = np.array(embedder.embed_documents(TEXTS))
    alone = np.array([embedder.embed_query(text) for text in TEXTS])
    assert (expected * together).sum(1) == pytest.approx(1, abs=1e-4)
    assert (expected * alone).sum(1) == pytest.approx(1, abs=1e-4)
    many = np.array(embedder.embed_documents([*TEXTS] * 20))  # more than one batch, in order of length
    assert (many * np.tile(expected, (20, 1))).sum(1) == pytest.approx(1, abs=1e-4)


@pytest.mark.usefixtures("plain")
def test_it_is_compiled_once_and_nothing_reports_that(model_dir: Path) -> None:
    LocalEmbedder(SPEC, model_dir).compile()
    said: list[str] = []
    again = LocalEmbedder(SPEC, model_dir)
    again.load(lambda message, fraction=None: said.append(message))
    assert (again.backend, said) == ("OpenVINO", [])
    assert not sys.modules.get("openvino_telemetry")


@pytest.mark.usefixtures("plain")
def test_a_model_that_comes_out_otherwise_is_refused_for_good_and_pytorch_takes_its_place(
    model_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compiled, "_ALIKE", 1.1)
    (model_dir / "openvino.new").mkdir()  # of a process that was killed
    compiled.compile_here(model_dir, 256)
    embedder = LocalEmbedder(SPEC, model_dir)
    embedder.compile()
    assert np.array(embedder.embed_documents(TEXTS)) == pytest.approx(in_torch(TEXTS, model_dir), abs=1e-5)
    assert "PyTorch, since OpenVINO cannot run this model" in embedder.backend
    assert "its vectors are not those of PyTorch" in embedder.backend
    monkeypatch.undo()
    assert compiled.compile_model(model_dir, max_tokens=256, progress=silent) == (
        (model_dir / "openvino" / "refused.txt").read_text()
    )
    shutil.rmtree(model_dir / "openvino")
    assert compiled.compile_model(model_dir, max_tokens=256, progress=silent) is None


@pytest.mark.usefixtures("plain")
def test_who_does_not_want_it_any_more_ends_it_and_it_is_done_the_next_time(model_dir: Path) -> None:
    class Closing(Exception):
        pass

    def stop(message: str, fraction: float | None = None) -> None:
        raise Closing

    embedder = LocalEmbedder(SPEC, model_dir)
    with pytest.raises(Closing):
        embedder.compile(stop)
    assert not (model_dir / "openvino").exists()
    embedder.compile()
    assert embedder.backend == "OpenVINO"


@pytest.mark.usefixtures("plain")
def test_a_full_disk_refuses_a_model_for_the_moment_and_not_for_good(
    model_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise RuntimeError("iostream error")  # OpenVINO's words for it

    monkeypatch.setattr(compiled, "_save", full)
    with pytest.raises(RuntimeError, match="iostream error"):
        compiled.compile_here(model_dir, 256)
    assert not compiled.is_compiled(model_dir)


def test_a_model_that_cannot_be_traced_is_refused_for_good(model_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def untraceable(*_: object) -> None:
        raise RuntimeError("no trace can follow this")

    monkeypatch.setattr(compiled, "_traceable", untraceable)
    compiled.compile_here(model_dir, 256)
    monkeypatch.undo()
    reason = compiled.compile_model(model_dir, max_tokens=256, progress=silent)
    assert reason == "RuntimeError: no trace can follow this"


def test_bfloat16_is_used_only_where_it_is_faster_and_not_where_a_flag_says_that_it_exists(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    torch = pytest.importorskip("torch")
    linear, slow = torch.nn.functional.linear, [torch.bfloat16]

    def slowed(texts: object, weights: object) -> object:
        if texts.dtype in slow:  # type: ignore[attr-defined]
            time.sleep(0.05)
        return linear(texts, weights)

    monkeypatch.setattr(torch.nn.functional, "linear", slowed)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    for flags, dtype in (({"avx512_bf16"}, torch.float32), ({"avx2"}, torch.float32)):
        hardware = replace(compiled.detect(), cpu_flags=frozenset(flags))
        monkeypatch.setattr(compiled, "detect", lambda hardware=hardware: hardware)
        assert compiled.fastest_dtype.__wrapped__() is dtype
    slow[:] = [torch.float32]
    assert compiled.fastest_dtype.__wrapped__() is torch.float32  # no flag: not even tried
    monkeypatch.setattr(compiled, "detect", lambda: replace(hardware, cpu_flags=frozenset({"avx512_bf16"})))
    assert compiled.fastest_dtype.__wrapped__() is torch.bfloat16
