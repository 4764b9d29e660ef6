"""CVAT for video 1.1: one XML file a video, people as tracks of boxes in pixels of numbered frames.

Laid down in CVAT's documentation, "XML annotation format". A track holds boxes on some frames;
between two of them it is interpolated, and it lasts until a box that is `outside` or the end.
An attribute keeps its value until another box changes it. The frames are those of the source video.
"""

import xml.etree.ElementTree as ET
from pathlib import PurePosixPath
from xml.parsers import expat
from xml.sax.saxutils import escape, quoteattr

from ava_det.formats.atomic import StrPath, atomic_text
from ava_det.formats.shapes import (
    ATTRIBUTES,
    NOT_ACTIONS,
    Annotations,
    Shape,
    actions_of,
    relative_box,
)
from ava_det.structures import InputError

_CORNERS = ("xtl", "ytl", "xbr", "ybr")


def read_cvat(
    path: StrPath, every: int = 1, actions_from: str = ATTRIBUTES, occluded: bool = True
) -> Annotations:
    """Read the export of a task.

    Args:
        path: the XML file.
        every: keep the boxes of one frame in so many.
        actions_from: "attributes", or "label" where a track's label names the action.
        occluded: keep boxes that are marked as occluded.

    Raises:
        InputError: what is wrong, with the track and frame.
    """
    root = _parse(path)
    tasks = root.findall("meta/task") or root.findall("meta/job")
    if root.tag != "annotations" or len(tasks) != 1:
        raise InputError(f"{path}: not the export of one task as `CVAT for video 1.1`")
    task = tasks[0]
    size = [_number(path, task, f"original_size/{side}") for side in ("height", "width")]
    last = int(_number(path, task, "stop_frame"))
    source = root.findtext("meta/source") or task.findtext("source") or task.findtext("name") or ""
    video = PurePosixPath(source.strip().replace("\\", "/")).stem
    if not video:
        raise InputError(f"{path}: does not name its video (source)")
    if min(size) <= 0:
        raise InputError(f"{path}: a video of {size[1]:g} x {size[0]:g}")
    shapes = []
    for track in root.iterfind("track"):
        where = f"{path}: track {track.get('id')}"
        number = _whole(where, track, "id")
        name = track.get("label", "")
        for frame, corners, attributes, hidden in _boxes(where, track, last):
            if frame % every or (hidden and not occluded):
                continue
            box = relative_box(f"{where}, frame {frame}", corners, size[0], size[1])
            actions = actions_of(attributes) if actions_from == ATTRIBUTES else (name,)
            shapes.append(Shape(video, frame, box, actions, number))
    known = _declared(task, actions_from)
    used = [action for shape in shapes for action in shape.actions]
    return Annotations(tuple(shapes), tuple(dict.fromkeys([*known, *used])))


def _parse(path: StrPath) -> ET.Element:
    """The tree of an XML file without a document type: it could name files or grow without end."""
    builder = ET.TreeBuilder()
    parser = expat.ParserCreate()
    parser.StartElementHandler = builder.start
    parser.EndElementHandler = builder.end
    parser.CharacterDataHandler = builder.data

    def refuse(*_: object) -> None:
        raise InputError(f"{path}: has a document type (DOCTYPE), which CVAT does not write")

    parser.StartDoctypeDeclHandler = refuse
    parser.EntityDeclHandler = refuse
    try:
        with open(path, "rb") as file:
            parser.ParseFile(file)
        return builder.close()
    except expat.ExpatError as error:
        raise InputError(f"{path}: not XML ({error})") from error
    except (AssertionError, ValueError, LookupError) as error:  # an encoding that nobody knows
        raise InputError(f"{path}: not XML ({error})") from error


def _boxes(where: str, track: ET.Element, last: int) -> list[tuple]:
    """(frame, corners, attributes, occluded) of every frame of a track, interpolated."""
    given = []
    attributes: dict[str, str] = {}
    for box in sorted(track.iterfind("box"), key=lambda box: _whole(where, box, "frame")):
        frame = _whole(where, box, "frame")
        if given and frame == given[-1][0]:
            raise InputError(f"{where}: has two boxes on frame {frame}")
        corners = tuple(_real(f"{where}, frame {frame}", box, name) for name in _CORNERS)
        named = {a.get("name", ""): (a.text or "").strip() for a in box.iterfind("attribute")}
        attributes = {**attributes, **named}
        flags = [box.get(name, "0") == "1" for name in ("occluded", "outside")]
        given.append((frame, corners, attributes, *flags))
    boxes = []
    for place, (frame, corners, named, hidden, outside) in enumerate(given):
        if outside:
            continue
        end = given[place + 1] if place + 1 < len(given) else None
        until = end[0] if end else max(last, frame) + 1
        target = end[1] if end and not end[4] else corners
        for step in range(until - frame):
            share = step / (until - frame)
            moved = tuple(a + share * (b - a) for a, b in zip(corners, target, strict=True))
            boxes.append((frame + step, moved, named, hidden))
    return boxes


def _declared(task: ET.Element, actions_from: str) -> list[str]:
    """The names of actions that a task's labels offer, in their order."""
    found: list[str] = []
    for label in task.iterfind("labels/label"):
        if actions_from != ATTRIBUTES:
            found.append(label.findtext("name", "").strip())
        for attribute in label.iterfind("attributes/attribute"):
            name = attribute.findtext("name", "").strip()
            kind = attribute.findtext("input_type", "").strip()
            if actions_from != ATTRIBUTES or name in NOT_ACTIONS:
                continue
            values = attribute.findtext("values", "").split("\n")
            offered = {value.strip(): value.strip() for value in values}
            if kind == "checkbox":
                found.append(name)
            elif kind in ("select", "radio"):
                found += actions_of(offered)
    return [name for name in found if name]


def write_cvat(
    path: StrPath, shapes: list[Shape], actions: list[str], frames: int, height: int, width: int
) -> None:
    """Write the boxes of one video as CVAT exports and imports them: a checkbox an action.

    Args:
        path: the XML file.
        shapes: of one video, ticks being frames; those of one person make a track.
        actions: names of all classes.
        frames: of the video.
        height: of the video.
        width: of the video.
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


def _number(path: StrPath, element: ET.Element, name: str) -> float:
    text = element.findtext(name, "").strip()
    try:
        return float(text)
    except ValueError:
        raise InputError(f"{path}: {name} is {text!r}, not a number") from None


def _whole(where: str, element: ET.Element, name: str) -> int:
    text = element.get(name, "")
    if not (text.isascii() and text.isdecimal() and len(text) < 10):
        raise InputError(f"{where}: {name} is {text!r}, not a whole number")
    return int(text)


def _real(where: str, element: ET.Element, name: str) -> float:
    text = element.get(name, "")
    try:
        return float(text)
    except ValueError:
        raise InputError(f"{where}: {name} is {text!r}, not a number") from None
