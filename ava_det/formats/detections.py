"""From what a model says of keyframes to a table of AVA result rows."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from ava_det.formats.class_map import ClassMap
from ava_det.structures import ActionDetections


def detections_table(
    detections: Sequence[ActionDetections], class_map: ClassMap, threshold: float = 0.0
) -> pd.DataFrame:
    """A row per person and class, in the columns of `ava_det.formats.ava_csv`.

    Args:
        detections: of any keyframes.
        class_map: the classes of the score columns.
        threshold: rows with a lower action score are left out.
    """
    counts = [len(d.boxes) for d in detections]
    classes = len(class_map)
    scores = np.concatenate([np.zeros((0, classes), np.float32), *[d.scores for d in detections]])
    boxes = np.concatenate([np.zeros((0, 4)), *[d.boxes for d in detections]])
    tracks = np.concatenate([np.zeros(0, np.int64), *[d.tracks() for d in detections]])
    names = [d.keyframe.video for d in detections]
    known = sorted(set(names))
    videos = pd.Categorical(np.repeat(np.array(names, dtype=object), counts), categories=known)
    ticks = np.repeat([d.keyframe.tick for d in detections], counts).astype(np.int64)

    person, column = np.nonzero(scores >= threshold)
    corners = dict(zip(("x1", "y1", "x2", "y2"), boxes[person].T, strict=True))
    return pd.DataFrame(
        {
            "video": videos[person],
            "tick": ticks[person],
            **corners,
            "action": np.asarray(class_map.ids, np.int64)[column],
            "person": tracks[person],
            "score": scores[person, column].astype(np.float64),
        }
    )
