"""Suggests the correct word for a misspelt one."""

import difflib
from collections.abc import Iterable

_ALIKE = 0.6  # difflib's default


def meant(word: str, known: Iterable[str]) -> str:
    """Return a hint for the end of a message: the nearest known word, or an empty text.

    >>> meant("uncaped", ["activitynet", "uncapped"])
    ' (meant uncapped?)'
    >>> meant("lite", ["light"])
    ' (meant light?)'
    >>> meant("Stand", ["stand", "walk"])
    ' (meant stand?)'
    >>> meant("video", ["activitynet", "uncapped"])
    ''
    """
    folded = {name.casefold(): name for name in reversed([*known])}
    alike = difflib.get_close_matches(word.casefold(), folded, 1, _ALIKE)
    return f" (meant {folded[alike[0]]}?)" if alike else ""
