"""Draws clips as strips of pictures, one below the other, with a caption above each strip."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from ava_det.draw.frames import DrawnPerson, draw_people, write_text

_GAP, _EDGE = 2, 12  # pixels between pictures, and around the sheet
_SIZE = 15  # of text, in pixels
_LINE = 22
_PAPER, _INK, _MUTED = (255, 255, 255), (20, 24, 30), (110, 118, 128)


@dataclass(frozen=True, eq=False)
class Strip:
    """One clip of a sheet.

    Attributes:
        frames: (T, H, W, 3) uint8 RGB.
        caption: The lines of text above the strip. The first line stands out.
        people: The people to draw on every frame, with labels on the middle frame.
    """

    frames: np.ndarray
    caption: tuple[str, ...]
    people: tuple[DrawnPerson, ...] = ()


def shown_frames(frames: int, pictures: int) -> np.ndarray:
    """Choose the frames of a clip for a strip: evenly spread, including the middle frame."""
    if frames <= pictures:
        return np.arange(frames)
    return np.unique((np.arange(pictures) * frames) // pictures)


def contact_sheet(
    strips: Sequence[Strip], title: str, pictures: int = 8, height: int = 150
) -> np.ndarray:
    """Draw a sheet (H, W, 3) uint8 RGB.

    Args:
        strips: The strips, at least one.
        title: The line at the top.
        pictures: The largest number of pictures side by side.
        height: The height of a picture in pixels.
    """
    rows = [_row(strip, pictures, height) for strip in strips]
    width = max(max(row.shape[1] for row in rows), 640)
    blocks = [_text((title,), width, _MUTED)]
    for strip, row in zip(strips, rows, strict=True):
        margin = width - row.shape[1]
        blocks.append(_text(strip.caption, width, _INK))
        blocks.append(np.pad(row, ((0, _EDGE), (0, margin), (0, 0)), constant_values=255))
    edges = ((_EDGE, 0), (_EDGE, _EDGE), (0, 0))
    return np.pad(np.concatenate(blocks), edges, constant_values=255)


def _row(strip: Strip, pictures: int, height: int) -> np.ndarray:
    """Draw the pictures of a clip side by side."""
    count, *size = strip.frames.shape[:3]
    middle = count // 2
    cells = []
    for number in shown_frames(count, pictures).tolist():
        scaled = (round(size[1] * height / size[0]), height)
        picture = cv2.resize(strip.frames[number], scaled, interpolation=cv2.INTER_CUBIC)
        people = strip.people if number == middle else [p.without_labels() for p in strip.people]
        cells.append(draw_people(picture, people))
    gap = np.full((height, _GAP, 3), 255, np.uint8)
    return np.concatenate([part for cell in cells for part in (cell, gap)][:-1], axis=1)


def _text(lines: Sequence[str], width: int, ink: tuple[int, int, int]) -> np.ndarray:
    """Write lines of text on paper; the first in `ink`, the others paler."""
    paper = np.full((_LINE * len(lines) + 4, width, 3), _PAPER, np.uint8)
    for k, line in enumerate(lines):
        write_text(paper, line, (0, k * _LINE + 16), _SIZE, _MUTED if k else ink)
    return paper
