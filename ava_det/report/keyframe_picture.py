"""Shows a keyframe on a page: the picture, the annotated actions and the detected ones."""

from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from ava_det.formats.ava_csv import BOX, has_box
from ava_det.report.markup import Html, escape, tag
from ava_det.report.page import BoxOnPicture, picture


def keyframe_picture(
    image: np.ndarray,
    title: str,
    truth: pd.DataFrame,
    found: pd.DataFrame,
    names: Mapping[int, str],
    labels: int = 3,
) -> Html:
    """Show a keyframe with the annotated and the detected people and their actions.

    Args:
        image: (H, W, 3) uint8 RGB.
        title: The name of the keyframe and the average precision.
        truth: The rows of ground truth of the keyframe that counted.
        found: The detections of the keyframe that counted, with a bool column `hit`.
        names: The names of the classes, by id.
        labels: The number of actions to list for a detected person, by score.
    """
    truth = truth[has_box(truth)]
    lines = [tag("p", title), tag("p", tag("b", "annotated"), _annotated(truth, names))]
    boxes = []
    best_first = found.sort_values("score", ascending=False, kind="stable")
    for mark, (box, rows) in enumerate(best_first.groupby(BOX, sort=False), 1):
        boxes.append(BoxOnPicture(np.array(box), str(mark)))
        listed = zip(*(rows[k].tolist()[:labels] for k in ("action", "score", "hit")), strict=True)
        chips = [_chip(names[action], score, hit) for action, score, hit in listed]
        lines.append(tag("p", tag("b", mark), *chips))
    # Annotated boxes last: dashed, they do not hide a detected one in the same place.
    boxes += [BoxOnPicture(box, truth=True) for box in _boxes(truth)]
    return picture(image, boxes, escape(*lines))


def _boxes(rows: pd.DataFrame) -> Sequence[np.ndarray]:
    return list(np.asarray(rows[BOX].drop_duplicates()))


def _annotated(truth: pd.DataFrame, names: Mapping[int, str]) -> str:
    counts = Counter(names[action] for action in truth["action"].tolist())
    return ", ".join(f"{n} x {name}" if n > 1 else name for name, n in counts.items())


def _chip(name: str, score: float, hit: bool) -> Html:
    sign, kind = ("✓", "good") if hit else ("✗", "bad")
    return tag("span", tag("span", sign, class_=kind), f" {name} {score:.2f}", class_="chip")
