"""CVAT for video 1.1: an XML file with people as tracks of boxes in pixels of numbered frames.

The format is described in "XML annotation format" of CVAT's documentation and in CVAT's
`bindings.py`. A track has boxes on some frames and is interpolated between them. It lasts until a
box that is `outside`, or until the end. An attribute keeps its value until another box changes it.
Frames are counted in the source video, also if a task shows only one in so many (`frame_filter`). A
project counts the frames through all tasks of a subset, one after the other.
"""

import contextlib
import math
import xml.etree.ElementTree as ET
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import zip_longest
from xml.sax.saxutils import escape, quoteattr

from ava_det.formats.atomic import StrPath, atomic_text
from ava_det.formats.json_file import brief
from ava_det.formats.tools.choice import LABEL, Choice, kind_of
from ava_det.formats.tools.cvat_meta import Task, declared, offered_by, parse, tasks_of, whole_text
from ava_det.formats.tools.shapes import (
    MOST_DEGREES,
    Annotations,
    Corners,
    Shape,
    actions_of,
    around_rotated,
    flag_of,
    relative_box,
)
from ava_det.structures import InputError

_CORNERS = ("xtl", "ytl", "xbr", "ybr")
MOST_BOXES = 2_000_000  # of a file: two boxes of a few bytes stand for all frames between them

FramesOf = Callable[[str], int]  # from a video's name to the number of its frames


@dataclass(frozen=True)
class _Box:
    """A box of a track on a frame of its video."""

    frame: int
    corners: Corners
    rotation: float
    attributes: dict[str, str]
    occluded: bool
    outside: bool


def read_cvat(
    path: StrPath,
    choice: Choice | None = None,
    occluded: bool = True,
    first: int = 0,
    frames_of: FramesOf | None = None,
) -> Annotations:
    """Read the export of a task, a job (which does not name its video) or a project.

    Args:
        path: The XML file.
        choice: What to keep; None keeps what `Choice()` does.
        occluded: Keep boxes that are marked as occluded.
        first: Tick of the first frame of a video, which is frame 0 of CVAT.
        frames_of: Gives the number of frames of a video; tracks must end by then. None if that is
            not known.

    Raises:
        InputError: The file is malformed. The message names the track and the frame.
    """
    choice = choice or Choice()
    root = parse(path)
    tasks = tasks_of(path, root)
    offered = offered_by(root)
    labels = tuple(dict.fromkeys([*offered, *(t.get("label", "") for t in root.iterfind("track"))]))
    people = choice.people(labels)
    shapes: list[Shape] = []
    left_out: Counter[str] = Counter()
    for track in root.iterfind("track"):
        where = f"{path}: track {brief(track.get('id'))}"
        number = whole_text(f"{where}: id", track.get("id"))
        task = next(iter(tasks.values())) if len(tasks) == 1 else tasks.get(track.get("task_id"))
        if task is None:
            raise InputError(f"{where}: task {brief(track.get('task_id'))!r} is not in the file")
        label = track.get("label", "")
        if label not in people:
            left_out[f"tracks labelled {brief(label)!r}"] += 1
            continue
        for kind in sorted({shape.tag for shape in track} - {"box"}):
            left_out[f"tracks of {brief(kind.removesuffix('s'))}s, not boxes"] += 1
        for box in _boxes(where, track, task, choice.every, occluded, frames_of):
            corners = around_rotated(box.corners, box.rotation, *task.size)
            corners = relative_box(f"{where}, frame {box.frame}", corners, *task.size)
            actions = _actions(label, box.attributes, offered.get(label, {}), choice, left_out)
            shapes.append(Shape(task.video, first + box.frame, corners, actions, number))
            if len(shapes) > MOST_BOXES:
                raise InputError(f"{where}: over {MOST_BOXES} boxes: --every keeps a frame in N")
    used = [action for shape in shapes for action in shape.actions]
    return Annotations(
        shapes=tuple(shapes),
        actions=tuple(dict.fromkeys([*declared(offered, people, choice), *used])),
        labels=labels,
        attributes=tuple(dict.fromkeys(name for named in offered.values() for name in named)),
        left_out=left_out,
        own_people=True,
        sizes={(task.video, task.size[::-1]): f"{path}" for task in tasks.values()},
    )


def _actions(
    label: str,
    attributes: dict[str, str],
    offered: dict[str, tuple[str, str]],
    choice: Choice,
    left_out: Counter[str],
) -> tuple[str, ...]:
    """Return the actions of a box. Attributes that name no action are counted."""
    if choice.actions_from == LABEL:
        return (label,) if label else ()
    values = (
        (name, offered[name][0] if name in offered else kind_of(value), actions_of({name: value}))
        for name, value in attributes.items()
    )
    return choice.actions(values, left_out)


def _boxes(
    where: str,
    track: ET.Element,
    task: Task,
    every: int,
    occluded: bool,
    frames_of: FramesOf | None,
) -> Iterator[_Box]:
    """Return the boxes of a track on the frames that are kept, interpolated."""
    given = _given(where, track, task)
    stride = math.lcm(task.step, every)
    for box, end in zip_longest(given, given[1:]):
        if box.outside or (box.occluded and not occluded):
            continue
        until = end.frame if end else max(task.last, box.frame) + 1
        frames = range(box.frame + (task.first - box.frame) % stride, until, stride)
        if frames and frames_of and frames[-1] >= (count := frames_of(task.video)):
            end_of = "" if end or box.frame >= task.last else " (stop_frame)"
            raise InputError(
                f"{where}: goes on to frame {frames[-1]}{end_of}, and its video has {count} frames"
            )
        for frame in frames:
            yield _moved(box, end, (frame - box.frame) / (until - box.frame), frame)


def _given(where: str, track: ET.Element, task: Task) -> list[_Box]:
    """Return the boxes of a track as in the file, one per frame, in order.

    CVAT sometimes writes the box that ends a track twice. An outside box shows nothing.
    """
    given: list[_Box] = []
    attributes: dict[str, str] = {}
    boxes = [(whole_text(f"{where}: frame", b.get("frame")), b) for b in track.iterfind("box")]
    for numbered, element in sorted(boxes, key=lambda pair: pair[0]):
        frame = numbered - task.offset
        at = f"{where}, frame {frame}"
        if frame < 0:
            raise InputError(f"{where}: frame {numbered} is of another task")
        x1, y1, x2, y2 = (_real(at, element, name) for name in _CORNERS)
        rotation = _real(at, element, "rotation", "0")
        if not abs(rotation) < MOST_DEGREES:
            raise InputError(f"{at}: rotation is {rotation:g}, not a number of degrees")
        named = {a.get("name", ""): (a.text or "").strip() for a in element.iterfind("attribute")}
        attributes = {**attributes, **named}
        flags = [flag_of(at, name, element.get(name, "0")) for name in ("occluded", "outside")]
        box = _Box(frame, (x1, y1, x2, y2), rotation, attributes, *flags)
        if not given or frame != given[-1].frame:
            given.append(box)
        elif box != given[-1] and not (box.outside and given[-1].outside):
            raise InputError(f"{where}: has two boxes on frame {frame}, and they differ")
    return given


def _moved(box: _Box, end: _Box | None, share: float, frame: int) -> _Box:
    """Interpolate between a box and the next one, unless the next one is outside."""
    if end is None or end.outside:
        return replace(box, frame=frame)
    a, b = box.corners, end.corners
    x1, y1, x2, y2 = (p + share * (q - p) for p, q in zip(a, b, strict=True))
    turn = (end.rotation - box.rotation + 180) % 360 - 180  # the short way round
    rotation = box.rotation + share * turn
    return replace(box, frame=frame, corners=(x1, y1, x2, y2), rotation=rotation)


def write_cvat(
    path: StrPath, shapes: list[Shape], actions: list[str], frames: int, height: int, width: int
) -> None:
    """Write the boxes of one video as CVAT exports and imports them, with a checkbox an action.

    Args:
        path: The XML file.
        shapes: Shapes of one video, whose ticks are frames. Those of one person make a track.
        actions: Names of all classes.
        frames: Number of frames of the video.
        height: Height of the video in pixels.
        width: Width of the video in pixels.
    """
    with atomic_text(path) as file:
        file.write('<?xml version="1.0" encoding="utf-8"?>\n<annotations>\n')
        file.write(f"<version>1.1</version>\n<meta><task><name>{escape(shapes[0].video)}</name>")
        file.write(f"<size>{frames}</size><mode>interpolation</mode><start_frame>0</start_frame>")
        file.write(f"<stop_frame>{frames - 1}</stop_frame><frame_filter></frame_filter>\n")
        file.write("<labels><label><name>person</name><attributes>\n")
        for name in actions:
            file.write(f"<attribute><name>{escape(name)}</name><mutable>True</mutable>")
            file.write("<input_type>checkbox</input_type><default_value>false</default_value>")
            file.write("<values>false</values></attribute>\n")
        file.write("</attributes></label></labels>\n<original_size>")
        file.write(f"<width>{width}</width><height>{height}</height></original_size>")
        file.write(f"<source>{escape(shapes[0].video)}.mp4</source></task></meta>\n")
        for number, track in enumerate(_tracks(shapes)):
            person = track[0].person if track[0].person >= 0 else 10**6 + number
            file.write(f'<track id="{person}" label="person" source="manual">\n')
            for shape, following in zip(track, [*track[1:], None], strict=True):
                file.write(_box(shape, actions, height, width, outside=False))
                gap = following is None or following.tick > shape.tick + 1
                if gap and shape.tick + 1 < frames:
                    after = Shape(shape.video, shape.tick + 1, shape.box, shape.actions)
                    file.write(_box(after, actions, height, width, outside=True))
            file.write("</track>\n")
        file.write("</annotations>\n")


def _tracks(shapes: list[Shape]) -> list[list[Shape]]:
    tracks: dict[tuple[int, int], list[Shape]] = {}
    for place, shape in enumerate(sorted(shapes, key=lambda shape: shape.tick)):
        unknown = place if shape.person < 0 else -1
        tracks.setdefault((shape.person, unknown), []).append(shape)
    return list(tracks.values())


def _box(shape: Shape, actions: list[str], height: int, width: int, outside: bool) -> str:
    x1, y1, x2, y2 = shape.box
    corners = (x1 * width, y1 * height, x2 * width, y2 * height)
    words = " ".join(f'{name}="{value!r}"' for name, value in zip(_CORNERS, corners, strict=True))
    lines = [
        f'<box frame="{shape.tick}" outside="{int(outside)}" occluded="0" keyframe="1" {words} '
        'z_order="0">\n'
    ]
    for name in actions:
        value = "true" if name in shape.actions else "false"
        lines.append(f"<attribute name={quoteattr(name)}>{value}</attribute>\n")
    return "".join([*lines, "</box>\n"])


def _real(where: str, element: ET.Element, name: str, default: str = "") -> float:
    text = element.get(name, default)
    with contextlib.suppress(ValueError):
        if math.isfinite(number := float(text)):
            return number
    raise InputError(f"{where}: {name} is {brief(text)!r}, not a number")
