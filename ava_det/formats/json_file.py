"""Reads and checks JSON files from any source; an error is one clear line."""

import json
import re
import reprlib
from typing import Any

from ava_det.formats.atomic import StrPath, read_text
from ava_det.formats.regular import MOST_MEMORY, parsed_size
from ava_det.structures import InputError

_SHOWN = 80  # characters of a value in a message
# The most bytes of memory that each part of a parsed text takes.
_COSTS = {"{": 200, "[": 64, ":": 100, ",": 40}
_HALF_PAIR = re.compile(r"\\u[dD][89a-fA-F]")  # a surrogate: may be half of a pair


def read_json(path: StrPath) -> dict[str, Any]:
    """Read a file that contains a JSON object.

    Raises:
        InputError: See `load_json`; or the file contains no object.
    """
    return required(str(path), {"the file": load_json(path)}, "the file", dict)


def load_json(path: StrPath) -> Any:
    """Read a JSON file.

    Raises:
        InputError: The file is not JSON or is too large for memory, an object has a key twice (the
            JSON standard does not define which one counts), or a text has half a surrogate pair,
            which no file can hold.
    """
    text = read_text(path)
    if parsed_size(text, _COSTS) > MOST_MEMORY:
        raise InputError(f"{path}: more values than fit into memory; split the file")
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
    """Return an object, or refuse a key that occurs twice."""
    found = dict(pairs)
    if len(found) < len(pairs):
        seen: set[str] = set()
        twice = next(key for key, _ in pairs if key in seen or seen.add(key))
        raise ValueError(f"key {brief(twice)!r} comes twice in an object")
    return found


def brief(value: Any, most: int = _SHOWN) -> str:
    """Return a value for a message; cut a long or deep value."""
    return (value if isinstance(value, str) else reprlib.repr(value))[:most]


def required(where: str, fields: Any, name: str, *kinds: type) -> Any:
    """Return `fields[name]`, which must be of one of `kinds`. A bool is no number.

    Raises:
        InputError: The field is missing or of another kind. The message starts with `where`.
    """
    if not isinstance(fields, dict) or name not in fields:
        raise InputError(f"{where}: has no {name}")
    value = fields[name]
    if not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds):
        words = " or ".join({dict: "object", list: "list"}.get(k, k.__name__) for k in kinds)
        raise InputError(f"{where}: {name} is {brief(value)!r}, not of {words}")
    return value


def whole(where: str, fields: Any, name: str) -> int:
    """Return a field that is a whole number; 3.0 is allowed."""
    value = required(where, fields, name, int, float)
    if not abs(value) < 1e15 or value != value // 1:
        raise InputError(f"{where}: {name} is {brief(value)}, not a whole number")
    return int(value)


def numbers(where: str, fields: Any, name: str, *counts: int) -> list[float]:
    """Return a field that is a list of finite numbers with a length in `counts`."""
    values = required(where, fields, name, list)
    plain = all(isinstance(v, (int, float)) and not isinstance(v, bool) for v in values)
    if len(values) not in counts or not plain or not all(abs(v) < 1e9 for v in values):
        raise InputError(
            f"{where}: {name} is {reprlib.repr(values)[:60]}, not {counts[-1]} numbers"
        )
    return [float(value) for value in values]
