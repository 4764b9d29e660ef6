"""What a file of CVAT says before its tracks: its videos, and the labels that it offers."""

import re
import xml.etree.ElementTree as ET
from collections import Counter
from dataclasses import dataclass
from xml.parsers import expat

from ava_det.formats.atomic import StrPath
from ava_det.formats.json_file import brief
from ava_det.formats.regular import require_regular
from ava_det.formats.tools.choice import LABEL, Choice
from ava_det.formats.tools.shapes import actions_of
from ava_det.formats.video_names import video_name
from ava_det.structures import InputError

_BLOCK = 1 << 20  # bytes that are parsed at a time
# What the parts of a text may take in the tree, in bytes.
_COSTS = {b"<": 150, b"=": 100}
_MOST_MEMORY = 1_500_000_000
Offered = dict[str, dict[str, tuple[str, str]]]  # label to attribute to its kind and values


@dataclass(frozen=True)
class Task:
    """What a file says of a video.

    Attributes:
        video: its name; empty where a job's export does not say.
        size: height and width of the frames that boxes were drawn on.
        first: its first annotated frame.
        last: its last one.
        step: frames between two that are annotated.
        offset: what is added to its frames in the file.
    """

    video: str
    size: tuple[int, int]
    first: int
    last: int
    step: int
    offset: int


def parse(path: StrPath) -> ET.Element:
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
        require_regular(path)
        left = _MOST_MEMORY
        with open(path, "rb") as file:
            while block := file.read(_BLOCK):
                left -= len(block) + sum(c * block.count(part) for part, c in _COSTS.items())
                if left < 0:
                    raise InputError(f"{path}: more boxes than are held in memory; export less")
                parser.Parse(block, False)
        parser.Parse(b"", True)
        return builder.close()
    except expat.ExpatError as error:
        raise InputError(f"{path}: not XML ({error})") from error
    except (AssertionError, ValueError, LookupError) as error:  # an encoding that nobody knows
        raise InputError(f"{path}: not XML ({error})") from error


def tasks_of(path: StrPath, root: ET.Element) -> dict[str | None, Task]:
    """The tasks of a file by their numbers."""
    whole = root.findall("meta/task") or root.findall("meta/job")
    listed = whole or root.findall("meta/project/tasks/task")
    if root.tag != "annotations" or not listed:
        raise InputError(f"{path}: not the export of a task as `CVAT for video 1.1`")
    if root.find("image") is not None:
        raise InputError(f"{path}: is `CVAT for images`; export it as `CVAT for video 1.1`")
    found: dict[str | None, Task] = {}
    videos: set[str] = set()
    offsets: Counter[str] = Counter()  # by subset
    for element in listed:
        size = element.find("original_size")
        size = root.find("meta/original_size") if size is None else size  # a job's
        if size is None:
            raise InputError(f"{path}: has no original_size: it is of images, not of a video")
        height, width = (whole_text(f"{path}: {k}", size.findtext(k)) for k in ("height", "width"))
        if min(height, width) < 1:
            raise InputError(f"{path}: a video of {width} x {height}")
        source = root.findtext("meta/source") or element.findtext("source")
        video = video_name(source or element.findtext("name", ""))
        if video in videos:
            raise InputError(
                f"{path}: two tasks are of {brief(video)!r}: export each by itself; --video tells "
                "their videos apart"
            )
        videos.add(video)
        step, subset = _step(path, element), element.findtext("subset", "")
        first, last = (
            whole_text(f"{path}: {name}", element.findtext(name))
            for name in ("start_frame", "stop_frame")
        )
        if last < first:
            raise InputError(f"{path}: stop_frame is {last}, before start_frame {first}")
        task = Task(video, (height, width), first, last, step, offsets[subset])
        found[element.findtext("id")] = task
        if not whole:
            offsets[subset] += first + step * whole_text(f"{path}: size", element.findtext("size"))
    return found


def _step(path: StrPath, element: ET.Element) -> int:
    """Frames between two that a task shows."""
    text = element.findtext("frame_filter", "").strip()
    match = re.fullmatch(r"step\s*=\s*(\d{1,6})", text)
    if text and not match:
        raise InputError(f"{path}: frame_filter is {brief(text)!r}, not step=N")
    return max(int(match[1]), 1) if match else 1


def offered_by(root: ET.Element) -> Offered:
    """Label to its attributes, and these to their kind and their values, one a line."""
    return {
        label.findtext("name", "").strip(): {
            attribute.findtext("name", "").strip(): (
                attribute.findtext("input_type", "").strip(),
                attribute.findtext("values", ""),
            )
            for attribute in label.iterfind("attributes/attribute")
        }
        for label in root.iterfind("meta/*/labels/label")
    }


def declared(offered: Offered, people: set[str], choice: Choice) -> list[str]:
    """The names of actions that the labels of people offer, in their order."""
    found: list[str] = []
    for label in (label for label in offered if label in people):
        if choice.actions_from == LABEL:
            found.append(label)
        for name, (kind, values) in offered[label].items():
            if not choice.names_action(name, kind):
                continue
            if kind == "checkbox":
                found.append(name)
            elif kind in ("select", "radio"):
                found += actions_of({value.strip(): value for value in values.split("\n")})
    return [name for name in found if name]


def whole_text(where: str, text: str | None) -> int:
    """A whole number from 0 on, of nine digits at most, that a file writes.

    Raises:
        InputError: it starts with `where`; anything else.
    """
    text = (text or "").strip()
    if not (text.isascii() and text.isdecimal() and len(text) < 10):
        raise InputError(f"{where} is {brief(text)!r}, not a whole number")
    return int(text)
