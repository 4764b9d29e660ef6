"""Scores people without looking at the video. A trained model must score higher than this."""

import numpy as np
import pandas as pd

from ava_det.formats.ava_csv import BOX, has_box
from ava_det.formats.class_map import ClassMap

_PERSON = ["video", "tick", *BOX]  # rows with one identical box on a keyframe are one person


def class_prior_detections(
    train_ground_truth: pd.DataFrame, boxes: pd.DataFrame, class_map: ClassMap
) -> pd.DataFrame:
    """Score every person with the share of the training people that does each action.

    All people tie within a class. So the AP of a class is about the share of the evaluated people
    that do the action. `frame_map` takes ties in the order of the table.

    Args:
        train_ground_truth: The table of annotations whose people are counted.
        boxes: The table of people to score, e.g. the test ground truth or proposals.
        class_map: The classes to score.

    Returns:
        A table of detections with R people x K classes rows. The rows of a person follow each
        other.
    """
    labels = train_ground_truth[has_box(train_ground_truth)]
    people = len(labels.drop_duplicates(_PERSON))
    column = class_map.indexes(np.asarray(labels.drop_duplicates([*_PERSON, "action"])["action"]))
    counts = np.bincount(column[column >= 0], minlength=len(class_map))
    share = counts / max(people, 1)

    asked = boxes[has_box(boxes)].drop_duplicates(_PERSON, ignore_index=True)
    table = asked.loc[asked.index.repeat(len(class_map)), [*_PERSON, "person"]]
    table = table.reset_index(drop=True)
    table["action"] = list(class_map.ids) * len(asked)
    table["score"] = share.tolist() * len(asked)
    return table.astype({"action": "int64", "score": "float64"})  # an empty table too
