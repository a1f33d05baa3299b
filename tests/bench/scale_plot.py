"""What search costs against the number of passages, drawn from the tables of docs/BENCHMARKS.md: SVG that reads on light and on dark pages.

.venv/bin/python tests/bench/scale_plot.py > docs/scale.svg
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from pathlib import Path

from peer_plot import STYLE

TABLES = Path(__file__).parents[2] / "docs" / "BENCHMARKS.md"
_TIMES = re.compile(
    r"^\| ([\d,]+) \| all \| [\d.]+ / ([\d.]+) \| [\d.]+ / ([\d.]+) \| [\d.]+ / ([\d.]+) \| [\d.]+ \|( \d+ s \| \d+ MB \|)?$",
    re.MULTILINE,
)
_SPACE = re.compile(r"^\| ([\d,]+) \| [^|]*\| ([\d.]+) (MB|GB) \| ([\d.]+) (MB|GB) \| [\d.]+ s \|$", re.MULTILINE)
_LEFT, _WIDTH, _TOP, _HEIGHT, _STEP = 44, 240, 34, 190, 390
Line = Mapping[int, float]


def lines(text: str) -> tuple[dict[str, Line], dict[str, Line]]:
    """Milliseconds at the 95th percentile, and gigabytes, each by what and by the number of passages. ValueError where a table is not found."""
    times: dict[str, dict[int, float]] = {}
    for count, *said, server in _TIMES.findall(text):
        for name, value in zip(("words", "vectors", "hybrid"), said, strict=True):
            if not server or name != "words":
                times.setdefault(f"{name}, Chroma server" if server else name, {})[_number(count)] = float(value)
    space: dict[str, dict[int, float]] = {}
    for count, disk, disk_unit, memory, memory_unit in _SPACE.findall(text):
        space.setdefault("disk", {})[_number(count)] = float(disk) / (1 if disk_unit == "GB" else 1024)
        space.setdefault("memory", {})[_number(count)] = float(memory) / (1 if memory_unit == "GB" else 1024)
    if {"words", "vectors", "hybrid"} - times.keys() or not space:
        raise ValueError("the tables of docs/BENCHMARKS.md have another form")
    return times, space


def _number(text: str) -> int:
    return int(text.replace(",", ""))


def plot(text: str) -> str:
    """Two panels over a logarithmic axis of passages."""
    times, space = lines(text)
    panels = [_panel("ms a question, 95th percentile", times, 30), _panel("GB", space, 9)]
    moved = "".join(f'<g transform="translate({_LEFT + _STEP * n},0)">{panel}</g>' for n, panel in enumerate(panels))
    width, height = _LEFT + _STEP * 2, _TOP + _HEIGHT + 44
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img">\n<title>Time, memory and disk of a search '
        f"against the number of passages</title>\n<style>{STYLE}polyline{{fill:none;stroke-width:2}}.axis{{stroke-width:1;opacity:.4}}"
        ".l0{stroke:#1668c7}.l1{stroke:#c2570c}.l2{stroke:#15803d}.dash{stroke-dasharray:5 4}"
        "@media(prefers-color-scheme:dark){.l0{stroke:#6db1ff}.l1{stroke:#fb923c}.l2{stroke:#4ade80}}</style>\n"
        f"{moved}\n</svg>\n"
    )


def _panel(title: str, drawn: Mapping[str, Line], most: float) -> str:
    out = [f'<text class="small" x="{-_LEFT + 4}" y="14">{title}</text>']
    for step in range(4):
        y, value = _TOP + _HEIGHT * (1 - step / 3), most * step / 3
        out.append(
            f'<line class="axis" x1="0" x2="{_WIDTH}" y1="{y:.1f}" y2="{y:.1f}"/><text class="small" x="-8" text-anchor="end" y="{y + 4:.1f}">{value:.3g}</text>'
        )
    for count in (10_000, 100_000, 1_000_000):
        out.append(
            f'<text class="small" text-anchor="middle" x="{_x(count):.1f}" y="{_TOP + _HEIGHT + 20}">{count:,}</text>'
        )
    colours = list(dict.fromkeys(name.split(",")[0] for name in drawn))
    for name, line in sorted(drawn.items(), key=lambda one: -max(one[1].values())):
        look = f"l{colours.index(name.split(',')[0])}" + (" dash" if "," in name else "")
        points = [(_x(count), _TOP + _HEIGHT * (1 - value / most)) for count, value in sorted(line.items())]
        out.append(f'<polyline class="{look}" points="{" ".join(f"{x:.1f},{y:.1f}" for x, y in points)}"/>')
        if "," not in name:
            out.append(f'<text class="small" x="{_WIDTH + 8}" y="{points[-1][1] + 4:.1f}">{name}</text>')
    if any("," in name for name in drawn):
        out.append(f'<text class="small" x="0" y="{_TOP + _HEIGHT + 40}">dashed: vectors at a Chroma server</text>')
    return "".join(out)


def _x(count: int) -> float:
    return _WIDTH * (math.log10(count) - 4) / 2


if __name__ == "__main__":
    print(plot(TABLES.read_text(encoding="utf-8")), end="")
