"""What annotation tools write, in one shape, and its way to AVA's table and back.

`cvat.py`, `via.py` and `coco.py` read a tool's file into `Shape`s and write them. An attribute of a
box says what the person does: one that is ticked (`true`) by its own name, any other by its value.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from ava_det.formats.ava_csv import people_by_keyframe, table_of
from ava_det.formats.ava_rows import TOLERANCE
from ava_det.formats.class_map import ClassMap
from ava_det.structures import InputError, Keyframe, PersonBoxes

ATTRIBUTES, LABEL = "attributes", "label"  # where the names of actions stand
NOT_ACTIONS = frozenset({"keyframe", "occluded", "rotation", "track_id"})  # that tools add
_NOTHING = frozenset({"", "false", "none", "__undefined__"})


@dataclass(frozen=True)
class Shape:
    """One box of one person.

    Attributes:
        video: name, without a suffix.
        tick: the frame, or whatever the data set counts in.
        box: x1, y1, x2, y2, relative to the frame.
        actions: names of what the person does.
        person: track id, -1 where unknown.
    """

    video: str
    tick: int
    box: tuple[float, float, float, float]
    actions: tuple[str, ...]
    person: int = -1


@dataclass(frozen=True)
class Annotations:
    """The boxes of a file, and the names of all actions that it knows, in its order."""

    shapes: tuple[Shape, ...]
    actions: tuple[str, ...]


def actions_of(attributes: Mapping[str, Any]) -> tuple[str, ...]:
    """The actions that attributes name, each once.

    >>> actions_of({"pose": "sit", "talks": "true", "waves": "false", "occluded": "true"})
    ('sit', 'talks')
    """
    found: dict[str, None] = {}
    for name, value in attributes.items():
        text = str(value).strip() if value is not None else ""
        if name in NOT_ACTIONS or text.lower() in _NOTHING:
            continue
        found[name if text.lower() == "true" else text] = None
    return tuple(found)


def relative_box(
    where: str, corners: tuple[float, float, float, float], height: float, width: float
) -> tuple[float, float, float, float]:
    """Corners in pixels as a relative box, cut at the borders.

    Raises:
        InputError: it starts with `where`; corners that are no box, or far outside the frame.
    """
    x1, y1, x2, y2 = corners
    box = np.array([x1 / width, y1 / height, x2 / width, y2 / height])
    if not (np.isfinite(box).all() and x1 < x2 and y1 < y2):
        raise InputError(f"{where}: {x1:g},{y1:g} to {x2:g},{y2:g} is no box")
    if box.min() < -TOLERANCE or box.max() > 1 + TOLERANCE:
        size = f"{width:g} x {height:g}"
        raise InputError(f"{where}: {x1:g},{y1:g} to {x2:g},{y2:g} is outside the frame of {size}")
    left, top, right, bottom = np.clip(box, 0.0, 1.0).tolist()
    if not (left < right and top < bottom):
        raise InputError(f"{where}: {x1:g},{y1:g} to {x2:g},{y2:g} has no part in the frame")
    return left, top, right, bottom


def to_table(shapes: Iterable[Shape], class_map: ClassMap, where: str) -> pd.DataFrame:
    """AVA's table of boxes.

    Raises:
        InputError: it starts with `where`; an action that is not in the class map.
    """
    ids = {name: action for action, name in class_map.names.items()}
    groups: dict[Keyframe, list[Shape]] = {}
    for shape in shapes:
        unknown = [name for name in shape.actions if name not in ids]
        if unknown:
            raise InputError(f"{where}: action {unknown[0]!r} is not in the class map")
        groups.setdefault(Keyframe(shape.video, shape.tick), []).append(shape)
    return table_of(
        PersonBoxes(
            keyframe=keyframe,
            boxes=np.array([shape.box for shape in group], np.float64),
            actions=tuple(tuple(ids[name] for name in shape.actions) for shape in group),
            scores=np.ones(len(group)),
            person_ids=np.array([shape.person for shape in group], np.int64),
        )
        for keyframe, group in sorted(groups.items())
    )


def from_table(table: pd.DataFrame, class_map: ClassMap) -> list[Shape]:
    """The boxes of AVA's table, whose actions must be in the class map, by video and tick."""
    return [
        Shape(
            video=people.keyframe.video,
            tick=people.keyframe.tick,
            box=(float(box[0]), float(box[1]), float(box[2]), float(box[3])),
            actions=tuple(class_map.names[action] for action in actions),
            person=int(person),
        )
        for _, people in sorted(people_by_keyframe(table).items())
        for box, actions, person in zip(
            people.boxes, people.actions, people.person_ids, strict=True
        )
    ]


def class_map_of(actions: Iterable[str]) -> ClassMap:
    """Ids from 1 in the order of the names."""
    return ClassMap(dict(enumerate(dict.fromkeys(actions), start=1)))
