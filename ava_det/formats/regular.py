"""Only regular files are opened: a pipe would be waited on for ever, a device read without end."""

import os
import stat
from pathlib import Path

from ava_det.structures import InputError


def require_regular(path: Path) -> None:
    """Refuse a path of anything but a file; a link to one is one.

    Raises:
        InputError: nothing is there, or a folder, a pipe, a device, or a link to nothing.
    """
    if path.is_file():
        return
    if path.is_dir():
        raise InputError(f"{path}: a folder, not a file")
    if path.exists():
        raise InputError(f"{path}: not a regular file")
    if path.is_symlink():
        raise InputError(f"{path}: a link to a file that is not there")
    raise InputError(f"{path}: no such file")


def refuse_pipes(path: str | os.PathLike[str]) -> None:
    """Refuse a pipe or a device; whoever opens the path reports a missing file or a folder.

    Raises:
        InputError: most files are read more than once, and a pipe may never begin or end.
        OSError: nothing is there.
    """
    mode = os.stat(path).st_mode
    if not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):
        raise InputError(f"{path}: a pipe or a device: write it to a file first")
