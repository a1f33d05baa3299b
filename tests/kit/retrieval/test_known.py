"""Vectors that an app brings with it are those of its model, and spare embedding; no others are taken for them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sectorkit.errors import ConfigurationError
from sectorkit.models.catalogue import find_model
from sectorkit.retrieval.embed import LocalEmbedder
from sectorkit.retrieval.known import is_current, write_known

SPEC = find_model("minilm-l6-v2", "embedding")
TEXTS = ["Music must not exceed 45 dB(A).", "押金不得超过两个月租金。", "The brown bin."]


@pytest.fixture
def local(embedder: LocalEmbedder) -> LocalEmbedder:
    """One of its own, that knows nothing yet."""
    return LocalEmbedder(SPEC, embedder._model_dir)


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    folder = tmp_path / "corpus"
    folder.mkdir()
    (folder / "bins.md").write_text("# Bins\n\nThe brown bin.\n")
    return folder


@pytest.fixture
def vectors(local: LocalEmbedder, corpus: Path, tmp_path: Path) -> Path:
    """A file of the first two texts' vectors, which are not those that the model gives."""
    file = tmp_path / "vectors.npz"
    given = [local.passage_text(text) for text in TEXTS[:2]]
    write_known(file, local.fingerprint, given, np.eye(2, SPEC.dimension), corpus=corpus)
    return file


def test_what_is_known_is_not_embedded_and_the_rest_is_each_in_its_place(
    local: LocalEmbedder, embedder: LocalEmbedder, vectors: Path
) -> None:
    local.know(vectors)
    found = np.array(local.embed_documents([TEXTS[1], TEXTS[2], TEXTS[0]]))
    assert found[0].tolist() == np.eye(2, SPEC.dimension)[1].tolist()
    assert found[2].tolist() == np.eye(2, SPEC.dimension)[0].tolist()
    assert found[1] == pytest.approx(embedder.embed_documents([TEXTS[2]])[0], abs=1e-4)


def test_a_question_is_always_embedded(local: LocalEmbedder, embedder: LocalEmbedder, vectors: Path) -> None:
    local.know(vectors)
    assert local.embed_query(TEXTS[0]) == pytest.approx(embedder.embed_query(TEXTS[0]), abs=1e-4)


def test_the_vectors_of_another_model_or_of_no_file_are_left_alone(
    local: LocalEmbedder, embedder: LocalEmbedder, corpus: Path, tmp_path: Path
) -> None:
    write_known(tmp_path / "other.npz", "other@1", [SPEC.as_passage(TEXTS[0])], np.eye(1, 4), corpus=corpus)
    for name in ("other.npz", "none.npz"):
        local.know(tmp_path / name)
    assert local.embed_documents(TEXTS[:1])[0] == pytest.approx(embedder.embed_documents(TEXTS[:1])[0], abs=1e-4)


@pytest.mark.parametrize("damage", [lambda data: b"", lambda data: data[:300], lambda data: b"x" * 500])
def test_a_damaged_file_is_named_and_what_to_do(local: LocalEmbedder, vectors: Path, damage: Any) -> None:
    vectors.write_bytes(damage(vectors.read_bytes()))
    with pytest.raises(ConfigurationError, match=r"vectors.npz is damaged .*; remove it"):
        local.know(vectors)


def test_it_is_current_until_a_document_or_what_is_said_of_it_or_the_way_it_is_cut_changes(
    vectors: Path, corpus: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert is_current(vectors, corpus)
    with monkeypatch.context() as patched:
        patched.setattr("sectorkit.retrieval.chunk.context", lambda passage: passage.page_content.upper())
        assert not is_current(vectors, corpus)
    (corpus / "metadata.toml").write_text('["bins.md"]\nstatus = "superseded"\n')
    assert not is_current(vectors, corpus)


def test_the_same_vectors_make_the_same_file(local: LocalEmbedder, corpus: Path, tmp_path: Path) -> None:
    given, matrix = [local.passage_text(text) for text in TEXTS], np.eye(3, 8)
    files = [tmp_path / "1.npz", tmp_path / "2.npz"]
    write_known(files[0], "m@1", given, matrix, corpus=corpus)
    write_known(files[1], "m@1", given[::-1], matrix[::-1], corpus=corpus)
    assert files[0].read_bytes() == files[1].read_bytes()
