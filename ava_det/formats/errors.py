"""Errors that name the file which they are about, whatever library raised them."""

import csv
import gzip
import itertools
import os
import struct
import zlib
from collections.abc import Generator
from contextlib import contextmanager, suppress

from ava_det.structures import InputError

_NOT_GZIP = gzip.BadGzipFile, EOFError, zlib.error
_OF_CONTENT = ValueError, ArithmeticError, SyntaxError, struct.error  # SyntaxError: of xml
LONGEST_LINE = 1 << 20  # characters; what is longer is no row of a table
_LONGEST = 300  # characters of a library's message: some repeat the content of a file


@contextmanager
def naming(path: str | os.PathLike[str]) -> Generator[None]:
    """Make every error of the block name the file that the block reads or writes.

    What the content of a file raises becomes an `InputError` of one line. An `OSError` keeps its
    kind and gets the file's name. An error that nobody foresaw keeps its kind and carries the name
    as a note, which `cli.one_line` prints. An error that names a file already is left alone, so
    that blocks may be nested: the innermost names the file.

    >>> with naming("sizes.json"):
    ...     int(float("inf"))
    Traceback (most recent call last):
    ava_det.structures.InputError: sizes.json: cannot convert float infinity to integer

    Args:
        path: the name that the user knows the file by.

    Raises:
        InputError: the content cannot be read or written.
        OSError: of the system, with `filename`.
    """
    try:
        yield
    except InputError:
        raise
    except UnicodeDecodeError:
        raise InputError(f"{path}: not a text file in UTF-8{_first_bad_byte(path)}") from None
    except csv.Error as error:
        raise InputError(f"{path}: not a text file ({error})") from None
    except _NOT_GZIP:
        raise InputError(f"{path}: not a whole gzip file") from None
    except UnicodeEncodeError as error:
        raise no_text(path, error) from error
    except RecursionError as error:
        raise InputError(f"{path}: nested too deeply") from error
    except MemoryError as error:
        raise InputError(f"{path}: does not fit into memory") from error
    except OSError as error:
        if error.errno is None:  # raised by a library, not by the system
            raise InputError(f"{path}: {_text(error)}") from error
        if error.filename is None:  # a new one, for FFmpeg's cannot be changed
            raise OSError(error.errno, error.strerror, str(path)) from error
        raise
    except _OF_CONTENT as error:
        raise InputError(f"{path}: {_text(error)}") from error
    except Exception as error:
        if not hasattr(error, "__notes__"):
            error.add_note(str(path))
        raise


def _first_bad_byte(path: str | os.PathLike[str]) -> str:
    """Where a file stops being UTF-8, in words."""
    opener = gzip.open if str(path).endswith(".gz") else open
    with suppress(*_NOT_GZIP, OSError), opener(path, "rb") as file:
        for row in itertools.count(1):
            # A line that is read in parts may be cut within a character: it has no row to tell.
            line = file.readline(LONGEST_LINE)
            try:
                line.decode()
            except UnicodeDecodeError as error:
                return f": row {row} has the byte 0x{line[error.start]:02x}"
            if not line or len(line) == LONGEST_LINE:
                break
    return ""


def no_text(path: str | os.PathLike[str], error: UnicodeEncodeError) -> InputError:
    """The error of text that a file cannot hold, such as a file's name that is no UTF-8."""
    what = ascii(error.object[error.start : error.end][:20])
    return InputError(f"{path}: {what} is no text that {error.encoding} can hold")


def _text(error: Exception) -> str:
    """The message of an error, or its kind where it has none."""
    text = " ".join(str(error).split())
    return text[:_LONGEST] or type(error).__name__
