"""Reads PySlowFast's frame lists: the JPEG files of each video.

    original_vido_id video_id frame_id path labels
    -5KQ66BBWC4 0 0 -5KQ66BBWC4/-5KQ66BBWC4_000001.jpg ""

The first line is a title with the column names in this order. The order of the lines of a video
counts: line k is frame k. The `frame_id` column is ignored.

AVA's training list has six million lines. So a list is parsed and stored as stretches of lines that
differ only in a counting number.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ava_det.formats.atomic import StrPath, open_bytes, open_text
from ava_det.formats.errors import LONGEST_LINE
from ava_det.structures import InputError

CHUNK = 1 << 22  # bytes that are parsed at a time
STRETCH = 4096  # lines that are compared at a time
FIELDS = 5
MOST_STRETCHES = 500_000  # each takes 0.1 ms and half a kilobyte
_STRETCH_BYTES = 512  # characters of the names of a stretch that count as another stretch
MOST_FRAMES = 50_000_000  # at most 8 bytes each; AVA has six million
_TITLE = "original_vido_id video_id frame_id path labels"
_SPACE, _TAB, _NEWLINE, _RETURN, _ZERO = b" \t\n\r0"
_BLANK = np.zeros(256, bool)
_BLANK[[_SPACE, _TAB, _NEWLINE, _RETURN]] = True
_NUMBERED = re.compile(rb"(.*?)(\d{1,9})(\D*)", re.DOTALL)


@dataclass(frozen=True, eq=False)
class Stretch:
    """Frames with paths that differ in a number: `prefix`, a number of `width` digits, `suffix`."""

    prefix: str
    width: int
    suffix: str
    numbers: np.ndarray | range

    def path(self, index: int) -> str:
        """Return the path of a frame."""
        number = f"{self.numbers[index]:0{self.width}d}" if self.width else ""
        return f"{self.prefix}{number}{self.suffix}"


class FrameList(Sequence[str]):
    """The paths of a video's frames, in order. A slice is a `FrameList` again."""

    def __init__(self, stretches: Iterable[Stretch]) -> None:
        self.stretches = tuple(stretches)
        self._ends = np.cumsum([len(stretch.numbers) for stretch in self.stretches])

    def __len__(self) -> int:
        return int(self._ends[-1]) if len(self._ends) else 0

    def __getitem__(self, index: Any) -> Any:
        """Return the path of a frame, or the list of frames of a slice."""
        if isinstance(index, slice):
            return [self[k] for k in range(len(self))[index]]
        index = range(len(self))[index]
        place = int(np.searchsorted(self._ends, index, side="right"))
        before = int(self._ends[place - 1]) if place else 0
        return self.stretches[place].path(index - before)


def read_frame_lists(paths: Iterable[StrPath]) -> dict[str, FrameList]:
    """Read the frames of each video from one or several lists.

    Raises:
        InputError: A line has not five columns, or a list has no title line. The message names the
            file and the row.
    """
    found: dict[str, list[Stretch]] = {}
    count = frames = 0
    for path in paths:
        for video, stretch in _stretches(path):
            letters = len(video) + len(stretch.prefix) + len(stretch.suffix)
            count += 1 + letters // _STRETCH_BYTES
            frames += len(stretch.numbers)
            if frames > MOST_FRAMES:
                raise InputError(f"{path}: more than {MOST_FRAMES:,} frames")
            if count > MOST_STRETCHES:
                raise InputError(f"{path}: more than {MOST_STRETCHES:,} paths that do not count up")
            found.setdefault(video, []).append(stretch)
    return {video: FrameList(_merged(stretches)) for video, stretches in found.items()}


def _merged(stretches: list[Stretch]) -> list[Stretch]:
    """Merge neighbouring stretches of one pattern that chunks or comparisons have split."""
    merged: list[list[Stretch]] = []
    for stretch in stretches:
        last = merged[-1][-1] if merged else None
        if last and (last.prefix, last.width, last.suffix) == (
            stretch.prefix,
            stretch.width,
            stretch.suffix,
        ):
            merged[-1].append(stretch)
        else:
            merged.append([stretch])
    return [
        Stretch(
            group[0].prefix,
            group[0].width,
            group[0].suffix,
            _as_range(np.concatenate([stretch.numbers for stretch in group])),
        )
        for group in merged
    ]


def _as_range(numbers: np.ndarray) -> np.ndarray | range:
    """Return numbers that count up by one as a range, which takes no memory."""
    first = int(numbers[0])
    counts = np.array_equal(numbers, np.arange(first, first + len(numbers)))
    return range(first, first + len(numbers)) if counts else numbers


def _stretches(path: StrPath) -> Iterable[tuple[str, Stretch]]:
    """Yield (video, frames) of one list, in order."""
    open_text(path).close()  # refuses an unreadable file
    with open_bytes(path) as file:
        title = file.readline(LONGEST_LINE)
        if len(title) == LONGEST_LINE:
            raise InputError(f"{path}: row 1: longer than {LONGEST_LINE:,} characters")
        _check_title(path, title.split())
        row, rest = 2, b""
        while block := file.read(CHUNK):
            whole, newline, rest = (rest + block).rpartition(b"\n")
            if newline:
                count = whole.count(b"\n") + 1
                yield from _take_apart(path, row, whole + newline)
                row += count
            if len(rest) > LONGEST_LINE:
                raise InputError(f"{path}: row {row}: longer than {LONGEST_LINE:,} characters")
        if rest:
            yield from _take_apart(path, row, rest + b"\n")


def _check_title(path: StrPath, title: list[bytes]) -> None:
    """Refuse a first line that is a frame, or that has the columns in another order."""
    if len(title) == FIELDS and title[1].isdigit() and title[2].isdigit():
        # If this line were skipped, a video would begin with the second frame.
        raise InputError(f"{path}: row 1: a frame, where a title line belongs")
    usual = _TITLE.encode().split()
    moved = [k for k, name in enumerate(title) if name in usual and usual.index(name) != k]
    if moved:
        name = title[moved[0]].decode()
        raise InputError(f"{path}: row 1: {name!r} is column {moved[0] + 1}: write {_TITLE!r}")


def _take_apart(path: StrPath, row: int, text: bytes) -> Iterable[tuple[str, Stretch]]:
    """Yield (video, frames) of whole lines; `row` is the row of the first line."""
    data = np.frombuffer(text, np.uint8)
    columns = _columns(path, row, text, data)
    videos, paths = columns[:, 0], columns[:, 3]
    try:
        line = 0
        while line < len(columns):
            video = text[slice(*videos[line])]
            count, stretch = _stretch(text, data, paths[line : line + STRETCH])
            same = _equal_to_first(data, videos[line : line + count], len(video))
            count = min(count, len(same) if same.all() else int(same.argmin()))
            yield video.decode(), Stretch(*stretch[:3], numbers=stretch[3][:count])
            line += count
    except UnicodeDecodeError:
        raise InputError(f"{path}: not a text file") from None


def _columns(path: StrPath, row: int, text: bytes, data: np.ndarray) -> np.ndarray:
    """Return the begin and end of each column of each line, (N, 5, 2) int64."""
    blank = _BLANK[data]
    edges = np.flatnonzero(blank[1:] != blank[:-1]) + 1
    if not blank[0]:
        edges = np.concatenate([[0], edges])
    words = edges.reshape(-1, 2)  # the text ends with a blank
    ends = np.flatnonzero(data == _NEWLINE)
    counts = np.diff(np.searchsorted(words[:, 0], ends), prepend=0)
    bad = np.flatnonzero((counts != FIELDS) & (counts != 0))
    if len(bad):
        raise InputError(
            f"{path}: row {row + int(bad[0])}: {counts[bad[0]]} columns where {_TITLE!r} belong"
        )
    return words.reshape(-1, FIELDS, 2)


def _stretch(
    text: bytes, data: np.ndarray, spans: np.ndarray
) -> tuple[int, tuple[str, int, str, np.ndarray]]:
    """Return how many lines continue the pattern of the first, and the parts of their `Stretch`."""
    first = text[slice(*spans[0])]
    match = _NUMBERED.fullmatch(first)
    if match is None:
        return 1, (first.decode(), 0, "", np.zeros(1, np.int32))
    start, end = match.span(2)
    lines = spans[: _leading(np.diff(spans, axis=1)[:, 0] == len(first))]
    letters = data[lines[:, :1] + np.arange(len(first))]
    digits = letters[:, start:end].astype(np.int64) - _ZERO
    letters[:, start:end] = letters[0, start:end]
    same = (letters == letters[0]).all(axis=1) & ((digits >= 0) & (digits <= 9)).all(axis=1)
    count = _leading(same)
    numbers = digits[:count] @ 10 ** np.arange(end - start)[::-1]
    parts = match[1].decode(), end - start, match[3].decode()
    return count, (*parts, numbers.astype(np.int32))


def _equal_to_first(data: np.ndarray, spans: np.ndarray, length: int) -> np.ndarray:
    """Return a mask (N,) of the spans with the same word of that length as the first span."""
    same = np.diff(spans, axis=1)[:, 0] == length
    same = same[: _leading(same)]
    letters = data[spans[: len(same), :1] + np.arange(length)]
    equal = np.zeros(len(spans), bool)
    equal[: len(same)] = (letters == letters[0]).all(axis=1)
    return equal


def _leading(true: np.ndarray) -> int:
    """Return the number of true values before the first false one."""
    return len(true) if true.all() else int(true.argmin())
