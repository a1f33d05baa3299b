"""Estimate: how urgent what was said sounds, learned from examples that were written for it (examples/*.jsonl, `sectorkit.learned`).

The level is that of least expected cost, where a level too low costs twice what one too high costs. What was learned is in estimate.npz,
for one embedder:

    python -m healthcare_triage.estimate    # learn anew, after a change of the examples or for the embedder of the settings: minutes
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from healthcare_triage.rules import FOLDER, LEVELS
from sectorkit.errors import ConfigurationError
from sectorkit.learned import Learned, learn, least_cost, read_learned, write_learned
from sectorkit.masking import masked, without_courtesies

if TYPE_CHECKING:
    from sectorkit.retrieval.embed import Embedder

FILE = FOLDER / "estimate.npz"
_READ = 2_000  # characters of what was said that are embedded
_TOO_LOW = (
    2.0  # what a level too low costs, where one too high costs 1; the smallest that kept .98 of each developed set safe
)
_NEAR, _FAR = 10, 0.42  # examples, and their mean similarity, below which there is nothing like it among them
_ALIKE = 3  # examples that are shown


@dataclass(frozen=True)
class Example:
    """A written case: what somebody says, its level, and why it is that."""

    said: str
    level: str
    because: str


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
    if not (text := searched_text(said)):
        return None
    similar = learned.similar(embedder.embed_query(text))
    nearest = similar.argsort()[::-1][:_NEAR]
    if similar[nearest].mean() < _FAR:
        return None
    shares = learned.shares(similar).tolist()
    alike = tuple(examples()[at] for at in nearest[:_ALIKE])
    level = LEVELS[least_cost(shares, _TOO_LOW)]
    return Estimate(level, dict(zip(LEVELS, shares, strict=True)), alike, len(similar))


def searched_text(said: str) -> str:
    """What is embedded of what somebody says: masked, without courtesies, cut."""
    return without_courtesies(masked(said[:_READ]))


@cache
def shipped(fingerprint: str) -> Learned | None:
    """What was learned, if it was for that embedder. ConfigurationError where its file is damaged, or the examples were changed since."""
    learned = read_learned(FILE)
    if learned.of != digest():
        raise ConfigurationError("the examples were changed; learn anew: python -m healthcare_triage.estimate")
    return learned if learned.fingerprint == fingerprint else None


@cache
def examples() -> tuple[Example, ...]:
    """All examples, in the order of their files and lines. ConfigurationError where a line is none."""
    found = []
    for path in _files():
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
            try:
                read = json.loads(line)
                example = Example(read["said"], read["level"], read["because"])
                LEVELS.index(example.level)
            except (KeyError, TypeError, ValueError) as error:
                raise ConfigurationError(f"{path}, line {number}: no example ({error})") from None
            found.append(example)
    return tuple(found)


def digest() -> str:
    """SHA-256 of the files of examples."""
    return sha256(b"".join(path.read_bytes() for path in _files())).hexdigest()


def _files() -> list[Path]:
    return sorted((FOLDER / "examples").glob("*.jsonl"))


def main() -> None:
    """Learn anew for the embedder of the settings, and keep it."""
    from sectorkit.parts import open_embedder
    from sectorkit.settings import read_settings
    from sectorkit.terminal import progress_bar

    with progress_bar("Learning from the examples") as bar:
        embedder, vectors = open_embedder(read_settings(), progress=bar, many=True), []
        for number, example in enumerate(examples(), start=1):
            vectors.append(embedder.embed_query(searched_text(example.said)))
            bar("embedding the examples", number / len(examples()))
        classes = [LEVELS.index(example.level) for example in examples()]
        write_learned(FILE, learn(vectors, classes, fingerprint=embedder.fingerprint, of=digest()))


if __name__ == "__main__":
    main()
