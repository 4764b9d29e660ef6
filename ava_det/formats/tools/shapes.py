"""Boxes of annotation tools in one form, `Shape`, and their conversion to AVA's table and back.

`cvat.py`, `via.py` and `coco.py` read and write `Shape`s. An attribute of a box names an action of
the person: a ticked attribute (`true`) by its own name, any other attribute by its value.
"""

import math
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd

from ava_det.formats.ava_csv import people_by_keyframe, table_of
from ava_det.formats.ava_rows import TOLERANCE
from ava_det.formats.class_map import LONGEST_NAME, ClassMap
from ava_det.formats.csv_file import shown
from ava_det.formats.frame_sizes import Size
from ava_det.formats.json_file import brief
from ava_det.formats.nearest import meant
from ava_det.structures import InputError, Keyframe, PersonBoxes

MOST_DEGREES = 1e6  # of a rotation; beyond, a file is damaged
Corners = tuple[float, float, float, float]  # x1, y1, x2, y2 in pixels
_FLAGS = {"0": False, "0.0": False, "false": False, "1": True, "1.0": True, "true": True}
_NOTHING = frozenset({"", "false", "none", "__undefined__"})


@dataclass(frozen=True, slots=True)
class Shape:
    """One box of one person.

    Attributes:
        video: Name of the video, without a suffix; empty if the file does not name it.
        tick: Number of the frame, or another tick of the data set.
        box: X1, y1, x2, y2, relative to the frame.
        actions: Names of the actions of the person.
        person: Track id, -1 if unknown.
    """

    video: str
    tick: int
    box: tuple[float, float, float, float]
    actions: tuple[str, ...]
    person: int = -1


@dataclass(frozen=True)
class Annotations:
    """The content of a file.

    Attributes:
        shapes: The boxes.
        actions: Names of all actions that the file declares, in its order.
        labels: All labels (categories) that the file declares; VIA has none.
        attributes: All attributes that the file declares.
        left_out: From a description of what was left out to the number of times.
        own_people: The file numbers its people by itself: an equal number in another file is
            another person.
        sizes: (video, size) of the frames that the boxes were drawn on, if the file has them -> the
            place in the file.
    """

    shapes: tuple[Shape, ...]
    actions: tuple[str, ...]
    labels: tuple[str, ...] = ()
    attributes: tuple[str, ...] = ()
    left_out: Mapping[str, int] = field(default_factory=Counter, compare=False)
    own_people: bool = False
    sizes: Mapping[tuple[str, Size], str] = field(default_factory=dict, compare=False)

    def in_videos(self, name_of: Callable[[str], str]) -> "Annotations":
        """Rename the videos; keep the sizes of videos with a box only."""
        names = {video: name_of(video) for video in dict.fromkeys(s.video for s in self.shapes)}
        shapes = (
            s if names[s.video] == s.video else replace(s, video=names[s.video])
            for s in self.shapes
        )
        sizes = {
            (names[video], size): where
            for (video, size), where in self.sizes.items()
            if video in names
        }
        return replace(self, shapes=tuple(shapes), sizes=sizes)


def actions_of(attributes: Mapping[str, Any]) -> tuple[str, ...]:
    """Collect the actions that attributes name, each once.

    >>> actions_of({"pose": "sit", "talks": "true", "waves": "false", "eats": ""})
    ('sit', 'talks')
    """
    found: dict[str, None] = {}
    for name, value in attributes.items():
        if not says_nothing(value):
            text = str(value).strip()
            found[name if text.lower() == "true" else text] = None
    return tuple(found)


def says_nothing(value: Any) -> bool:
    """Return whether the value of an attribute means that nothing was chosen."""
    return value is None or str(value).strip().lower() in _NOTHING


def flag_of(where: str, name: str, value: Any) -> bool:
    """Read a flag of a box, given as a truth value, a number or a word.

    >>> flag_of("x", "outside", "True"), flag_of("x", "iscrowd", 0)
    (True, False)

    Raises:
        InputError: The value is anything else. The message starts with `where`.
    """
    text = brief(value).strip().lower()
    if text not in _FLAGS:
        raise InputError(f"{where}: {name} is {brief(value)!r}, neither 0 (false) nor 1 (true)")
    return _FLAGS[text]


def around_rotated(corners: Corners, degrees: float, height: float, width: float) -> Corners:
    """Find the upright box around a box that is turned about its centre, cut at the frame.

    >>> around_rotated((10.0, 20.0, 50.0, 40.0), 90.0, 100, 100)
    (20.0, 10.0, 40.0, 50.0)
    """
    if not degrees:
        return corners
    x1, y1, x2, y2 = corners
    across, along = abs(math.cos(math.radians(degrees))), abs(math.sin(math.radians(degrees)))
    half_w = ((x2 - x1) * across + (y2 - y1) * along) / 2
    half_h = ((x2 - x1) * along + (y2 - y1) * across) / 2
    x, y = (x1 + x2) / 2, (y1 + y2) / 2
    left, top = max(x - half_w, 0.0), max(y - half_h, 0.0)
    return left, top, min(x + half_w, width), min(y + half_h, height)


def relative_box(
    where: str, corners: Corners, height: float, width: float
) -> tuple[float, float, float, float]:
    """Convert corners in pixels to a relative box, cut at the borders.

    Raises:
        InputError: The corners are no box, or are far outside the frame. The message starts with
            `where`.
    """
    x1, y1, x2, y2 = corners
    box = x1 / width, y1 / height, x2 / width, y2 / height
    if not (all(map(math.isfinite, box)) and x1 < x2 and y1 < y2):
        raise InputError(f"{where}: {x1:g},{y1:g} to {x2:g},{y2:g} is no box")
    if min(box) < -TOLERANCE or max(box) > 1 + TOLERANCE:
        size = f"{width:g} x {height:g}"
        raise InputError(f"{where}: {x1:g},{y1:g} to {x2:g},{y2:g} is outside the frame of {size}")
    left, top, right, bottom = (min(max(side, 0.0), 1.0) for side in box)
    if not (left < right and top < bottom):
        raise InputError(f"{where}: {x1:g},{y1:g} to {x2:g},{y2:g} has no part in the frame")
    return left, top, right, bottom


def to_table(shapes: Iterable[Shape], class_map: ClassMap, where: str) -> pd.DataFrame:
    """Make AVA's table of boxes.

    Raises:
        InputError: The class map lacks an action. The message starts with `where`.
    """
    ids = {name: action for action, name in class_map.names.items()}
    groups: dict[Keyframe, list[Shape]] = {}
    for shape in shapes:
        unknown = [name for name in shape.actions if name not in ids]
        if unknown:
            hint = meant(unknown[0], ids)
            raise InputError(f"{where}: action {brief(unknown[0])!r} is not in the class map{hint}")
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
    """Make shapes of AVA's table, whose actions must be in the class map, by video and tick."""
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


def class_map_of(actions: Collection[str], where: str) -> ClassMap:
    """Number actions from 1 in the order of their names.

    Raises:
        InputError: A class list cannot hold one of the names.
    """
    for name in actions:
        if len(name) > LONGEST_NAME or "\0" in name:
            raise InputError(f"{where}: {shown(name)} is no name of an action")
    return ClassMap(dict(enumerate(dict.fromkeys(actions), start=1)))
