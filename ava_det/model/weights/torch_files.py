"""What `torch.save` wrote, read without running anything and with its checksums checked.

`torch.load` skips the zip archive's checksums, so a flipped bit in a weight goes unnoticed by it.
"""

import mmap
import os
import re
import struct
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from ava_det.structures import InputError

ZIP = b"PK\x03\x04"
LEGACY = b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19."  # the magic number of torch before 1.6
_LOCAL_HEADER = struct.Struct("<26xHH")  # lengths of the name and of the extra field after it


class _Inert:
    """Stands for a logged value in a checkpoint: takes anything, does nothing."""

    def __init__(self, *_: Any):
        pass

    def __setstate__(self, _: Any) -> None:
        pass


# What training frameworks log beside the weights, replaced by a thing that does nothing.
_LOGGED: list[Callable[..., Any] | tuple[Callable[..., Any], str]] = [
    (_Inert, name)
    for name in (
        "numpy.core.multiarray.scalar",
        "numpy._core.multiarray.scalar",
        "numpy.core.multiarray._reconstruct",
        "numpy._core.multiarray._reconstruct",
        "numpy.ndarray",
        "numpy.dtype",
        "mmengine.logging.history_buffer.HistoryBuffer",
        "builtins.getattr",  # how a HistoryBuffer's list of its own methods is pickled
    )
]


def read_torch_file(path: Path) -> Any:
    """Read a file of `torch.save`, of today's kind (zip) or the one before torch 1.6.

    Tensors of the former stay on the disk until they are used.

    Raises:
        InputError: the file is damaged, or a pickle that asks for code to be run; nothing was.
    """
    with path.open("rb") as file:
        zipped = file.read(4) == ZIP
    if zipped:
        check_zip(path)
    try:
        with torch.serialization.safe_globals(_LOGGED):
            return torch.load(path, map_location="cpu", weights_only=True, mmap=zipped)
    except Exception as error:  # torch raises whatever the broken bytes lead it to
        raise InputError(f"{path}: {_reason(error)}") from error


def save_torch_file(path: Path, content: Any) -> None:
    """Write a file with `torch.save`, whole or not at all."""
    partial = path.with_name(f".{os.getpid()}.{path.name}")
    try:
        torch.save(content, partial)
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)


def check_zip(path: Path) -> None:
    """Compare the members of a zip archive with their checksums.

    Raises:
        InputError: a member is damaged or compressed, which `torch.save` never does.
    """
    try:
        with (
            path.open("rb") as file,
            mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content,
            memoryview(content) as view,
            zipfile.ZipFile(file) as archive,
        ):
            members = archive.infolist()
            summed = any(member.CRC for member in members)  # torch can be told to write none
            for member in members:
                _check_member(view, member, summed)
    except (zipfile.BadZipFile, struct.error, NotImplementedError, ValueError, OSError) as error:
        raise InputError(f"{path}: damaged: {error}") from error


def _check_member(view: memoryview, member: zipfile.ZipInfo, summed: bool) -> None:
    if member.compress_type != zipfile.ZIP_STORED:
        raise ValueError(f"{member.filename} is compressed, which torch.save never does")
    header = member.header_offset + _LOCAL_HEADER.size
    start = header + sum(_LOCAL_HEADER.unpack(view[member.header_offset : header]))
    with view[start : start + member.file_size] as data:
        if len(data) != member.file_size or (summed and zlib.crc32(data) != member.CRC):
            raise ValueError(f"{member.filename} does not match its checksum")


def _reason(error: Exception) -> str:
    """One clause out of torch's paragraphs."""
    text = " ".join(str(error).split())
    asked = re.search(r"GLOBAL (\S+?)[. ]*(?: was not an allowed| whose module|$)", text)
    if asked:
        name = asked[1]
        return f"refused: it asks for {name}, which weights do not need; nothing was run"
    told = text.partition("WeightsUnpickler error: ")[2] or text
    clause = re.split(" (?:Please|Check the documentation) ", told)[0][:200] or type(error).__name__
    return f"not a checkpoint that can be read ({clause})"
