"""VIA 3 (VGG Image Annotator): one JSON project of several videos, boxes at times in seconds.

Laid down in VIA's `_via_file.js`, `_via_attribute.js` and `_via_metadata.js`. An entry of
`metadata` has `z`, no time (an image), one (a box on a video's frame) or two (a segment of time),
and `xy`, the number of a kind of shape and its numbers, or nothing for a segment. `av` maps an
attribute's id to its value: an option's id, several with commas between them, or text.

A segment says what everyone boxed in that time does.
"""

import json
from collections.abc import Callable
from pathlib import PurePosixPath
from typing import Any

from ava_det.formats.atomic import StrPath, atomic_text
from ava_det.formats.json_file import numbers, read_json, required
from ava_det.formats.shapes import Annotations, Shape, actions_of, relative_box
from ava_det.structures import Clock, InputError

SizeOf = Callable[[str], tuple[int, int]]  # from a video's name to its (height, width)

_RECTANGLE = 2
_TEXT, _CHECKBOX = 1, 2  # kinds of attributes; a radio button or list has one option
_VIDEO = 4  # kind of file


def read_via(
    path: StrPath, size_of: SizeOf, clock: Clock, person_attribute: str = ""
) -> Annotations:
    """Read a project.

    Args:
        path: the JSON file.
        size_of: VIA does not note the size of a video, which its pixels are of.
        clock: what a tick is; it needs a rate. Times must lie within a quarter of a tick.
        person_attribute: name of the attribute that tells people apart by whole numbers.

    Raises:
        InputError: what is wrong, with the entry.
    """
    content = read_json(path)
    attributes = required(str(path), content, "attribute", dict)
    metadata = required(str(path), content, "metadata", dict)
    videos = _videos(path, content)
    boxes: list[tuple[float, Shape]] = []
    segments: list[tuple[str, float, float, tuple[str, ...]]] = []
    for key, entry in metadata.items():
        where = f"{path}: metadata {key}"
        view = str(required(where, entry, "vid", str, int))
        if view not in videos:
            raise InputError(f"{where}: view {view!r} is not in the project")
        video = videos[view]
        times = numbers(where, entry, "z", 0, 1, 2)
        values = _values(where, required(where, entry, "av", dict), attributes)
        person = _person(where, values.pop(person_attribute, "")) if person_attribute else -1
        actions = actions_of(values)
        shape = required(where, entry, "xy", list)
        if len(times) == 2 and not shape:
            segments.append((video, times[0], times[1], actions))
        elif len(times) == 1 and shape and shape[0] == _RECTANGLE:
            _, x, y, width, height = numbers(where, entry, "xy", 5)
            box = relative_box(where, (x, y, x + width, y + height), *size_of(video))
            tick = _tick(where, times[0], clock)
            boxes.append((times[0], Shape(video, tick, box, actions, person)))
        else:
            raise InputError(f"{where}: neither a rectangle at a time nor a segment of time")
    shapes = [_with_segments(shape, time, segments) for time, shape in boxes]
    known = _declared(attributes, person_attribute)
    used = [action for shape in shapes for action in shape.actions]
    return Annotations(tuple(shapes), tuple(dict.fromkeys([*known, *used])))


def _videos(path: StrPath, content: dict[str, Any]) -> dict[str, str]:
    """View to name of its first file."""
    files = required(str(path), content, "file", dict)
    videos = {}
    for view, fields in required(str(path), content, "view", dict).items():
        where = f"{path}: view {view}"
        listed = required(where, fields, "fid_list", list)
        if not listed or str(listed[0]) not in files:
            raise InputError(f"{where}: its file is not in the project")
        name = required(f"{path}: file {listed[0]}", files[str(listed[0])], "fname", str)
        videos[view] = PurePosixPath(name.replace("\\", "/")).stem
    return videos


def _values(where: str, chosen: dict[str, Any], attributes: dict[str, Any]) -> dict[str, str]:
    """What an entry's `av` says: attribute or option to value, as `actions_of` takes it."""
    found: dict[str, str] = {}
    for number, value in chosen.items():
        attribute = attributes.get(number)
        if attribute is None:
            raise InputError(f"{where}: attribute {number!r} is not in the project")
        name = required(f"{where}: attribute {number}", attribute, "aname", str)
        options = attribute.get("options") or {}
        if not isinstance(value, str):
            raise InputError(f"{where}: attribute {name!r} is {str(value)[:40]!r}, not text")
        if not options:  # a text
            found[name] = value
            continue
        for option in filter(None, value.split(",")):
            if option not in options:
                raise InputError(f"{where}: attribute {name!r} has no option {option!r}")
            found[str(options[option]).strip()] = "true"
    return found


def _declared(attributes: dict[str, Any], person_attribute: str) -> list[str]:
    return [
        str(option).strip()
        for attribute in attributes.values()
        if isinstance(attribute, dict) and attribute.get("aname") != person_attribute
        for option in (attribute.get("options") or {}).values()
        if actions_of({str(option).strip(): "true"})
    ]


def _person(where: str, text: str) -> int:
    if not text.strip():
        return -1
    if not (text.strip().isascii() and text.strip().isdecimal()):
        raise InputError(f"{where}: person {text!r} is not a whole number")
    return int(text)


def _tick(where: str, time: float, clock: Clock) -> int:
    if clock.rate is None:
        raise InputError("VIA counts in seconds: give the rate of ticks")
    exact = time * clock.rate
    if exact < 0 or abs(exact - round(exact)) > 0.25:
        raise InputError(
            f"{where}: {time:g} s lies between two ticks at {clock.rate:g} a second; raise the rate"
        )
    return round(exact) + clock.start


def _with_segments(
    shape: Shape, time: float, segments: list[tuple[str, float, float, tuple[str, ...]]]
) -> Shape:
    more = [
        action
        for video, start, end, actions in segments
        if video == shape.video and start <= time <= end
        for action in actions
    ]
    actions = tuple(dict.fromkeys([*shape.actions, *more]))
    return Shape(shape.video, shape.tick, shape.box, actions, shape.person)


def write_via(
    path: StrPath, shapes: list[Shape], actions: list[str], size_of: SizeOf, clock: Clock
) -> None:
    """Write a project with an attribute `action` of checkboxes and one `person` of text."""
    videos = list(dict.fromkeys(shape.video for shape in shapes))
    options = {str(number): name for number, name in enumerate(actions)}
    number_of = {name: number for number, name in options.items()}
    metadata = {}
    for place, shape in enumerate(shapes):
        height, width = size_of(shape.video)
        x1, y1, x2, y2 = shape.box
        rectangle = [x1 * width, y1 * height, (x2 - x1) * width, (y2 - y1) * height]
        view = str(videos.index(shape.video) + 1)
        metadata[f"{view}_{place:08d}"] = {
            "vid": view,
            "flg": 0,
            "z": [clock.seconds(shape.tick)],
            "xy": [_RECTANGLE, *rectangle],
            "av": {
                "1": ",".join(number_of[action] for action in shape.actions),
                "2": "" if shape.person < 0 else str(shape.person),
            },
        }
    attribute = {"anchor_id": "FILE1_Z1_XY1", "desc": "", "default_option_id": ""}
    names = range(1, len(videos) + 1)
    content = {
        "project": {
            "pid": "__VIA_PROJECT_ID__",
            "rev": "0",
            "pname": "ava_det",
            "vid_list": [*map(str, names)],
        },
        "config": {"file": {"loc_prefix": {"1": "", "2": "", "3": "", "4": ""}}, "ui": {}},
        "attribute": {
            "1": {"aname": "action", "type": _CHECKBOX, "options": options, **attribute},
            "2": {"aname": "person", "type": _TEXT, "options": {}, **attribute},
        },
        "file": {
            str(k): {
                "fid": str(k),
                "fname": f"{v}.mp4",
                "type": _VIDEO,
                "loc": 1,
                "src": f"{v}.mp4",
            }
            for k, v in enumerate(videos, start=1)
        },
        "view": {str(k): {"fid_list": [str(k)]} for k in names},
        "metadata": metadata,
    }
    with atomic_text(path) as file:
        json.dump(content, file)
