"""Results of a run: every case of every arm, in a JSON file that a report, a comparison and a gate read.

`results.json` of a run's folder is `RunResult.to_dict()`; the Inspect logs beside it hold every prompt and reply.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from sectoreval.measures import Array, Measure, matrix
from sectorkit.errors import ConfigurationError

FORMAT = 1


@dataclass(frozen=True)
class CaseResult:
    """One case under one arm.

    `values` are the columns that measures are made of; `evidence` are the passages that were shown to the model or
    ranked, each `{"id", "title", "text"}`, best first; `seconds` is working time, waiting for the model included.
    `failure` says why a case has no reply: the error, "timeout", or "truncated". It counts as wrong.
    """

    id: str
    asked: str
    said: str
    expected: str
    outcome: str
    values: Mapping[str, float]
    cluster: str = ""
    groups: Mapping[str, str] = field(default_factory=dict)
    evidence: Sequence[Mapping[str, str]] = ()
    seconds: float = 0.0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    failure: str | None = None


@dataclass(frozen=True)
class ArmResult:
    """All cases of one benchmark under one arm and one model, in the order of the sample."""

    benchmark: str
    arm: str
    model: str
    cases: tuple[CaseResult, ...]

    @property
    def clusters(self) -> list[str]:
        return [case.cluster or case.id for case in self.cases]

    @property
    def failed(self) -> int:
        return sum(case.failure is not None for case in self.cases)

    def has(self, measure: Measure) -> bool:
        """Whether the run measured it: some measures belong to arms that search, or to options of a run."""
        return all(column in case.values for case in self.cases for column in measure.columns)

    def rows(self, measure: Measure) -> Array:
        """The cases' columns of a measure, (cases, columns)."""
        return matrix([dict(case.values) for case in self.cases], measure.columns)

    def only(self, group: str, value: str) -> ArmResult:
        """The same arm over the cases of one group."""
        cases = tuple(case for case in self.cases if case.groups.get(group) == value)
        return ArmResult(self.benchmark, self.arm, self.model, cases)


@dataclass(frozen=True)
class RunResult:
    """A run: its arms, and what its numbers depend on.

    `about` carries the command, seed, sample, versions, hardware, the model's and the data's revisions and licences,
    the hash of the prompts, and when it ran: strings, numbers, or flat mappings of them.
    """

    about: Mapping[str, Any]
    arms: tuple[ArmResult, ...]

    def benchmarks(self) -> list[str]:
        return list(dict.fromkeys(arm.benchmark for arm in self.arms))

    def of(self, benchmark: str) -> list[ArmResult]:
        return [arm for arm in self.arms if arm.benchmark == benchmark]

    def to_dict(self) -> dict[str, Any]:
        return {"format": FORMAT, "about": dict(self.about), "arms": [asdict(arm) for arm in self.arms]}

    def write(self, path: Path) -> None:
        """Written whole or not at all: a reader never sees half a file."""
        write_whole(path, json.dumps(self.to_dict(), ensure_ascii=False, indent=1) + "\n")


def write_whole(path: Path, text: str) -> Path:
    """Written whole or not at all. A lone surrogate, which no file can hold, becomes a question mark."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f"{path.name}.part")
    partial.write_text(text, encoding="utf-8", errors="replace")
    partial.replace(path)
    return path


def read_results(path: Path) -> RunResult:
    """A run's results, from its `results.json` or the folder that holds it. ConfigurationError where it is no such file."""
    path = path / "results.json" if path.is_dir() else path
    try:
        loaded = json.loads(path.read_text(encoding="utf-8"))
        if loaded["format"] != FORMAT:
            raise ConfigurationError(f"{path} is of format {loaded['format']}, and {FORMAT} is read here; run it again")
        arms = tuple(
            ArmResult(arm["benchmark"], arm["arm"], arm["model"], tuple(CaseResult(**case) for case in arm["cases"]))
            for arm in loaded["arms"]
        )
        return RunResult(loaded["about"], arms)
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be read: {error}; name a run's folder or its results.json") from None
    except (ValueError, KeyError, TypeError) as error:
        raise ConfigurationError(f"{path} holds no results of a run ({error!r})") from None
