"""Boxes: xyxy, relative to the frame outside the model, in pixels of a clip inside it. No torch.

Boxes are numpy arrays (N, 4) of (x1, y1, x2, y2). A function that converts boxes takes any leading
axes, (..., 4). The relative form lies in [0, 1], the pixel form in [0, width] x [0, height] with
continuous coordinates (no half pixels).
"""

import numpy as np


def to_pixels(boxes: np.ndarray, height: int, width: int) -> np.ndarray:
    """Convert relative boxes (..., 4) to pixels of a frame of `height` x `width`.

    >>> to_pixels(np.array([[0.25, 0.5, 1.0, 1.0]]), height=240, width=320)
    array([[ 80., 120., 320., 240.]])
    """
    return np.asarray(boxes, np.float64) * (width, height, width, height)


def to_relative(boxes: np.ndarray, height: int, width: int) -> np.ndarray:
    """Convert boxes (..., 4) in pixels of a frame of `height` x `width` to relative ones."""
    return np.asarray(boxes, np.float64) / (width, height, width, height)


def clip_relative(boxes: np.ndarray) -> np.ndarray:
    """Cut relative boxes (..., 4) at the borders of the frame."""
    return np.clip(boxes, 0.0, 1.0)


def boxes_at(times: np.ndarray, known_times: np.ndarray, boxes: np.ndarray) -> np.ndarray:
    """Return boxes (T, 4) at `times` (T,), linear between boxes (M, 4) at `known_times` (M,).

    Known times must increase. The box stands still before the first and after the last known time.

    >>> boxes = np.array([[0.0, 0.0, 0.5, 1.0], [0.5, 0.0, 1.0, 1.0]])
    >>> boxes_at(np.array([0.5, 9.0]), np.array([0.0, 1.0]), boxes)
    array([[0.25, 0.  , 0.75, 1.  ],
           [0.5 , 0.  , 1.  , 1.  ]])
    """
    columns = [np.interp(times, known_times, column) for column in boxes.T]
    return np.stack(columns, axis=-1)


def area(boxes: np.ndarray) -> np.ndarray:
    """Return (N,) the areas of boxes (N, 4), 0 for a degenerate one (x1 >= x2 or y1 >= y2)."""
    sides = np.clip(boxes[:, 2:] - boxes[:, :2], 0, None)
    return sides[:, 0] * sides[:, 1]


def iou(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Return (N, M) the intersection over union of boxes a (N, 4) and b (M, 4).

    It is 0 where the union is empty.
    """
    top_left = np.maximum(a[:, None, :2], b[None, :, :2])
    bottom_right = np.minimum(a[:, None, 2:], b[None, :, 2:])
    sides = np.clip(bottom_right - top_left, 0, None)
    intersection = sides[..., 0] * sides[..., 1]
    union = area(a)[:, None] + area(b)[None, :] - intersection
    return np.divide(intersection, union, out=np.zeros_like(intersection), where=union > 0)
