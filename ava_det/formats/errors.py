"""Adds the name of the file to errors, whatever library raises them."""

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
_OF_CONTENT = ValueError, ArithmeticError, SyntaxError, struct.error  # xml raises SyntaxError
LONGEST_LINE = 1 << 20  # characters; a longer line is no row of a table
_LONGEST = 300  # characters of a library's message: some messages repeat the content of a file


@contextmanager
def naming(path: str | os.PathLike[str]) -> Generator[None]:
    """Make every error of the block name the file that the block reads or writes.

    An error about the content of the file becomes an `InputError` of one line. An `OSError` keeps
    the type and gets the file name. An unexpected error keeps the type and gets the file name as a
    note, which `cli.one_line` prints. An error that already names a file is not changed. So blocks
    may be nested: the innermost block names the file.

    >>> with naming("sizes.json"):
    ...     int(float("inf"))
    Traceback (most recent call last):
    ava_det.structures.InputError: sizes.json: cannot convert float infinity to integer

    Args:
        path: The path of the file, as the user gave it.

    Raises:
        InputError: The content cannot be read or written.
        OSError: The system cannot read or write the file. The error has `filename` set.
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
        if error.filename is None:  # raise a new error, since FFmpeg's cannot be changed
            raise OSError(error.errno, error.strerror, str(path)) from error
        raise
    except _OF_CONTENT as error:
        raise InputError(f"{path}: {_text(error)}") from error
    except Exception as error:
        if not hasattr(error, "__notes__"):
            error.add_note(str(path))
        raise


def _first_bad_byte(path: str | os.PathLike[str]) -> str:
    """Describe the first byte of a file that is not UTF-8."""
    opener = gzip.open if str(path).endswith(".gz") else open
    with suppress(*_NOT_GZIP, OSError), opener(path, "rb") as file:
        for row in itertools.count(1):
            # A line that is read in parts may be cut within a character. Then the row is unknown.
            line = file.readline(LONGEST_LINE)
            try:
                line.decode()
            except UnicodeDecodeError as error:
                return f": row {row} has the byte 0x{line[error.start]:02x}"
            if not line or len(line) == LONGEST_LINE:
                break
    return ""


def no_text(path: str | os.PathLike[str], error: UnicodeEncodeError) -> InputError:
    """Return the error for text that cannot be encoded, such as a file name that is no UTF-8."""
    what = ascii(error.object[error.start : error.end][:20])
    return InputError(f"{path}: {what} cannot be encoded as {error.encoding}")


def _text(error: Exception) -> str:
    """Return the message of an error, or the type if the message is empty."""
    text = " ".join(str(error).split())
    return text[:_LONGEST] or type(error).__name__
