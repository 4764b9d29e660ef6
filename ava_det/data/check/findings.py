"""Collects the errors and warnings about a data set by kind, with the first examples of each."""

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ava_det.formats.atomic import StrPath, atomic_text
from ava_det.formats.frame_sizes import UPRIGHT

ERROR, WARNING = "error", "warning"


@dataclass(frozen=True)
class Kind:
    """A kind of finding: the severity, the title and the remedy."""

    severity: str
    title: str
    remedy: str


@dataclass
class Finding:
    """All findings of one kind in one file.

    Attributes:
        kind: A key of `KINDS`.
        file: The file with the findings.
        count: The number of findings.
        examples: (1-based row or None, text) of the first findings.
    """

    kind: str
    file: str
    count: int = 0
    examples: list[tuple[int | None, str]] = field(default_factory=list)


KINDS = {
    "unreadable": Kind(
        ERROR, "cannot be read", "see the message; nothing else in this file was checked"
    ),
    "empty": Kind(ERROR, "no row in it", "is this the right file, and was it written completely?"),
    "columns": Kind(
        ERROR,
        "rows of too few or too many columns",
        "write video,tick,x1,y1,x2,y2,action[,person]; further columns need a header line",
    ),
    "number": Kind(ERROR, "not a number", "write plain numbers; ticks and ids are whole ones"),
    "pixels": Kind(
        ERROR,
        "boxes in pixels",
        "boxes are relative: divide x by the width and y by the height of the video",
    ),
    "outside": Kind(
        ERROR, "boxes far outside the frame", "boxes are x1,y1,x2,y2 in [0, 1], not x,y,w,h"
    ),
    "edge": Kind(WARNING, "boxes that reach over the edge", "clip them to [0, 1]"),
    "degenerate": Kind(
        WARNING,
        "boxes without an area (x1 >= x2 or y1 >= y2)",
        "the evaluation ignores them",
    ),
    "corners": Kind(
        ERROR,
        "a large part of all boxes has no area (x1 >= x2 or y1 >= y2)",
        "write x1,y1,x2,y2; these boxes are x,y,w,h, or have corners in another order",
    ),
    "zero_id": Kind(ERROR, "action 0", "ids count from 1: add 1 to all, and -1 is 'no action'"),
    "class": Kind(
        ERROR,
        "actions outside the class map",
        "add them to the class map, or leave the rows out; is the list of another version?",
    ),
    "unlabelled": Kind(WARNING, "people without an action", "they train as negatives"),
    "duplicate": Kind(WARNING, "rows that come twice", "leave the second row out"),
    "person": Kind(
        WARNING,
        "one person id on two boxes of a keyframe",
        "give each person of a video another id; leave ids out if they are not known",
    ),
    "excluded": Kind(WARNING, "rows on excluded keyframes", "they are left out of the data set"),
    "tick": Kind(
        WARNING, "rows on ticks that are not included", "they are left out of the data set"
    ),
    "missing_video": Kind(
        ERROR,
        "annotated videos without a file",
        "name a file like the video, with a suffix that the list does not have; in a set of your "
        "own the folders below the videos are part of the name",
    ),
    "no_clip": Kind(
        ERROR,
        "keyframes at a second that no clip of their film has",
        "get the clip with this second: a file is named ID_FIRST_LAST, in seconds of the film",
    ),
    "no_video": Kind(ERROR, "no annotated video has a file", "is this the folder of another set?"),
    "unused_video": Kind(
        WARNING, "files without annotations", "is one of them a missing video under another name?"
    ),
    "broken_video": Kind(
        ERROR, "files that are no readable video, or are cut short", "get or prepare them again"
    ),
    "outside_video": Kind(
        ERROR,
        "videos with keyframes before their beginning or after their end",
        "is the video cut short, cut at another second, or are ticks in another unit? "
        "set --start and --ticks, or start and rate of a description",
    ),
    "not_cut": Kind(
        WARNING,
        "videos much longer than their keyframes need",
        "put whole films into videos/ (a tick is then a second of the file), cut films into "
        "videos_15min/",
    ),
    "rate": Kind(
        WARNING,
        "videos of another frame rate than expected",
        "nothing to do here, frames are found by time; for code that counts frames, resample: "
        "datasets/prepare_ava.py",
    ),
    "aspect": Kind(
        ERROR,
        "pictures of another aspect ratio than the list's",
        "boxes do not fit a picture that was cropped or padded; resize without changing the aspect",
    ),
    "swapped": Kind(
        ERROR,
        "pictures with width and height of the list exchanged",
        UPRIGHT,
    ),
    "rescaled": Kind(
        WARNING,
        "pictures of another size than the list's",
        "nothing to do for relative boxes; scale boxes in pixels",
    ),
    "frame_size": Kind(ERROR, "frames of different sizes in one video", "extract them again"),
    "missing_frame": Kind(ERROR, "listed frames without a file", "extract them again"),
    "unmatched": Kind(
        WARNING,
        "proposals on keyframes that are not annotated",
        "test.loader.records.unlisted=True uses them; the ActivityNet protocol ignores them",
    ),
    "no_match": Kind(
        ERROR,
        "no proposal is on an annotated keyframe",
        "do the names of the videos and the unit of the ticks agree?",
    ),
    "uncovered": Kind(
        WARNING, "annotated keyframes without a proposal", "nothing can be detected on them"
    ),
    "no_overlap": Kind(
        ERROR,
        "proposals that hardly meet the annotated people",
        "are the corners in another order, or are the boxes of other videos?",
    ),
    "score": Kind(
        ERROR,
        "scores outside [0, 1]",
        "write probabilities, because scores are compared with thresholds",
    ),
}


class Findings:
    """A collection of findings that keeps a few examples of each kind and counts the rest.

    Args:
        examples: The number of examples to keep of each kind in each file.
    """

    def __init__(self, examples: int = 5) -> None:
        self.examples = examples
        self._found: dict[tuple[str, str], Finding] = {}

    def __iter__(self) -> Iterator[Finding]:
        """Yield errors first, and equally severe findings in the order in which they were found."""
        return iter(sorted(self._found.values(), key=lambda f: KINDS[f.kind].severity != ERROR))

    def add(self, kind: str, file: StrPath, what: str, row: int | None = None) -> None:
        """Add one finding."""
        self.add_many(kind, file, [0], lambda _: (row, what))

    def add_many(
        self,
        kind: str,
        file: StrPath,
        places: Iterable[int] | np.ndarray,
        describe: Callable[[int], tuple[int | None, str]],
    ) -> None:
        """Add a finding for each of `places`; `describe` is called for the kept examples only."""
        places = np.asarray(list(places) if not isinstance(places, np.ndarray) else places)
        if not len(places):
            return
        finding = self._found.setdefault((kind, str(file)), Finding(kind, str(file)))
        finding.count += len(places)
        room = max(0, self.examples - len(finding.examples))
        finding.examples += [describe(int(place)) for place in places[:room]]

    def count(self, severity: str) -> int:
        """Return the number of pairs of kind and file with findings of a severity."""
        return sum(KINDS[finding.kind].severity == severity for finding in self._found.values())

    def text(self) -> str:
        """Return all findings as text."""
        lines = []
        for finding in self:
            kind = KINDS[finding.kind]
            lines.append(f"{kind.severity}: {finding.file}: {kind.title} ({finding.count})")
            for row, what in finding.examples:
                lines.append(f"    row {row}: {what}" if row else f"    {what}")
            rest = finding.count - len(finding.examples)
            lines += [f"    ... and {rest} more"] * (rest > 0)
            lines.append(f"    remedy: {kind.remedy}")
        errors, warnings = self.count(ERROR), self.count(WARNING)
        lines.append(f"{errors} kinds of error, {warnings} of warning")
        return "\n".join(lines)

    def write_json(self, path: StrPath) -> None:
        """Write all findings as JSON, atomically."""
        content: dict[str, Any] = {"errors": self.count(ERROR), "warnings": self.count(WARNING)}
        content["findings"] = [
            {
                "kind": finding.kind,
                "severity": KINDS[finding.kind].severity,
                "title": KINDS[finding.kind].title,
                "remedy": KINDS[finding.kind].remedy,
                "file": finding.file,
                "count": finding.count,
                "examples": [{"row": row, "what": what} for row, what in finding.examples],
            }
            for finding in self
        ]
        with atomic_text(path) as file:
            json.dump(content, file, indent=1, ensure_ascii=False)
            file.write("\n")
