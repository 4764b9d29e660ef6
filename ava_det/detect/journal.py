"""What a long run over keyframes has found so far, so that it can be stopped at any moment.

A line of JSON a keyframe, after a first line that says what the run is of. A line that was cut
short does not count, nor does a video that was left in the middle: it is begun again with the same
batches, so that the end is the same to the last bit.
"""

import hashlib
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import IO

import numpy as np

from ava_det.structures import AnnotatedKeyframe, PersonBoxes


class Journal:
    """A file of found people, open for more.

    Args:
        path: the file; made anew if it is of another run or not there.
        run: everything that the result depends on, but for the keyframes.
        records: the keyframes of the run, in order.
    """

    def __init__(self, path: Path, run: dict[str, str], records: Sequence[AnnotatedKeyframe]):
        self.path, self.records = path, records
        first = json.dumps({**run, "records": _digest(records)}) + "\n"
        lines = path.read_text("utf-8").splitlines(keepends=True) if path.is_file() else []
        if not lines or lines[0] != first:
            lines = [first]
        if not lines[-1].endswith("\n"):
            lines.pop()
        self.done = _whole_videos(len(lines) - 1, records)
        path.write_text("".join(lines[: self.done + 1]), "utf-8")
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
        """Note the people of the next keyframe, and why it cannot be had if so."""
        noted = people.boxes.tolist(), people.scores.tolist(), problem
        self._file.write(json.dumps(noted) + "\n")
        self._file.flush()

    def read(self) -> Iterator[tuple[PersonBoxes, str]]:
        """All that was noted, in order: people and problem."""
        with self.path.open(encoding="utf-8") as file:
            next(file)
            for record, line in zip(self.records, file, strict=False):
                boxes, scores, *problem = json.loads(line)  # older journals note no problem
                people = PersonBoxes(
                    keyframe=record.people.keyframe,
                    boxes=np.array(boxes, np.float64).reshape(-1, 4),
                    actions=((),) * len(boxes),
                    scores=np.array(scores, np.float64),
                    person_ids=np.full(len(boxes), -1, np.int64),
                )
                yield people, "".join(problem)


def _digest(records: Sequence[AnnotatedKeyframe]) -> str:
    """Of the files and ticks, in order."""
    digest = hashlib.sha256()
    for record in records:
        digest.update(f"{record.path}\n{record.people.keyframe}\n".encode())
    return digest.hexdigest()


def _whole_videos(lines: int, records: Sequence[AnnotatedKeyframe]) -> int:
    """How many of the first `lines` records belong to videos that are done."""
    lines = min(lines, len(records))
    while 0 < lines < len(records) and records[lines - 1].path == records[lines].path:
        lines -= 1
    return lines
