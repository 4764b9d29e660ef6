"""Reads and writes lists of action classes: AVA's two pbtxt layouts and `id,name[,group]` csv."""

import csv
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from ava_det.formats.atomic import StrPath, atomic_text, text_suffix
from ava_det.formats.csv_file import csv_rows, find_columns, is_header, shown, text_lines
from ava_det.structures import InputError

# AVA's `label_type` and the group name in tables of results. Other types are kept unchanged.
_GROUP_OF_TYPE = {
    "PERSON_MOVEMENT": "pose",
    "OBJECT_MANIPULATION": "object",
    "PERSON_INTERACTION": "person",
}
_TYPE_OF_GROUP = {group: label_type for label_type, group in _GROUP_OF_TYPE.items()}

_COLUMNS = ["id", "name", "group"]
_MOST_DIGITS = 9  # of an id
_MOST_CLASSES = 1_000_000
_FIELDS = ("name", "id", "label_id", "label_type")  # the keys of a block that are read
LONGEST_NAME = 500  # characters

_ESCAPES = {"\\": r"\\", '"': r"\"", "\n": r"\n", "\r": r"\r", "\t": r"\t"}
_UNESCAPED = {escape: character for character, escape in _ESCAPES.items()}
_QUOTED = r'"(?:[^"\\]|\\.)*"' + "|" + r"'(?:[^'\\]|\\.)*'"
_TOKEN = re.compile(rf"\s+|#.*|(?P<token>[{{}}:]|{_QUOTED}|[\w.+-]+)")


@dataclass(frozen=True)
class ClassMap:
    """The action classes of a data set or model, in order.

    Column k of a score matrix belongs to `ids[k]`. The ids may have gaps, as in AVA's list of
    evaluated classes.

    Attributes:
        names: From a 1-based id to the name, in the order of the file. All names differ.
        groups: From an id to the group, e.g. "pose", "object", "person". The map may be empty or
            partial.

    >>> ClassMap({1: "stand", 7: "walk"}).index(7)
    1
    """

    names: dict[int, str]
    groups: dict[int, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse ids below 1, two classes with the same name, and groups of unknown ids."""
        if any(i < 1 for i in self.names):
            raise ValueError("class ids start at 1")
        if len(set(self.names.values())) != len(self.names):
            raise ValueError("two classes have the same name")
        if not self.groups.keys() <= self.names.keys():
            raise ValueError("a group is given for an id that is not a class")

    @cached_property
    def ids(self) -> tuple[int, ...]:
        """Return the ids in order."""
        return tuple(self.names)

    @cached_property
    def _index(self) -> dict[int, int]:
        return {i: k for k, i in enumerate(self.ids)}

    def __len__(self) -> int:
        return len(self.names)

    def index(self, action: int) -> int:
        """Return the column of an id.

        Raises:
            KeyError: The map has no such id.
        """
        return self._index[action]

    def indexes(self, actions: np.ndarray) -> np.ndarray:
        """Return the columns (N,) of ids (N,), int64; -1 for an unknown id."""
        order = np.argsort(self.ids)
        known = np.asarray(self.ids, np.int64)[order]
        if not len(known):
            return np.full(len(actions), -1)
        place = np.searchsorted(known, actions).clip(max=len(known) - 1)
        return np.where(known[place] == actions, order[place], -1)


def with_groups(class_map: ClassMap, other: ClassMap) -> ClassMap:
    """Return a class map with the groups of another class map with the same ids."""
    return ClassMap(
        class_map.names, {i: g for i, g in other.groups.items() if i in class_map.names}
    )


def read_class_map(path: StrPath) -> ClassMap:
    """Read a list of classes.

    Args:
        path: A pbtxt file in one of AVA's layouts (`label { name label_id label_type }` or
            `item { name id }`), or a .csv or .csv.gz file with rows `id,name[,group]`. A header
            line may give another order of the columns. AVA's label types become the groups pose,
            object and person.

    Raises:
        InputError: An entry is malformed, an id or name occurs twice, or the file lists no class.
    """
    rows = _csv_rows(path) if text_suffix(path) == ".csv" else _pbtxt_rows(path)
    names: dict[int, str] = {}
    groups: dict[int, str] = {}
    seen: set[str] = set()
    for number, action, name, group in rows:
        where = f"{path}: row {number}"
        if not action.isdecimal() or not action.strip("0"):
            raise InputError(f"{where}: a class id is a whole number from 1, not {shown(action)}")
        if len(action) > _MOST_DIGITS:
            raise InputError(
                f"{where}: a class id has {_MOST_DIGITS} digits at most: {action[:40]}"
            )
        if not name:
            raise InputError(f"{where}: class {action} has no name")
        if len(name) > LONGEST_NAME or len(group) > LONGEST_NAME:
            raise InputError(f"{where}: a name of more than {LONGEST_NAME} characters")
        if len(names) == _MOST_CLASSES:
            raise InputError(f"{where}: more than {_MOST_CLASSES:,} classes")
        if int(action) in names or name in seen:
            raise InputError(f"{where}: class {action} {shown(name)} is listed twice")
        names[int(action)] = name
        seen.add(name)
        if group:
            groups[int(action)] = _GROUP_OF_TYPE.get(group, group)
    if not names:
        raise InputError(f"{path}: lists no class")
    return ClassMap(names, groups)


def write_class_map(path: StrPath, class_map: ClassMap) -> None:
    """Write a list of classes atomically: csv for a name that ends in .csv, else AVA's pbtxt.

    A further .gz compresses the file.
    """
    entries = [(i, name, class_map.groups.get(i, "")) for i, name in class_map.names.items()]
    with atomic_text(path) as file:
        if text_suffix(path) == ".csv":
            # Always quote text: Python 3.11's csv writes a lone \r, a line end, without quotes.
            writer = csv.writer(file, lineterminator="\n", quoting=csv.QUOTE_NONNUMERIC)
            writer.writerows([("id", "name", "group"), *entries])
            return
        for i, name, group in entries:
            lines = [f"name: {_quoted(name)}", f"label_id: {i}"]
            if group:
                lines.append(f"label_type: {_TYPE_OF_GROUP.get(group) or _quoted(group)}")
            file.write("".join(["label {\n", *(f"  {line}\n" for line in lines), "}\n"]))


def _csv_rows(path: StrPath) -> Iterator[tuple[int, str, str, str]]:
    """Yield (row, id, name, group) of each row."""
    places = dict(zip(_COLUMNS, range(3), strict=True))
    width = 3
    for number, row in csv_rows(path):
        if number == 1 and is_header(row, _COLUMNS):
            places, width = find_columns(path, row, _COLUMNS, ["id", "name"]), len(row)
            if width == 2 and list(places.values()) == [0, 1]:
                places["group"], width = 2, 3  # the group column needs no name
        elif any(row):
            if not 2 <= len(row) <= width:
                raise InputError(
                    f"{path}: row {number}: {len(row)} columns where id,name[,group] belong"
                )
            given = {name: row[k].strip() for name, k in places.items() if k < len(row)}
            yield number, given.get("id", ""), given.get("name", ""), given.get("group", "")


def _pbtxt_rows(path: StrPath) -> Iterator[tuple[int, str, str, str]]:
    """Yield (row, id, name, group) of each block; the row is the row of the opening brace."""
    tokens = _tokens(path, text_lines(path))
    for number, token in tokens:
        if token not in ("label", "item"):
            raise InputError(f"{path}: row {number}: 'label {{' or 'item {{' belongs here")
        yield number, *_block(path, number, tokens)


def _tokens(path: StrPath, lines: Iterable[str]) -> Iterator[tuple[int, str]]:
    """Yield (row, token) of a pbtxt file, without blanks and comments."""
    for number, line in enumerate(lines, 1):
        at = 0
        while at < len(line):
            match = _TOKEN.match(line, at)
            if match is None:
                raise InputError(f"{path}: row {number}: cannot read {shown(line[at:].strip())}")
            at = match.end()
            if match["token"]:
                yield number, match["token"]


def _block(path: StrPath, start: int, tokens: Iterator[tuple[int, str]]) -> tuple[str, str, str]:
    """Return (id, name, group) of one `{ key: value ... }` block."""
    fields: dict[str, str] = {}
    if next(tokens, (start, ""))[1] != "{":
        raise InputError(f"{path}: row {start}: an opening brace is missing")
    for number, key in tokens:
        if key == "}":
            action = fields.get("label_id", fields.get("id", ""))
            return action, fields.get("name", ""), fields.get("label_type", "")
        (_, colon), (_, value) = next(tokens, (0, "")), next(tokens, (0, ""))
        if colon != ":" or value in ("", "{", "}", ":"):
            raise InputError(f"{path}: row {number}: 'key: value' belongs here")
        if key in _FIELDS:
            fields[key] = _unquoted(value)
    raise InputError(f"{path}: row {start}: the block is not closed")


def _quoted(text: str) -> str:
    return '"' + re.sub(r'[\\"\n\r\t]', lambda match: _ESCAPES[match[0]], text) + '"'


def _unquoted(value: str) -> str:
    if value[0] not in "\"'":
        return value
    return re.sub(r"\\.", lambda match: _UNESCAPED.get(match[0], match[0][1]), value[1:-1])
