"""The lanes of the tests: which of many alike run in both, and which in the whole suite alone."""

from collections.abc import Callable, Iterable
from typing import Any

import pytest


def slow_but(
    values: Iterable[Any], fast: Callable[[Any], bool], name: Callable[[Any], str] = str
) -> list[Any]:
    """Parameters that are marked slow, but for those that `fast` is true of."""
    return [
        pytest.param(value, marks=() if fast(value) else pytest.mark.slow, id=name(value))
        for value in values
    ]
