"""A picture of what peers.py measured, over all sets: SVG that reads on light and on dark pages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import median
from typing import Any

from peer_report import OURS, pooled

from sectorkit.stats import interval

STYLE = (
    "text{font:14px system-ui,sans-serif;fill:#222}.small{font-size:12px;fill:#666}line{stroke:#8a8f98;stroke-width:2}"
    ".ours{fill:#1668c7}.peer{fill:#8a8f98}.embedding{opacity:.4}"
    "@media(prefers-color-scheme:dark){text{fill:#eee}.small{fill:#aaa}.ours{fill:#6db1ff}.peer{fill:#9aa0a8}}"
)
_LABELS, _PANEL, _STEP, _TOP, _ROW = 100, 170, 250, 40, 30
Pair = tuple[float, float]


def plot(results: Mapping[str, Any]) -> str:
    """nDCG@10 of all questions, seconds of all ingestions and a question's median, of the systems that never failed."""
    scores = {name: found["scores"]["hybrid"] for name, found in pooled(results).items() if found["scores"]}
    rounds = {name: [found["systems"][name]["rounds"] for found in results["sets"].values()] for name in scores}
    panels = [
        _dots("nDCG@10, hybrid", {name: list(found["nDCG@10"].values()) for name, found in scores.items()}),
        _bars("ingestion in s", {name: _ingestion(found) for name, found in rounds.items()}),
        _bars("a question in ms, median", {name: _question(found) for name, found in rounds.items()}),
    ]
    names = "".join(f'<text y="{_y(row) + 5}">{name}</text>' for row, name in enumerate(scores))
    moved = "".join(f'<g transform="translate({_LABELS + _STEP * n},0)">{panel}</g>' for n, panel in enumerate(panels))
    width, height = _LABELS + _STEP * len(panels), _y(len(scores)) + 10
    note = f'<text class="small" x="{_LABELS + _STEP}" y="{height - 6}">faint: what embedding takes</text>'
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img">\n<title>Quality, '
        f"ingestion and search of Sectorkit and its peers</title>\n<style>{STYLE}</style>\n{names}\n{moved}\n{note}\n</svg>\n"
    )


def _ingestion(sets: Sequence[Sequence[Any]]) -> Pair:
    """Seconds of all sets together, the embedding's and the others; medians over rounds."""
    turns = [[turn["ingest"] for turn in rounds] for rounds in sets]
    embedding = sum(median(turn["embedding_seconds"] for turn in rounds) for rounds in turns)
    return embedding, sum(median(turn["seconds"] for turn in rounds) for rounds in turns) - embedding


def _question(sets: Sequence[Sequence[Any]]) -> Pair:
    """Milliseconds of the embedding and of the rest, each the median over all questions."""
    asked = [s for rounds in sets for turn in rounds for s in turn["ingest"]["question_seconds"]["hybrid"].values()]
    return 1000 * median(e for _, e in asked), 1000 * median(s - e for s, e in asked)


def _y(row: int) -> int:
    return _TOP + _ROW * row


def _kind(name: str) -> str:
    return "ours" if name == OURS else "peer"


def _dots(title: str, cases: Mapping[str, Sequence[float]]) -> str:
    """A mean and its interval in each row; the axis begins at 0."""
    drawn = [f'<text class="small" y="14">{title}</text>']
    for row, (name, values) in enumerate(cases.items()):
        found, y = interval(values), _y(row)
        low, mean, high = (round(_PANEL * value, 1) for value in (found.low, found.mean, found.high))
        drawn.append(f'<line x1="{low}" x2="{high}" y1="{y}" y2="{y}"/>')
        drawn.append(f'<circle class="{_kind(name)}" cx="{mean}" cy="{y}" r="4"/>')
        drawn.append(f'<text class="small" x="{high + 8}" y="{y + 4}">{found.mean:.3f}</text>')
    return "".join(drawn)


def _bars(title: str, pairs: Mapping[str, Pair]) -> str:
    """Two parts end to end in each row, the faint one of embedding first."""
    longest = max(map(sum, pairs.values()))
    drawn = [f'<text class="small" y="14">{title}</text>']
    for row, (name, pair) in enumerate(pairs.items()):
        first, second = (round(_PANEL * part / longest, 1) for part in pair)
        bar = f'<rect class="{_kind(name)} {{}}" x="{{}}" y="{_y(row) - 8}" width="{{}}" height="16"/>'
        drawn.append(bar.format("embedding", 0, first) + bar.format("", first, second))
        drawn.append(f'<text class="small" x="{first + second + 8}" y="{_y(row) + 4}">{sum(pair):.0f}</text>')
    return "".join(drawn)
