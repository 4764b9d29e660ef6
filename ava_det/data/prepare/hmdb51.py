"""Read HMDB51 as published: `CLASS_test_split1.txt` and so on, three splits of every class.

A row is `NAME.avi 1`: 1 means training, 2 testing, 0 neither. Each class has a folder of files.
Classes are in alphabetical order.
"""

import re
from pathlib import Path

from ava_det.data.prepare.published import Annotations, WantedVideo
from ava_det.formats.csv_file import full_lines
from ava_det.structures import InputError

_FILE = re.compile(r"(?P<action>.+)_test_split(?P<split>[123])\.txt")
_ROW = re.compile(r"(?P<name>.+)\.\w+\s+(?P<use>[012])")
SUBSETS = {"1": "train", "2": "test"}


def read_annotations(folder: Path) -> Annotations:
    """Read all splits that have lists; each split must have a list for every class."""
    files = {
        (match["split"], match["action"]): path
        for path in sorted(folder.iterdir())
        if (match := _FILE.fullmatch(path.name))
    }
    classes = tuple(sorted({action for _, action in files}))
    lists: dict[str, list[WantedVideo]] = {}
    for split in sorted({split for split, _ in files}):
        for label, action in enumerate(classes):
            if (split, action) not in files:
                raise InputError(f"{folder}: no {action}_test_split{split}.txt in it")
            for subset, name in _read_rows(files[split, action]):
                wanted = WantedVideo((f"{action}/{name}", name), label)
                lists.setdefault(f"split{split}_{subset}", []).append(wanted)
    if not lists:
        raise InputError(f"{folder}: no CLASS_test_split1.txt and so on in it")
    return Annotations(classes, lists)


def _read_rows(path: Path) -> list[tuple[str, str]]:
    """Return (subset, name) of the rows for training or testing."""
    rows = []
    for number, line in full_lines(path):
        match = _ROW.fullmatch(line)
        if match is None:
            raise InputError(f"{path}: row {number}: expected 'NAME.avi' and 0, 1 or 2: {line!r}")
        if match["use"] in SUBSETS:
            rows.append((SUBSETS[match["use"]], match["name"]))
    return rows
