"""Draws charts as inline SVG. They need no library, work offline and follow the page's colours.

Colours are the CSS classes s0, s1, ..., which `report.page` defines for light and dark screens.

"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ava_det.report.markup import Html, count_text, escape, tag

SERIES = 6  # how many colours the page defines; further lines start over
_LEFT, _RIGHT, _TOP, _BOTTOM = 44, 18, 8, 36  # around the plot, for the labels of the axes


@dataclass(frozen=True, eq=False)
class Line:
    """A line of a chart: name, (n,) x and (n,) y; points that are not finite are left out."""

    name: str
    x: np.ndarray
    y: np.ndarray


def line_chart(
    lines: Sequence[Line],
    x_label: str,
    y_label: str,
    *,
    y_range: tuple[float, float] | None = None,
    width: int = 400,
    height: int = 220,
) -> Html:
    """Draw a chart of lines over one pair of axes, with a legend for several lines.

    Args:
        lines: The lines, at least one.
        x_label: The title of the x axis.
        y_label: The title of the y axis.
        y_range: The range of the y axis. The default follows the data.
        width: The width of the drawing, in units that scale with the page.
        height: The height of the drawing, in the same units.
    """
    shown = [_finite(line) for line in lines]
    x_ticks = nice_ticks(*_range([line.x for line in shown]))
    y_ticks = nice_ticks(*(y_range or _range([line.y for line in shown])))
    across = _Scale(x_ticks[0], x_ticks[-1], _LEFT, width - _RIGHT)
    down = _Scale(y_ticks[0], y_ticks[-1], height - _BOTTOM, _TOP)
    parts = [_axes(x_ticks, y_ticks, across, down)]
    parts.append(tag("text", x_label, x=width - _RIGHT, y=height - 2, class_="axis end"))
    parts += [_path(line, k, across, down) for k, line in enumerate(shown)]
    label = f"{y_label} over {x_label}"
    chart = tag("svg", *parts, viewBox=f"0 0 {width} {height}", role="img", aria_label=label)
    legend = [tag("span", line.name, class_=f"key s{k % SERIES}") for k, line in enumerate(shown)]
    title = tag("figcaption", tag("b", y_label), *(legend if len(shown) > 1 else []))
    return tag("figure", title, chart, class_="chart")


def small_curve(
    name: str,
    note: str,
    x: np.ndarray,
    y: np.ndarray,
    other: tuple[np.ndarray, np.ndarray] | None = None,
) -> Html:
    """Draw a small filled curve over the unit square, such as precision over recall, with its name.

    Args:
        name: The title.
        note: A figure beside the title.
        x: (n,) ascending, in [0, 1].
        y: (n,) in [0, 1]. y[i] holds from x[i - 1] to x[i].
        other: The x and y of another curve, drawn as a line over this one.
    """
    side = 100
    frame = tag("rect", x=0, y=0, width=side, height=side, class_="frame")
    area = tag("path", d=f"M0 {side}{_steps(x, y, side)}V{side}Z", class_="area")
    lines = [tag("path", d=f"M0 {side}{_steps(*other, side)}", class_="line s1")] if other else []
    view = f"-1 -1 {side + 2} {side + 2}"
    chart = tag("svg", frame, area, *lines, viewBox=view, role="img", aria_label=f"{name} {note}")
    return tag("figure", chart, tag("figcaption", name, " ", tag("b", note)), class_="small")


def _steps(x: np.ndarray, y: np.ndarray, side: int) -> str:
    """Return the path of a curve of `small_curve` in a square with sides of `side`."""
    y = np.round(y, 2)  # a hundredth is a unit of the drawing: few steps for any number of points
    ends = np.flatnonzero(np.append(np.diff(y) != 0, len(y) > 0))
    return "".join(f"V{(1 - y[k]) * side:.0f}H{x[k] * side:.1f}" for k in ends.tolist())


def small_histogram(name: str, edges: np.ndarray, front: np.ndarray, back: np.ndarray) -> Html:
    """Draw two small histograms, one before the other, on a logarithmic scale, with their name.

    Args:
        name: The title.
        edges: (n + 1,) the edges of the bins.
        front: (n,) counts that are drawn in colour.
        back: (n,) counts that are drawn in grey, behind them.
    """
    width, height = 100, 60
    most = max(int(front.max()), int(back.max()), 1)
    across = _Scale(float(edges[0]), float(edges[-1]), 0, width)
    parts = [tag("rect", x=0, y=0, width=width, height=height, class_="frame")]
    for counts, kind in ((back, "back"), (front, "front")):
        heights = np.log1p(counts) / math.log1p(most) * height
        for k in np.flatnonzero(counts).tolist():
            x1, x2, y = across(edges[k]), across(edges[k + 1]), heights[k]
            place = {"x": f"{x1:.1f}", "width": f"{x2 - x1 - 0.6:.1f}"}
            parts.append(
                tag("rect", **place, y=f"{height - y:.1f}", height=f"{y:.1f}", class_=kind)
            )
    label = f"scores of {name}: {int(front.sum())} true, {int(back.sum())} false"
    view = f"-1 -1 {width + 2} {height + 2}"
    chart = tag("svg", *parts, viewBox=view, role="img", aria_label=label)
    caption = [name, " ", tag("b", f"{int(front.sum()):,} / {int(back.sum()):,}")]
    return tag("figure", chart, tag("figcaption", *caption), class_="small")


def heat_map(rows: Sequence[str], columns: Sequence[str], values: np.ndarray) -> Html:
    """Draw a matrix as squares. The shade of a square is its share of the row.

    Args:
        rows: The names of the rows.
        columns: The names of the columns, written upwards.
        values: (len(rows), len(columns)) values that are not negative. Zeros stay blank.
    """
    side, margin = 14, 8 + 6 * max(map(len, [*rows, *columns]), default=0)
    width, height = margin + side * len(columns), margin + side * len(rows)
    parts = [
        tag(
            "rect", x=margin, y=margin, width=width - margin, height=height - margin, class_="frame"
        )
    ]
    for k, name in enumerate(rows):
        y = margin + side * k + 11
        parts.append(tag("text", name, x=margin - 5, y=y, class_="axis end"))
    for k, name in enumerate(columns):
        x = margin + side * k + 11
        place = f"translate({x} {margin - 5}) rotate(-90)"
        parts.append(tag("text", name, transform=place, class_="axis"))
    totals = values.sum(axis=1)
    for i, j in zip(*np.nonzero(values > 0), strict=True):
        share = values[i, j] / totals[i]
        here, all_of_it = count_text(values[i, j]), count_text(totals[i])
        told = f"{rows[i]}, in truth {columns[j]}: {here} of {all_of_it}"
        place = {"x": margin + side * int(j) + 1, "y": margin + side * int(i) + 1}
        opacity = f"{0.12 + 0.88 * share:.2f}"
        cell = {"width": side - 2, "height": side - 2, "fill_opacity": opacity}
        parts.append(tag("rect", tag("title", told), **place, **cell, class_="cell"))
    style = f"width:{width}px"
    chart = tag("svg", *parts, viewBox=f"0 0 {width} {height}", role="img", style=style)
    return tag("div", chart, class_="scroll")


def nice_ticks(low: float, high: float, about: int = 5) -> list[float]:
    """Return about `about` round numbers, of which the first and last enclose the range.

    >>> nice_ticks(0.0, 0.93)
    [0.0, 0.2, 0.4, 0.6, 0.8, 1.0]
    """
    if high - low <= 1e-9 * max(abs(low), abs(high), 1e-9):  # a point: some room around it
        low, high = low - (abs(low) or 1) / 2, high + (abs(high) or 1) / 2
    rough = (high - low) / about
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(m * power for m in (1, 2, 2.5, 5, 10) if m * power >= rough * 0.999)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [float(f"{k * step:.10g}") for k in range(first, last + 1)]


@dataclass(frozen=True)
class _Scale:
    """Converts numbers to places in the drawing."""

    low: float
    high: float
    start: float
    end: float

    def __call__(self, values: np.ndarray | float) -> np.ndarray:
        share = (np.asarray(values) - self.low) / (self.high - self.low)
        return self.start + share * (self.end - self.start)


def _finite(line: Line) -> Line:
    fine = np.isfinite(line.x) & np.isfinite(line.y)
    return Line(line.name, line.x[fine], line.y[fine])


def _range(values: Sequence[np.ndarray]) -> tuple[float, float]:
    """Return the range of all values; (0, 1) without values."""
    joined = np.concatenate([np.asarray(v, np.float64) for v in values])
    return (float(joined.min()), float(joined.max())) if len(joined) else (0.0, 1.0)


def _axes(x_ticks: list[float], y_ticks: list[float], across: _Scale, down: _Scale) -> Html:
    parts = []
    for tick in y_ticks:
        y = f"{down(tick):.1f}"
        parts.append(tag("line", x1=across.start, x2=across.end, y1=y, y2=y, class_="grid"))
        parts.append(tag("text", f"{tick:g}", x=across.start - 6, y=y, dy=4, class_="axis end"))
    for tick in x_ticks:
        x = f"{across(tick):.1f}"
        parts.append(tag("text", f"{tick:g}", x=x, y=down.start + 16, class_="axis middle"))
    return escape(*parts)


def _path(line: Line, k: int, across: _Scale, down: _Scale) -> Html:
    points = [f"{x:.1f} {y:.1f}" for x, y in zip(across(line.x), down(line.y), strict=True)]
    label = tag("title", line.name)
    if len(points) == 1:
        x, y = points[0].split()
        return tag("circle", label, cx=x, cy=y, r=3, class_=f"dot s{k % SERIES}")
    return tag("path", label, d="M" + "L".join(points), class_=f"line s{k % SERIES}")
