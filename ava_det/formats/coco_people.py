"""Pictures of people with keypoints, as COCO's JSON of person keypoints.

An image is a frame of a video: `file_name` is the path of the video below the folder of the data
sets, and `frame_id` the 0-based number of the frame. A box with `iscrowd` 1 is a person who may be
found or not. The visibility of a keypoint is 2 if it is known, and 0 if not.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

import numpy as np

from ava_det.formats.atomic import StrPath, atomic_text
from ava_det.formats.json_file import numbers, read_json, required, whole
from ava_det.structures import KEYPOINTS, InputError

J = len(KEYPOINTS)
KNOWN = 2  # COCO's number of a visible keypoint
PERSON = {"id": 1, "name": "person", "keypoints": list(KEYPOINTS), "skeleton": []}


@dataclass(frozen=True, eq=False)
class Picture:
    """A frame of a video, with R people and M people who do not count.

    Attributes:
        path: The video file; below the folder of the data sets, as read from a file.
        frame: The 0-based number of the frame.
        size: Height and width in pixels.
        boxes: (R, 4) float32, xyxy in pixels.
        keypoints: (R, J, 3) float32: x, y in pixels, and 1 if the keypoint is known, else 0.
        crowds: (M, 4) float32, boxes of people who may be found or not.
    """

    path: str
    frame: int
    size: tuple[int, int]
    boxes: np.ndarray
    keypoints: np.ndarray
    crowds: np.ndarray

    @property
    def video(self) -> str:
        """Return the name of the video."""
        return str(PurePosixPath(self.path).with_suffix(""))


def write_pictures(path: StrPath, pictures: Sequence[Picture], source: str) -> None:
    """Write pictures, atomically.

    Args:
        path: The JSON file.
        pictures: The pictures.
        source: Who found the people, for `info.description`.
    """
    content = {"info": {"description": source}, **coco_of(pictures)}
    with atomic_text(path) as file:
        json.dump(content, file, separators=(",", ":"))


def coco_of(pictures: Sequence[Picture]) -> dict[str, list[dict[str, Any]]]:
    """Return pictures in COCO's form; their ids are 1, 2, .. in order."""
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    for number, picture in enumerate(pictures, start=1):
        height, width = picture.size
        images.append(
            {"id": number, "file_name": picture.path, "frame_id": picture.frame}
            | {"height": height, "width": width}
        )
        people = zip(picture.boxes, picture.keypoints, strict=True)
        entries = [_entry(box, 0) | _points(points) for box, points in people]
        entries += [_entry(box, 1) for box in picture.crowds]
        for entry in entries:
            annotations.append({"id": len(annotations) + 1, "image_id": number, **entry})
    return {"images": images, "annotations": annotations, "categories": [PERSON]}


def _entry(box: np.ndarray, crowd: int) -> dict[str, Any]:
    left, top, right, bottom = (round(float(v), 2) for v in box)
    sides = [round(right - left, 2), round(bottom - top, 2)]
    bbox = [left, top, *sides]
    return {"category_id": 1, "bbox": bbox, "area": sides[0] * sides[1], "iscrowd": crowd}


def _points(points: np.ndarray) -> dict[str, Any]:
    rows = np.where(points[:, 2:] > 0, points, 0)
    flat = [v for x, y, known in rows.tolist() for v in (round(x, 1), round(y, 1), KNOWN * known)]
    return {"num_keypoints": int((points[:, 2] > 0).sum()), "keypoints": flat}


def read_pictures(path: StrPath) -> list[Picture]:
    """Read pictures; paths are as in the file.

    Raises:
        InputError: The file is malformed. The message names the image or annotation.
    """
    content = read_json(path)
    frames: dict[int, tuple[str, int, tuple[int, int]]] = {}
    for place, entry in enumerate(required(str(path), content, "images", list), start=1):
        where = f"{path}: image {place}"
        height, width, frame, number = (
            whole(where, entry, k) for k in ("height", "width", "frame_id", "id")
        )
        if height < 1 or width < 1 or frame < 0:
            raise InputError(f"{where}: frame {frame} of {width} x {height} pixels")
        if number in frames:
            raise InputError(f"{where}: its id {number} comes twice")
        name = required(where, entry, "file_name", str)
        frames[number] = name, frame, (height, width)
    boxes: dict[int, list[np.ndarray]] = {number: [] for number in frames}
    points: dict[int, list[np.ndarray]] = {number: [] for number in frames}
    crowds: dict[int, list[np.ndarray]] = {number: [] for number in frames}
    for place, entry in enumerate(required(str(path), content, "annotations", list), start=1):
        where = f"{path}: annotation {place}"
        image = whole(where, entry, "image_id")
        if image not in frames:
            raise InputError(f"{where}: image {image} is not in the file")
        x, y, w, h = numbers(where, entry, "bbox", 4)
        box = np.array([x, y, x + w, y + h], np.float32)
        if entry.get("iscrowd"):
            crowds[image].append(box)
        else:
            boxes[image].append(box)
            flat = numbers(where, entry, "keypoints", 3 * J)
            rows = np.array(flat, np.float32).reshape(J, 3)
            rows[:, 2] = rows[:, 2] > 0
            points[image].append(rows)
    return [
        Picture(
            *frames[number],
            np.array(boxes[number], np.float32).reshape(-1, 4),
            np.array(points[number], np.float32).reshape(-1, J, 3),
            np.array(crowds[number], np.float32).reshape(-1, 4),
        )
        for number in frames
    ]
