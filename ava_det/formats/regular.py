"""Refuses all but regular files: a pipe may block for ever, and a device may never end."""

import errno
import os
import stat

from ava_det.structures import InputError

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
