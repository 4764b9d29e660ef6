"""Mark parametrised tests: the fast suite runs a few cases, the whole suite runs all cases."""

from collections.abc import Callable, Iterable
from typing import Any

import pytest


def slow_but(
    values: Iterable[Any], fast: Callable[[Any], bool], name: Callable[[Any], str] = str
) -> list[Any]:
    """Return parameters, marked slow unless `fast` is true for them."""
    return [
        pytest.param(value, marks=() if fast(value) else pytest.mark.slow, id=name(value))
        for value in values
    ]
