"""VIA 3 (VGG Image Annotator): one JSON project of several videos, with boxes at times in seconds.

The format is defined by VIA's `_via_file.js`, `_via_attribute.js` and `_via_metadata.js`. An entry
of `metadata` has `z`: no time for an image, one time for a box on a frame, two times for a segment.
It has `xy`: the number of a kind of shape and the numbers of the shape, or nothing for a segment.
`av` maps the id of an attribute to a value: ids of options, separated by commas, or text.

The actions of a segment belong to every person with a box in that time.
"""

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from heapq import heappop, heappush
from typing import Any, NamedTuple

import numpy as np

from ava_det.formats.atomic import StrPath, atomic_text
from ava_det.formats.json_file import brief, numbers, read_json, required
from ava_det.formats.tools.choice import TEXT, Choice
from ava_det.formats.tools.shapes import Annotations, Shape, actions_of, relative_box, says_nothing
from ava_det.formats.video_names import video_name
from ava_det.structures import Clock, InputError

SizeOf = Callable[[str], tuple[int, int]]  # from a video's name to its (height, width)

_RECTANGLE = 2  # kind of shape
_OTHERS = {"1": "points", "3": "circles", "4": "ellipses", "6": "polylines", "7": "polygons"}
_TEXT, _CHECKBOX = 1, 2  # kinds of attributes; a radio button or list has one option
_VIDEO = 4  # kind of file
_HALF = 0.0005 + 1e-9  # s, half a millisecond; floats of more digits are a little off
_UNNAMED = ("default", "Default")  # the option of the attribute that every project comes with


def read_via(
    path: StrPath,
    size_of: SizeOf,
    clock: Clock,
    person_attribute: str = "",
    choice: Choice | None = None,
) -> Annotations:
    """Read a project.

    Args:
        path: The JSON file.
        size_of: Gives the height and width of a video as a browser shows it, in square pixels. VIA
            counts in these pixels and does not write the size.
        clock: Clock of the ticks, with a rate. Times must be within a quarter of a tick, or half a
            millisecond, of a tick. A rate of 1000 takes any time.
        person_attribute: Name of the attribute that tells people apart by whole numbers.
        choice: Which attributes to keep; None keeps what `Choice()` does.

    Raises:
        InputError: The project is malformed. The message names the entry.
    """
    choice = choice or Choice()
    content = read_json(path)
    attributes = _attributes(path, content)
    videos = _videos(path, content)
    boxes: list[Shape] = []  # without a tick
    times_of: list[tuple[str, float]] = []  # each box's place in the file, and time
    segments: list[Segment] = []
    left_out: Counter[str] = Counter()
    for key, entry in required(str(path), content, "metadata", dict).items():
        where = f"{path}: metadata {brief(key)}"
        view = str(required(where, entry, "vid", str, int))
        if view not in videos:
            raise InputError(f"{where}: view {brief(view)!r} is not in the project")
        times = numbers(where, entry, "z", 0, 1, 2)
        xy = required(where, entry, "xy", list)
        unlike = _unlike(len(times), xy)
        if unlike:
            left_out[unlike] += 1
            continue
        values = _values(where, required(where, entry, "av", dict), attributes)
        person = _person(where, " ".join(values.pop(person_attribute, [])))
        actions = _actions(values, attributes, choice, left_out)
        if xy:
            _, x, y, width, height = numbers(where, entry, "xy", 5)
            box = relative_box(where, (x, y, x + width, y + height), *size_of(videos[view]))
            boxes.append(Shape(videos[view], -1, box, actions, person))
            times_of.append((where, times[0]))
        else:
            segments.append(Segment(videos[view], times[0], times[1], actions))
    more = actions_at(
        segments, [(shape.video, at[1]) for shape, at in zip(boxes, times_of, strict=True)]
    )
    shapes = [
        replace(shape, tick=tick, actions=tuple(dict.fromkeys([*shape.actions, *said])))
        for shape, tick, said in zip(boxes, _ticks(times_of, clock), more, strict=True)
    ]
    attributes = {k: a for k, a in attributes.items() if a.name != person_attribute}
    used = [action for shape in shapes for action in shape.actions]
    known = [name for attribute in attributes.values() for name in attribute.declared(choice)]
    return Annotations(
        shapes=tuple(shapes),
        actions=tuple(dict.fromkeys([*known, *used])),
        attributes=tuple(attribute.name for attribute in attributes.values()),
        left_out=left_out,
    )


def _unlike(times: int, xy: list[Any]) -> str:
    """Describe an entry that is neither a rectangle at a time nor a segment of time."""
    if xy and xy[0] != _RECTANGLE:
        return f"{_OTHERS.get(brief(xy[0]), 'shapes')}, not rectangles"
    if xy and times != 1:
        return "rectangles without a time of their own"
    return "" if xy or times == 2 else "marks that are neither rectangle nor segment"


@dataclass(frozen=True)
class _Attribute:
    """One attribute of a project; `options` are empty where it is a text."""

    name: str
    kind: int
    options: dict[str, str]

    def declared(self, choice: Choice) -> list[str]:
        """Return the names of the actions that the attribute offers."""
        if not self.options or not choice.names_action(self.name, ""):
            return []
        return [name for option in self.options for name in self.chosen(option)]

    def chosen(self, option: str) -> list[str]:
        """Return a list of the name of an option, [] if the option stands for no action."""
        name = self.options[option]
        nothing = self.kind != _CHECKBOX and says_nothing(name)
        return [] if nothing or not name or (option, name) == _UNNAMED else [name]


def _attributes(path: StrPath, content: dict[str, Any]) -> dict[str, _Attribute]:
    """Return the attributes of a project by their numbers."""
    found = {}
    for number, fields in required(str(path), content, "attribute", dict).items():
        where = f"{path}: attribute {brief(number)}"
        name = required(where, fields, "aname", str)
        options = fields.get("options") or {}
        if not isinstance(options, dict):
            raise InputError(f"{where}: its options are no object")
        named = {option: _option(where, options, option) for option in options}
        found[number] = _Attribute(name, fields.get("type", 0), named)
    return found


def _option(where: str, options: dict[str, Any], option: str) -> str:
    return str(required(where, options, option, str, int, float)).strip()


def _videos(path: StrPath, content: dict[str, Any]) -> dict[str, str]:
    """View to name of its first file."""
    files = required(str(path), content, "file", dict)
    videos: dict[str, str] = {}
    file_of: dict[str, str] = {}
    for view, fields in required(str(path), content, "view", dict).items():
        where = f"{path}: view {brief(view)}"
        listed = required(where, fields, "fid_list", list)
        if not listed or brief(listed[0]) not in files:
            raise InputError(f"{where}: its file is not in the project")
        number = brief(listed[0])
        name = required(f"{path}: file {number}", files[number], "fname", str)
        videos[view] = video_name(name)
        other = file_of.setdefault(videos[view], number)
        if other != number:
            raise InputError(
                f"{path}: files {other} and {number} are both named {brief(name)!r}; put the "
                "folder in the name, too"
            )
    return videos


def _values(
    where: str, chosen: dict[str, Any], attributes: dict[str, _Attribute]
) -> dict[str, list[str]]:
    """Read `av` of an entry: name of an attribute to its chosen options or its text."""
    found: dict[str, list[str]] = {}
    for number, value in chosen.items():
        if number not in attributes:
            raise InputError(f"{where}: attribute {brief(number)!r} is not in the project")
        attribute = attributes[number]
        if not isinstance(value, str):
            raise InputError(
                f"{where}: attribute {brief(attribute.name)!r} is {brief(value)!r}, not text"
            )
        values = found.setdefault(attribute.name, [])
        if not attribute.options:
            values.append(value)
            continue
        for option in filter(None, value.split(",")):
            if option not in attribute.options:
                what = f"attribute {brief(attribute.name)!r} has no option {brief(option)!r}"
                raise InputError(f"{where}: {what}")
            values += attribute.chosen(option)
    return found


def _actions(
    values: dict[str, list[str]],
    attributes: dict[str, _Attribute],
    choice: Choice,
    left_out: Counter[str],
) -> tuple[str, ...]:
    """Collect the actions of an entry; count attributes that name no action."""
    texts = {attribute.name for attribute in attributes.values() if not attribute.options}
    named = (
        (name, TEXT, actions_of({name: value})) if name in texts else (name, "", (value,))
        for name, chosen in values.items()
        for value in chosen
    )
    return choice.actions(named, left_out)


def _person(where: str, text: str) -> int:
    if not text.strip():
        return -1
    if not (text.strip().isascii() and text.strip().isdecimal() and len(text.strip()) < 16):
        raise InputError(f"{where}: person {brief(text)!r} is not a whole number")
    return int(text)


def _ticks(times_of: list[tuple[str, float]], clock: Clock) -> list[int]:
    """Return the tick of each time.

    Raises:
        InputError: A time lies between two ticks. The message names the first such time, how many
            there are, and a rate that takes all.
    """
    if clock.rate is None:
        raise InputError("VIA counts in seconds: give the rate of ticks")
    times = np.array([time for _, time in times_of])
    if (times < 0).any():
        where, time = times_of[int(np.argmax(times < 0))]
        raise InputError(f"{where}: {time:g} s is before the video begins")
    off = np.flatnonzero(_off(times, clock.rate) > max(0.25 / clock.rate, _HALF))
    if len(off):
        where, time = times_of[off[0]]
        rates = (r for r in range(1, 1000) if (_off(times, r) <= min(0.02 / r, _HALF)).all())
        raise InputError(
            f"{where}: {time:g} s lies between two ticks at {clock.rate:g} a second, like "
            f"{len(off)} of {len(times)} boxes; --rate {next(rates, 1000)} takes all to the "
            "millisecond"
        )
    return [int(tick) + clock.start for tick in np.rint(times * clock.rate)]


def _off(times: np.ndarray, rate: float) -> np.ndarray:
    """Distance of times from the nearest tick in seconds."""
    return np.abs(times - np.rint(times * rate) / rate)


class Segment(NamedTuple):
    """A part of a video between two times, and the actions of everyone in it."""

    video: str
    start: float
    end: float
    actions: tuple[str, ...]


def actions_at(segments: list[Segment], boxes: list[tuple[str, float]]) -> list[list[str]]:
    """Find the actions of the segments that each box lies in.

    Goes once through both, in order of time: as many steps as there are segments and boxes.

    Args:
        segments: Parts of videos, in any order.
        boxes: (video, time in seconds) of each box, in any order.

    Returns:
        The actions of each box, each action once.
    """
    said: list[list[str]] = [[] for _ in boxes]
    waiting = sorted(segments)
    waiting.reverse()
    running: list[tuple[float, tuple[str, ...]]] = []  # a heap by end
    count: Counter[str] = Counter()
    here = ""
    for place in sorted(range(len(boxes)), key=boxes.__getitem__):
        video, time = boxes[place]
        if video != here:
            here, running, count = video, [], Counter()
        while waiting and waiting[-1][:2] <= (video, time):
            segment = waiting.pop()
            if segment.video == video:
                heappush(running, (segment.end, segment.actions))
                count.update(segment.actions)
        while running and running[0][0] < time:
            count.subtract(heappop(running)[1])
        count = +count  # those that still go on
        said[place] = list(count)
    return said


def write_via(
    path: StrPath, shapes: list[Shape], actions: list[str], size_of: SizeOf, clock: Clock
) -> None:
    """Write a project with an attribute `action` of checkboxes and one `person` of text."""
    videos = {v: k for k, v in enumerate(dict.fromkeys(s.video for s in shapes), start=1)}
    options = {str(number): name for number, name in enumerate(actions)}
    number_of = {name: number for number, name in options.items()}
    metadata = {}
    for place, shape in enumerate(shapes):
        height, width = size_of(shape.video)
        x1, y1, x2, y2 = shape.box
        rectangle = [x1 * width, y1 * height, (x2 - x1) * width, (y2 - y1) * height]
        view = str(videos[shape.video])
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
    content = {
        "project": {
            "pid": "__VIA_PROJECT_ID__",
            "rev": "0",
            "pname": "ava_det",
            "vid_list": [str(k) for k in videos.values()],
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
            for v, k in videos.items()
        },
        "view": {str(k): {"fid_list": [str(k)]} for k in videos.values()},
        "metadata": metadata,
    }
    with atomic_text(path) as file:
        json.dump(content, file)
