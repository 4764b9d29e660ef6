"""What a misspelt word was meant to be."""

import difflib
from collections.abc import Iterable

_ALIKE = 0.6  # as difflib's own


def meant(word: str, known: Iterable[str]) -> str:
    """A hint to end a message with: the known word nearest to another one, or nothing.

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
