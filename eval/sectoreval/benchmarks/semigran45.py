"""Semigran 2015: 45 vignettes with three levels of urgency, by the metrics of Semigran and of Kopka 2023.

The app's four levels become three: emergency is `em`, urgent and routine are `ne`, self-care is `sc`. A remark that leaked into
one vignette, on what a study's participants recommended, is taken out. The vignettes are old and all over the net: a model
may know them. The app's rules and guidance were written from guidelines, by whoever had not read them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from sectoreval.arms import Arm
from sectoreval.benchmark import Benchmark, Case, Reply, Scored
from sectoreval.benchmarks._triaging import ARMS, NOTE, WITHOUT_MODEL, ask_triage, levels_said
from sectoreval.context import Context
from sectoreval.measures import mean
from sectoreval.triage import LEVELS, URGENCY, urgency_columns
from sectorkit.errors import ConfigurationError

_FILE = "triage_bench/vignettes/semigran_vignettes.jsonl"
_OF_THE_APP = {"emergency": "em", "urgent": "ne", "routine": "ne", "self-care": "sc"}
_OPTIONS = ("Emergency care now", "Non-emergency care by a clinician", "Self-care at home")
_LEAKED = re.compile(r"\(in study[^)]*\)", re.IGNORECASE)


def cases(context: Context) -> list[Case]:
    """The vignettes, numbered as upstream numbers them."""
    path = context.data("semigran45") / _FILE
    found = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        try:
            entry = json.loads(line)
            level, said = entry["urgency_level"], " ".join(_LEAKED.sub(" ", entry["case_description"]).split())
            if level not in LEVELS:
                raise ValueError(f"the level {level!r} is none")
        except (KeyError, TypeError, ValueError) as error:
            raise ConfigurationError(f"{path}, line {number}: no vignette ({error})") from None
        found.append(Case(f"{number}", said, {"said": said, "level": level}, groups={"level": level}))
    return found


def score(gold: Mapping[str, Any], reply: Reply | None) -> Scored:
    """Columns of `URGENCY`, and of the model's choice with its letters' priors taken off."""
    said, calibrated = levels_said(reply, LEVELS, lambda app: _OF_THE_APP[app["level"]])
    values = urgency_columns(gold["level"], said)
    values["calibrated"] = float(calibrated == gold["level"])
    right = said == gold["level"]
    return Scored(values, "failed" if reply is None else "right" if right else "wrong", said or "", gold["level"])


def solve(context: Context, arm: Arm) -> Any:
    return ask_triage(context, arm, _OPTIONS)


BENCHMARK = Benchmark(
    name="semigran45",
    title="Semigran: 45 vignettes, three levels",
    sector="healthcare",
    source="semigran45",
    arms=ARMS,
    measures=(
        *URGENCY,
        mean("calibrated", about="accuracy, each letter's prior taken off (of the app, the same as accuracy)"),
    ),
    cases=cases,
    solve=solve,
    score=score,
    note=NOTE,
    without_model=WITHOUT_MODEL,
)
