"""Files that are written whole or not at all; text files, plain or gzipped."""

import csv
import gzip
import os
import re
import time
import zlib
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, cast
from uuid import uuid4

from ava_det.structures import InputError

StrPath = str | os.PathLike[str]

_PARTIAL = re.compile(r"\.[0-9a-f]{32}(\.\w+)?")  # as `atomic_path` calls them


def open_text(path: StrPath) -> IO[str]:
    """Open a UTF-8 text file for reading, line ends untouched; unpack one that ends in `.gz`."""
    if str(path).endswith(".gz"):
        return cast(IO[str], gzip.open(path, "rt", encoding="utf-8-sig", newline=""))
    return open(path, encoding="utf-8-sig", newline="")


def text_suffix(path: StrPath) -> str:
    """The suffix of a text file in lower case, without a `.gz` that packs it.

    >>> text_suffix("classes.CSV.gz")
    '.csv'
    """
    return Path(str(path).removesuffix(".gz")).suffix.lower()


@contextmanager
def readable(path: StrPath) -> Generator[None, None, None]:
    """Turn what a file that is not text raises into one clear line."""
    try:
        yield
    except (UnicodeDecodeError, csv.Error):
        raise InputError(f"{path}: not a text file") from None
    except (gzip.BadGzipFile, EOFError, zlib.error):
        raise InputError(f"{path}: not a whole gzip file") from None


@contextmanager
def atomic_text(path: StrPath) -> Generator[IO[str], None, None]:
    """A text file to write that takes its name only when the block ends without an error.

    It is written beside its final place and renamed, so that a reader never sees half of it and a
    failure leaves the old one. A name that ends in `.gz` is packed.
    """
    path = Path(path)
    # The process id keeps two writers apart; the suffix stays last, for it decides on packing.
    partial = path.with_name(f".{os.getpid()}.{path.name}")
    opener = gzip.open if path.suffix == ".gz" else open
    try:
        with cast(IO[str], opener(partial, "wt", encoding="utf-8", newline="")) as file:
            yield file
        os.replace(partial, path)
    except OSError as error:
        if error.filename == str(partial):
            error.filename = str(path)  # the name that the user knows
        raise
    finally:
        partial.unlink(missing_ok=True)


@contextmanager
def atomic_path(path: Path) -> Generator[Path]:
    """A place beside `path` to write to; it becomes `path` when the block ends without an error.

    The suffix stays, since many libraries choose a format by it. Of several that write the same
    file at once the last one wins.
    """
    partial = path.with_name(f".{uuid4().hex}{path.suffix}")
    try:
        yield partial
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)


def is_partial(name: str) -> bool:
    """Whether a file's name is one that `atomic_path` writes under."""
    return _PARTIAL.fullmatch(name) is not None


def sweep(folder: Path) -> None:
    """Remove what killed runs left of `atomic_path` below a folder, unless it was written to within
    the hour.
    """
    for path in folder.rglob(".*"):
        with suppress(FileNotFoundError):  # it has just got its name
            if is_partial(path.name) and path.stat().st_mtime < time.time() - 3600:
                path.unlink()
