"""Read people and keypoints from the maps of `CenterPose`, without torch.

Shapes: h w cells of a map, R people, J keypoints.
"""

import numpy as np

from ava_det.boxes import iou

LEAST_PEAK = 0.05
MOST_PEOPLE = 50
OVERLAP = 0.6  # of two boxes of one person
INSIDE = 0.85  # of a box in the box of the same person
REACH = 0.15  # how far a keypoint may be from its rough place, in sides of the person
SURE = 0.1  # a keypoint with a lower peak stays at its rough place


def read_people(
    people: np.ndarray,
    boxes: np.ndarray,
    offsets: np.ndarray,
    keypoints: np.ndarray,
    stride: int,
    least_score: float = LEAST_PEAK,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the people of one image, best first.

    Args:
        people: (1, h, w) logits of centres.
        boxes: (4, h, w) distances to the sides, in pixels.
        offsets: (2 J, h, w) rough places of keypoints, from the cell, in pixels.
        keypoints: (J, h, w) logits of keypoints.
        stride: Pixels to a cell.
        least_score: The least score of a person.

    Returns:
        (R, 4) xyxy in pixels, (R,) scores, and (R, J, 3) x, y in pixels and score of keypoints; all
        float64.
    """
    heat = _chance(people[0])
    y, x = np.nonzero((heat == _highest_around(heat)) & (heat >= least_score))
    best = np.argsort(-heat[y, x], kind="stable")[: 2 * MOST_PEOPLE]
    y, x = y[best], x[best]
    here = (np.stack([x, y], 1) + 0.5) * stride
    away = boxes[:, y, x].T.astype(np.float64)
    corners = np.concatenate([here - away[:, :2], here + away[:, 2:]], 1)
    scores = heat[y, x]
    kept = different_people(corners, scores)[:MOST_PEOPLE]
    rough = offsets[:, y[kept], x[kept]].T.reshape(len(kept), len(keypoints), 2) + here[kept, None]
    corners = corners[kept]
    return corners, scores[kept], _joints(rough, corners, keypoints, stride)


def different_people(boxes: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """Return the indices (R,) of boxes (M, 4), best first, without second boxes of one person.

    A box is a second one if its IoU with a better box is above `OVERLAP`, or if nearly all of it
    lies inside of a better box, or the other way round, and both have about the same top.
    """
    order = np.argsort(-scores, kind="stable")
    boxes = boxes[order]
    met = iou(boxes, boxes)
    size = np.prod(np.maximum(boxes[:, 2:] - boxes[:, :2], 1e-9), 1)
    both = met * (size[:, None] + size) / (1 + met)
    part = both / np.minimum(size[:, None], size)
    kept: list[int] = []
    for row in range(len(boxes)):
        if not any(met[row, k] > OVERLAP or _nested(boxes, part, row, k) for k in kept):
            kept.append(row)
    return order[kept]


def _nested(boxes: np.ndarray, part: np.ndarray, row: int, other: int) -> bool:
    high = max(boxes[row, 3] - boxes[row, 1], boxes[other, 3] - boxes[other, 1])
    same_top = abs(boxes[row, 1] - boxes[other, 1]) < 0.15 * high
    return bool(part[row, other] > INSIDE and same_top)


def _joints(rough: np.ndarray, boxes: np.ndarray, keypoints: np.ndarray, stride: int) -> np.ndarray:
    """Move each rough keypoint to the peak nearby: (R, J, 3)."""
    joints = np.zeros((*rough.shape[:2], 3))
    _height, _width = keypoints.shape[1:]
    side = np.sqrt(np.prod(np.maximum(boxes[:, 2:] - boxes[:, :2], 1.0), 1))
    chance = _chance(keypoints)
    for person, reach in enumerate(np.maximum(REACH * side / stride, 1.0)):
        for joint, (x, y) in enumerate(rough[person] / stride - 0.5):
            left, top = int(max(0, x - 2 * reach)), int(max(0, y - 2 * reach))
            window = chance[joint, top : int(y + 2 * reach) + 2, left : int(x + 2 * reach) + 2]
            place, score = (x, y), 0.0
            if window.size and y + 2 * reach >= 0 and x + 2 * reach >= 0:
                rows, columns = np.mgrid[: window.shape[0], : window.shape[1]]
                away = (columns + left - x) ** 2 + (rows + top - y) ** 2
                row, column = np.unravel_index(
                    np.argmax(window * np.exp(-away / (2 * reach**2))), window.shape
                )
                score = float(window[row, column])
                if score >= SURE:
                    place = _middle(chance[joint], top + int(row), left + int(column))
            joints[person, joint] = (place[0] + 0.5) * stride, (place[1] + 0.5) * stride, score
    return joints


def _middle(chance: np.ndarray, row: int, column: int) -> tuple[float, float]:
    """Return the x and y of the centre of mass of the 3 x 3 cells around a peak."""
    top, left = max(0, row - 1), max(0, column - 1)
    window = chance[top : row + 2, left : column + 2].astype(np.float64)
    rows, columns = np.mgrid[: window.shape[0], : window.shape[1]]
    total = window.sum()
    return left + float((columns * window).sum() / total), top + float(
        (rows * window).sum() / total
    )


def _chance(logits: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-logits.astype(np.float64)))


def _highest_around(heat: np.ndarray) -> np.ndarray:
    """Return the highest value of each cell's 3 x 3 neighbours, (h, w)."""
    padded = np.pad(heat, 1)
    height, width = heat.shape
    shifted = [padded[r : r + height, c : c + width] for r in range(3) for c in range(3)]
    return np.max(shifted, axis=0)
