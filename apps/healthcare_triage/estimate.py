"""Estimate: how urgent what was said sounds, learned from examples that were written for it (examples/*.jsonl, `sectorkit.learned`).

The level is that of least expected cost, where each step beside the right one costs 1, and each step below an emergency five times that. What
was learned is in learned/, one file an embedder; each file of examples has one writer:

    python -m healthcare_triage.estimate    # learn anew, after a change of the examples (those as they were are not embedded
                                            # again) or for the embedder of the settings: half an hour for ten thousand, on two cores
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

from healthcare_triage.patient import read_patient
from healthcare_triage.rules import FOLDER, LEVELS, shipped_rules
from sectorkit.errors import ConfigurationError, ServerUnavailable
from sectorkit.learned import Learned, embedded, learn, least_cost, read_learned, write_learned
from sectorkit.masking import masked, without_courtesies

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from sectorkit.retrieval.embed import Embedder

READ = 2_000  # characters of what was said that are embedded
COSTS = ((0, 1, 2, 3), (1, 0, 1, 2), (2, 1, 0, 1), (15, 10, 5, 0))
"""What it costs to say a level (column) where another is right (row), both in the order of LEVELS. Of 2, 3, 4, ... for an emergency five was the
smallest by which, with the rules and without a writer's own examples, .95 of emergencies are called one and .95 of all are as urgent as they
should be, or more; with more examples three is, and five was kept. tests/bench/triage_costs.py draws what others would give."""
_NEAR, _FAR = 10, 0.44  # examples, and their mean similarity, below which there is nothing like it among them
_ALIKE = 3  # examples that are shown


@dataclass(frozen=True)
class Example:
    """A written case: what somebody says, its level, why it is that, and who wrote it, by the name of a file."""

    said: str
    level: str
    because: str
    writer: str


@dataclass(frozen=True)
class Estimate:
    """`level` is one of LEVELS, `shares` the probability of each, `alike` the nearest examples, the nearest first, of `examples` in all."""

    level: str
    shares: Mapping[str, float]
    alike: tuple[Example, ...]
    examples: int

    @property
    def likeliest(self) -> str:
        """The likeliest level, which `level` differs from where another one costs less."""
        return max(self.shares, key=lambda level: self.shares[level])


def estimate(said: str, learned: Learned, embedder: Embedder) -> Estimate | None:
    """How urgent it sounds; None where the examples hold nothing like it. Raises what the embedder raises."""
    import numpy as np

    if not (text := searched_text(said)):
        return None
    vector = np.asarray(embedder.embed_query(text), dtype=np.float32)
    if vector.shape != learned.vectors[0].shape or not np.isfinite(vector).all():
        raise ServerUnavailable("the embedding model gave no vector of its kind")
    similar = learned.similar(vector)
    nearest = similar.argsort()[::-1][:_NEAR]
    if similar[nearest].mean() < _FAR:
        return None
    shares = learned.shares(similar).tolist()
    alike = tuple(examples()[at] for at in nearest[:_ALIKE])
    level = LEVELS[least_cost(shares, COSTS)]
    return Estimate(level, dict(zip(LEVELS, shares, strict=True)), alike, len(similar))


def searched_text(said: str) -> str:
    """What is embedded of what somebody says: masked, without courtesies, cut. What the masks leave nothing of is taken as it is."""
    return without_courtesies(masked(said[:READ])) or without_courtesies(said[:READ])


@cache
def shipped(fingerprint: str) -> Learned | None:
    """What was learned, if it was for that embedder. ConfigurationError where its file is damaged, or the examples were changed since."""
    file = learned_file(fingerprint)
    if not file.exists():
        return None
    learned = read_learned(file)
    if learned.of != digest() or len(learned.vectors) != len(examples()):
        raise ConfigurationError("the examples were changed; learn anew: python -m healthcare_triage.estimate")
    return learned if learned.fingerprint == fingerprint else None


@cache
def examples() -> tuple[Example, ...]:
    """All examples, in the order of their files and lines. ConfigurationError where a line is none."""
    found = []
    for path in _files():
        try:
            lines = path.read_text(encoding="utf-8").rstrip("\n").split("\n")
        except (OSError, ValueError) as error:
            raise ConfigurationError(f"{path} cannot be read as UTF-8 ({error})") from None
        for number, line in enumerate(lines, start=1):
            try:
                read = json.loads(line)
                example = Example(read["said"].strip(), read["level"], read["because"].strip(), path.stem)
                LEVELS.index(example.level)
                if not example.said:
                    raise ValueError("it says nothing")
            except (AttributeError, KeyError, TypeError, ValueError) as error:
                raise ConfigurationError(f"{path}, line {number}: no example ({error})") from None
            found.append(example)
    return tuple(found)


def learned_file(fingerprint: str) -> Path:
    """Where it is kept what was learned for an embedder of that name, whichever its revision."""
    return FOLDER / "learned" / f"{re.sub(r'[^a-z0-9.-]', '_', fingerprint.partition('@')[0].casefold())}.npz"


def digest() -> str:
    """SHA-256 of the files of examples."""
    return sha256(b"".join(path.read_bytes() for path in _files())).hexdigest()


def _files() -> list[Path]:
    return sorted((FOLDER / "examples").glob("*.jsonl"))


def main() -> None:
    """Learn anew for the embedder of the settings, and keep it."""
    import sklearn  # noqa: F401  # before the minutes that embedding takes

    from sectorkit.parts import open_embedder
    from sectorkit.settings import read_settings
    from sectorkit.terminal import progress_bar

    known = digest()
    if len({one.writer for one in examples() if one.level == "emergency"}) < 2:
        raise SystemExit("examples need several writers, a file each, who have all levels")

    with progress_bar("Learning from the examples") as bar:
        embedder = open_embedder(read_settings(), progress=bar, many=True)
        file, kept = learned_file(embedder.fingerprint), None
        with suppress(ConfigurationError):  # what cannot be read is made anew
            kept = read_learned(file)
        kept = kept if kept and kept.fingerprint == embedder.fingerprint else None
        texts = [searched_text(one.said) for one in examples()]
        vectors = embedded(texts, embedder.embed_query, kept, bar)
    if digest() != known:
        raise SystemExit("the examples were changed meanwhile: learn again")
    learned, shares = learned_from(vectors, texts, embedder.fingerprint)
    file.parent.mkdir(exist_ok=True)
    write_learned(file, learned)
    print("Each example by what was learned without its writer's, and by the rules:", left_out(shares.tolist()))


def learned_from(vectors: ArrayLike, texts: Sequence[str], fingerprint: str) -> tuple[Learned, NDArray[Any]]:
    """What the examples teach, whose vectors and texts these are, in their order; with `learn`'s probabilities."""
    classes, writers = [LEVELS.index(one.level) for one in examples()], [one.writer for one in examples()]
    return learn(vectors, classes, writers, texts=texts, fingerprint=fingerprint, of=digest())


def left_out(shares: Sequence[Sequence[float]]) -> str:
    """How right `learn`'s probabilities are, with what the rules make of the words."""
    rules, right, safe, called = shipped_rules(), 0, 0, 0
    for one, each in zip(examples(), shares, strict=True):
        floor = rules.floor(read_patient(one.said)).level or LEVELS[0]
        place, wanted = max(least_cost(each, COSTS), LEVELS.index(floor)), LEVELS.index(one.level)
        right, safe = right + (place == wanted), safe + (place >= wanted)
        called += place == wanted == LEVELS.index("emergency")
    count, emergencies = len(examples()), sum(one.level == "emergency" for one in examples())
    return f"right {right / count:.3f}, as urgent as it should be or more {safe / count:.3f}, emergencies called one {called / emergencies:.3f} (n = {count:,})"


if __name__ == "__main__":
    main()
