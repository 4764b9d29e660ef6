"""Writes one self-contained HTML file, without network access, for light and dark screens.

Everything in the file is escaped.
"""

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ava_det.boxes import to_pixels
from ava_det.formats.atomic import StrPath, atomic_text
from ava_det.report.markup import Html, count_text, escape, tag
from ava_det.report.style import SCRIPT, STYLE

_NONE = "\u2013"  # the text of an empty cell


@dataclass(frozen=True)
class Bar:
    """A table cell: a share in [0, 1] as a figure, with a bar of this length."""

    share: float


@dataclass(frozen=True)
class Change:
    """A table cell: a difference in [-1, 1] as a figure with a bar to the left or the right."""

    value: float


@dataclass(frozen=True)
class Count:
    """A table cell: a count, with a decimal where shares were counted."""

    value: float


Cell = Bar | Change | Count | Html | str | int | float | None


def write_page(path: StrPath, title: str, subtitle: str, sections: Sequence[Html]) -> None:
    """Write a page, atomically.

    Args:
        path: The HTML file.
        title: The heading.
        subtitle: The line below the heading.
        sections: The sections, from `section`.
    """
    head = escape(
        Html('<meta charset="utf-8"><meta name="viewport" content="width=device-width">'),
        tag("title", title),
        Html(f"<style>{STYLE}</style>"),
    )
    top = tag("header", tag("h1", title), tag("p", subtitle, class_="muted"))
    body = tag("main", top, *sections)
    with atomic_text(path) as file:
        file.write(f'<!doctype html><html lang="en"><head>{head}</head>')
        # A file name that is not UTF-8 has surrogates, which UTF-8 cannot encode.
        body = body.encode("utf-8", "backslashreplace").decode()
        file.write(f"<body>{body}<script>{SCRIPT}</script></body></html>\n")


def section(heading: str, *blocks: Html | str, note: str = "") -> Html:
    """Make a part of the page with a heading and, if `note` is given, a line that explains it."""
    about = [tag("p", note, class_="muted")] if note else []
    return tag("section", tag("h2", heading), *about, *blocks)


def tiles(figures: Sequence[tuple[str, str]]) -> Html:
    """Show large figures in a row, each with (name, figure); the first stands out."""
    return tag(
        "div",
        *(
            tag("div", tag("b", figure), tag("span", name), class_="tile")
            for name, figure in figures
        ),
        class_="tiles",
    )


def grid(*blocks: Html, small: bool = False) -> Html:
    """Put blocks side by side, as many as fit."""
    return tag("div", *blocks, class_="grid small" if small else "grid")


def table(columns: Sequence[str], rows: Sequence[Sequence[Cell]]) -> Html:
    """Make a table that a click on a column's head sorts.

    Numbers are right-aligned. None is shown as a dash.
    """
    numeric = [
        all(isinstance(row[k], Count | int | float | None) for row in rows)
        for k in range(len(columns))
    ]
    heads = [
        tag("th", tag("button", name), scope="col", class_="number" if right else None)
        for name, right in zip(columns, numeric, strict=True)
    ]
    lines = [tag("tr", *map(_cell, row, numeric)) for row in rows]
    inner = tag("table", tag("thead", tag("tr", *heads)), tag("tbody", *lines))
    return tag("div", inner, class_="scroll")


@dataclass(frozen=True, eq=False)
class BoxOnPicture:
    """A box on a picture: (4,) xyxy, relative; a short mark; annotated or found."""

    box: np.ndarray
    mark: str = ""
    truth: bool = False


def picture(
    image: np.ndarray, boxes: Sequence[BoxOnPicture], caption: Html, long_side: int = 480
) -> Html:
    """Show a picture with boxes over it and a caption below.

    Args:
        image: (H, W, 3) uint8 RGB.
        boxes: The boxes. Annotated ones are drawn dashed.
        caption: The caption, from `escape` or `tag`.
        long_side: The long side of the embedded JPEG in pixels, unless the image is smaller.
    """
    from PIL import Image  # only a page with pictures needs it

    photo = Image.fromarray(image)
    photo.thumbnail((long_side, long_side))
    packed = io.BytesIO()
    photo.save(packed, "JPEG", quality=82)
    width, height = 480, round(480 * image.shape[0] / image.shape[1])
    source = "data:image/jpeg;base64," + base64.b64encode(packed.getvalue()).decode()
    parts = [tag("image", href=source, width=width, height=height, preserveAspectRatio="none")]
    parts += [_drawn(one, width, height) for one in boxes]
    drawing = tag("svg", *parts, viewBox=f"0 0 {width} {height}", role="img")
    return tag("figure", drawing, tag("figcaption", caption), class_="picture")


def _drawn(one: BoxOnPicture, width: int, height: int) -> Html:
    x1, y1, x2, y2 = to_pixels(one.box, height, width).round(1).tolist()
    kind = "truth" if one.truth else "found"
    place = {"x": x1, "y": y1, "width": max(x2 - x1, 1), "height": max(y2 - y1, 1)}
    parts = [tag("rect", class_=f"{kind} under", **place), tag("rect", class_=kind, **place)]
    if one.mark:
        size = 10 + 9 * len(one.mark)
        x, y = min(max(x1, 0), width - size), min(max(y1, 0), height - 20)
        parts.append(tag("rect", x=x, y=y, width=size, height=20, class_=f"{kind} flag"))
        parts.append(tag("text", one.mark, x=x + size / 2, y=y + 15, class_="mark"))
    return escape(*parts)


def _cell(value: Cell, right: bool) -> Html:
    if isinstance(value, str):
        return tag("td", value)
    if value is None:
        return tag("td", _NONE, class_="number muted" if right else "muted")
    if isinstance(value, Bar):
        fill = tag("span", tag("i", style=f"width:{100 * value.share:.1f}%"), class_="track")
        figure = tag("span", f"{value.share:.4f}")
        return tag("td", figure, fill, class_="bar", data_value=f"{value.share:.6f}")
    if isinstance(value, Change):
        return _change(value.value)
    if isinstance(value, Count):
        return tag("td", count_text(value.value), class_="number", data_value=value.value)
    shown = f"{value:,}" if isinstance(value, int) else f"{value:.4f}"
    return tag("td", shown, class_="number", data_value=value)


def _change(value: float) -> Html:
    """Draw the bar of a difference. A difference of 0.5 fills half of the bar."""
    share = min(abs(value), 0.5) * 100
    kind, start = ("up", 50.0) if value > 0 else ("down", 50.0 - share)
    bar = tag("i", style=f"left:{start:.1f}%;width:{share:.1f}%", class_=kind)
    figure = tag("span", f"{value:+.4f}", class_="signed")
    track = tag("span", bar, class_="change")
    return tag("td", figure, track, class_="bar", data_value=f"{value:.6f}")
