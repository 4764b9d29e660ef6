"""Caches decoded videos in memory-mapped files."""

import contextlib
import hashlib
import os
import zipfile
from collections import OrderedDict
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ava_det.formats.atomic import atomic_path, sweep
from ava_det.structures import InputError
from ava_det.video.frame_folders import FrameFolder, FrameFolderReader
from ava_det.video.sampling import nearest_frames
from ava_det.video.video import Video, VideoReader
from ava_det.video.writer import writable

LAYOUT = 2  # raise it when decoding gives other frames, so that old entries are made again


class _Entry(NamedTuple):
    """A decoded video: times (F,), mask (F,) of the decodable frames, pictures (F, H, W, 3)."""

    times: np.ndarray
    decoded: np.ndarray
    pictures: np.ndarray


class CachedVideoReader:
    """A `FrameReader` that decodes a whole video on the first access and caches the frames.

    The path, size and modification time of the file and the short side identify a cache entry. An
    unreadable entry is made again. Several processes may share a folder: at worst, a file is
    decoded twice. An entry takes `F * H * W * 3` bytes on disk, and memory only for the frames in
    use.
    """

    def __init__(self, folder: str | Path, short_side: int | None, entries: int = 64) -> None:
        """Set up a reader.

        Args:
            folder: The cache folder. It is created if it does not exist.
            short_side: See `Video`.
            entries: The number of entries to keep open.
        """
        self.folder, self.short_side = Path(folder), short_side
        self._entries = entries
        self._open: OrderedDict[str, _Entry] = OrderedDict()
        self._swept = False

    def __reduce__(self) -> tuple:
        return CachedVideoReader, (self.folder, self.short_side, self._entries)

    def times(self, path: str | Path) -> np.ndarray:
        """Return the times of a file's frames, (F,) float64, in seconds from the first frame."""
        return self._entry(path).times

    def size(self, path: str | Path) -> tuple[int, int]:
        """Return (height, width) of the frames that `frames` returns for a file."""
        height, width = self._entry(path).pictures.shape[1:3]
        return height, width

    def frames(self, path: str | Path, times: np.ndarray) -> np.ndarray:
        """Return a file's frames nearest to the times, (T, H, W, 3) uint8 RGB. See `Video`."""
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
        """Return the decoded video of a file, from memory, from the folder or decoded now."""
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
        """Open an entry; None if it does not exist or is damaged."""
        try:
            with np.load(self.folder / f"{key}.npz") as table:
                times, decoded = table["times"], table["decoded"]
            pictures = np.load(self.folder / f"{key}.npy", mmap_mode="r")
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
            return None
        fits = pictures.dtype == np.uint8 and pictures.ndim == 4
        return _Entry(times, decoded, pictures) if fits and len(pictures) == len(times) else None

    def _decode(self, path: Path, key: str) -> None:
        """Decode a file, or a folder of numbered frames, into an entry."""
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
        if not self._swept:  # remove the partial files of killed runs
            sweep(self.folder)
            self._swept = True
        decoded = np.zeros(len(times), bool)
        pixels = self.folder / f"{key}.npy"
        with writable(pixels), atomic_path(pixels) as partial:
            shape = len(times), *size, 3
            pictures = np.lib.format.open_memmap(partial, "w+", np.uint8, shape)
            if hasattr(os, "posix_fallocate"):  # otherwise, a full disk kills the program later
                with open(partial, "r+b") as file:
                    os.posix_fallocate(file.fileno(), 0, partial.stat().st_size)
            with contextlib.suppress(InputError):  # `decoded` marks the lost frames
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
    """Yield the readable frames of a folder."""
    for time in times.tolist():
        try:
            picture = reader.frames(path, np.array([time]))[0]
        except InputError:
            continue
        yield time, picture
