"""Refuses all but regular files: a pipe may block for ever, and a device may never end."""

import errno
import os
import stat
from collections.abc import Mapping

from ava_det.structures import InputError

MOST_MEMORY = 1_500_000_000  # bytes of the values of a parsed file
_NOT_THERE = errno.ENOENT, errno.ENOTDIR, errno.ELOOP


def require_regular(path: str | os.PathLike[str], most: int | None = None) -> None:
    """Refuse a path that is no regular file or no link to a regular file.

    Args:
        path: The path.
        most: The most bytes of a file that is read into memory. A sparse file may claim any size.

    Raises:
        InputError: The path does not exist, is a folder, a pipe, a device or a broken link, or the
            file is larger than `most`.
    """
    try:
        found = os.stat(path)
    except OSError as error:
        if error.errno not in _NOT_THERE:
            raise
        link = os.path.islink(path)
        what = "a link to a file that is not there" if link else "no such file"
        raise InputError(f"{path}: {what}") from None
    if stat.S_ISDIR(found.st_mode):
        raise InputError(f"{path}: a folder, not a file")
    if not stat.S_ISREG(found.st_mode):
        raise InputError(f"{path}: a pipe or a device: write it to a file first")
    if most is not None and found.st_size > most:
        raise InputError(
            f"{path}: {found.st_size:,} bytes; at most {most:,} are read of such a file"
        )


def parsed_size(text: str, costs: Mapping[str, int]) -> int:
    """Return the most bytes of memory that a text takes, itself and the values parsed from it.

    Args:
        text: The text.
        costs: The most bytes that each occurrence of a part of the text takes when it is parsed.

    >>> parsed_size('{"a": 1}', {"{": 200, ":": 100})
    308
    """
    return len(text) + sum(cost * text.count(part) for part, cost in costs.items())
