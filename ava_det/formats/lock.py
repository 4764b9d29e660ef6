"""Outputs that one process writes at a time, by locks that the kernel takes back from the dead."""

import fcntl
import os
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from ava_det.formats.errors import naming
from ava_det.structures import InputError


@contextmanager
def lock(path: Path) -> Generator[IO[str] | None]:
    """Hold an output alone; give None, at once, where another process holds it.

    The lock ends with the block, or with the process, however that ends: a killed one leaves
    nothing behind that must be cleaned. What is given may be handed to child processes
    (`pass_fds`), so that the output stays held until they have ended as well.

    Args:
        path: the file or folder that is to be written; its folder is made where there is none.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    name = path.with_name(f".{path.name}.lock")
    with naming(path):
        file = _take(name)
    try:
        yield file
    finally:
        if file is not None:
            name.unlink(missing_ok=True)  # before the lock ends: it is still ours
            file.close()


@contextmanager
def alone(*paths: Path) -> Generator[None]:
    """Hold outputs alone, or refuse at once.

    Raises:
        InputError: another process is writing one of them.
    """
    if not paths:
        yield
        return
    with lock(paths[0]) as held:
        if held is None:
            raise InputError(
                f"{paths[0]}: another process is writing to it; wait for its end, or choose "
                "another output"
            )
        with alone(*paths[1:]):
            yield


def _take(name: Path) -> IO[str] | None:
    """Open and lock a file; None if somebody has it."""
    while True:
        file = name.open("a")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.close()
            return None
        except BaseException:
            file.close()
            raise
        if _is(file, name):
            return file
        file.close()  # its holder removed it between our opening and our locking


def _is(file: IO[str], name: Path) -> bool:
    """Whether the open file is the one of that name."""
    try:
        return os.path.samestat(os.fstat(file.fileno()), name.stat())
    except FileNotFoundError:
        return False
