"""JSON of other people, with one clear line where it is not what it should be."""

import json
import re
import reprlib
from typing import Any

from ava_det.formats.atomic import StrPath, read_text
from ava_det.structures import InputError

_SHOWN = 80  # characters of a value in a message
# What the parts of a text may take once it is parsed, in bytes.
_COSTS = {"{": 200, "[": 64, ":": 100, ",": 40}
_MOST_MEMORY = 1_500_000_000
_HALF_PAIR = re.compile(r"\\u[dD][89a-fA-F]")  # may be half a character: two are a whole one


def read_json(path: StrPath) -> dict[str, Any]:
    """The object that a file holds.

    Raises:
        InputError: as `load_json`; or it is not an object.
    """
    return required(str(path), {"the file": load_json(path)}, "the file", dict)


def load_json(path: StrPath) -> Any:
    """What a file holds.

    Raises:
        InputError: it is not JSON, or too large to be held in memory; a key comes twice in an
            object (JSON leaves open which one counts); or a text has half a character, which no
            file can hold.
    """
    text = read_text(path)
    if len(text) + sum(cost * text.count(part) for part, cost in _COSTS.items()) > _MOST_MEMORY:
        raise InputError(f"{path}: more values than are held in memory; split the file")
    try:
        content = json.loads(text, object_pairs_hook=_object)
        if _HALF_PAIR.search(text):
            json.dumps(content, ensure_ascii=False).encode()
    except UnicodeEncodeError as error:
        near = error.object[max(error.start - 20, 0) : error.end + 20]
        raise InputError(f"{path}: a text has half a character, in {near!a}") from None
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path}: not JSON ({error})") from error
    return content


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object whose keys differ."""
    found = dict(pairs)
    if len(found) < len(pairs):
        seen: set[str] = set()
        twice = next(key for key, _ in pairs if key in seen or seen.add(key))
        raise ValueError(f"key {brief(twice)!r} comes twice in an object")
    return found


def brief(value: Any, most: int = _SHOWN) -> str:
    """A value as a message shows it: the first characters of what is long or deep."""
    return (value if isinstance(value, str) else reprlib.repr(value))[:most]


def required(where: str, fields: Any, name: str, *kinds: type) -> Any:
    """`fields[name]`, which must be of one of `kinds`; a bool is no number.

    Raises:
        InputError: it starts with `where`; the field is missing or of another kind.
    """
    if not isinstance(fields, dict) or name not in fields:
        raise InputError(f"{where}: has no {name}")
    value = fields[name]
    if not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds):
        words = " or ".join({dict: "object", list: "list"}.get(k, k.__name__) for k in kinds)
        raise InputError(f"{where}: {name} is {brief(value)!r}, not of {words}")
    return value


def whole(where: str, fields: Any, name: str) -> int:
    """A whole number, which may be written as 3.0."""
    value = required(where, fields, name, int, float)
    if not abs(value) < 1e15 or value != value // 1:
        raise InputError(f"{where}: {name} is {brief(value)}, not a whole number")
    return int(value)


def numbers(where: str, fields: Any, name: str, *counts: int) -> list[float]:
    """A list of finite numbers, as many as one of `counts`."""
    values = required(where, fields, name, list)
    plain = all(isinstance(v, (int, float)) and not isinstance(v, bool) for v in values)
    if len(values) not in counts or not plain or not all(abs(v) < 1e9 for v in values):
        raise InputError(
            f"{where}: {name} is {reprlib.repr(values)[:60]}, not {counts[-1]} numbers"
        )
    return [float(value) for value in values]
