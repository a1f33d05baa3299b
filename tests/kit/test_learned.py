"""Learned from examples: classes in order by the vectors of an embedder, with probabilities that are worth what they say."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from sectorkit.errors import ConfigurationError
from sectorkit.learned import Learned, embedded, learn, least_cost, read_learned, write_learned


def examples(count: int, spread: float, seed: int = 0) -> tuple[NDArray[np.float64], list[int], list[str]]:
    """Unit vectors around one direction a class, of four writers."""
    rng = np.random.default_rng(seed)
    classes = [n % 3 for n in range(count)]
    vectors = np.eye(8)[classes] + rng.normal(0, spread, (count, 8))
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True), classes, [f"writer {n % 4}" for n in range(count)]


def taught(vectors: NDArray[np.float64], classes: list[int], writers: list[str]) -> tuple[Learned, NDArray[np.float64]]:
    texts = [str(n) for n in range(len(classes))]
    return learn(vectors, classes, writers, texts=texts, fingerprint="made-up@1", of="these")


def right(learned: Learned, vectors: NDArray[np.float64], classes: list[int]) -> tuple[float, float]:
    """How often the likeliest class is the right one, and how likely the likeliest is said to be."""
    shares = np.array([learned.shares(learned.similar(vector)) for vector in vectors])
    return float((shares.argmax(axis=1) == classes).mean()), float(shares.max(axis=1).mean())


def test_what_is_like_an_example_is_of_its_class() -> None:
    vectors, classes, writers = examples(240, 0.2)
    learned, _ = taught(vectors, classes, writers)
    new, wanted, _ = examples(90, 0.2, seed=1)
    assert right(learned, new, wanted)[0] > 0.95
    shares = learned.shares(learned.similar(new[0]))
    assert shares.shape == (3,)
    assert shares.sum() == pytest.approx(1)


@pytest.mark.parametrize("spread", [0.3, 0.6, 1.2])
def test_it_is_as_sure_as_it_is_right(spread: float) -> None:
    vectors, classes, writers = examples(400, spread)
    learned, left_out = taught(vectors, classes, writers)
    new, wanted, _ = examples(400, spread, seed=1)
    was, said = right(learned, new, wanted)
    assert said == pytest.approx(was, abs=0.06)
    assert (left_out.argmax(axis=1) == classes).mean() == pytest.approx(was, abs=0.06)


def test_what_a_writer_repeats_makes_nothing_certain() -> None:
    """One writer's labels say nothing, and all of his texts are copies of each other by label."""
    vectors, classes, writers = examples(240, 1.5)
    of_one = [n for n, writer in enumerate(writers) if writer == "writer 0"]
    vectors[of_one] = np.eye(8)[[3 + classes[n] for n in of_one]]
    _, left_out = taught(vectors, classes, writers)
    assert left_out[of_one].max() < 0.6


def test_classes_that_one_writer_alone_has_cannot_be_learned() -> None:
    vectors, classes, _ = examples(12, 0.1)
    for writers in (["one"] * 12, [f"of class {at}" for at in classes]):
        with pytest.raises(ValueError, match="have not all classes"):
            taught(vectors, classes, writers)


def test_two_classes_or_one_that_is_missing_are_refused() -> None:
    vectors, classes, writers = examples(24, 0.1)
    for wrong in ([at % 2 for at in classes], [at * 2 for at in classes]):
        with pytest.raises(ValueError, match="three classes"):
            taught(vectors, wrong, writers)


def test_it_is_kept_and_read_as_it_was(tmp_path: Path) -> None:
    vectors, classes, writers = examples(60, 0.2)
    learned, _ = taught(vectors, classes, writers)
    write_learned(tmp_path / "kept.npz", learned)
    again = read_learned(tmp_path / "kept.npz")
    assert (again.fingerprint, again.of) == ("made-up@1", "these")
    assert (again.shares(again.similar(vectors[0])) == learned.shares(learned.similar(vectors[0]))).all()
    assert [path.name for path in tmp_path.iterdir()] == ["kept.npz"]


@pytest.mark.parametrize("content", [b"", b"no archive", None])
def test_a_damaged_file_is_named(tmp_path: Path, content: bytes | None) -> None:
    if content is not None:
        (tmp_path / "kept.npz").write_bytes(content)
    with pytest.raises(ConfigurationError, match=r"kept.npz cannot be read .*learn anew"):
        read_learned(tmp_path / "kept.npz")


def test_a_file_that_was_cut_short_is_named(tmp_path: Path) -> None:
    vectors, classes, writers = examples(60, 0.2)
    file = tmp_path / "kept.npz"
    write_learned(
        file,
        taught(vectors, classes, writers)[0],
    )
    for part in (0.3, 0.9, 0.99):
        cut = tmp_path / f"{part}.npz"
        cut.write_bytes(file.read_bytes()[: int(part * file.stat().st_size)])
        with pytest.raises(ConfigurationError, match="cannot be read"):
            read_learned(cut)


def test_the_class_of_least_expected_cost_is_taken() -> None:
    alike = ((0, 1, 2), (1, 0, 1), (2, 1, 0))
    dear = ((0, 1, 2), (1, 0, 1), (20, 10, 0))  # to say less than the last
    assert least_cost([0.45, 0.1, 0.45], alike) == 1  # between the two
    assert least_cost([0.8, 0.1, 0.1], alike) == 0
    assert least_cost([0.8, 0.1, 0.1], dear) == 2
    assert least_cost([0.99, 0.01, 0.0], dear) == 0


def test_texts_that_were_learned_from_are_not_embedded_again_and_give_the_very_same() -> None:
    vectors, classes, writers = examples(60, 0.4)
    texts = [f"text {n}" for n in range(60)]
    asked: list[str] = []

    def embed(text: str) -> list[float]:
        asked.append(text)
        return vectors[int(text.split()[1])].tolist()  # type: ignore[no-any-return]

    def made(some: list[int], kept: Learned | None) -> Learned:
        found = embedded([texts[n] for n in some], embed, kept)
        labels, wrote = [classes[n] for n in some], [writers[n] for n in some]
        return learn(found, labels, wrote, texts=[texts[n] for n in some], fingerprint="made-up@1", of="these")[0]

    first = made([*range(40)], None)
    assert asked == texts[:40]
    asked.clear()
    order = [*range(59, 5, -1)]  # some are gone, some are new, and all stand elsewhere
    again = made(order, first)
    assert asked == [texts[n] for n in order if n >= 40]
    anew = made(order, None)
    for name in ("texts", "vectors", "weights", "mean", "slopes", "starts"):
        assert (getattr(again, name) == getattr(anew, name)).all(), name
