"""Plots: dots with whiskers and stacked bars, as inline SVG for the pages of reports.

A plot is one row of a page's grid. Places are percentages of its width, so that it fits a phone and a projector while
lines keep their width; names and numbers stand beside it as text. Colours are the page's.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from markupsafe import Markup

from sectorkit.stats import Estimate

ROW = 30  # pixels
_READABLE = 0.08  # the share of a bar in which a count of three digits fits on a phone


@dataclass(frozen=True)
class Scale:
    """A linear axis; `ticks` are ascending, the first and the last are its ends."""

    ticks: tuple[float, ...]

    def place(self, value: float) -> float:
        """Where a value stands, in percent of the width."""
        low, high = self.ticks[0], self.ticks[-1]
        return round(100 * (value - low) / (high - low), 2)


def scale_of(estimates: Iterable[Estimate]) -> Scale:
    """From 0 to 1 where all intervals are within; else round numbers around them, with 0."""
    bounds = [bound for found in estimates for bound in (found.low, found.high) if not math.isnan(bound)]
    low, high = min([0.0, *bounds]), max([0.0, *bounds])
    if low >= 0 and high <= 1:
        return Scale((0.0, 0.25, 0.5, 0.75, 1.0))
    step = 10.0 ** math.floor(math.log10((high - low) / 4))
    step *= next(factor for factor in (1, 2, 5, 10) if (high - low) / (step * factor) <= 5)
    first, last = math.floor(low / step), math.ceil(high / step)
    return Scale(tuple(round(n * step, 10) for n in range(first, last + 1)))


def whisker(found: Estimate | None, scale: Scale, *, best: bool = False) -> Markup:
    """A dot at the mean and a line over the interval; the grid alone where there are none."""
    middle = ROW // 2
    drawn = "".join(f'<line class="grid" x1="{x}%" x2="{x}%" y2="{ROW}"/>' for x in map(scale.place, scale.ticks))
    if found is not None and not (math.isnan(found.mean) or math.isnan(found.low)):
        low, mean, high = map(scale.place, (found.low, found.mean, found.high))
        drawn += f'<line class="span" x1="{low}%" x2="{high}%" y1="{middle}" y2="{middle}"/>'
        drawn += "".join(
            f'<line class="end" x1="{x}%" x2="{x}%" y1="{middle - 5}" y2="{middle + 5}"/>' for x in (low, high)
        )
        drawn += f'<circle cx="{mean}%" cy="{middle}" r="5.5"/>'
    return Markup(
        f'<svg class="{"whisker best" if best else "whisker"}" height="{ROW}" aria-hidden="true">{drawn}</svg>'
    )


def axis(scale: Scale) -> Markup:
    """The numbers of the scale, to stand below the rows."""
    texts = "".join(
        f'<text x="{scale.place(tick)}%" y="14" text-anchor="middle">{tick:g}</text>' for tick in scale.ticks
    )
    return Markup(f'<svg class="axis" height="18" aria-hidden="true">{texts}</svg>')


def bar(counts: Mapping[str, int]) -> Markup:
    """Counts end to end, each as wide as its share; those that have the room say how many they are."""
    total, at, drawn = sum(counts.values()), 0.0, ""
    for name, count in counts.items():
        width = 100 * count / total
        kind = kind_of(name)
        drawn += f'<rect class="{kind}" x="{at:.2f}%" width="{width:.2f}%" height="24"/>'
        if count >= _READABLE * total:
            drawn += f'<text class="on-{kind}" x="{at + width / 2:.2f}%" y="17" text-anchor="middle">{count}</text>'
        at += width
    return Markup(f'<svg class="bar" height="24" aria-hidden="true">{drawn}</svg>')


def kind_of(outcome: str) -> str:
    """An outcome's class in the style."""
    return f"is-{outcome.replace(' ', '-')}"
