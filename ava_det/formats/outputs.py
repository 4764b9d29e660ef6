"""The files that a program is about to write: nobody else's, and replaced only if that is meant."""

from collections.abc import Generator, Iterable
from contextlib import contextmanager
from pathlib import Path

from ava_det.formats.atomic import sweep
from ava_det.formats.lock import alone
from ava_det.structures import InputError


@contextmanager
def outputs(*paths: Path, overwrite: bool) -> Generator[None]:
    """Hold files that the block writes; refuse, before any work, what would be lost by it.

    What killed runs left of them is removed.

    Args:
        paths: the files. A path that exists and is no file, such as `/dev/stdout`, is not checked.
        overwrite: whether a file that is there may be replaced.

    Raises:
        InputError: another process is writing one of them, or one is there already.
        OSError: one of them cannot be written.
    """
    files = [path for path in paths if path.is_file() or not path.exists()]
    with alone(*files):
        require_free(files, overwrite)
        for path in files:
            sweep(path)
        yield


def require_free(paths: Iterable[Path], overwrite: bool) -> None:
    """Refuse to replace files that are there, unless that is meant.

    Raises:
        InputError: one is there, or two of them would be one where letters have no case.
    """
    names: dict[str, Path] = {}
    for path in paths:
        other = names.setdefault(str(path).casefold(), path)
        if other != path:
            raise InputError(f"{path}: is {other} on disks that do not tell letters' case")
        if path.is_file() and not overwrite:
            raise InputError(
                f"{path}: is there already; --overwrite replaces it, or choose another output"
            )


def require_apart(outputs: Iterable[Path], inputs: Iterable[Path | None]) -> None:
    """Refuse to replace a file that is read.

    Raises:
        InputError: an output is one of the inputs, under whatever name.
    """
    there = [path for path in inputs if path is not None and path.exists()]
    for output in outputs:
        if output.exists() and any(output.samefile(path) for path in there):
            raise InputError(f"{output}: would overwrite the input; choose another output")
