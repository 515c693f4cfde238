"""Charts as inline SVG; each says its result in words, for readers who do not see it.

Colours come from the page's style sheet, by class, so that both colour schemes work.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape

from artgan.report.words import number

_WIDTH, _HEIGHT = 560.0, 226.0
_LEFT, _RIGHT, _TOP, _BOTTOM = 56.0, 16.0, 14.0, 42.0
_BAR_WIDTH, _BAR_HEIGHT = 220.0, 18.0
_SAME = 1e-9  # a range so much smaller than its values is none


@dataclass(frozen=True)
class Point:
    """A value at a training step, with its interval if there is one."""

    step: float
    value: float
    low: float | None = None
    high: float | None = None


def line_chart(
    points: Sequence[Point],
    title: str,
    description: str,
    axis: str = "training step",
    level: float | None = None,
) -> Markup:
    """Draw values over training steps or other counts, with the band of their intervals.

    Args:
        points: At least one point with a finite value, by rising step.
        title: What is drawn.
        description: What it shows, with the first, best and last value.
        axis: What the steps are.
        level: A value to compare with, drawn as a dashed line; the description names it.
    """
    lows = [_or(point.low, point.value) for point in points]
    highs = [_or(point.high, point.value) for point in points]
    levels = [] if level is None else [level]
    ticks = _ticks(min([*lows, *levels]), max([*highs, *levels]))
    first = min(points[0].step, 1.0)
    width = max(points[-1].step - first, 1.0)

    def x(step: float) -> float:
        return _LEFT + (_WIDTH - _LEFT - _RIGHT) * (step - first) / width

    def y(value: float) -> float:
        span = ticks[-1] - ticks[0]
        return _TOP + (_HEIGHT - _TOP - _BOTTOM) * (ticks[-1] - value) / span

    parts = [_grid(ticks, y), _steps(points, x, axis)]
    if len(points) > 1:
        upper = [(x(point.step), y(high)) for point, high in zip(points, highs, strict=True)]
        lower = [(x(point.step), y(low)) for point, low in zip(points, lows, strict=True)]
        parts.append(f'<polygon class="band" points="{_path([*upper, *reversed(lower)])}"/>')
        line = _path([(x(point.step), y(point.value)) for point in points])
        parts.append(f'<polyline class="line" points="{line}"/>')
    parts += [
        f'<line class="level" x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{y(one):.1f}" '
        f'y2="{y(one):.1f}"/>'
        for one in levels
    ]
    dots = "".join(
        f'<circle class="dot" cx="{x(point.step):.1f}" cy="{y(point.value):.1f}" r="3.5"/>'
        for point in points
    )
    return _svg(_WIDTH, _HEIGHT, "chart", title, description, "".join([*parts, dots]))


def _or(value: float | None, otherwise: float) -> float:
    return otherwise if value is None or not math.isfinite(value) else value


def _path(corners: Sequence[tuple[float, float]]) -> str:
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in corners)


def _ticks(low: float, high: float, wanted: int = 4) -> list[float]:
    """Return evenly spaced round numbers that enclose a range."""
    if high - low <= _SAME * max(abs(low), abs(high)):  # but for rounding
        low, high = low - 0.5, high + 0.5
    raw = (high - low) / wanted
    size = 10.0 ** math.floor(math.log10(raw))
    step = next(size * factor for factor in (1, 2, 5, 10) if size * factor >= raw)
    first, final = math.floor(low / step), math.ceil(high / step)
    digits = max(0, 1 - math.floor(math.log10(step)))
    return [round(step * position, digits) for position in range(first, final + 1)]


def _grid(ticks: Sequence[float], y: Callable[[float], float]) -> str:
    return "".join(
        f'<line class="grid" x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{y(tick):.1f}" '
        f'y2="{y(tick):.1f}"/><text class="tick" x="{_LEFT - 8}" y="{y(tick) + 4:.1f}" '
        f'text-anchor="end">{tick:,g}</text>'
        for tick in ticks
    )


def _steps(points: Sequence[Point], x: Callable[[float], float], axis: str) -> str:
    shown: list[float] = []
    for point in points:
        if not shown or x(point.step) - x(shown[-1]) > 56:
            shown.append(point.step)
    labels = "".join(
        f'<text class="tick" x="{x(step):.1f}" y="{_HEIGHT - 24}" text-anchor="middle">'
        f"{step:,.0f}</text>"
        for step in shown
    )
    middle = (_LEFT + _WIDTH - _RIGHT) / 2
    return (
        f'{labels}<text class="tick" x="{middle}" y="{_HEIGHT - 6}" text-anchor="middle">'
        f"{escape(axis)}</text>"
    )


def interval_marks(
    rows: Sequence[tuple[float | None, float | None, float | None]],
) -> list[Markup]:
    """Draw value and interval of several rows on one axis, one small picture for each row.

    The numbers stand beside the marks, so the pictures are hidden from screen readers.

    Args:
        rows: Value, lower and upper end of each row; None for what was not measured.
    """
    found = [end for row in rows for end in row if end is not None and math.isfinite(end)]
    if not found:
        return [Markup("") for _ in rows]
    low, high = min(found), max(found)
    margin = 0.06 * (high - low) or 0.5
    low, high = low - margin, high + margin
    return [_marks(value, left, right, low, high) for value, left, right in rows]


def _marks(
    value: float | None, left: float | None, right: float | None, low: float, high: float
) -> Markup:
    def x(at: float) -> float:
        return _BAR_WIDTH * (at - low) / (high - low)

    middle = _BAR_HEIGHT / 2
    parts = [f'<line class="grid" x1="0" x2="{_BAR_WIDTH}" y1="{middle}" y2="{middle}"/>']
    if left is not None and right is not None:
        parts.append(
            f'<line class="whisker" x1="{x(left):.1f}" x2="{x(right):.1f}" y1="{middle}" '
            f'y2="{middle}"/>'
        )
    if value is not None:
        parts.append(f'<circle class="dot" cx="{x(value):.1f}" cy="{middle}" r="3"/>')
    return Markup(  # noqa: S704 - numbers only
        f'<svg class="marks" viewBox="0 0 {_BAR_WIDTH:g} {_BAR_HEIGHT:g}" aria-hidden="true">'
        f"{''.join(parts)}</svg>"
    )


def share_bar(part: int, whole: int) -> Markup:
    """Draw a part of a whole as a bar; the number stands beside it."""
    filled = 0.0 if not whole else _BAR_WIDTH * part / whole
    return Markup(  # noqa: S704 - numbers only
        f'<svg class="bar" viewBox="0 0 {_BAR_WIDTH:g} 8" preserveAspectRatio="none" '
        f'aria-hidden="true"><rect class="rail" width="{_BAR_WIDTH:g}" height="8"/>'
        f'<rect class="fill" width="{filled:.1f}" height="8"/></svg>'
    )


def _svg(
    width: float, height: float, name: str, title: str, description: str, inside: str
) -> Markup:
    return Markup(  # noqa: S704 - words are escaped here, the rest are numbers
        f'<svg class="{name}" viewBox="0 0 {width:g} {height:g}" role="img">'
        f"<title>{escape(title)}</title><desc>{escape(description)}</desc>{inside}</svg>"
    )


def curve_words(points: Sequence[Point], *, lower_is_better: bool) -> str:
    """Say what a training curve shows: first, best and last value."""
    best = (min if lower_is_better else max)(points, key=lambda point: point.value)
    return f"{course_words(points)}; best {number(best.value)} at step {best.step:,.0f}."


def course_words(points: Sequence[Point]) -> str:
    """Say where a training curve begins and ends."""
    return (
        f"From {number(points[0].value)} at step {points[0].step:,.0f} to "
        f"{number(points[-1].value)} at step {points[-1].step:,.0f}"
    )
