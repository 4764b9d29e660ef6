"""COCO JSON of video frames: a track id and attributes a box, as CVAT and others write it.

A frame's video and number are `video_id` and `frame_id` (or `frame_index`) with a list `videos`, or
stand in its file name: `VIDEO/frame_000123.jpg`, `VIDEO_000123.jpg`.
"""

import json
import re
from pathlib import PurePosixPath
from typing import Any

from ava_det.formats.atomic import StrPath, atomic_text
from ava_det.formats.json_file import numbers, read_json, required
from ava_det.formats.shapes import ATTRIBUTES, Annotations, Shape, actions_of, relative_box
from ava_det.formats.via import SizeOf
from ava_det.structures import InputError

_NUMBERED = re.compile(r"(?P<stem>.*?)[_-]?(?P<number>\d+)")


def read_coco(path: StrPath, every: int = 1, actions_from: str = ATTRIBUTES) -> Annotations:
    """Read annotations.

    Args:
        path: the JSON file.
        every: keep the boxes of one frame in so many.
        actions_from: "attributes", or "label" where a category is an action.

    Raises:
        InputError: what is wrong, with the annotation.
    """
    content = read_json(path)
    images = _images(path, content)
    categories = {
        required(f"{path}: category", fields, "id", int): required(
            f"{path}: category", fields, "name", str
        )
        for fields in required(str(path), content, "categories", list)
    }
    shapes = []
    for place, entry in enumerate(required(str(path), content, "annotations", list), start=1):
        where = f"{path}: annotation {place}"
        image, category = (required(where, entry, k, int) for k in ("image_id", "category_id"))
        if image not in images or category not in categories:
            raise InputError(f"{where}: image {image} or category {category} is not in the file")
        video, frame, height, width = images[image]
        if frame % every:
            continue
        x, y, w, h = numbers(where, entry, "bbox", 4)
        box = relative_box(where, (x, y, x + w, y + h), height, width)
        attributes = entry.get("attributes") or {}
        if not isinstance(attributes, dict):
            raise InputError(f"{where}: its attributes are no object")
        person = entry.get("track_id", attributes.get("track_id", -1))
        if type(person) is not int:
            raise InputError(f"{where}: track_id is {str(person)[:40]!r}, not a whole number")
        actions = actions_of(attributes) if actions_from == ATTRIBUTES else (categories[category],)
        shapes.append(Shape(video, frame, box, actions, person))
    known = [] if actions_from == ATTRIBUTES else list(categories.values())
    used = [action for shape in shapes for action in shape.actions]
    return Annotations(tuple(shapes), tuple(dict.fromkeys([*known, *used])))


def _images(path: StrPath, content: dict[str, Any]) -> dict[int, tuple[str, int, int, int]]:
    """Id to (video, frame, height, width)."""
    names = {
        required(f"{path}: video", fields, "id", int): fields.get("name", fields.get("file_name"))
        for fields in content.get("videos") or []
    }
    found = {}
    for place, fields in enumerate(required(str(path), content, "images", list), start=1):
        where = f"{path}: image {place}"
        number = required(where, fields, "id", int)
        height, width = (required(where, fields, side, int) for side in ("height", "width"))
        if min(height, width) < 1:
            raise InputError(f"{where}: of {width} x {height} pixels")
        if "video_id" in fields:
            key = "frame_id" if "frame_id" in fields else "frame_index"
            video, frame = names.get(fields["video_id"]), required(where, fields, key, int)
            if not isinstance(video, str):
                raise InputError(f"{where}: video {fields['video_id']} is not in the file")
            video = PurePosixPath(video).stem
        else:
            video, frame = _from_name(where, required(where, fields, "file_name", str))
        found[number] = (video, frame, height, width)
    return found


def _from_name(where: str, name: str) -> tuple[str, int]:
    """(video, frame) of an image's file name."""
    file = PurePosixPath(name.replace("\\", "/"))
    match = _NUMBERED.fullmatch(file.stem)
    folder = file.parent.name
    if match is None or not (folder or match["stem"]):
        raise InputError(f"{where}: {name!r} names no video and frame (VIDEO/frame_000123.jpg)")
    return folder or match["stem"], int(match["number"])


def write_coco(path: StrPath, shapes: list[Shape], actions: list[str], size_of: SizeOf) -> None:
    """Write one category, person, with an attribute that is true or false an action."""
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
