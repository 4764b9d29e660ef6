"""Locks the files that a program writes, and refuses to overwrite files by accident."""

from collections.abc import Generator, Iterable
from contextlib import contextmanager
from pathlib import Path

from ava_det.formats.atomic import sweep
from ava_det.formats.lock import lock
from ava_det.structures import InputError


@contextmanager
def outputs(*paths: Path, overwrite: bool, inputs: Iterable[Path | None] = ()) -> Generator[None]:
    """Lock the files that the block writes. Refuse, before any work, to overwrite a file.

    Remove the partial files that killed runs left beside the outputs.

    Args:
        paths: The files. A path that exists and is no file, such as `/dev/stdout`, is not checked.
        overwrite: Whether existing files may be replaced.
        inputs: The files that the block reads. An input must not be an output.

    Raises:
        InputError: Another process is writing an output, or an output exists already, or an output
            is an input.
        OSError: An output cannot be written.
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
    """Lock outputs for this process alone, or fail at once.

    Raises:
        InputError: Another process is writing one of the outputs.
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
    """Refuse to replace files that exist, unless `overwrite` is set.

    Raises:
        InputError: A file exists, or two names differ only by case: some disks ignore case.
    """
    names: dict[str, Path] = {}
    for path in paths:
        other = names.setdefault(str(path).casefold(), path)
        if other != path:
            raise InputError(f"{path}: is {other} on disks that ignore letter case")
        if path.is_file() and not overwrite:
            raise InputError(
                f"{path}: exists already; --overwrite replaces it, or choose another output"
            )


def require_apart(outputs: Iterable[Path], inputs: Iterable[Path | None]) -> None:
    """Refuse outputs that are inputs.

    Raises:
        InputError: An output is an input, also under another name such as a link.
    """
    there = [path for path in inputs if path is not None and path.exists()]
    for output in outputs:
        if output.exists() and any(output.samefile(path) for path in there):
            raise InputError(f"{output}: would overwrite the input; choose another output")
