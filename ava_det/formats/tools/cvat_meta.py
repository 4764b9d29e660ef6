"""Reads the part of a CVAT file before the tracks: the videos and the label definitions."""

import re
import xml.etree.ElementTree as ET
from collections import Counter
from dataclasses import dataclass
from xml.parsers import expat

from ava_det.formats.atomic import StrPath
from ava_det.formats.json_file import brief
from ava_det.formats.regular import MOST_MEMORY, parsed_size, require_regular
from ava_det.formats.tools.choice import LABEL, Choice
from ava_det.formats.tools.shapes import actions_of
from ava_det.formats.video_names import video_name
from ava_det.structures import InputError

_BLOCK = 1 << 20  # bytes that are parsed at a time
# The most bytes of memory that each part of a parsed text takes in the tree.
_COSTS = {"<": 150, "=": 100}
Offered = dict[str, dict[str, tuple[str, str]]]  # label -> attribute -> (kind, values)


@dataclass(frozen=True)
class Task:
    """The description of a video in a file.

    Attributes:
        video: The name of the video; empty if a job's export has no name.
        size: Height and width of the annotated frames.
        first: The first annotated frame.
        last: The last annotated frame.
        step: The number of frames from one annotated frame to the next.
        offset: The number that the file adds to the frame numbers of the video.
    """

    video: str
    size: tuple[int, int]
    first: int
    last: int
    step: int
    offset: int


def parse(path: StrPath) -> ET.Element:
    """Parse an XML file. Refuse a document type: it may name files or grow without end."""
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
        left = MOST_MEMORY
        with open(path, "rb") as file:
            while block := file.read(_BLOCK):
                left -= parsed_size(block.decode("latin-1"), _COSTS)  # a character for each byte
                if left < 0:
                    raise InputError(f"{path}: more boxes than fit into memory; export less")
                parser.Parse(block, False)
        parser.Parse(b"", True)
        return builder.close()
    except expat.ExpatError as error:
        raise InputError(f"{path}: not XML ({error})") from error
    except (AssertionError, ValueError, LookupError) as error:  # an unknown encoding
        raise InputError(f"{path}: not XML ({error})") from error


def tasks_of(path: StrPath, root: ET.Element) -> dict[str | None, Task]:
    """Return the tasks of a file by number."""
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
        size = root.find("meta/original_size") if size is None else size  # in a job's export
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
    """Return the number of frames from one frame of a task to the next."""
    text = element.findtext("frame_filter", "").strip()
    match = re.fullmatch(r"step\s*=\s*(\d{1,6})", text)
    if text and not match:
        raise InputError(f"{path}: frame_filter is {brief(text)!r}, not step=N")
    return max(int(match[1]), 1) if match else 1


def offered_by(root: ET.Element) -> Offered:
    """Map each label to its attributes, and each attribute to (kind, values with one per line)."""
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
    """Return the action names that the labels of people define, in order."""
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
    """Convert a text of a file to a whole number from 0, with nine digits at most.

    Raises:
        InputError: The text is no such number. The message starts with `where`.
    """
    text = (text or "").strip()
    if not (text.isascii() and text.isdecimal() and len(text) < 10):
        raise InputError(f"{where} is {brief(text)!r}, not a whole number")
    return int(text)
