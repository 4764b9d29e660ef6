"""Locks outputs, so that one process writes at a time. The kernel frees locks of dead processes."""

import errno
import fcntl
import os
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

_NO_LOCKS = errno.ENOLCK, errno.ENOSYS, errno.ENOTSUP  # from a file system without locks


@contextmanager
def lock(path: Path, *, inherited: bool = True) -> Generator[IO[bytes] | None]:
    """Hold an output alone. Yield None, at once, if another process holds it.

    The lock ends with the block or with the process. A killed process leaves nothing to clean up.
    The yielded file may be passed to child processes (`pass_fds`). Then the output stays locked
    until the child processes have ended, too.

    Args:
        path: The file or folder to write. The lock is a file beside it.
        inherited: See `take`.
    """
    name = path.with_name(f".{path.name}.lock")
    try:
        file = take(name, inherited=inherited)
    except OSError as error:
        error.filename = str(path)  # the name that the user knows
        raise
    try:
        yield file
    finally:
        if file is not None:
            name.unlink(missing_ok=True)  # while this process still holds the lock
            file.close()


def take(path: Path, *, inherited: bool = True) -> IO[bytes] | None:
    """Open a file, created if it does not exist, and lock it until it is closed.

    If the file system has no locks, the file is opened but not locked.

    Args:
        path: The file.
        inherited: Whether forked processes, and processes that get the file, hold the lock too,
            until all of them have ended. Otherwise only this process holds the lock.

    Returns:
        The open file, or None if another process holds the lock.
    """
    while True:
        file = path.open("ab")
        try:
            if not _try(file, fcntl.flock if inherited else fcntl.lockf):
                file.close()
                return None
        except OSError as error:
            if error.errno not in _NO_LOCKS:
                file.close()
                raise
        if _is(file, path):
            return file
        file.close()  # another process removed the file before the lock


def drop(path: Path) -> None:
    """Remove a file that `take` made, unless a process holds or may hold the lock."""
    with suppress(OSError), path.open("r+b") as file:
        if _try(file):
            path.unlink()  # under the lock, so that no process takes it in between


def _try(file: IO[bytes], how: Callable[..., None] = fcntl.flock) -> bool:
    """Try to lock an open file and return whether it was free."""
    try:
        how(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _is(file: IO[bytes], path: Path) -> bool:
    """Return whether the open file is the file at `path`."""
    try:
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    except FileNotFoundError:
        return False
