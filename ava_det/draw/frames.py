"""Draws people, tracks and actions on frames of any size.

Text and lines scale with the frame; a small frame is enlarged first (`enlarged`), since a label is
not readable on 180 x 144 pixels. Frames are RGB, boxes relative.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache

import cv2
import numpy as np
import supervision as sv

from ava_det.boxes import to_pixels

LEAST_SHORT_SIDE = 480  # pixels of an enlarged frame
TRUTH_COLOR = sv.Color(255, 255, 255)
TRACK_COLORS = "ffb000 3da5ff ff5c8d 35c46a b57bff ff7a2f 14c8c8 d6d13a ff93e6 8fb2ff"
PALETTE = sv.ColorPalette.from_hex([f"#{color}" for color in TRACK_COLORS.split()])
BLACK, WHITE = (0, 0, 0), (255, 255, 255)
LEAST_KEYPOINT = 0.2  # the score of a keypoint that is drawn
# Pairs of COCO's keypoints: arms, shoulders to hips, legs; eyes, ears and nose are dots alone.
BONES = [
    (5, 7),
    (7, 9),
    (6, 8),
    (8, 10),
    (5, 6),
    (5, 11),
    (6, 12),
    (11, 12),
    (11, 13),
    (13, 15),
    (12, 14),
    (14, 16),
]
Area = tuple[int, int, int, int]  # x1 y1 x2 y2 in pixels


@dataclass(frozen=True, eq=False)
class DrawnPerson:
    """A person to draw.

    Attributes:
        box: (4,) xyxy, relative.
        labels: The lines of text, from top to bottom.
        track: The track id, which chooses the colour.
        truth: Whether the person is annotated. An annotated person has white corners and labels
            below, a predicted person a coloured box and labels above.
        keypoints: (17, 3) COCO's keypoints: relative x and y, and a score; None draws none.
    """

    box: np.ndarray
    labels: tuple[str, ...]
    track: int = 0
    truth: bool = False
    keypoints: np.ndarray | None = None

    def without_labels(self) -> "DrawnPerson":
        """Return the same person without labels."""
        return replace(self, labels=())


def enlarged_size(height: int, width: int) -> tuple[int, int]:
    """Return the size of a frame, scaled up to a short side of at least `LEAST_SHORT_SIDE`."""
    scale = max(1.0, LEAST_SHORT_SIDE / min(height, width))
    return round(height * scale), round(width * scale)


def enlarged(frame: np.ndarray) -> np.ndarray:
    """Return a frame (H, W, 3) in the size of `enlarged_size`.

    The same frame is returned if it is large enough.
    """
    height, width = enlarged_size(*frame.shape[:2])
    if (height, width) == frame.shape[:2]:
        return frame
    return cv2.resize(frame, (width, height), interpolation=cv2.INTER_CUBIC)


def draw_people(frame: np.ndarray, people: Sequence[DrawnPerson]) -> np.ndarray:
    """Return a copy of a frame (H, W, 3) uint8 RGB with people drawn on it.

    Labels are moved if they would leave the frame or cover the labels of another person, as far as
    the frame has room.
    """
    canvas = np.ascontiguousarray(frame[..., ::-1])  # supervision's colours are BGR
    unit = max(1, round(min(frame.shape[:2]) / 240))  # the thickness of a thin line
    for truth in (False, True):
        group = [person for person in people if person.truth == truth]
        if group:
            _draw_boxes(canvas, group, truth, unit)
    for person in people:
        if person.keypoints is not None:
            _draw_keypoints(canvas, person.keypoints, PALETTE.by_idx(person.track), unit)
    taken: list[Area] = []
    for person in people:
        if person.labels:
            draw_labels(canvas, person, unit, taken)
    return np.ascontiguousarray(canvas[..., ::-1])


def _draw_boxes(canvas: np.ndarray, people: Sequence[DrawnPerson], truth: bool, unit: int) -> None:
    boxes = np.stack([to_pixels(p.box, canvas.shape[0], canvas.shape[1]) for p in people])
    detections = sv.Detections(boxes, tracker_id=np.array([p.track for p in people]))
    if truth:
        corner = max(4, round(min(canvas.shape[:2]) / 20))
        corners = sv.BoxCornerAnnotator(TRUTH_COLOR, unit + 1, corner, sv.ColorLookup.TRACK)
        corners.annotate(canvas, detections)
    else:
        sv.BoxAnnotator(PALETTE, unit + 1, sv.ColorLookup.TRACK).annotate(canvas, detections)


def _draw_keypoints(canvas: np.ndarray, keypoints: np.ndarray, color: sv.Color, unit: int) -> None:
    """Draw the bones between known keypoints, and the keypoints as dots."""
    height, width = canvas.shape[:2]
    known = keypoints[:, 2] >= LEAST_KEYPOINT
    places = np.rint(keypoints[:, :2] * [width, height]).astype(int).tolist()
    for one, other in BONES:
        if known[one] and known[other]:
            cv2.line(canvas, places[one], places[other], color.as_bgr(), unit, cv2.LINE_AA)
    for place in (place for place, seen in zip(places, known, strict=True) if seen):
        cv2.circle(canvas, place, unit + 1, WHITE, -1, cv2.LINE_AA)
        cv2.circle(canvas, place, unit + 1, color.as_bgr(), unit, cv2.LINE_AA)


def draw_labels(canvas: np.ndarray, person: DrawnPerson, unit: int, taken: list[Area]) -> None:
    """Draw a person's lines as one block of chips, and add the block's area to `taken`."""
    size = max(11, round(min(canvas.shape[:2]) / 30))
    line, padding = round(1.45 * size), round(0.4 * size)
    labels = [shortened(text, size, canvas.shape[1] - 2 * padding) for text in person.labels]
    widths = [_text_width(text, size) + 2 * padding for text in labels]
    x, y = _place(canvas, person, max(widths), line * len(labels), taken)
    taken.append((x, y, x + max(widths), y + line * len(labels)))
    color = TRUTH_COLOR if person.truth else PALETTE.by_idx(person.track)
    text_color = BLACK if _luminance(color) > 130 else WHITE
    for k, (text, width) in enumerate(zip(labels, widths, strict=True)):
        top = y + k * line
        cv2.rectangle(canvas, (x, top), (x + width - 1, top + line - 1), color.as_bgr(), -1)
        baseline = top + round(1.08 * size)
        cv2.putText(canvas, text, (x + padding, baseline), text_color, font(), size, 500)


def _place(
    canvas: np.ndarray, person: DrawnPerson, width: int, height: int, taken: Sequence[Area]
) -> tuple[int, int]:
    """Return the top left corner of a block of labels.

    The block takes the first free place, or the first place if none is free.
    The places are above the box, beside it, below it, and then further and further into the box.
    For an annotated person the order starts below the box.
    """
    x1, y1, x2, y2 = to_pixels(person.box, canvas.shape[0], canvas.shape[1]).round().astype(int)
    step = height // len(person.labels)
    above, below = y1 - height, y2
    if person.truth:
        outer, side, inner = (below, above), y2 - height, range(y2 - height, y1, -step)
    else:
        outer, side, inner = (above, below), y1, range(y1, y2 - height, step)
    most_x, most_y = max(0, canvas.shape[1] - width), max(0, canvas.shape[0] - height)
    along = [(min(max(x1, 0), most_x), y) for y in (*outer, *inner)]
    places = [along[0], (x2, side), (x1 - width, side), *along[1:]]
    for x, y in places:
        fits = 0 <= x <= most_x and 0 <= y <= most_y
        if fits and not any(overlap((x, y, x + width, y + height), area) for area in taken):
            return x, y
    return along[0][0], min(max(side, 0), most_y)


def overlap(a: Area, b: Area) -> bool:
    """Return whether two areas share a pixel."""
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


def write_text(
    canvas: np.ndarray, text: str, at: tuple[int, int], size: int, color: tuple[int, int, int]
) -> None:
    """Write a line on a canvas (H, W, 3), cut at the border of the canvas.

    Args:
        canvas: The picture to write on.
        text: The line.
        at: The x of the left end and the y of the baseline, in pixels.
        size: The size of the font in pixels.
        color: The colour, in the order of the channels of the canvas.
    """
    fitting = shortened(text, size, canvas.shape[1] - at[0])
    cv2.putText(canvas, fitting, at, color, font(), size, 500)


@cache
def font() -> cv2.FontFace:
    """Return the font of all labels."""
    return cv2.FontFace("sans")  # comes with OpenCV 5, as does a fallback for all scripts


@cache
def _text_width(text: str, size: int) -> int:
    return cv2.getTextSize((0, 0), text, (0, 0), font(), size, 500)[2]


def shortened(text: str, size: int, width: int) -> str:
    """Return the text, cut with an ellipsis if it is wider than `width` pixels."""
    if _text_width(text, size) <= width:
        return text
    while text and _text_width(text + "…", size) > width:
        text = text[:-1]
    return text + "…"


def _luminance(color: sv.Color) -> float:
    """Return the luminance, 0 to 255 (ITU-R BT.601)."""
    return 0.299 * color.r + 0.587 * color.g + 0.114 * color.b
