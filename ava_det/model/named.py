"""Building by name: only functions of a table, only arguments that they take."""

import inspect
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

Built = TypeVar("Built")


def build_named(
    table: Mapping[str, Callable[..., Built]], name: str, arguments: Mapping[str, Any]
) -> Built:
    """Call the function `name` of `table` with `arguments`, both checked.

    Raises:
        ValueError: an unknown name, or arguments that its function does not take.
    """
    if name not in table:
        raise ValueError(f"unknown architecture {name!r}; known: {', '.join(table)}")
    unknown = set(arguments) - set(inspect.signature(table[name]).parameters)
    if unknown:
        raise ValueError(f"{name} takes no argument {', '.join(sorted(unknown))}")
    return table[name](**arguments)
