"""Building by name: only functions of a table, only arguments that they take."""

import inspect
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from ava_det.formats.nearest import meant

Built = TypeVar("Built")


def build_named(
    table: Mapping[str, Callable[..., Built]], name: str, arguments: Mapping[str, Any]
) -> Built:
    """Call the function `name` of `table` with `arguments`, both checked.

    Raises:
        ValueError: The name is unknown, or the function does not take the arguments.
    """
    if name not in table:
        raise ValueError(
            f"unknown architecture {name!r}; known: {', '.join(table)}{meant(name, table)}"
        )
    known = inspect.signature(table[name]).parameters
    if unknown := sorted(set(arguments) - set(known)):
        hint = meant(unknown[0], known)
        raise ValueError(f"{name} takes no argument {', '.join(unknown)}{hint}")
    return table[name](**arguments)
