"""formats/errors.py: whatever is raised names the file."""

import csv
import errno
import gzip
import json
import os
import struct
import zlib
from contextlib import ExitStack
from xml.etree import ElementTree

import pytest

from ava_det import cli
from ava_det.formats.errors import naming
from ava_det.structures import InputError


def nest(depth: int = 0) -> int:
    return nest(depth + 1) + 1


def line_of(cause: str, *paths: str) -> str:
    """What a user sees of an error in blocks that name files."""
    try:
        with ExitStack() as blocks:
            for path in paths:
                blocks.enter_context(naming(path))
            CAUSES[cause][0]()
    except Exception as error:
        return cli.one_line(error)
    pytest.fail("nothing was raised")


def memory() -> None:
    raise MemoryError


def library() -> None:
    raise OSError("10 requested and 0 written")


def no_file() -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


CAUSES = {
    "bytes that are no text": (lambda: b"\xff".decode(), "not a text file"),
    "csv": (lambda: list(csv.reader(["x" * 200_000])), "not a text file"),
    "gzip": (lambda: gzip.decompress(b"no"), "not a whole gzip file"),
    "zlib": (lambda: zlib.decompress(b"no"), "not a whole gzip file"),
    "text that is no UTF-8": (lambda: "\udcff".encode(), "'\\udcff' cannot be encoded as utf-8"),
    "depth": (nest, "nested too deeply"),
    "memory": (memory, "does not fit into memory"),
    "infinity": (lambda: int(float("inf")), "cannot convert float infinity to integer"),
    "nan": (lambda: int(float("nan")), "cannot convert float NaN to integer"),
    "many digits": (lambda: int("9" * 60_000), "Exceeds the limit"),
    "json": (lambda: json.loads("{"), "Expecting property name"),
    "xml": (lambda: ElementTree.fromstring("<a>"), "no element found"),
    "struct": (lambda: struct.unpack("<I", b"12"), "unpack requires a buffer of 4 bytes"),
    "zero": (lambda: 1 / 0, "division"),
    "a library's OSError": (library, "10 requested and 0 written"),
    "the system's OSError": (no_file, "No space left on device"),
    "a bug": (lambda: None + 1, "TypeError: unsupported operand"),
    "a key": (lambda: {}["k"], "KeyError: 'k'"),
}


@pytest.mark.holds("13.10 every error names its file, whatever raised it")
@pytest.mark.parametrize("cause", CAUSES)
def test_every_error_is_one_line_that_begins_with_the_file(cause):
    line = line_of(cause, "folder/file.x")
    assert line.startswith("folder/file.x: ")
    assert CAUSES[cause][1] in line
    assert (line.count("file.x"), line.count("\n")) == (1, 0)
    assert len(line) < 400


@pytest.mark.holds("13.10 every error names its file, whatever raised it")
@pytest.mark.parametrize("cause", CAUSES)
def test_the_innermost_of_nested_blocks_names_the_file(cause):
    line = line_of(cause, "outer.x", "inner.x")
    assert line.startswith("inner.x: ")
    assert "outer.x" not in line


@pytest.mark.holds("13.10 every error names its file, whatever raised it")
@pytest.mark.parametrize("kind", [TypeError, PermissionError, InputError])
def test_a_kind_that_callers_look_for_stays(kind):
    with pytest.raises(kind), naming("file.x"):
        raise kind(13, "no")
