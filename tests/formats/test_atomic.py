"""formats/atomic.py: whole files or none, full disks, and what killed runs leave."""

import errno
import gzip
import os
import resource
import signal
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from ava_det import cli
from ava_det.evaluation.figures import write_evaluation
from ava_det.formats.atomic import atomic_path, atomic_text, sweep
from ava_det.structures import InputError

MANY = 100_000


@contextmanager
def full_disk(size: int = 20_000) -> Generator[None]:
    """No file grows beyond some bytes, as where the disk is full."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def text(path: Path) -> None:
    with atomic_text(path) as file:
        file.writelines(f"{number}\n" for number in np.random.default_rng(0).random(MANY))


def array(path: Path) -> None:
    with atomic_path(path) as partial, partial.open("wb") as file:
        np.save(file, np.zeros(MANY))


def arrays(path: Path) -> None:
    with atomic_path(path) as partial:
        np.savez(partial, a=np.zeros(MANY))


def video(path: Path) -> None:
    from ava_det.video.writer import VideoWriter

    with VideoWriter(path, 240, 320, 25) as writer:
        for frame in np.random.default_rng(0).integers(0, 255, (30, 240, 320, 3), np.uint8):
            writer.write(frame)


def torch_file(path: Path) -> None:
    import torch

    with atomic_path(path) as partial, partial.open("wb") as file:
        torch.save({"a": torch.zeros(MANY)}, file)


def safetensors(path: Path) -> None:
    import torch
    from safetensors.torch import save_file

    with atomic_path(path) as partial:
        save_file({"a": torch.zeros(MANY)}, partial)


def picture(path: Path) -> None:
    from PIL import Image

    noise = np.random.default_rng(0).integers(0, 255, (240, 320, 3), np.uint8)
    with atomic_path(path) as partial:
        Image.fromarray(noise).save(partial)


def curves(path: Path) -> None:
    from ava_det.draw.curves import draw_curves

    draw_curves(path, {"all": {"arm": [(np.arange(9), np.arange(9.0))]}}, "loss")


WRITERS = {
    "a.csv": text,
    "a.csv.gz": text,
    "a.json": text,
    "a.html": text,
    "a.npy": array,
    "a.npz": arrays,
    "a.mp4": video,
    "a.pth": torch_file,
    "a.safetensors": safetensors,
    "a.png": picture,
    "curves.png": curves,
}


@pytest.mark.holds("13.10 a full disk says so, with the file, and leaves no part of it")
@pytest.mark.parametrize("name", WRITERS)
def test_a_full_disk_is_said_of_the_file_and_nothing_is_left(tmp_path, name):
    path = tmp_path / name
    with pytest.raises((OSError, InputError), match="File too large") as caught, full_disk():
        WRITERS[name](path)
    assert cli.one_line(caught.value).startswith(f"{path}: ")
    assert not list(tmp_path.iterdir())


@pytest.mark.holds("13.10 a full disk leaves the file that was there")
@pytest.mark.parametrize("name", WRITERS)
def test_a_full_disk_leaves_the_old_file(tmp_path, name):
    path = tmp_path / name
    path.write_text("old")
    with pytest.raises((OSError, InputError), match="File too large"), full_disk():
        WRITERS[name](path)
    assert [(found.name, found.read_text()) for found in tmp_path.iterdir()] == [(name, "old")]


@pytest.mark.holds("13.10 a full disk says so, with the file")
def test_a_device_that_is_full_is_written_to_itself():
    with pytest.raises(OSError, match="No space left") as caught, atomic_text("/dev/full") as file:
        file.write("x")
    assert cli.one_line(caught.value).startswith("/dev/full: No space left on device; free some")
    assert Path("/dev/full").is_char_device()


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO])
def test_errors_of_a_disk_come_with_a_remedy(tmp_path, number):
    with pytest.raises(OSError, match=r"a\.csv") as caught, atomic_text(tmp_path / "a.csv"):
        raise OSError(number, os.strerror(number))
    assert cli.one_line(caught.value).startswith(f"{tmp_path}/a.csv: {os.strerror(number)}; ")


@pytest.mark.holds("13.10 text that a file cannot hold names the file")
def test_a_name_that_is_no_text_is_said_of_the_file(tmp_path):
    path = tmp_path / "a.csv"
    message = r"a\.csv: '\\udcff' cannot be encoded as utf-8"
    with pytest.raises(InputError, match=message), atomic_text(path) as file:
        file.write(os.fsdecode(b"\xff.mp4"))
    assert not list(tmp_path.iterdir())


def test_what_is_no_error_of_the_file_keeps_its_kind(tmp_path):
    with pytest.raises(TypeError) as caught, atomic_text(tmp_path / "a.csv") as file:
        file.write(None)
    assert cli.one_line(caught.value).startswith(f"{tmp_path}/a.csv: TypeError: ")


def test_a_folder_of_that_name_is_said(tmp_path):
    (tmp_path / "a.csv").mkdir()
    with pytest.raises(IsADirectoryError, match=r"a\.csv"):
        write_evaluation(tmp_path / "a.csv", {})
    assert [path.name for path in tmp_path.iterdir()] == ["a.csv"]


@pytest.mark.parametrize("name", ["x" * 250 + ".csv", os.fsdecode(b"\xff.csv.gz"), "plain"])
def test_any_name_that_a_file_can_have(tmp_path, name):
    with atomic_text(tmp_path / name) as file:
        file.write("content")
    opener = gzip.open if name.endswith(".gz") else open
    with opener(tmp_path / name, "rt") as file:
        assert file.read() == "content"
    assert len(os.listdir(tmp_path)) == 1


WRITES = """
import sys, time
from pathlib import Path
from ava_det.formats.atomic import atomic_text
with atomic_text(sys.argv[1]) as file:
    file.write("half")
    file.flush()
    print("begun", flush=True)
    time.sleep(60)
"""


@pytest.mark.holds("13.11 partial files of killed runs are swept, those of living ones stay")
@pytest.mark.parametrize("whole_folder", [True, False], ids=["folder", "file"])
def test_partial_files_are_swept_once_their_writer_is_dead(tmp_path, whole_folder):
    output = tmp_path / "run" / "a.csv"
    output.parent.mkdir()
    other = output.with_name("b.csv")
    writers = [
        subprocess.Popen([sys.executable, "-c", WRITES, path], stdout=subprocess.PIPE)
        for path in (output, other)
    ]
    for writer in writers:
        assert writer.stdout.readline() == b"begun\n"
    swept = output.parent if whole_folder else output
    sweep(swept)
    assert len(list(output.parent.iterdir())) == 2
    for writer in writers:
        writer.send_signal(signal.SIGKILL)
        writer.communicate()
    assert len(list(output.parent.iterdir())) == 2
    sweep(swept)
    assert len(list(output.parent.iterdir())) == (0 if whole_folder else 1)


def test_sweeping_leaves_what_is_no_partial_file(tmp_path):
    names = [".hidden.csv", "a.csv", f".{'a' * 31}.csv", f".{'g' * 32}.csv", f"{'a' * 32}.csv"]
    for name in names:
        (tmp_path / name).touch()
    sweep(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(names)
