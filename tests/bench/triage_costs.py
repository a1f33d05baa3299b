"""What it costs to miss fewer emergencies: triage with the cost of a missed emergency from 1 to 15, drawn as SVG and printed as a table.

SECTOREVAL_DATA_DIR=... .venv/bin/python tests/bench/triage_costs.py docs/triage-costs.svg

Of the visits of `mimic_esi`: severe under-triage against over-triage, with the published models of the same 70 visits as points. Of the app's
cases to develop on: emergencies that are called less, against what is called too urgent. No setting is chosen by the visits: COSTS of
`healthcare_triage.estimate` says how its own was.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from peer_plot import STYLE

from healthcare_triage.assessment import Assessment, weighed
from healthcare_triage.estimate import COSTS
from healthcare_triage.rules import LEVELS
from sectoreval.benchmarks import mimic_esi, triage_cases
from sectoreval.benchmarks._triaging import assessed
from sectoreval.context import Context
from sectorkit.app import load_app
from sectorkit.learned import least_cost
from sectorkit.settings import read_settings
from sectorkit.terminal import progress_bar

RATIOS = (1, 2, 3, 4, 5, 6, 8, 10, 12, 15)  # of a missed emergency's cost to that of a false one
OWN = COSTS[-1][2]
DEVELOPED = ("complaints", "vignettes", "short", "developed")
PUBLISHED = {"Gemini 2.5 Flash": (0.200, 0.156), "Claude Sonnet 4.6": (0.300, 0.000), "DeepSeek V3.2": (0.057, 0.400)}
_LEFT, _WIDTH, _TOP, _HEIGHT, _MOST = 44, 300, 34, 220, 0.5
Point = tuple[float, float]


def main() -> None:
    drawn: dict[str, dict[float, Point]] = {}
    with progress_bar("Triage at ten costs") as bar:
        visited = mimic_esi.cases(context("all"))
        found = made_of(visited, lambda share: bar("mimic_esi", share))
        subset = {case.id for case in mimic_esi.cases(context("subset"))}
        of_subset = [one for case, one in zip(visited, found, strict=True) if case.id in subset]
        for those in (found, of_subset):
            drawn[f"MIMIC, {len(those)} visits"] = {ratio: visits(those, ratio) for ratio in RATIOS}
        developed = [case for name in DEVELOPED for case in triage_cases.cases(context(name))]
        found = made_of(developed, lambda share: bar("cases to develop on", share))
        drawn[f"to develop on, {len(found)} cases"] = {ratio: cases(found, ratio) for ratio in RATIOS}
    for name, line in drawn.items():
        print(f"\n{name}\n| cost | too urgent | emergencies missed |\n|---|---|---|")
        for ratio, (over, missed) in line.items():
            print(f"| {ratio}{' (the app)' if ratio == OWN else ''} | {over:.3f} | {missed:.3f} |")
    Path(sys.argv[1]).write_text(plot(drawn), encoding="utf-8")


def context(cases: str) -> Context:
    """The context of a run on that set of cases."""
    folder = os.environ.get("SECTOREVAL_DATA_DIR")
    return Context(read_settings(), Path(folder) if folder else None, options={"cases": cases})


def made_of(
    asked: Sequence[mimic_esi.Case], progress: Callable[[float], None]
) -> list[tuple[Mapping[str, object], Assessment]]:
    """What the app makes of each case."""
    index, found = context("all").app_index(load_app("healthcare_triage")), []
    for number, case in enumerate(asked, start=1):
        found.append((case.gold, assessed(case.gold, index)))
        progress(number / len(asked))
    return found


def level_at(found: Assessment, ratio: float) -> tuple[str, int]:
    """The level and ESI with that cost of a missed emergency."""
    if found.estimate is None:
        return found.level, found.esi
    costs = [*COSTS[:-1], tuple(ratio * cost / OWN for cost in COSTS[-1])]
    shares = [found.estimate.shares[level] for level in LEVELS]
    level, esi, _ = weighed(found.floor, LEVELS[least_cost(shares, costs)], found.guidance)
    return level, esi


def visits(found: Sequence[tuple[Mapping[str, object], Assessment]], ratio: float) -> Point:
    """Over-triage, and severe under-triage of ESI 1 and 2."""
    pairs = [(int(str(gold["esi"])), level_at(one, ratio)[1]) for gold, one in found]
    sick = [said for gold, said in pairs if gold <= 2]
    return sum(said < gold for gold, said in pairs) / len(pairs), sum(said > 2 for said in sick) / len(sick)


def cases(found: Sequence[tuple[Mapping[str, object], Assessment]], ratio: float) -> Point:
    """The share of all that is called too urgent, and of emergencies that are called less."""
    pairs = [(str(gold["level"]), level_at(one, ratio)[0]) for gold, one in found]
    missed = [said for gold, said in pairs if gold == "emergency"]
    over = sum(LEVELS.index(said) > LEVELS.index(gold) for gold, said in pairs)
    return over / len(pairs), sum(said != "emergency" for said in missed) / len(missed)


def plot(drawn: Mapping[str, Mapping[float, Point]]) -> str:
    """A line for each set, its points by cost, the app's own ringed; and the published models."""
    out = []
    for step in range(6):
        share = _MOST * step / 5
        x, y = _x(share), _y(share)
        out.append(
            f'<line class="axis" x1="0" x2="{_WIDTH}" y1="{y:.1f}" y2="{y:.1f}"/><text class="small" x="-8" text-anchor="end" y="{y + 4:.1f}">{share:.1f}</text>'
        )
        out.append(f'<text class="small" text-anchor="middle" x="{x:.1f}" y="{_TOP + _HEIGHT + 18}">{share:.1f}</text>')
    for n, (name, line) in enumerate(drawn.items()):
        points = [(_x(over), _y(missed)) for over, missed in line.values()]
        out.append(f'<polyline class="l{n}" points="{" ".join(f"{x:.1f},{y:.1f}" for x, y in points)}"/>')
        out += [f'<circle class="l{n}" cx="{x:.1f}" cy="{y:.1f}" r="2.5"/>' for x, y in points]
        own = line[OWN]
        out.append(f'<circle class="l{n}" cx="{_x(own[0]):.1f}" cy="{_y(own[1]):.1f}" r="6"/>')
        out.append(
            f'<line class="l{n}" x1="{_WIDTH + 24}" x2="{_WIDTH + 44}" y1="{_TOP + 20 * n}" y2="{_TOP + 20 * n}"/><text class="small" x="{_WIDTH + 50}" y="{_TOP + 20 * n + 4}">{name}</text>'
        )
    for name, (over, missed) in PUBLISHED.items():
        x, y = _x(over), _y(missed)
        out.append(
            f'<path class="peer" d="M{x - 4:.1f},{y:.1f}l4,-4l4,4l-4,4z"/><text class="small" x="{x + 8:.1f}" y="{y - 4:.1f}">{name}</text>'
        )
    out.append(
        f'<text class="small" x="{_WIDTH + 24}" y="{_TOP + 80}">ringed: the app, a missed emergency at {OWN}</text>'
    )
    out.append(f'<text class="small" x="{_WIDTH + 24}" y="{_TOP + 100}">models: published, of the 70 visits</text>')
    out.append(f'<text class="small" x="{-_LEFT + 4}" y="14">emergencies (ESI 1 and 2) called less</text>')
    out.append(f'<text class="small" text-anchor="end" x="{_WIDTH}" y="{_TOP + _HEIGHT + 36}">called too urgent</text>')
    width, height = _LEFT + _WIDTH + 300, _TOP + _HEIGHT + 46
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img">\n<title>Emergencies that triage calls less, against '
        f"what it calls too urgent, as a missed emergency costs more</title>\n<style>{STYLE}polyline,circle{{fill:none;stroke-width:2}}"
        ".axis{stroke-width:1;opacity:.4}.l0{stroke:#1668c7}.l1{stroke:#c2570c}.l2{stroke:#15803d}"
        "@media(prefers-color-scheme:dark){.l0{stroke:#6db1ff}.l1{stroke:#fb923c}.l2{stroke:#4ade80}}</style>\n"
        f'<g transform="translate({_LEFT},0)">{"".join(out)}</g>\n</svg>\n'
    )  # fmt: skip


def _x(share: float) -> float:
    return _WIDTH * share / _MOST


def _y(share: float) -> float:
    return _TOP + _HEIGHT * (1 - share / _MOST)


if __name__ == "__main__":
    main()
