"""The triage app's own cases: four levels, five languages, pairs that differ in one detail, and groups that must not differ.

They were written from guidelines by whoever did not know the app's rules. The default are held-out ones, which nobody who writes rules has
read; `--set cases=` takes those that the rules were developed on: `developed` (messages, with pairs), `complaints` (an emergency department's shorthand,
with vital signs), `vignettes` (a textbook's) and `short` (first messages of a few words). `writers` are 2,272 cases of seven writers of whom nothing was
learned; intervals are over writers. `nurse` are 120 by somebody who tested the app as a nurse would, and did not know its rules when writing them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from healthcare_triage.opinion import OPTIONS as LEVEL_TEXTS
from healthcare_triage.rules import LEVELS
from sectoreval.arms import Arm
from sectoreval.benchmark import Benchmark, Case, Reply, Scored
from sectoreval.benchmarks._triaging import ARMS, NOTE, WITHOUT_MODEL, ask_triage, in_words, levels_said
from sectoreval.context import Context
from sectoreval.measures import mean, ratio
from sectorkit.app import load_app
from sectorkit.errors import ConfigurationError, UnknownName

_LEVELS = LEVELS[::-1]
OPTIONS = tuple(LEVEL_TEXTS.values())
_SETS = ("held-out", "developed", "complaints", "vignettes", "short", "writers", "nurse")
_KNOWN = ("said", "age", "sex", "pregnant", "vitals")


def cases(context: Context) -> list[Case]:
    """The cases of a set; the second of a pair or group brings the first along."""
    which = context.option("cases", "held-out")
    if which not in _SETS:
        raise UnknownName("set of cases", which, list(_SETS))
    path = load_app("healthcare_triage").corpus.parent / f"cases-{which}.jsonl"
    found: list[Case] = []
    firsts: dict[str, dict[str, Any]] = {}
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        try:
            entry = json.loads(line)
            gold = {name: entry[name] for name in (*_KNOWN, "level", "may", "esi")}
        except (KeyError, ValueError) as error:
            raise ConfigurationError(f"{path}, line {number}: no case ({error})") from None
        for kind in ("pair", "same"):
            if name := entry.get(kind):
                if name in firsts:
                    gold |= {"others": {"first": {key: firsts[name][key] for key in (*_KNOWN, "level")}}, "kind": kind}
                firsts.setdefault(name, gold)
        groups = {"language": entry["language"], "level": entry["level"]}
        groups |= {"writer": entry["writer"]} if "writer" in entry else {}
        found.append(
            Case(
                entry["id"],
                in_words(gold),
                gold,
                cluster=entry.get("pair") or entry.get("same") or entry.get("writer") or "",
                groups=groups,
            )
        )
    return found


def score(gold: Mapping[str, Any], reply: Reply | None) -> Scored:
    """Columns of right, defensible and safe levels; of pairs and groups, whether both are told apart, or kept together."""
    said, calibrated = levels_said(reply, _LEVELS, lambda app: str(app["level"]))
    place = LEVELS.index(said) if said else -1
    wanted = LEVELS.index(gold["level"])
    emergency = gold["level"] == "emergency"
    values = {
        "right": float(said == gold["level"]), "defensible": float(said == gold["level"] or said in gold["may"]),
        "safe": float(place >= wanted), "emergency": float(emergency), "called": float(emergency and said == "emergency"),
        "sent_home": float(emergency and place <= LEVELS.index("self-care")), "low": float(emergency and place < LEVELS.index("urgent")),
        "calibrated": float(calibrated == gold["level"]), "over": float(place > wanted and said not in gold["may"]), "pair": 0.0, "ordered": 0.0, "same": 0.0, "kept": 0.0,
    }  # fmt: skip
    if others := gold.get("others"):
        values[gold["kind"]] = 1.0
        first, _ = levels_said(reply["others"]["first"] if reply else None, _LEVELS, lambda app: str(app["level"]))
        before = LEVELS.index(first) if first else -1
        if gold["kind"] == "same":
            values["kept"] = float(reply is not None and before == place)
        else:
            up = wanted > LEVELS.index(others["first"]["level"])
            values["ordered"] = float(reply is not None and before != place and (place > before) == up)
    return Scored(
        values, "failed" if reply is None else "right" if values["right"] else "wrong", said or "", gold["level"]
    )


def solve(context: Context, arm: Arm) -> Any:
    return ask_triage(context, arm, OPTIONS)


BENCHMARK = Benchmark(
    name="triage_cases",
    title="Cases of the triage app",
    sector="healthcare",
    source=None,
    arms=ARMS,
    measures=(
        mean("accuracy", "right", about="the right one of four levels"),
        mean("defensible", about="the right level, or one that its author calls defensible, too"),
        mean("safe", about="as urgent as it should be, or more"),
        ratio("emergency recall", "called", "emergency", about="share of the emergencies that are called one"),
        ratio("emergencies below urgent", "low", "emergency", about="share of the emergencies", higher_is_better=False),
        ratio("emergencies sent home", "sent_home", "emergency", about="share of the emergencies that get self-care", higher_is_better=False),
        mean("over-triage", "over", about="more urgent than is defensible", higher_is_better=False),
        ratio("pairs told apart", "ordered", "pair", about="of two that differ in one detail, the right one is the more urgent"),
        ratio("kept the same", "kept", "same", about="of two that differ in sex, name, wording or language alone, both have one level"),
        mean("calibrated", about="accuracy, each letter's prior taken off (of the app, the same as accuracy)"),
    ),
    cases=cases,
    solve=solve,
    score=score,
    options=("cases",),
    note=NOTE,
    without_model=WITHOUT_MODEL,
)  # fmt: skip
