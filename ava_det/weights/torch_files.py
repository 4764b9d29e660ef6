"""Reads files of `torch.save` without running code, and checks the checksums.

`torch.load` skips the checksums of the zip archive, so it does not notice a flipped bit in a
weight. It also reads the bytes of a tensor from the start of a member, however short the member is.
"""

import os
import re
import struct
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable
from io import FileIO
from pathlib import Path
from typing import Any

import torch

from ava_det.formats.regular import require_regular
from ava_det.structures import InputError

ZIP = b"PK\x03\x04"
LEGACY = b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19."  # the magic number of torch before 1.6
_CHUNK = 1 << 18
_MOST_LISTED = 1 << 24  # bytes of the list of members of an archive
_MOST_LEGACY = 1 << 31  # bytes of a file before torch 1.6, whose tensors are taken to memory
_STORAGE = re.compile(r"[^/]+/data/[^/]+")
_LOCAL_HEADER = struct.Struct("<26xHH")  # lengths of the name and of the extra field after it


class _Inert:
    """A stand-in for a logged value in a checkpoint, which takes anything and does nothing."""

    def __init__(self, *_: Any):
        pass

    def __setstate__(self, _: Any) -> None:
        pass


class _InertDict:
    """A stand-in for a logged mapping: an empty dict, which may get items."""

    def __new__(cls, *_: Any) -> Any:
        return {}


# Objects that training frameworks store beside the weights; inert objects replace them.
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
        "builtins.getattr",  # a pickled HistoryBuffer calls it
        "argparse.Namespace",
        "pathlib.PosixPath",
        "pathlib.WindowsPath",
        "pathlib._local.PosixPath",  # of Python 3.13
        "pathlib._local.WindowsPath",
        "omegaconf.dictconfig.DictConfig",  # hyperparameters of Lightning and their parts
        "omegaconf.listconfig.ListConfig",
        "omegaconf.nodes.AnyNode",
        "omegaconf.base.ContainerMetadata",
        "omegaconf.base.Metadata",
        "typing.Any",
        "builtins.dict",
        "builtins.list",
        "builtins.int",
    )
]
_LOGGED += [
    (_InertDict, name)
    for name in (
        "collections.defaultdict",
        "lightning.fabric.utilities.data.AttributeDict",
        "lightning_fabric.utilities.data.AttributeDict",
        "lightning.pytorch.utilities.parsing.AttributeDict",
        "pytorch_lightning.utilities.parsing.AttributeDict",
    )
]


class ArchiveFile(FileIO):
    """The bytes of a zip archive; members of gigabytes are not loaded into memory."""

    def read(self, size: int | None = -1, /) -> bytes:
        """Read all bytes, or `size` bytes."""
        left = os.fstat(self.fileno()).st_size - self.tell()
        if (left if size is None or size < 0 else min(size, left)) > _MOST_LISTED:
            raise ValueError(f"a list of members of more than {_MOST_LISTED:,} bytes")
        return super().read(size)


def read_torch_file(path: Path) -> Any:
    """Read a file of `torch.save`, of today's kind (zip) or the one before torch 1.6.

    Tensors of zip files stay on the disk until they are used.

    Raises:
        InputError: The file is damaged, or a pickle asks to run code. Nothing is run.
    """
    with path.open("rb") as file:
        zipped = file.read(4) == ZIP
    members = check_zip(path) if zipped else []
    if not zipped:
        require_regular(path, _MOST_LEGACY)
    storages: list[tuple[int, int]] = []  # address and size of each

    def on_cpu(storage: Any, _: str) -> Any:
        storages.append((storage.data_ptr(), storage.nbytes()))
        return storage

    try:
        with torch.serialization.safe_globals(_LOGGED):
            to = on_cpu if zipped else "cpu"
            content = torch.load(path, map_location=to, weights_only=True, mmap=zipped)
    except Exception as error:  # torch raises whatever the broken bytes lead it to
        raise InputError(f"{path}: {_reason(error)}") from error
    if zipped:
        _check_sizes(path, members, storages)
    return content


def save_torch_file(path: Path, content: Any) -> None:
    """Write a file with `torch.save`, whole or not at all."""
    partial = path.with_name(f".{os.getpid()}.{path.name}")
    try:
        with partial.open("wb") as file:  # given a path, torch stores the file name
            torch.save(content, file)
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)


def check_zip(path: Path) -> list[zipfile.ZipInfo]:
    """Compare the members of a zip archive with their checksums.

    Returns:
        The members that hold tensors' numbers, in the order in which they lie in the file.

    Raises:
        InputError: A member is damaged, or differs from what `torch.save` writes on today's
            machines.
    """
    try:
        # Without a buffer of Python's, and read rather than mapped: half the time.
        with ArchiveFile(path) as file, zipfile.ZipFile(file) as archive:
            members = archive.infolist()
            _check_members(members, os.fstat(file.fileno()).st_size)
            if any(member.CRC for member in members):  # torch can write none
                buffer = memoryview(bytearray(_CHUNK))
                for member in members:
                    if _crc(file, member, buffer) != member.CRC:
                        raise ValueError(f"{member.filename} does not match its checksum")
            for member in members:
                if member.filename.endswith("/byteorder"):
                    _seek(file, member)
                    if file.read(member.file_size) != b"little":
                        raise ValueError("its numbers are not little-endian")
    except Exception as error:  # zipfile raises whatever the broken bytes lead it to
        words = " ".join(str(error).split()) or type(error).__name__
        raise InputError(f"{path}: damaged: {words:.200}") from error
    held = [m for m in members if _STORAGE.fullmatch(m.filename) and m.file_size]
    return sorted(held, key=lambda member: member.header_offset)


def _check_members(members: list[zipfile.ZipInfo], size: int) -> None:
    """Refuse members that readers would disagree about, or that a file of `size` cannot hold."""
    names = [member.filename for member in members]
    if not all(name.isprintable() for name in names):
        raise ValueError("a member has a name that cannot be printed")
    if any(name.endswith("/constants.pkl") for name in names):
        raise ValueError("a TorchScript archive, which is a program; save its state_dict instead")
    for name, count in Counter(names).items():
        if count > 1:
            raise ValueError(f"{name!r:.99} is in it {count} times")
    for member in members:
        if member.compress_type != zipfile.ZIP_STORED:
            raise ValueError(f"{member.filename!r:.99} is compressed, as torch.save never does")
    if (held := sum(member.file_size for member in members)) > size:
        raise ValueError(f"its members have {held:,} bytes, but the file {size:,}")


def _check_sizes(
    path: Path, members: list[zipfile.ZipInfo], storages: list[tuple[int, int]]
) -> None:
    """Refuse a file whose tensors are larger or smaller than the members that hold them.

    All storages are mapped at once, so that they lie in memory as their members do in the file.
    """
    sizes = [size for _, size in sorted(storages) if size]
    if len(sizes) != len(members):
        words = f"{len(sizes)} tensors' numbers are asked for, but {len(members)} are in it"
        raise InputError(f"{path}: damaged: {words}")
    for member, size in zip(members, sizes, strict=True):
        if member.file_size != size:
            words = f"has {member.file_size} bytes, but its tensor {size}"
            raise InputError(f"{path}: damaged: {member.filename} {words}")


def _crc(file: FileIO, member: zipfile.ZipInfo, buffer: memoryview) -> int:
    """Return the CRC-32 of a member's data as it lies in the file; -1 if the file ends before."""
    _seek(file, member)
    crc, left = 0, member.file_size
    while left:
        count = file.readinto(buffer[:left])
        if not count:
            return -1
        crc = zlib.crc32(buffer[:count], crc)
        left -= count
    return crc


def _seek(file: FileIO, member: zipfile.ZipInfo) -> None:
    """Go to the beginning of a member's data."""
    file.seek(member.header_offset)
    file.seek(sum(_LOCAL_HEADER.unpack(file.read(_LOCAL_HEADER.size))), os.SEEK_CUR)


def _reason(error: Exception) -> str:
    """Shorten torch's error message to one clause."""
    text = "".join(c if c.isprintable() else "?" for c in " ".join(str(error).split()))
    asked = re.search(r"GLOBAL (\S+?)[. ]*(?: was not an allowed| whose module|$)", text)
    if asked:
        return f"refused: it asks for {asked[1]:.100}, which weights do not need; nothing was run"
    told = text.partition("WeightsUnpickler error: ")[2] or text
    clause = re.split(" (?:Please|Check the documentation) ", told)[0][:200] or type(error).__name__
    return f"not a checkpoint that can be read ({clause})"
