"""The files that a program is about to write: nobody else's, and replaced only if that is meant."""

from collections.abc import Generator, Iterable
from contextlib import contextmanager
from pathlib import Path

from ava_det.formats.atomic import sweep
from ava_det.formats.lock import lock
from ava_det.structures import InputError


@contextmanager
def outputs(*paths: Path, overwrite: bool, inputs: Iterable[Path | None] = ()) -> Generator[None]:
    """Hold files that the block writes; refuse, before any work, to lose a file by it.

    Partial files that killed runs left beside the outputs are removed.

    Args:
        paths: the files. A path that exists and is no file, such as `/dev/stdout`, is not checked.
        overwrite: whether a file that exists may be replaced.
        inputs: files that the block reads, none of which may be an output.

    Raises:
        InputError: another process is writing an output, or an output exists already, or is an
            input.
        OSError: an output cannot be written.
    """
    require_apart(paths, inputs)
    files = [path for path in paths if path.is_file() or not path.exists()]
    with alone(*files):
        require_free(files, overwrite)
        for path in files:
            sweep(path)
        yield


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
