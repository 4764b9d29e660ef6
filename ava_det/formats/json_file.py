"""JSON of other people, with one clear line where it is not what it should be."""

import json
from typing import Any

from ava_det.formats.atomic import StrPath, open_text
from ava_det.structures import InputError


def read_json(path: StrPath) -> dict[str, Any]:
    """The object that a file holds.

    Raises:
        InputError: it is not JSON, or not an object.
    """
    try:
        with open_text(path) as file:
            content = json.load(file)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path}: not JSON ({error})") from error
    return required(str(path), {"the file": content}, "the file", dict)


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
        raise InputError(f"{where}: {name} is {str(value)[:40]!r}, not of {words}")
    return value


def whole(where: str, fields: Any, name: str) -> int:
    """A whole number, which may be written as 3.0."""
    value = required(where, fields, name, int, float)
    if not abs(value) < 1e15 or value != value // 1:
        raise InputError(f"{where}: {name} is {value}, not a whole number")
    return int(value)


def numbers(where: str, fields: Any, name: str, *counts: int) -> list[float]:
    """A list of finite numbers, as many as one of `counts`."""
    values = required(where, fields, name, list)
    plain = all(isinstance(v, (int, float)) and not isinstance(v, bool) for v in values)
    if len(values) not in counts or not plain or not all(abs(v) < 1e9 for v in values):
        raise InputError(f"{where}: {name} is {str(values)[:60]}, not {counts[-1]} numbers")
    return [float(value) for value in values]
