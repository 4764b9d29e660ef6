"""COCO JSON of video frames, with a track id and attributes of boxes, as CVAT and others write it.

The video and the number of a frame are `video_id` and `frame_id` (or `frame_index`), with a list
`videos`. Or the file name of the frame has them: `VIDEO/frame_000123.jpg`, `VIDEO_000123.jpg`. The
names that CVAT gives to frames, `frame_000123.PNG`, have no video. Roboflow names a file
`NAME_jpg.rf.HASH.jpg`. The hash is ignored; the video in NAME ends in its suffix, as in
`match_mp4-0001`.
"""

import json
import math
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import PurePosixPath
from typing import Any, NamedTuple

from ava_det.formats.atomic import StrPath, atomic_text
from ava_det.formats.frame_sizes import Size
from ava_det.formats.json_file import brief, numbers, read_json, required, whole
from ava_det.formats.tools.choice import LABEL, Choice, kind_of
from ava_det.formats.tools.shapes import (
    MOST_DEGREES,
    Annotations,
    Shape,
    actions_of,
    around_rotated,
    flag_of,
    relative_box,
)
from ava_det.formats.tools.via import SizeOf
from ava_det.formats.video_names import VIDEO_SUFFIXES, video_name
from ava_det.structures import InputError

_ROBOFLOW = re.compile(r"(?P<name>.+)\.rf\.\w+")  # the stem of a file name
_PICTURE = re.compile(r"(?P<stem>.+)_(?:bmp|jpeg|jpg|png|tif|tiff|webp)", re.IGNORECASE)
_DIGITS, _MOST_DIGITS = "0123456789", 15
_NO_VIDEO = frozenset({"", "frame", "image", "img"})  # what stands before numbers of frames


def read_coco(path: StrPath, choice: Choice | None = None, first: int = 0) -> Annotations:
    """Read annotations.

    Args:
        path: The JSON file.
        choice: What to keep; None keeps what `Choice()` does.
        first: Number of the first frame of a video.

    Raises:
        InputError: The file is malformed. The message names the annotation.
    """
    choice = choice or Choice()
    content = read_json(path)
    images = _images(path, content)
    sizes: dict[tuple[str, Size], str] = {}
    categories = _names(f"{path}: category", required(str(path), content, "categories", list))
    people = choice.people(categories.values())
    shapes: list[Shape] = []
    people_of: list[int | str] = []  # each shape's track id
    left_out: Counter[str] = Counter()
    seen: dict[str, None] = {}  # attributes
    for place, entry in enumerate(required(str(path), content, "annotations", list), start=1):
        where = f"{path}: annotation {place}"
        image, category = (whole(where, entry, k) for k in ("image_id", "category_id"))
        if image not in images or category not in categories:
            raise InputError(f"{where}: image {image} or category {category} is not in the file")
        video, frame, height, width, place_of_image = images[image]
        label = categories[category]
        attributes = entry.get("attributes") or {}
        if not isinstance(attributes, dict):
            raise InputError(f"{where}: its attributes are no object")
        seen |= dict.fromkeys(attributes)
        if label not in people:
            left_out[f"boxes of the category {brief(label)!r}"] += 1
        elif flag_of(where, "iscrowd", entry.get("iscrowd") or 0):
            left_out["boxes of crowds (iscrowd)"] += 1
        elif (frame - first) % choice.every == 0:
            x, y, w, h = numbers(where, entry, "bbox", 4)
            turn = 0.0 if entry.get("segmentation") else _rotation(where, attributes)
            corners = around_rotated((x, y, x + w, y + h), turn, height, width)
            corners = relative_box(where, corners, height, width)
            actions = _actions(where, label, attributes, choice, left_out)
            shapes.append(Shape(video, frame, corners, actions))
            people_of.append(_person(where, entry, attributes))
            sizes.setdefault((video, (width, height)), f"{path}: image {place_of_image}")
    known = [
        name
        for name in categories.values()
        if choice.actions_from == LABEL and name in people and name
    ]
    used = [action for shape in shapes for action in shape.actions]
    return Annotations(
        shapes=_with_people(shapes, people_of),
        actions=tuple(dict.fromkeys([*known, *used])),
        labels=tuple(dict.fromkeys(categories.values())),
        attributes=tuple(seen),
        left_out=left_out,
        own_people=any(isinstance(person, str) for person in people_of),
        sizes=sizes,
    )


def _names(where: str, listed: list[Any]) -> dict[int, str]:
    """Id to name of categories, or of videos, whose name may be called `file_name`."""
    found: dict[int, str] = {}
    for place, fields in enumerate(listed, start=1):
        here = f"{where} {place}"
        number = whole(here, fields, "id")
        name = required(here, fields, "name" if "name" in fields else "file_name", str)
        if found.setdefault(number, name) != name:
            raise InputError(f"{here}: has the id {number}, as {brief(found[number])!r} has")
    return found


def _rotation(where: str, attributes: dict[str, Any]) -> float:
    """Rotation of a box in degrees; 0 for texts that are not numbers."""
    turn = attributes.get("rotation", 0.0)
    if not kind_of(turn):
        return 0.0
    try:
        degrees = float(turn)
    except OverflowError:  # a whole number of hundreds of digits
        degrees = math.inf
    if not abs(degrees) < MOST_DEGREES:
        raise InputError(f"{where}: rotation is {brief(turn)}, not a number of degrees")
    return degrees


def _actions(
    where: str, label: str, attributes: dict[str, Any], choice: Choice, left_out: Counter[str]
) -> tuple[str, ...]:
    """Return the actions of a box. Attributes that name no action are counted."""
    if choice.actions_from == LABEL:
        return (label,) if label else ()
    values = []
    for name, value in attributes.items():
        several = value if isinstance(value, list) else [value]
        if not any(isinstance(one, (dict, list)) for one in several):
            values += [(name, kind_of(one), actions_of({name: one})) for one in several]
        elif choice.names_action(name, ""):
            raise InputError(f"{where}: attribute {brief(name)!r} is {brief(value)!r}, not text")
    return choice.actions(values, left_out)


def _person(where: str, entry: dict[str, Any], attributes: dict[str, Any]) -> int | str:
    """Return the track id of an annotation, which some tools call an instance; -1 without one."""
    given = entry.get("track_id"), entry.get("instance_id"), attributes.get("track_id")
    found = next((value for value in given if value not in (None, "")), -1)
    if isinstance(found, str):
        number = found.isascii() and found.isdecimal() and len(found) < 10
        return int(found) if number else found
    return whole(where, {"track_id": found}, "track_id")


def _with_people(shapes: Sequence[Shape], people_of: Sequence[int | str]) -> tuple[Shape, ...]:
    """Return the boxes with the numbers of their people.

    If any person of a video has a text instead of a number, all people of the video are numbered in
    the order of their first boxes.
    """
    named = {s.video for s, who in zip(shapes, people_of, strict=True) if isinstance(who, str)}
    numbered: dict[str, dict[int | str, int]] = {video: {-1: -1} for video in named}
    found = []
    for shape, who in zip(shapes, people_of, strict=True):
        if shape.video in named:
            seen = numbered[shape.video]
            who = seen.setdefault(who, len(seen) - 1)
        found.append(replace(shape, person=int(who)))
    return tuple(found)


class _Image(NamedTuple):
    """A frame of a video, and the image's place in the list of all."""

    video: str
    frame: int
    height: int
    width: int
    place: int


def _images(path: StrPath, content: dict[str, Any]) -> dict[int, _Image]:
    """Return the images by id."""
    listed = required(str(path), content, "videos", list) if content.get("videos") else []
    names = _names(f"{path}: video", listed)
    found: dict[int, _Image] = {}
    first: dict[tuple[str, int], int] = {}  # (video, frame) to its image
    for place, fields in enumerate(required(str(path), content, "images", list), start=1):
        where = f"{path}: image {place}"
        number = whole(where, fields, "id")
        if number in found:
            raise InputError(f"{where}: has the id {number}, as image {found[number].place} has")
        height, width = (whole(where, fields, side) for side in ("height", "width"))
        if min(height, width) < 1:
            raise InputError(f"{where}: of {width} x {height} pixels")
        if "video_id" in fields:
            key = "frame_id" if "frame_id" in fields else "frame_index"
            which, frame = (whole(where, fields, k) for k in ("video_id", key))
            if which not in names:
                raise InputError(f"{where}: video {which} is not in the file")
            video = video_name(names[which])
        else:
            video, frame = _from_name(where, fields)
        other = first.setdefault((video, frame), place)
        if other != place:
            raise InputError(
                f"{where}: is frame {frame} of video {brief(video)!r}, as image {other} is"
            )
        found[number] = _Image(video, frame, height, width, place)
    return found


def _from_name(where: str, fields: dict[str, Any]) -> tuple[str, int]:
    """Return (video, frame) of the file name of an image; the video is empty if it is not named."""
    name = required(where, fields, "file_name", str)
    file = PurePosixPath(name.replace("\\", "/"))
    roboflow = _ROBOFLOW.fullmatch(file.stem)
    numbered = _before_upload(where, fields, roboflow["name"]) if roboflow else file.stem
    stem = numbered.rstrip(_DIGITS)
    digits = numbered[len(stem) :]
    if not 0 < len(digits) <= _MOST_DIGITS:
        raise InputError(f"{where}: {brief(name)!r} names no frame (VIDEO/frame_000123.jpg)")
    stem = stem[:-1] if stem.endswith(("_", "-")) else stem
    stem = "" if stem.casefold() in _NO_VIDEO else stem
    if roboflow:
        before, _, suffix = stem.rpartition("_")
        stem = before if f".{suffix.lower()}" in VIDEO_SUFFIXES else stem
    return video_name((file.parent / stem).as_posix()), int(digits)


def _before_upload(where: str, fields: dict[str, Any], name: str) -> str:
    """Return the stem of the name that a file had before its upload to Roboflow.

    Args:
        where: Start of an error message.
        fields: The image.
        name: The part of the name before the hash. It may end in the old suffix.
    """
    extra = fields.get("extra")
    if isinstance(extra, dict) and "name" in extra:
        return PurePosixPath(required(f"{where}: extra", extra, "name", str)).stem
    match = _PICTURE.fullmatch(name)
    return match["stem"] if match else name


def write_coco(path: StrPath, shapes: list[Shape], actions: list[str], size_of: SizeOf) -> None:
    """Write one category, person, with an attribute for each action that is true or false."""
    videos = {video: k for k, video in enumerate(dict.fromkeys(s.video for s in shapes), start=1)}
    frames = {key: k for k, key in enumerate(dict.fromkeys((s.video, s.tick) for s in shapes), 1)}
    images, annotations = [], []
    for (video, tick), number in frames.items():
        height, width = size_of(video)
        image = {"id": number, "file_name": f"{video}/frame_{tick:06d}.jpg"}
        where = {"video_id": videos[video], "frame_id": tick}
        images.append({**image, **where, "height": height, "width": width})
    for number, shape in enumerate(shapes, start=1):
        height, width = size_of(shape.video)
        x1, y1, x2, y2 = shape.box
        w, h = (x2 - x1) * width, (y2 - y1) * height
        entry: dict[str, Any] = {"id": number, "image_id": frames[shape.video, shape.tick]}
        entry |= {"category_id": 1, "bbox": [x1 * width, y1 * height, w, h], "area": w * h}
        entry |= {"iscrowd": 0, "attributes": {name: name in shape.actions for name in actions}}
        if shape.person >= 0:
            entry["track_id"] = shape.person
        annotations.append(entry)
    content = {
        "videos": [{"id": k, "name": f"{video}.mp4"} for video, k in videos.items()],
        "images": images,
        "annotations": annotations,
        "categories": [{"id": 1, "name": "person"}],
    }
    with atomic_text(path) as file:
        json.dump(content, file)
