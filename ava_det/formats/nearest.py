"""Suggests the correct word for a misspelt one, and the existing file for a missing one."""

import difflib
from collections.abc import Iterable
from pathlib import Path

_ALIKE = 0.6  # difflib's default


def nearest(word: str, known: Iterable[str]) -> str | None:
    """Return the known word that is most like a word; None if no word is like it.

    Of several words that are equally like it, return the first.

    >>> nearest("videomx", ["cutmix", "s_videomix", "t_videomix"])
    's_videomix'
    """
    folded = {name.casefold(): name for name in reversed([*known])}
    alike = difflib.get_close_matches(word.casefold(), folded, max(1, len(folded)), _ALIKE)
    if not alike:
        return None
    matcher = difflib.SequenceMatcher(b=word.casefold())

    def likeness(name: str) -> float:
        matcher.set_seq1(name)
        return matcher.ratio()

    best = [name for name in alike if likeness(name) == likeness(alike[0])]
    return next(folded[name] for name in reversed(folded) if name in best)


def meant(word: str, known: Iterable[str]) -> str:
    """Return a hint for the end of a message: the nearest known word, or an empty text.

    >>> meant("uncaped", ["activitynet", "uncapped"])
    ' (did you mean uncapped?)'
    >>> meant("lite", ["light"])
    ' (did you mean light?)'
    >>> meant("Stand", ["stand", "walk"])
    ' (did you mean stand?)'
    >>> meant("video", ["activitynet", "uncapped"])
    ''
    """
    name = nearest(word, known)
    return "" if name is None else f" (did you mean {name}?)"


def meant_file(path: Path, *folders: Path) -> str:
    """Return a hint for the end of a message about a missing file.

    Args:
        path: The missing file.
        folders: Folders that the file may be in beside its own folder. The hint names a file of
            these as if it were in the folder of `path`.
    """
    existing = [folder for folder in (path.parent, *folders) if folder.is_dir()]
    files = [file.name for folder in existing for file in folder.iterdir()]
    alike = sorted({name for name in files if Path(name).suffix == path.suffix})
    name = nearest(path.name, alike)
    return "" if name is None else f" (did you mean {path.parent / name}?)"
