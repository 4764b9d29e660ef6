"""Errors that name the file which they are about, whatever library raised them."""

import csv
import gzip
import os
import struct
import zlib
from collections.abc import Generator
from contextlib import contextmanager

from ava_det.structures import InputError

_NOT_TEXT = UnicodeDecodeError, csv.Error
_NOT_GZIP = gzip.BadGzipFile, EOFError, zlib.error
_OF_CONTENT = ValueError, ArithmeticError, SyntaxError, struct.error  # SyntaxError: of xml
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
    except _NOT_TEXT:
        raise InputError(f"{path}: not a text file") from None
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


def no_text(path: str | os.PathLike[str], error: UnicodeEncodeError) -> InputError:
    """The error of text that a file cannot hold, such as a file's name that is no UTF-8."""
    what = ascii(error.object[error.start : error.end][:20])
    return InputError(f"{path}: {what} is no text that {error.encoding} can hold")


def _text(error: Exception) -> str:
    """The message of an error, or its kind where it has none."""
    text = " ".join(str(error).split())
    return text[:_LONGEST] or type(error).__name__
