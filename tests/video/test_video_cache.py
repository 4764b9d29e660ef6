"""A cached reader gives what a plain one gives, whatever has happened to its folder."""

import multiprocessing
import os
import pickle
from pathlib import Path

import made_videos as made
import numpy as np
import pytest

from ava_det.formats.lock import take
from ava_det.structures import InputError
from ava_det.video import cache as cache_module
from ava_det.video.cache import CachedVideoReader
from ava_det.video.video import VideoReader

TIMES = [1.2, 0.0, 0.61, 0.61, 99.0]


def files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("short_side", [None, 24])
def test_it_gives_what_a_plain_reader_gives(short_side: int | None, tmp_path: Path) -> None:
    path = made.encode(tmp_path / "v.mp4")
    plain, cached = VideoReader(short_side), CachedVideoReader(tmp_path / "new/cache", short_side)
    for _ in range(2):
        np.testing.assert_array_equal(cached.times(path), plain.times(path))
        assert cached.size(path) == plain.size(path)
        got = cached.frames(path, TIMES)
        assert type(got) is np.ndarray
        np.testing.assert_array_equal(got, plain.frames(path, TIMES))
        got[:] = 0  # a copy: the next asker gets the picture again
    assert [name[-4:] for name in files(tmp_path / "new/cache")] == [".npy", ".npz"]


def test_a_video_is_decoded_once_for_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = made.encode(tmp_path / "v.mp4")
    folder = tmp_path / "cache"
    expected = CachedVideoReader(folder, 24).frames(path, TIMES)
    monkeypatch.setattr(cache_module, "Video", None)
    reader = CachedVideoReader(folder, 24)
    np.testing.assert_array_equal(reader.frames(path, TIMES), expected)
    monkeypatch.chdir(tmp_path)
    np.testing.assert_array_equal(reader.frames("v.mp4", TIMES), expected)


def test_it_keeps_few_open_and_sees_that_a_file_changed(tmp_path: Path) -> None:
    paths = [made.encode(tmp_path / f"{i}.mp4", count=10 + i) for i in range(3)]
    reader = CachedVideoReader(tmp_path / "cache", 24, entries=1)
    assert [len(reader.times(paths[i])) for i in (0, 1, 2, 0)] == [10, 11, 12, 10]
    made.encode(paths[0], count=5)
    os.utime(paths[0], ns=(0, 12345))
    assert len(reader.times(paths[0])) == 5


@pytest.mark.parametrize("suffix", [".npy", ".npz"])
@pytest.mark.parametrize("damage", ["gone", "empty", "half", "rubbish"])
def test_a_damaged_entry_is_made_again(suffix: str, damage: str, tmp_path: Path) -> None:
    path = made.encode(tmp_path / "v.mp4")
    folder = tmp_path / "cache"
    expected = CachedVideoReader(folder, 24).frames(path, TIMES)
    entry = next(folder.glob(f"*{suffix}"))
    data = entry.read_bytes()
    if damage == "gone":
        entry.unlink()
    else:
        new = {"empty": b"", "half": data[: len(data) // 2], "rubbish": b"\x93NUMPY" + b"x" * 999}
        entry.write_bytes(new[damage])
    np.testing.assert_array_equal(CachedVideoReader(folder, 24).frames(path, TIMES), expected)
    assert entry.read_bytes()[:100] == data[:100]


def test_what_a_file_cut_short_has_can_be_used(tmp_path: Path) -> None:
    path = made.encode(tmp_path / "v.mp4", container={"movflags": "faststart"})
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    plain, cached = VideoReader(), CachedVideoReader(tmp_path / "cache", None)
    np.testing.assert_array_equal(cached.times(path), plain.times(path))
    np.testing.assert_array_equal(cached.frames(path, [0.2]), plain.frames(path, [0.2]))
    for reader in (plain, cached):
        with pytest.raises(InputError, match=r"v.mp4: frame 39 of 40 .*cannot be decoded"):
            reader.frames(path, [0.2, 99.0])


def test_what_is_no_video_leaves_nothing_behind(tmp_path: Path) -> None:
    path = tmp_path / "v.mp4"
    reader = CachedVideoReader(tmp_path / "cache", None)
    with pytest.raises(InputError, match=r"v.mp4: No such file"):
        reader.times(path)
    path.write_text("text")
    with pytest.raises(InputError, match=r"v.mp4: not a readable video"):
        reader.times(path)
    assert files(tmp_path / "cache") == []


def _ask(reader: CachedVideoReader, path: Path, answers: object) -> None:
    answers.put(reader.frames(path, TIMES))


def test_processes_that_start_at_once_agree(tmp_path: Path) -> None:
    path = made.encode(tmp_path / "v.mp4")
    reader = CachedVideoReader(tmp_path / "cache", 24)
    context = multiprocessing.get_context("fork")
    answers = context.Queue()
    processes = [context.Process(target=_ask, args=(reader, path, answers)) for _ in range(4)]
    for process in processes:
        process.start()
    got = [answers.get(timeout=120) for _ in processes]
    for process in processes:
        process.join()
    for pictures in got:
        np.testing.assert_array_equal(pictures, VideoReader(24).frames(path, TIMES))
    assert len(files(tmp_path / "cache")) == 2
    again = pickle.loads(pickle.dumps(reader))
    np.testing.assert_array_equal(again.frames(path, TIMES), got[0])


@pytest.mark.holds("13.10 every error names its file: videos")
def test_a_full_disk_is_said_before_anything_is_decoded(tmp_path, monkeypatch):
    path = made.encode(tmp_path / "v.mp4", count=3)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", full)
    with pytest.raises(OSError, match=r"No space left on device: '.*\.npy'"):
        CachedVideoReader(tmp_path / "cache", 24).times(path)
    assert list((tmp_path / "cache").iterdir()) == []


@pytest.mark.holds("13.11 partial files of a killed run are swept by the next")
def test_what_a_killed_run_left_half_decoded_is_swept(tmp_path: Path) -> None:
    film = made.encode(tmp_path / "v.mp4")
    folder = tmp_path / "cache"
    folder.mkdir()
    left, held = folder / f".{'a1' * 16}.npy", folder / f".{'b2' * 16}.npy"
    left.touch()
    with take(held):  # of a run that is alive
        CachedVideoReader(folder, None).times(film)
    assert not left.exists()
    assert held.exists()
