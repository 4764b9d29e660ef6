"""Videos decoded once, at a short side, into files that are read like memory."""

import contextlib
import hashlib
import os
import zipfile
from collections import OrderedDict
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ava_det.formats.atomic import atomic_path
from ava_det.structures import InputError
from ava_det.video.frame_folders import FrameFolder, FrameFolderReader
from ava_det.video.sampling import nearest_frames
from ava_det.video.video import Video, VideoReader
from ava_det.video.writer import writable

LAYOUT = 2  # goes up when what a file's frames are changes, so that old entries are made again


class _Entry(NamedTuple):
    """A decoded video: (F,) times, (F,) which frames could be decoded, (F, H, W, 3) pictures."""

    times: np.ndarray
    decoded: np.ndarray
    pictures: np.ndarray


class CachedVideoReader:
    """A `FrameReader` that decodes a video whole the first time that it is asked for.

    An entry belongs to a file's place, size and time of change and to the short side; it is made
    again if it cannot be read. Several processes may share a folder: at worst they decode a file
    twice. It takes `F * H * W * 3` bytes on the disk, and memory only for what is in use.
    """

    def __init__(self, folder: str | Path, short_side: int | None, entries: int = 64) -> None:
        """Set up a reader.

        Args:
            folder: where the decoded videos are kept; made if it is not there.
            short_side: as in `Video`.
            entries: how many of them to keep open.
        """
        self.folder, self.short_side = Path(folder), short_side
        self._entries = entries
        self._open: OrderedDict[str, _Entry] = OrderedDict()

    def __reduce__(self) -> tuple:
        return CachedVideoReader, (self.folder, self.short_side, self._entries)

    def times(self, path: str | Path) -> np.ndarray:
        """(F,) float64, seconds of the frames of a file from its first one."""
        return self._entry(path).times

    def size(self, path: str | Path) -> tuple[int, int]:
        """(height, width) of what `frames` returns for a file."""
        height, width = self._entry(path).pictures.shape[1:3]
        return height, width

    def frames(self, path: str | Path, times: np.ndarray) -> np.ndarray:
        """(T, H, W, 3) uint8 RGB: the frames of a file nearest to the times, as `Video.frames`."""
        entry = self._entry(path)
        wanted = nearest_frames(entry.times, times)
        lacking = wanted[~entry.decoded[wanted]]
        if len(lacking):
            raise InputError(
                f"{path}: frame {lacking[0]} of {len(entry.times)} cannot be decoded: "
                "the file is damaged or cut short"
            )
        return np.asarray(entry.pictures[wanted])

    def _entry(self, path: str | Path) -> _Entry:
        """The decoded video of a file, from memory, from the folder or made now."""
        try:
            status = os.stat(path)
        except OSError as error:
            raise InputError(f"{path}: {error.strerror}") from error
        facts = LAYOUT, os.path.abspath(path), status.st_size, status.st_mtime_ns, self.short_side
        key = hashlib.sha256(repr(facts).encode()).hexdigest()[:32]
        entry = self._open.get(key) or self._load(key)
        if entry is None:
            self._decode(Path(path), key)
            entry = self._load(key)
        if entry is None:
            raise InputError(f"{self.folder / key}.npy: cannot be read back")
        self._open[key] = entry
        self._open.move_to_end(key)
        if len(self._open) > self._entries:
            self._open.popitem(last=False)
        return entry

    def _load(self, key: str) -> _Entry | None:
        """Open an entry; None if it is not there or damaged."""
        try:
            with np.load(self.folder / f"{key}.npz") as table:
                times, decoded = table["times"], table["decoded"]
            pictures = np.load(self.folder / f"{key}.npy", mmap_mode="r")
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
            return None
        fits = pictures.dtype == np.uint8 and pictures.ndim == 4
        return _Entry(times, decoded, pictures) if fits and len(pictures) == len(times) else None

    def _decode(self, path: Path, key: str) -> None:
        """Make the entry of a file, or of a folder of numbered frames."""
        self.folder.mkdir(parents=True, exist_ok=True)
        if path.is_dir():
            frames = FrameFolderReader((FrameFolder(path.parent),), VideoReader(), self.short_side)
            times = frames.times(path)
            self._store(key, times, frames.size(path), _readable(frames, path, times))
            return
        with Video(path, self.short_side) as video:
            self._store(key, video.frame_times, (video.height, video.width), video.stream())

    def _store(
        self,
        key: str,
        times: np.ndarray,
        size: tuple[int, int],
        stream: Iterable[tuple[float, np.ndarray]],
    ) -> None:
        """Write an entry: the pictures straight to the disk, then their times."""
        decoded = np.zeros(len(times), bool)
        pixels = self.folder / f"{key}.npy"
        with writable(pixels), atomic_path(pixels) as partial:
            shape = len(times), *size, 3
            pictures = np.lib.format.open_memmap(partial, "w+", np.uint8, shape)
            if hasattr(os, "posix_fallocate"):  # a full disk would kill the program later on
                with open(partial, "r+b") as file:
                    os.posix_fallocate(file.fileno(), 0, partial.stat().st_size)
            with contextlib.suppress(InputError):  # `decoded` knows what a damaged file lacks
                for time, picture in stream:
                    frame = nearest_frames(times, time)
                    pictures[frame], decoded[frame] = picture, True
            pictures.flush()
        table = self.folder / f"{key}.npz"
        with writable(table), atomic_path(table) as partial:
            np.savez(partial, times=times, decoded=decoded)


def _readable(
    reader: FrameFolderReader, path: Path, times: np.ndarray
) -> Iterator[tuple[float, np.ndarray]]:
    """The frames of a folder that can be read."""
    for time in times.tolist():
        try:
            picture = reader.frames(path, np.array([time]))[0]
        except InputError:
            continue
        yield time, picture
