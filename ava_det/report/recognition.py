"""Makes the page of a recognition test: the figures, the classes and the confusions."""

from collections.abc import Sequence

import numpy as np

from ava_det.evaluation.recognition import RecognitionFigures
from ava_det.report.markup import Html, tag
from ava_det.report.page import Bar, Cell, section, table, tiles

_CELL = 10  # side of a cell of the matrix, in units of the drawing
_CELL_PIXELS, _WIDTH_PIXELS, _FONT_PIXELS = 40, 900, 12  # on a page: at most; text
_MOST_LABELS = 70  # along a side: more would overlap
_MOST_COUNTS = 40  # classes up to which cells show their counts
_LONGEST = 24  # characters of a label
_PAIRS = 30

_NOTE = (
    "A row is the true class, a column the predicted class. The stronger the colour, the larger is "
    "the share of the row. The diagonal (blue) is right. Point at a cell to read it."
)


def sections(figures: RecognitionFigures, confusion: np.ndarray) -> list[Html]:
    """Return all sections of the page.

    Args:
        figures: The figures of the test.
        confusion: (K, K) counts, with the truth in the rows, in the order of `figures["classes"]`.
    """
    names = list(figures["classes"])
    parts = [overview(figures), class_section(figures, confusion)]
    parts.append(section("Confusion", matrix(confusion, names), note=_NOTE))
    pairs = confused_pairs(confusion, names)
    return [*parts, *([section("Most often mistaken", pairs)] if pairs else [])]


def overview(figures: RecognitionFigures) -> Html:
    """Show the most important figures in large type."""
    views = figures["clips"] * figures["crops"]
    shown = [
        ("top-1 accuracy", f"{100 * figures['top1']:.2f} %"),
        ("top-5 accuracy", f"{100 * figures['top5']:.2f} %"),
        ("mean of the classes", f"{100 * figures['mean_class_accuracy']:.2f} %"),
        ("videos", f"{figures['videos']:,}"),
        (
            f"GFLOPs x views ({figures['clips']} clips x {figures['crops']} crops)",
            f"{figures['gmacs']:.3g} x {views}",
        ),
    ]
    if figures["unreadable"]:
        shown.append(("videos left out, unreadable", f"{figures['unreadable']:,}"))
    return tiles(shown)


def class_section(figures: RecognitionFigures, confusion: np.ndarray) -> Html:
    """Make the table of classes, best first."""
    names = list(figures["classes"])
    wrong = confusion - np.diag(np.diag(confusion))
    rows: list[list[Cell]] = []
    for k, (name, one) in enumerate(figures["classes"].items()):
        worst = int(wrong[k].argmax())
        mistaken = f"{names[worst]} ({wrong[k, worst]})" if wrong[k, worst] else ""
        rows.append([name, _bar(one["top1"]), _bar(one["top5"]), one["videos"], mistaken])
    order = sorted(range(len(rows)), key=lambda k: -(figures["classes"][names[k]]["top1"] or 0))
    columns = ["class", "top-1", "top-5", "videos", "most often taken for"]
    return section("Classes", table(columns, [rows[k] for k in order]))


def confused_pairs(confusion: np.ndarray, names: Sequence[str]) -> Html | None:
    """Make a table of the pairs of classes that are mistaken most often; None without mistakes."""
    wrong = confusion - np.diag(np.diag(confusion))
    places = np.argsort(-wrong, axis=None, kind="stable")[:_PAIRS]
    rows: list[list[Cell]] = []
    for truth, taken in zip(*np.unravel_index(places, wrong.shape), strict=True):
        count = int(wrong[truth, taken])
        if count:
            share = Bar(count / int(confusion[truth].sum()))
            rows.append([names[truth], names[taken], count, share])
    return table(["class", "taken for", "videos", "share of the class"], rows) if rows else None


def matrix(confusion: np.ndarray, names: Sequence[str]) -> Html:
    """Draw the confusion matrix, for any number of classes.

    Args:
        confusion: (K, K) counts, with the truth in the rows.
        names: The names of the K classes.
    """
    side = len(names) * _CELL
    scale = min(_CELL_PIXELS, _WIDTH_PIXELS / len(names)) / _CELL  # pixels a unit
    font = _FONT_PIXELS / scale
    step = max(1, -(-len(names) // _MOST_LABELS))
    shown = range(0, len(names), step)
    margin = font * 0.58 * min(_LONGEST, max(len(names[k]) for k in shown)) + font
    parts = [tag("rect", x=0, y=0, width=side, height=side, class_="frame")]
    totals = confusion.sum(axis=1)
    for truth, taken in zip(*np.nonzero(confusion), strict=True):
        count, total = int(confusion[truth, taken]), int(totals[truth])
        parts.append(_cell(int(truth), int(taken), count, total, names))
    if len(names) <= _MOST_COUNTS:
        for truth, taken in zip(*np.nonzero(confusion), strict=True):
            x, y = (taken + 0.5) * _CELL, (truth + 0.5) * _CELL + font / 3
            at = {"x": x, "y": f"{y:.1f}", "font_size": f"{font:.1f}"}
            parts.append(tag("text", int(confusion[truth, taken]), class_="count", **at))
    for k in shown:
        middle = (k + 0.5) * _CELL
        name = names[k] if len(names[k]) <= _LONGEST else names[k][: _LONGEST - 1] + "…"
        at = {"y": f"{middle + font / 3:.1f}", "x": f"{-font / 2:.1f}", "font_size": f"{font:.1f}"}
        parts.append(tag("text", name, class_="side end", **at))
        turn = f"translate({middle + font / 3:.1f} {-font / 2:.1f}) rotate(-90)"
        parts.append(tag("text", name, class_="side", transform=turn, font_size=f"{font:.1f}"))
    view = f"{-margin:.0f} {-margin:.0f} {side + margin + 2:.0f} {side + margin + 2:.0f}"
    drawing = tag("svg", *parts, viewBox=view, role="img", aria_label="confusion matrix")
    width = f"max-width:{(side + margin) * scale:.0f}px"
    return tag("figure", drawing, class_="matrix", style=width)


def _cell(truth: int, taken: int, count: int, total: int, names: Sequence[str]) -> Html:
    verb = "right" if truth == taken else f"taken for {names[taken]}"
    title = tag("title", f"{names[truth]}: {verb}, {count} of {total}")
    share = 0.12 + 0.88 * count / total
    place = {"x": taken * _CELL, "y": truth * _CELL, "width": _CELL, "height": _CELL}
    kind = "right" if truth == taken else "wrong"
    return tag("rect", title, class_=kind, fill_opacity=f"{share:.2f}", **place)


def _bar(share: float | None) -> Bar | None:
    return None if share is None else Bar(share)
