"""Only regular files are opened: a pipe would be waited on for ever, a device read without end."""

import errno
import os
import stat

from ava_det.structures import InputError

_NOT_THERE = errno.ENOENT, errno.ENOTDIR, errno.ELOOP


def require_regular(path: str | os.PathLike[str], most: int | None = None) -> None:
    """Refuse a path of anything but a file; a link to one is one.

    Args:
        path: the path.
        most: bytes of a file that is held in memory whole; a sparse file may claim any size.

    Raises:
        InputError: nothing is there, or a folder, a pipe, a device, a link to nothing, or a file
            of more bytes.
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
