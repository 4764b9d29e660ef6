"""Writes files completely or not at all. Reads and writes text files, plain or gzipped."""

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

# The start of UTF-32 and UTF-16 text: a byte order mark, or else zeros at these places.
_MARKS = {
    b"\xff\xfe\0\0": "UTF-32",
    b"\0\0\xfe\xff": "UTF-32",
    b"\xff\xfe": "UTF-16",
    b"\xfe\xff": "UTF-16",
}
_ZEROS = {b"x\0\0\0": "UTF-32", b"\0\0\0x": "UTF-32", b"x\0x\0": "UTF-16", b"\0x\0x": "UTF-16"}
MOST_TEXT = 1 << 28  # bytes of a text that is read into memory
_MOST_PADDING = 1 << 16  # zeros after the content of a gzip file
# Tables of real annotations and results shrink to a tenth or a twentieth.
_MOST_TIMES = 200
ALWAYS_UNPACKED = 1 << 26  # bytes
_PARTIAL = re.compile(r"\.[0-9a-f]{32}(\..*)?")  # the names that `atomic_path` gives
FULL = errno.ENOSPC, errno.EDQUOT, errno.EFBIG  # errors of a full disk
_PROBE = 1 << 16  # bytes


def open_text(path: StrPath) -> IO[str]:
    """Open a UTF-8 text file for reading. Keep line ends. Decompress a file that ends in `.gz`.

    Raises:
        InputError: The file is no regular file or is UTF-16 text. While reading: the gzip file is
            damaged, or expands much more than text does.
    """
    file = open_bytes(path)
    try:
        start = file.peek(4)[:4]
        if start[:2] == b"\x1f\x8b":
            raise InputError(f"{path}: compressed by gzip: rename it to end in .gz")
        zeros = bytes(byte and ord("x") for byte in start)
        other = next((name for mark, name in _MARKS.items() if start.startswith(mark)), None)
        if other := other or _ZEROS.get(zeros):
            raise InputError(
                f"{path}: {other} text, as some spreadsheets save it: save it as UTF-8"
            )
    except BaseException:
        file.close()
        raise
    return TextIOWrapper(file, encoding="utf-8-sig", newline="")


def open_bytes(path: StrPath) -> BufferedReader | GzipFile:
    """Open a text file as `open_text` does, but return bytes of any encoding."""
    require_regular(path)
    return _Unpacked(path) if str(path).endswith(".gz") else open(path, "rb")


def read_text(path: StrPath, most: int = MOST_TEXT) -> str:
    """Read the whole text of a file with `open_text`.

    Raises:
        InputError: See `open_text`; or the text has more than `most` bytes.
    """
    with naming(path):
        require_regular(path, most)
        with open_text(path) as file:
            text = file.read(most + 1)
    if len(text) > most:
        raise InputError(f"{path}: unpacks to more than {most:,} bytes")
    return text


class _Packed(BufferedReader):
    """The bytes of a gzip file, with a limit on the zeros at the end.

    `GzipFile` skips these zeros one by one.
    """

    _padding = 0

    def read(self, size: int | None = -1, /) -> bytes:
        """Read `size` bytes, or all."""
        data = super().read(size)
        self._padding = self._padding + 1 if data == b"\0" else 0
        if self._padding > _MOST_PADDING:
            raise BadGzipFile("padded without end")
        return data


class _Unpacked(GzipFile):
    """A gzip file that limits the decompressed size and names the file in errors."""

    def __init__(self, path: StrPath) -> None:
        self._packed = _Packed(FileIO(path))
        super().__init__(fileobj=self._packed, mode="rb")
        self._path = path
        self._most = max(ALWAYS_UNPACKED, _MOST_TIMES * os.stat(path).st_size)

    def read(self, size: int | None = -1) -> bytes:
        """Read `size` bytes, or all."""
        return self._checked(super().read, self._most + 1 if size is None or size < 0 else size)

    def read1(self, size: int = -1) -> bytes:
        """Read some bytes."""
        return self._checked(super().read1, size)

    def peek(self, n: int) -> bytes:
        """Return bytes of the next read without reading them."""
        return self._checked(super().peek, n)

    def close(self) -> None:
        """Close the file. `GzipFile` leaves a file open that it did not open."""
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
                "does: a damaged or hostile file; gunzip it if you trust it"
            )
        return data


def text_suffix(path: StrPath) -> str:
    """Return the suffix of a text file in lower case, without a final `.gz`.

    >>> text_suffix("classes.CSV.gz")
    '.csv'
    """
    return Path(str(path).removesuffix(".gz")).suffix.lower()


@contextmanager
def atomic_text(path: StrPath) -> Generator[IO[str], None, None]:
    """Open a text file to write through `atomic_path`. Compress if the name ends in `.gz`."""
    path = Path(path)
    opener = gzip.open if path.suffix == ".gz" else open
    with (
        atomic_path(path) as partial,
        cast(IO[str], opener(partial, "wt", encoding="utf-8", newline="")) as file,
    ):
        yield file


@contextmanager
def atomic_path(path: Path) -> Generator[Path]:
    """Yield a temporary path beside `path`. It is renamed to `path` if the block succeeds.

    So a reader never sees half of a file, and a failure leaves the old file. The temporary path
    keeps the suffix, since many libraries choose a format by the suffix. If several processes write
    the same file at once, the last one wins. For a path that is no file, such as `/dev/stdout`, the
    block gets `path` itself.

    Raises:
        OSError: The file cannot be written, or the disk is full. The error has `path` as the file
            name, even if a library changed it.
        InputError: The text cannot be encoded in UTF-8.
    """
    if path.is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    if path.exists() and not path.is_file():
        with _naming_output(path, path):
            yield path
        return
    partial = path.with_name(f".{_mark(path)}{uuid4().hex[12:]}{path.suffix}")
    with _naming_output(path, partial):
        while (held := take(partial)) is None:  # another process removed it before the lock
            continue
    try:
        with _naming_output(path, partial):
            yield partial
            os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)
        held.close()


def sweep(output: Path) -> None:
    """Remove the partial files of killed runs. Keep the partial files of running processes.

    Args:
        output: A file, or a folder to clean completely.
    """
    found = output.rglob(".*") if output.is_dir() else output.parent.glob(f".{_mark(output)}*")
    for path in found:
        if _PARTIAL.fullmatch(path.name):
            drop(path)


def _mark(path: Path) -> str:
    """Return the digest in the names of a file's partial files: short, since a name may be long."""
    return hashlib.sha256(os.fsencode(path.name)).hexdigest()[:12]


@contextmanager
def _naming_output(path: Path, partial: Path) -> Generator[None]:
    """Name the final file, not the partial file, in write errors.

    Other errors in the block keep their type and get the file name as a note.
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
        ours = None, str(partial), f"file:{partial}"  # FFmpeg writes the last form
        if isinstance(error, OSError) and error.filename in ours:
            # Raise a new error, since FFmpeg's cannot be changed.
            raise OSError(number, error.strerror, str(path)) from error
        if not hasattr(error, "__notes__"):
            error.add_note(str(path))
        raise


def _require_room(path: Path, partial: Path, error: Exception) -> None:
    """Detect a full disk, since numpy, torch and other libraries drop the error number."""
    try:
        with partial.open("ab", buffering=0) as file:
            left = _PROBE
            while left:
                left -= file.write(bytes(left))
    except OSError as full:
        if full.errno in FULL:
            raise OSError(full.errno, full.strerror, str(path)) from error
