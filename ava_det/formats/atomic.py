"""Files that are written whole or not at all; text files, plain or gzipped."""

import errno
import gzip
import hashlib
import os
import re
import zlib
from collections.abc import Callable, Generator
from contextlib import contextmanager
from gzip import BadGzipFile, GzipFile
from io import BufferedReader, FileIO, TextIOWrapper
from pathlib import Path
from typing import IO, cast
from uuid import uuid4

from ava_det.formats.errors import naming, no_text
from ava_det.formats.lock import drop, take
from ava_det.formats.regular import require_regular
from ava_det.structures import InputError

StrPath = str | os.PathLike[str]

# How UTF-32 and UTF-16 begin: with a mark, or, without one, with zeros at these places.
_MARKS = {
    b"\xff\xfe\0\0": "UTF-32",
    b"\0\0\xfe\xff": "UTF-32",
    b"\xff\xfe": "UTF-16",
    b"\xfe\xff": "UTF-16",
}
_ZEROS = {b"x\0\0\0": "UTF-32", b"\0\0\0x": "UTF-32", b"x\0x\0": "UTF-16", b"\0x\0x": "UTF-16"}
MOST_TEXT = 1 << 28  # bytes of a text that is held in memory whole
_MOST_PADDING = 1 << 16  # zeros behind the content of a gzip file
# Tables of real annotations and results shrink to a tenth or a twentieth.
_MOST_TIMES = 200
_ALWAYS_UNPACKED = 1 << 26  # bytes
_PARTIAL = re.compile(r"\.[0-9a-f]{32}(\..*)?")  # as `atomic_path` calls them
FULL = errno.ENOSPC, errno.EDQUOT, errno.EFBIG  # errors of a full disk
_PROBE = 1 << 16  # bytes


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
        zeros = bytes(byte and ord("x") for byte in start)
        other = next((name for mark, name in _MARKS.items() if start.startswith(mark)), None)
        if other := other or _ZEROS.get(zeros):
            raise InputError(f"{path}: {other} text, as some programs save it: save it as UTF-8")
    except BaseException:
        file.close()
        raise
    return TextIOWrapper(file, encoding="utf-8-sig", newline="")


def open_bytes(path: StrPath) -> BufferedReader | GzipFile:
    """As `open_text`, for the bytes of the text, whatever their encoding."""
    require_regular(path)
    return _Unpacked(path) if str(path).endswith(".gz") else open(path, "rb")


def read_text(path: StrPath, most: int = MOST_TEXT) -> str:
    """The whole text of a file, opened by `open_text`.

    Raises:
        InputError: as `open_text`, or the file has more than `most` bytes.
    """
    with naming(path):
        require_regular(path, most)
        with open_text(path) as file:
            text = file.read(most + 1)
    if len(text) > most:
        raise InputError(f"{path}: unpacks to more than {most:,} bytes")
    return text


class _Packed(BufferedReader):
    """The bytes of a gzip file; `GzipFile` passes over zeros behind its content one by one."""

    _padding = 0

    def read(self, size: int | None = -1, /) -> bytes:
        """Bytes, as many as asked for or all."""
        data = super().read(size)
        self._padding = self._padding + 1 if data == b"\0" else 0
        if self._padding > _MOST_PADDING:
            raise BadGzipFile("padded without end")
        return data


class _Unpacked(GzipFile):
    """A gzip file whose errors name it, and that does not unpack without end."""

    def __init__(self, path: StrPath) -> None:
        self._packed = _Packed(FileIO(path))
        super().__init__(fileobj=self._packed, mode="rb")
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

    def close(self) -> None:
        """Close the file, which `GzipFile` leaves open where it did not open it."""
        super().close()
        self._packed.close()

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
    """A text file to write, as `atomic_path`; a name that ends in `.gz` is packed."""
    path = Path(path)
    opener = gzip.open if path.suffix == ".gz" else open
    with (
        atomic_path(path) as partial,
        cast(IO[str], opener(partial, "wt", encoding="utf-8", newline="")) as file,
    ):
        yield file


@contextmanager
def atomic_path(path: Path) -> Generator[Path]:
    """A place beside `path` to write to; it becomes `path` when the block ends without an error.

    So a reader never sees half of a file, and a failure leaves the old one. The suffix stays, since
    many libraries choose a format by it. Of several that write the same file at once the last one
    wins. What is no file, such as `/dev/stdout`, is written to itself.

    Raises:
        OSError: the file cannot be written, or the disk is full; it has the name `path`, whatever
            the library that writes made of it.
        InputError: text that UTF-8 cannot hold.
    """
    if path.is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    if path.exists() and not path.is_file():
        with _naming_output(path, path):
            yield path
        return
    partial = path.with_name(f".{_mark(path)}{uuid4().hex[12:]}{path.suffix}")
    with _naming_output(path, partial):
        while (held := take(partial)) is None:  # swept between its making and its locking
            continue
    try:
        with _naming_output(path, partial):
            yield partial
            os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)
        held.close()


def sweep(output: Path) -> None:
    """Remove the partial files that killed runs left of an output, and none of a living process.

    Args:
        output: a file, or a folder, in which all files are looked for.
    """
    found = output.rglob(".*") if output.is_dir() else output.parent.glob(f".{_mark(output)}*")
    for path in found:
        if _PARTIAL.fullmatch(path.name):
            drop(path)


def _mark(path: Path) -> str:
    """What the partial files of a file have in common; short, for a name may be long already."""
    return hashlib.sha256(os.fsencode(path.name)).hexdigest()[:12]


@contextmanager
def _naming_output(path: Path, partial: Path) -> Generator[None]:
    """Name the file that the user knows in errors of writing it.

    Much else happens while a file is written, so that other errors keep their kind; they carry the
    name as a note.
    """
    try:
        yield
    except InputError:
        raise
    except UnicodeEncodeError as error:
        raise no_text(path, error) from error
    except Exception as error:
        number = getattr(error, "errno", None)
        if not isinstance(error, OSError) or number is None:
            _require_room(path, partial, error)
        ours = None, str(partial), f"file:{partial}"  # the last one is FFmpeg's
        if isinstance(error, OSError) and error.filename in ours:
            # A new one, for FFmpeg's cannot be changed.
            raise OSError(number, error.strerror, str(path)) from error
        if not hasattr(error, "__notes__"):
            error.add_note(str(path))
        raise


def _require_room(path: Path, partial: Path, error: Exception) -> None:
    """Tell a full disk from what a library made of it: numpy, torch and others drop the number."""
    try:
        with partial.open("ab", buffering=0) as file:
            left = _PROBE
            while left:
                left -= file.write(bytes(left))
    except OSError as full:
        if full.errno in FULL:
            raise OSError(full.errno, full.strerror, str(path)) from error
