"""Pictures of measurements as inline SVG: the runs of both sides, and a benchmark's past.

No script; colours are classes of ``page.css``, so they follow light and dark.
Every picture is told in words beside it, by ``page``.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Sequence
from html import escape

from orchestrator.report.page import Course, CoursePoint, Spread
from orchestrator.report.text import size_of, visible

__all__ = ["course", "spread"]

_WIDTH, _LEFT, _RIGHT = 640, 84, 620
#: Height of a lane of runs, and where its density stands on.
_LANE, _FOOT = 64, 46
#: Shares of all runs between which the axis of a spread lies; what is beyond is counted.
_BEYOND = 0.96
_STEPS = 96


def spread(block: Spread) -> str:
    """Two lanes: every run a dot, how dense they lie above it, the median a line."""
    pooled = sorted([*block.base, *block.candidate])
    sides = (("base", block.base), ("candidate", block.candidate))
    last = pooled[min(int(len(pooled) * _BEYOND), len(pooled) - 1)]
    width = max(_bandwidth(values) for _, values in sides)
    width = max(width, (last - pooled[0]) / 60, last / 1000)
    scale = _Scale(max(pooled[0] - 3 * width, 0.0), last + 3 * width, _LEFT, _RIGHT)
    tops = [_density(values, scale, width) for _, values in sides]
    peak = max(max(curve, default=0.0) for curve in tops) or 1.0
    bottom = 8 + 2 * _LANE
    parts = [_ticks_below(scale, bottom, block.unit)]
    for number, ((name, values), curve) in enumerate(zip(sides, tops, strict=True)):
        parts.append(_lane(name, values, [c / peak for c in curve], scale, 8 + number * _LANE))
    return _svg(bottom + 22, parts)


def course(block: Course) -> str:
    """A line a run, from its base's median to its own; what landed is filled."""
    points = block.points
    values = [v for p in points for v in (p.base, p.candidate) if v is not None]
    scale = _Scale(*_range(min(values), max(values)), 150, 14)
    gap = (_RIGHT - 20 - _LEFT) / max(len(points) - 1, 1)
    parts = [_ticks_beside(scale, block.unit)]
    if len(points) > 1:
        line = " ".join(
            f"{_n(_LEFT + 10 + gap * at)},{scale(p.candidate)}" for at, p in enumerate(points)
        )
        parts.append(f'<polyline class="past" points="{line}"/>')
    parts += [_run(p, _LEFT + 10 + gap * at, scale) for at, p in enumerate(points)]
    parts.append(f'<text x="{_LEFT + 10}" y="178">{_text(points[0].when)}</text>')
    if len(points) > 1:
        last = f'<text x="{_RIGHT - 10}" y="178" class="end">{_text(points[-1].when)}</text>'
        parts.append(last)
    return _svg(186, parts)


class _Scale:
    """From values to places in the picture, linear."""

    def __init__(self, low: float, high: float, start: float, end: float) -> None:
        self.low, self.high = low, high
        self._start, self._end = start, end

    def __call__(self, value: float) -> str:
        share = (value - self.low) / (self.high - self.low)
        return _n(self._start + share * (self._end - self._start))

    def ticks(self) -> list[float]:
        """Three to seven round values."""
        raw = (self.high - self.low) / 6
        power: float = 10.0 ** math.floor(math.log10(raw))
        step = next(m * power for m in (1, 2, 2.5, 5, 10) if m * power >= raw * 0.999)
        first = math.ceil(self.low / step - 1e-9)
        return [n * step for n in range(first, int(self.high / step + 1e-9) + 1)]


def _range(low: float, high: float) -> tuple[float, float]:
    """With room at both ends; never empty."""
    room = max((high - low) * 0.06, abs(high) * 0.005, 1e-12)
    return low - room, high + room


def _bandwidth(values: Sequence[float]) -> float:
    """From the middle half, which outliers do not stretch; narrow, to show several heaps."""
    first, _, third = statistics.quantiles(values, n=4, method="inclusive")
    return 0.45 * float(third - first) * math.pow(len(values), -0.2)


def _density(values: Sequence[float], scale: _Scale, width: float) -> list[float]:
    at = [scale.low + (scale.high - scale.low) * n / _STEPS for n in range(_STEPS + 1)]
    return [
        sum(math.exp(-(((x - v) / width) ** 2) / 2) for v in values) / max(len(values), 1)
        for x in at
    ]


def _lane(
    name: str, values: Sequence[float], curve: Sequence[float], scale: _Scale, top: float
) -> str:
    foot = top + _FOOT
    step = (_RIGHT - _LEFT) / _STEPS
    outline = " ".join(f"{_n(_LEFT + n * step)},{_n(foot - c * 36)}" for n, c in enumerate(curve))
    parts = [
        f'<text x="{_LEFT - 12}" y="{foot}" class="end side">{name}</text>',
        f'<polygon class="dense {name}" points="{_LEFT},{foot} {outline} {_RIGHT},{foot}"/>',
    ]
    within = [value for value in values if value <= scale.high]
    # Neighbours are told apart by a little height; the order of measuring decides it.
    parts += [
        f'<circle class="run {name}" cx="{scale(value)}" cy="{foot + 6 + number % 3 * 3}" r="2"/>'
        for number, value in enumerate(within)
    ]
    if beyond := len(values) - len(within):
        words = f"{beyond} beyond →"
        parts.append(f'<text x="{_RIGHT}" y="{_n(foot - 6)}" class="end">{words}</text>')
    if values and (middle := statistics.median(values)) <= scale.high:
        x = scale(middle)
        parts.append(
            f'<line class="median {name}" x1="{x}" y1="{_n(foot - 40)}" x2="{x}" y2="{foot + 14}"/>'
        )
    return "".join(parts)


def _run(point: CoursePoint, x: float, scale: _Scale) -> str:
    at, y = _n(x), scale(point.candidate)
    parts = [f"<title>{_text(point.words)}</title>"]
    if point.base is not None:
        start = scale(point.base)
        parts += [
            f'<line class="change" x1="{at}" y1="{start}" x2="{at}" y2="{y}"/>',
            f'<line class="from" x1="{_n(x - 4)}" y1="{start}" x2="{_n(x + 4)}" y2="{start}"/>',
        ]
    parts.append(f'<circle cx="{at}" cy="{y}" r="4.5"/>')
    state = "landed" if point.landed else "open-ended"
    return f'<g class="step {point.tone} {state}">{"".join(parts)}</g>'


def _ticks_below(scale: _Scale, y: float, unit: str) -> str:
    return "".join(
        f'<line class="grid" x1="{scale(t)}" y1="8" x2="{scale(t)}" y2="{y}"/>'
        f'<text x="{scale(t)}" y="{y + 14}" class="mid">{_text(size_of(t, unit))}</text>'
        for t in scale.ticks()
    )


def _ticks_beside(scale: _Scale, unit: str) -> str:
    return "".join(
        f'<line class="grid" x1="{_LEFT}" y1="{scale(t)}" x2="{_RIGHT}" y2="{scale(t)}"/>'
        f'<text x="{_LEFT - 10}" y="{scale(t)}" class="end level">{_text(size_of(t, unit))}</text>'
        for t in scale.ticks()
    )


def _svg(height: float, parts: Iterable[str]) -> str:
    return (
        f'<svg class="measured" viewBox="0 0 {_WIDTH} {_n(height)}" aria-hidden="true">'
        f"{''.join(parts)}</svg>"
    )


def _text(text: str) -> str:
    return escape(visible(text))


def _n(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")
