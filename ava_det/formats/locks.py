"""Locks of the kernel, which takes one back when its holder ends, however it ends."""

import fcntl
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from ava_det.structures import InputError


@contextmanager
def hold(path: Path, *, inherited: bool = False) -> Generator[IO[str] | None]:
    """Hold the lock of a file, which is made; gives None, at once, where another process has it.

    Args:
        path: the file.
        inherited: processes that are forked or handed the file (`pass_fds`) hold it as well, so
            that it stays held until all of them have ended; otherwise it is this process's alone.

    Raises:
        InputError: the file system has no locks.
    """
    lock = fcntl.flock if inherited else fcntl.lockf
    with path.open("a") as file:
        try:
            lock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield None
            return
        except OSError as error:
            raise InputError(
                f"{path}: cannot be locked ({error.strerror}); use a folder on another file system"
            ) from None
        yield file
