"""AI4I 2020, readings: which failure modes do a milling machine's readings show, by the limits that a document states?

299 of 10,000 rows: 60 each with heat dissipation (HDF), power (PWF) or overstrain (OSF) failure alone, 19 with more than one (24 with
the changed limits), 100 healthy, half of these within 5 % of a limit. Tool wear and random failures cannot be told from readings and are left out,
as are rows at the very bound of HDF, where upstream's values are rounded. The data is synthetic and well known, so that a model
may remember its rules: `--set limits=changed` states other numbers, and what is right follows them. Beside the document lies
an older one with yet other numbers, which is superseded.

`hybrid` is the app: it finds the limits in the documents and computes. In `closed_book` a model is given the readings alone, in
`oracle` the document as well, and chooses one of the eight sets of modes.
"""

from __future__ import annotations

import csv
import math
import random
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from sectoreval.arms import Arm
from sectoreval.benchmark import Benchmark, Case, Outcome, Reply, Scored
from sectoreval.choice import LETTERS, Question, choose
from sectoreval.context import Context
from sectoreval.corpora import Corpus, CorpusIndex
from sectoreval.measures import Array, Measure, mean, ratio
from sectoreval.replies import store_reply
from sectorkit.bench.beir import BeirDocument
from sectorkit.errors import ConfigurationError, UnknownName

if TYPE_CHECKING:
    from inspect_ai.solver import Generate, Solver, TaskState

MODES = {"HDF": "Heat dissipation failure", "PWF": "Power failure", "OSF": "Overstrain failure"}
SETS = ((), ("HDF",), ("PWF",), ("OSF",), ("HDF", "PWF"), ("HDF", "OSF"), ("PWF", "OSF"), ("HDF", "PWF", "OSF"))
COUNTS = {"HDF": 60, "PWF": 60, "OSF": 60, "two": 24, "near": 50, "far": 50}
_NEAR = 0.05  # of a limit: so near is near
_TYPES = ("L", "M", "H")
_COLUMNS = {
    "air temperature": ("Air temperature", "K"), "process temperature": ("Process temperature", "K"),
    "rotational speed": ("Rotational speed", "rpm"), "torque": ("Torque", "N*m"), "tool wear": ("Tool wear", "min"),
}  # fmt: skip


class Rules:
    """The numbers of the three rules; `strain` by the machine's type, in min N m."""

    def __init__(self, low: float, high: float, warm: float, slow: float, strain: tuple[float, float, float]) -> None:
        self.low, self.high, self.warm, self.slow = low, high, warm, slow
        self.strain = dict(zip(_TYPES, strain, strict=True))

    def modes(self, row: Mapping[str, Any]) -> tuple[str, ...]:
        """By plain arithmetic, and not by what is measured."""
        power, warm = row["torque"] * row["rotational speed"] * 2 * math.pi / 60, _difference(row)
        found = {
            "HDF": warm < self.warm and row["rotational speed"] < self.slow,
            "PWF": power < self.low or power > self.high,
            "OSF": row["torque"] * row["tool wear"] > self.strain[row["type"]],
        }
        return tuple(mode for mode in MODES if found[mode])

    def nearest(self, row: Mapping[str, Any]) -> float:
        """How near the row is to a rule that it does not meet, as a share of the bound."""
        power = row["torque"] * row["rotational speed"] * 2 * math.pi / 60
        apart = [
            max(_difference(row) / self.warm, row["rotational speed"] / self.slow) - 1,
            power / self.low - 1, 1 - power / self.high,
            1 - row["torque"] * row["tool wear"] / self.strain[row["type"]],
        ]  # fmt: skip
        return float(min(apart))

    def text(self) -> str:
        """The rules as a document states them."""
        strains = [
            f"OSF-{kind} | milling machine {kind} | {MODES['OSF']} | tool wear * torque > {bound:g} min*N*m | alarm"
            for kind, bound in self.strain.items()
        ]
        return "\n".join((
            "Groups of machines.\n", "Group | Machine types",
            f"any milling machine | {', '.join(f'milling machine {kind}' for kind in _TYPES)}\n", "Limits.\n",
            "Limit | Machine | Failure mode | Condition | Level",
            f"HDF-1 | any milling machine | {MODES['HDF']} | process temperature - air temperature < {self.warm:g} K and "
            f"rotational speed < {self.slow:g} rpm | alarm",
            f"PWF-1 | any milling machine | {MODES['PWF']} | torque * rotational speed < {self.low:g} W or "
            f"torque * rotational speed > {self.high:g} W | alarm",
            *strains, "",
        ))  # fmt: skip


RULES = {
    "original": Rules(3500, 9000, 8.6, 1380, (11_000, 12_000, 13_000)),
    "changed": Rules(4000, 8200, 9.3, 1430, (9_500, 10_500, 12_000)),
}
_OLD = Rules(3000, 7000, 10.1, 1500, (8_000, 9_000, 10_000))


def cases(context: Context) -> list[Case]:
    """The balanced sample, drawn by a fixed seed from the rows that the rules decide."""
    which = _which(context)
    rows = _rows(context.data("ai4i2020"))
    rules = RULES[which]
    if which == "original" and (off := [r["id"] for r in rows if rules.modes(r) != r["labelled"]]):
        raise ConfigurationError(
            f"ai4i2020: the labels of {len(off)} rows are not what the rules say, such as {off[0]}"
        )
    groups: dict[str, list[dict[str, Any]]] = {name: [] for name in COUNTS}
    for row in rows:
        if math.isclose(_difference(row), rules.warm, abs_tol=0.05):
            continue
        modes = rules.modes(row)
        group = modes[0] if len(modes) == 1 else "two" if modes else "near" if rules.nearest(row) < _NEAR else "far"
        groups[group].append(row)
    dice = random.Random(0)
    found = []
    for name, of in groups.items():
        for row in dice.sample(of, min(COUNTS[name], len(of))):
            gold = {
                "machine": f"milling machine {row['type']}", "modes": list(rules.modes(row)), "group": name,
                "readings": {key: f"{row[key]:g} {unit}" for key, (_, unit) in _COLUMNS.items()},
            }  # fmt: skip
            found.append(Case(row["id"], _in_words(gold), gold, groups={"group": name, "type": row["type"]}))
    return found


def _which(context: Context) -> str:
    which = context.option("limits", "original")
    if which not in RULES:
        raise UnknownName("set of limits", which, list(RULES))
    return which


@cache
def _rows(folder: Path) -> list[dict[str, Any]]:
    """Rows whose failures the three rules explain, with the modes they are labelled with."""
    found = []
    path = folder / "ai4i2020.csv"
    with path.open(encoding="utf-8-sig", newline="") as file:
        for number, entry in enumerate(csv.DictReader(file), start=2):
            try:
                row: dict[str, Any] = {key: float(entry[column]) for key, (column, _) in _COLUMNS.items()}
                row |= {"id": f"row-{entry['UDI']}", "type": entry["Type"]}
                row["labelled"] = tuple(mode for mode in MODES if entry[mode] == "1")
                undecided = entry["TWF"] == "1" or entry["RNF"] == "1"
                undecided |= entry["Machine failure"] == "1" and not row["labelled"]
            except (KeyError, ValueError) as error:
                raise ConfigurationError(f"{path}, line {number}: no reading ({error})") from None
            if not undecided and not math.isclose(_difference(row), RULES["original"].warm, abs_tol=0.05):
                found.append(row)
    return found


def _difference(row: Mapping[str, Any]) -> float:
    return round(float(row["process temperature"]) - float(row["air temperature"]), 1)


def _in_words(gold: Mapping[str, Any]) -> str:
    return f"{gold['machine']}: " + ", ".join(f"{name} {value}" for name, value in gold["readings"].items())


@cache
def documents(which: str) -> Corpus:
    """The limits in force, and those that they replaced."""
    return Corpus(
        f"ai4i-limits-{which}",
        [
            BeirDocument("limits", "Operating limits", RULES[which].text(), {"valid_from": "2020-01-01"}),
            BeirDocument("limits-old", "Operating limits, replaced", _OLD.text(), {"valid_from": "2015-01-01", "status": "superseded"}),
        ],
        {"0": "what are the limits?"}, {"0": {"limits": 1}},
    )  # fmt: skip


def solve(context: Context, arm: Arm) -> Any:
    which = _which(context)
    if arm == "hybrid":
        return _by_the_app(context.index(documents(which)))
    options = tuple(" and ".join(MODES[mode] for mode in modes) or "No failure" for modes in SETS)
    rules = RULES[which].text() if arm == "oracle" else ""

    def questions(gold: Mapping[str, Any]) -> dict[str, Question]:
        return {"answer": Question(f"{_in_words(gold)}\nWhich failure do these readings show?", options, rules)}

    return choose(context, questions)


def _by_the_app(opened: CorpusIndex) -> Solver:
    from inspect_ai.solver import solver

    from manufacturing_qa.diagnosis import diagnose, read_plant

    plant = read_plant(opened.index)
    codes = {name: code for code, name in MODES.items()}

    @solver(name="diagnose")
    def diagnosing() -> Solver:
        async def solve(state: TaskState, generate: Generate) -> TaskState:
            gold = state.metadata["gold"]
            found = diagnose(gold["machine"], "", gold["readings"], plant=plant, index=opened.index)
            exceeded = [finding for finding in found.findings if finding.state == "exceeded"]
            said = [codes[finding.limit.mode] for finding in exceeded]
            shown = [{"id": f.limit.name, "title": f.limit.title, "text": f.computed} for f in exceeded]
            return store_reply(state, {"modes": said}, said=", ".join(said) or "none", evidence=shown)

        return solve

    return diagnosing()


def score(gold: Mapping[str, Any], reply: Reply | None) -> Scored:
    """Columns `exact`, false alarms, and of each mode whether it is so and whether it is said; a failure says nothing right."""
    wanted = set(gold["modes"])
    if reply is None:
        said = set(MODES) - wanted
    else:
        said = set(reply["modes"] if "modes" in reply else SETS[reply["answer"]["plain"]])
    values = {"exact": float(reply is not None and said == wanted)}
    for group in ("near", "far"):
        healthy = gold["group"] == group
        values |= {f"healthy_{group}": float(healthy), f"alarm_{group}": float(healthy and bool(said))}
    for mode in MODES:
        values |= {f"is_{mode}": float(mode in wanted), f"said_{mode}": float(mode in said)}
        values[f"both_{mode}"] = float(mode in wanted and mode in said)
    outcome: Outcome = "failed" if reply is None else "right" if values["exact"] else "wrong"
    words = ", ".join(sorted(said)) or "none" if reply is not None else ""
    return Scored(values, outcome, words, ", ".join(sorted(wanted)) or "none")


def _macro_f1(means: Array) -> Array:
    parts = means.reshape(*means.shape[:-1], len(MODES), 3)
    both, total = parts[..., 0], parts[..., 1] + parts[..., 2]
    return np.asarray(np.divide(2 * both, total, out=np.zeros_like(both), where=total > 0).mean(axis=-1))


BENCHMARK = Benchmark(
    name="ai4i_readings",
    title="AI4I 2020, readings and limits",
    sector="manufacturing",
    source="ai4i2020",
    arms=("closed_book", "hybrid", "oracle"),
    measures=(
        mean("exact", about="exactly the modes that the limits give"),
        Measure(
            "macro-F1", tuple(f"{what}_{mode}" for mode in MODES for what in ("both", "is", "said")),
            "mean F1 of the three modes", of=_macro_f1,
        ),
        ratio("false alarms, far", "alarm_far", "healthy_far", about="of the healthy rows away from a limit", higher_is_better=False),
        ratio("false alarms, near", "alarm_near", "healthy_near", about="of the healthy rows near a limit", higher_is_better=False),
    ),
    cases=cases,
    solve=solve,
    score=score,
    note=f"`--set limits=changed` states other limits. The model's choices are {LETTERS[0]} to {LETTERS[len(SETS) - 1]}, asked plainly.",
    options=("limits",),
)  # fmt: skip
