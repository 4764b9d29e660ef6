"""Draws curves of the runs of each arm: the mean as a line, the spread as a band.

The pictures follow VideoMix, figure 2.
"""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np

from ava_det.formats.atomic import atomic_path

Curve = tuple[np.ndarray, np.ndarray]  # (n,) ascending steps, (n,) values
# Okabe and Ito's colours, which colour-blind people can distinguish.
COLOURS = ("#000000", "#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")
DASHES = ("-", "--", ":", "-.")


def looks(arms: Iterable[str]) -> dict[str, tuple[str, str]]:
    """Choose colour and dashes of each arm.

    "a" and "a, b" share a colour; "a, b" and "c, b" share dashes.

    If all colours are used, the next name starts again with the next dashes.
    """
    names, variants = {}, {}
    chosen = {}
    for arm in arms:
        name, _, variant = arm.partition(", ")
        turn, place = divmod(names.setdefault(name, len(names)), len(COLOURS))
        dashes = turn + variants.setdefault(variant, len(variants))
        chosen[arm] = COLOURS[place], DASHES[dashes % len(DASHES)]
    return chosen


def mean_and_spread(curves: Sequence[Curve]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return (n,) steps that all curves have, (n,) their mean and (n,) standard deviation.

    The divisor of the deviation is n - 1. The deviation of one curve is 0.

    One curve has no spread: 0.
    """
    steps = curves[0][0]
    for other, _ in curves[1:]:
        steps = np.intersect1d(steps, other)
    values = np.stack([v[np.searchsorted(s, steps)] for s, v in curves])
    spread = values.std(axis=0, ddof=1) if len(curves) > 1 else np.zeros(len(steps))
    return steps, values.mean(axis=0), spread


def draw_curves(
    path: Path,
    panels: Mapping[str, Mapping[str, Sequence[Curve]]],
    y_label: str,
    x_label: str = "steps",
) -> None:
    """Write a picture with a panel for each group of arms. The suffix decides the format.

    Args:
        path: The picture.
        panels: The curves of each arm, by the title of the panel. Arms without curves are left out.
        y_label: The title of the y axis.
        x_label: The title of the x axis.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    width = 5.6 * len(panels)
    figure = Figure(figsize=(width, 4.2), dpi=130, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(1, len(panels), sharey=True, squeeze=False)[0]
    look = looks(arm for arms in panels.values() for arm in arms)  # one in all panels
    for axis, (title, arms) in zip(axes, panels.items(), strict=True):
        for arm, curves in arms.items():
            if not curves:
                continue
            colour, dashes = look[arm]
            steps, mean, spread = mean_and_spread(curves)
            label = f"{arm} ({len(curves)})"
            axis.plot(steps, mean, dashes, color=colour, label=label, lw=1.7, marker="o", ms=2.5)
            axis.fill_between(steps, mean - spread, mean + spread, color=colour, alpha=0.12, lw=0)
        axis.set_title(title, loc="left", fontsize=11)
        axis.set_xlabel(x_label)
        axis.grid(alpha=0.25)
        axis.spines[["top", "right"]].set_visible(False)
        if axis.lines:
            axis.legend(frameon=False, fontsize=8.5, title="arm (runs)", title_fontsize=8.5)
    axes[0].set_ylabel(y_label)
    with atomic_path(path) as partial:
        figure.savefig(partial)
