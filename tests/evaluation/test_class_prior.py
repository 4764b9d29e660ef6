import numpy as np
import pandas as pd
import pytest

from ava_det.evaluation.class_prior import class_prior_detections
from ava_det.evaluation.frame_map import frame_map
from ava_det.formats.ava_csv import BOX
from ava_det.formats.class_map import ClassMap

LEFT, RIGHT = (0.0, 0.0, 0.4, 1.0), (0.6, 0.0, 1.0, 1.0)


def table(*rows):
    rows = [(video, tick, *box, action, -1) for video, tick, box, action in rows]
    return pd.DataFrame(rows, columns=["video", "tick", *BOX, "action", "person"])


def test_shares_by_hand():
    nothing = (np.nan,) * 4
    train = table(
        ("a", 1, LEFT, 1),
        ("a", 1, LEFT, 2),
        ("a", 1, LEFT, 2),  # said twice, counted once
        ("a", 1, RIGHT, 1),
        ("a", 2, LEFT, 9),  # a person, though its class is not in the map
        ("a", 3, LEFT, -1),
        ("a", 4, nothing, -1),
    )
    test = table(("b", 7, LEFT, 1), ("b", 7, LEFT, 2), ("b", 8, RIGHT, -1), ("b", 9, nothing, -1))
    found = class_prior_detections(train, test, ClassMap({1: "stand", 2: "wave", 5: "jump"}))
    assert found["tick"].tolist() == [7, 7, 7, 8, 8, 8]
    assert found["action"].tolist() == [1, 2, 5] * 2
    assert found["score"].tolist() == pytest.approx([2 / 4, 1 / 4, 0] * 2)
    assert found[BOX].to_numpy()[[0, 5]].tolist() == [list(LEFT), list(RIGHT)]


def test_its_frame_map_is_about_the_share():
    # Every 4th person does it and all tie, so precision is 1/4, 2/8, 3/12 ... at the hits.
    test = table(*(("b", tick, LEFT, 1 if tick % 4 == 3 else 2) for tick in range(400)))
    class_map = ClassMap({1: "wave"})
    found = class_prior_detections(test, test, class_map)
    assert frame_map(test, found, class_map, protocol="activitynet").mAP == pytest.approx(0.25)
