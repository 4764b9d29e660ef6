"""Journal of a long run over keyframes, so that the run can be stopped and resumed at any moment.

The first line of the file describes the run. Each further line is JSON for one keyframe and begins
with the video and the tick. A truncated line, or a line for a wrong keyframe, and all lines after
it are ignored. A partly processed video starts again from its beginning, with the same batches, so
that the final result is bit for bit the same.
"""

import hashlib
import json
from collections.abc import Iterator, Sequence
from itertools import takewhile
from pathlib import Path
from types import TracebackType
from typing import IO

import numpy as np

from ava_det.formats.atomic import atomic_path, atomic_text
from ava_det.formats.errors import naming
from ava_det.structures import AnnotatedKeyframe, InputError, PersonBoxes

VERSION = 2  # version of the line format


class Journal:
    """A file of detected people that a run appends to.

    Args:
        path: The file. It is created if it does not exist or belongs to another run.
        run: All settings that the result depends on, except the keyframes.
        records: The keyframes of the run, in order.
    """

    def __init__(self, path: Path, run: dict[str, str], records: Sequence[AnnotatedKeyframe]):
        self.path, self.records = path, records
        first = _first_line(run, records)
        with naming(path):
            lines = path.read_bytes().splitlines(keepends=True) if path.is_file() else []
        if not lines or lines[0] != first.encode():
            lines = [first.encode()]
        whole = sum(1 for _ in takewhile(_fits, zip(records, lines[1:], strict=False)))
        self.done = _whole_videos(whole, records)
        with atomic_path(path) as partial:
            partial.write_bytes(b"".join(lines[: self.done + 1]))
        self._file: IO[str] = path.open("a", encoding="utf-8")

    def __enter__(self) -> "Journal":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._file.close()

    def add(self, people: PersonBoxes, problem: str = "") -> None:
        """Append the people of the next keyframe, and the reason if the frame is unreadable."""
        where = people.keyframe.video, people.keyframe.tick
        noted = *where, people.boxes.tolist(), people.scores.tolist(), problem
        with naming(self.path):
            self._file.write(json.dumps(noted) + "\n")
            self._file.flush()

    def read(self) -> Iterator[tuple[PersonBoxes, str]]:
        """Yield (people, problem) of each keyframe in the journal, in order.

        Raises:
            InputError: A line belongs to a wrong keyframe, so another program wrote to the file.
        """
        with naming(self.path), self.path.open("rb") as file:
            next(file)
            for row, (record, line) in enumerate(zip(self.records, file, strict=False), 2):
                if not _fits((record, line)):
                    raise InputError(
                        f"{self.path}: row {row}: does not belong to {record.people.keyframe}"
                    )
                _, _, boxes, scores, problem = json.loads(line)
                people = PersonBoxes(
                    keyframe=record.people.keyframe,
                    boxes=np.array(boxes, np.float64).reshape(-1, 4),
                    actions=((),) * len(boxes),
                    scores=np.array(scores, np.float64),
                    person_ids=np.full(len(boxes), -1, np.int64),
                )
                yield people, problem


def note_finished(path: Path, run: dict[str, str], records: Sequence[AnnotatedKeyframe]) -> None:
    """Write beside a finished result from which run it is; arguments as for `Journal`."""
    with atomic_text(_note_of(path)) as file:
        file.write(_first_line(run, records) + _digest_of_file(path) + "\n")


def forget_finished(path: Path) -> None:
    """Remove what `note_finished` wrote, before the result is made again."""
    _note_of(path).unlink(missing_ok=True)


def is_finished(path: Path, run: dict[str, str], records: Sequence[AnnotatedKeyframe]) -> bool:
    """Return whether a result is of the same run, and was not changed since `note_finished`."""
    note = _note_of(path)
    if not note.is_file():
        return False
    with naming(note):
        return (
            note.read_bytes() == (_first_line(run, records) + _digest_of_file(path) + "\n").encode()
        )


def _note_of(path: Path) -> Path:
    return path.with_name(f"{path.name}.made")


def _digest_of_file(path: Path) -> str:
    with naming(path), path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _first_line(run: dict[str, str], records: Sequence[AnnotatedKeyframe]) -> str:
    return json.dumps({"journal": VERSION, **run, "records": _digest(records)}) + "\n"


def _fits(pair: tuple[AnnotatedKeyframe, bytes]) -> bool:
    """Return whether a line is complete and belongs to the keyframe of the record."""
    keyframe, line = pair[0].people.keyframe, pair[1]
    try:
        noted = json.loads(line)
    except (ValueError, RecursionError):
        return False
    where = [keyframe.video, keyframe.tick]
    fits = isinstance(noted, list) and len(noted) == 5 and noted[:2] == where
    return fits and line.endswith(b"\n")


def _digest(records: Sequence[AnnotatedKeyframe]) -> str:
    """Return a digest of the files and ticks, in order."""
    digest = hashlib.sha256()
    for record in records:
        digest.update(f"{record.path}\n{record.people.keyframe}\n".encode())
    return digest.hexdigest()


def _whole_videos(lines: int, records: Sequence[AnnotatedKeyframe]) -> int:
    """Return how many of the first `lines` records belong to completed videos."""
    lines = min(lines, len(records))
    while 0 < lines < len(records) and records[lines - 1].path == records[lines].path:
        lines -= 1
    return lines
