"""Checks the arguments of a model that a weight file gives, before anything is built."""

import inspect
import math
from collections.abc import Callable, Mapping, Sequence
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

from ava_det.model.faster_rcnn import PERSON_DETECTORS
from ava_det.model.zoo import ARCHITECTURES, TASKS

_MOST = {"num_classes": 1 << 16, "dilation": 16, "window": 64, "resolution": 32}
_MOST_OF_OTHERS = 1024  # the numbers of all architectures are far smaller
_LONGEST = {"exclusive": 1024}
_LONGEST_OF_OTHERS = 64  # items of a list: a stage has 36 blocks at most


def check_arguments(task: str, arguments: Mapping[str, Any]) -> None:
    """Refuse arguments that the zoo's builder of `task` does not take, or that do not make a model.

    Args:
        task: A name of `TASKS`.
        arguments: The arguments of the builder, with those of the architecture's function.

    Raises:
        ValueError: A name is unknown, or a value has the wrong type or is out of bounds.
    """
    if task not in TASKS:
        raise ValueError(f"unknown task {_short(task)}")
    _check_call(TASKS[task], arguments)
    known = PERSON_DETECTORS if task == "persons" else ARCHITECTURES
    name = arguments["architecture"]
    if name not in known:
        raise ValueError(f"unknown architecture {_short(name)}; known: {', '.join(known)}")
    _check_call(known[name], arguments.get("arguments") or {})
    columns = arguments.get("exclusive", ())
    if len(set(columns)) < len(columns) or any(k >= arguments["num_classes"] for k in columns):
        raise ValueError(f"exclusive is {_short(columns)}, which are not columns of the logits")


def _check_call(function: Callable[..., Any], arguments: Mapping[str, Any]) -> None:
    parameters, hints = inspect.signature(function).parameters, get_type_hints(function)
    if unknown := [name for name in arguments if name not in parameters]:
        raise ValueError(f"no argument {_short(unknown[0])} of {function.__name__}")
    for name, parameter in parameters.items():
        if name not in arguments:
            if parameter.default is parameter.empty:
                raise ValueError(f"the argument {name} is missing")
        elif not (fits(arguments[name], hints[name]) and _is_sane(name, arguments[name])):
            raise ValueError(f"{name} is {_short(arguments[name])}")


def _is_sane(name: str, value: Any) -> bool:
    """Return whether a value of the right type is within bounds."""
    if name in ("dropout", "norm_eps"):
        return 0 <= value < 1 and (value > 0 or name == "dropout")
    if name in ("mean", "std"):
        return len(value) == 3 and all(abs(x) <= 255 and (x > 0 or name == "mean") for x in value)
    if type(value) is int:
        least = 0 if name == "frozen" else 1
        return least <= value <= _MOST.get(name, _MOST_OF_OTHERS)
    if name == "arguments" or not isinstance(value, (list, dict)):
        return True  # the architecture's arguments are checked separately
    rows = [value] if isinstance(value, list) else value.values()  # or places in stages
    longest = _LONGEST.get(name, _LONGEST_OF_OTHERS)
    return len(value) <= longest and all(
        len(row) <= longest and all(0 <= x <= _MOST_OF_OTHERS for x in row) for row in rows
    )


def fits(value: Any, hint: Any) -> bool:
    """Return whether a value from JSON has the type that a signature requires.

    >>> fits([1, 2], Sequence[int]), fits(True, int), fits(1, float), fits(None, int | None)
    (True, False, True, True)
    """
    origin, inner = get_origin(hint), get_args(hint)
    if origin in (Union, UnionType):
        return any(fits(value, one) for one in inner)
    if origin is tuple and inner[-1] is not ...:
        pair = isinstance(value, (list, tuple)) and len(value) == len(inner)
        return pair and all(map(fits, value, inner))
    if origin in (tuple, Sequence):
        return isinstance(value, (list, tuple)) and all(fits(item, inner[0]) for item in value)
    if origin is Mapping:
        return isinstance(value, dict) and all(
            fits(k, inner[0]) and fits(v, inner[1]) for k, v in value.items()
        )
    if hint is float:
        return type(value) in (int, float) and math.isfinite(value)
    return hint is Any or (value is None if hint is NoneType else type(value) is hint)


def _short(value: Any) -> str:
    """Return a value for a message. Absurdly large numbers are not written out."""
    if type(value) is int and abs(value) >= 1 << 63:
        return "an integer of more than 64 bits"
    try:
        text = repr(value)
    except ValueError:  # an integer of too many digits within
        return f"a {type(value).__name__}"
    return text if len(text) <= 60 else f"{text[:60]}..."
