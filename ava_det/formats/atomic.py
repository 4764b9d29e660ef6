"""Files that are written whole or not at all; text files, plain or gzipped."""

import gzip
import os
import re
import stat
import time
import zlib
from collections.abc import Callable, Generator
from contextlib import contextmanager
from gzip import BadGzipFile, GzipFile
from io import BufferedReader, TextIOWrapper
from pathlib import Path
from typing import IO, cast
from uuid import uuid4

from ava_det.structures import InputError

StrPath = str | os.PathLike[str]

_UTF16 = (b"\xff\xfe", b"\xfe\xff")
_ALTERNATING = ([True, False] * 2, [False, True] * 2)  # where UTF-16 without a mark has zeros
# Tables of real annotations and results shrink to a tenth or a twentieth.
_MOST_TIMES = 200
_ALWAYS_UNPACKED = 1 << 26  # bytes
_PARTIAL = re.compile(r"\.[0-9a-f]{32}\.\w+")  # as `atomic_path` calls them


def open_text(path: StrPath) -> IO[str]:
    """Open a UTF-8 text file for reading, line ends untouched; unpack one that ends in `.gz`.

    Raises:
        InputError: no regular file, or UTF-16 text; while reading, a damaged gzip file, or one that
            unpacks to much more than text does.
    """
    file = open_bytes(path)
    try:
        start = file.peek(4)[:4]
        if start[:2] == b"\x1f\x8b":
            raise InputError(f"{path}: packed by gzip: a name that ends in .gz says so")
        if start[:2] in _UTF16 or [byte > 0 for byte in start] in _ALTERNATING:
            raise InputError(f"{path}: UTF-16 text, as some spreadsheets save it: save it as UTF-8")
    except BaseException:
        file.close()
        raise
    return TextIOWrapper(file, encoding="utf-8-sig", newline="")


def open_bytes(path: StrPath) -> BufferedReader | GzipFile:
    """As `open_text`, for the bytes of the text, whatever their encoding."""
    if not stat.S_ISREG(os.stat(path).st_mode) and not os.path.isdir(path):
        # Most files are read more than once, and a pipe may never begin or end.
        raise InputError(f"{path}: a pipe or a device: write it to a file first")
    return _Unpacked(path) if str(path).endswith(".gz") else open(path, "rb")


class _Unpacked(GzipFile):
    """A gzip file whose errors name it, and that does not unpack without end."""

    def __init__(self, path: StrPath) -> None:
        super().__init__(path, "rb")
        self._path = path
        self._most = max(_ALWAYS_UNPACKED, _MOST_TIMES * os.stat(path).st_size)

    def read(self, size: int | None = -1) -> bytes:
        """Bytes, as many as asked for or all."""
        return self._checked(super().read, self._most + 1 if size is None or size < 0 else size)

    def read1(self, size: int = -1) -> bytes:
        """Some bytes."""
        return self._checked(super().read1, size)

    def peek(self, n: int) -> bytes:
        """Bytes that the next reading returns."""
        return self._checked(super().peek, n)

    def _checked(self, read: Callable[[int], bytes], size: int) -> bytes:
        try:
            data = read(size)
        except (BadGzipFile, EOFError, zlib.error):
            raise InputError(f"{self._path}: not a whole gzip file") from None
        if self.tell() > self._most:
            raise InputError(
                f"{self._path}: unpacks to more than {_MOST_TIMES} times its size, which no table "
                "does: a damaged or hostile file; gunzip it to use it all the same"
            )
        return data


def text_suffix(path: StrPath) -> str:
    """The suffix of a text file in lower case, without a `.gz` that packs it.

    >>> text_suffix("classes.CSV.gz")
    '.csv'
    """
    return Path(str(path).removesuffix(".gz")).suffix.lower()


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
        if error.filename in (None, str(partial)):  # a full disk has no name
            error.filename = str(path)  # the name that the user knows
        raise
    except UnicodeEncodeError as error:
        part = error.object[error.start : error.end]
        raise InputError(f"{path}: cannot be written: {part!r} is no character") from None
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


def sweep(folder: Path) -> None:
    """Remove what killed runs left of `atomic_path` below a folder, unless it was written to within
    the hour.
    """
    for path in folder.rglob(".*"):
        if _PARTIAL.fullmatch(path.name) and path.stat().st_mtime < time.time() - 3600:
            path.unlink(missing_ok=True)
