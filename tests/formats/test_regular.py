"""What is no file, or far too large, is refused by every reader: not waited for, not taken in."""

import gzip
import os
import resource
import struct
from collections.abc import Generator
from contextlib import contextmanager

import pytest
import torch

from ava_det.data.prepare.published import read_json as read_published
from ava_det.data.sets.box_table import read_box_table
from ava_det.data.sets.description import read_description
from ava_det.evaluation.figures import read_evaluation
from ava_det.formats import frame_lists, plain_pickle
from ava_det.formats.atomic import open_text, read_text
from ava_det.formats.ava_csv import read_detections, read_keyframes, read_timestamps
from ava_det.formats.class_map import read_class_map
from ava_det.formats.frame_lists import read_frame_lists
from ava_det.formats.frame_sizes import read_sizes
from ava_det.formats.json_file import read_json
from ava_det.formats.onnx_file import read_onnx
from ava_det.formats.plain_pickle import read_plain_pickle
from ava_det.formats.regular import require_regular
from ava_det.formats.tools import cvat_meta
from ava_det.formats.tools.cvat_meta import parse
from ava_det.formats.training_log import read_metrics
from ava_det.formats.video_lists import read_class_names, read_video_list
from ava_det.structures import InputError
from ava_det.video.opening import open_video
from ava_det.video.picture_files import read_picture
from ava_det.weights.arrays import read_inputs
from ava_det.weights.load import read_file

HOLE = 20 << 30  # bytes, which take no room on the disk
ROW = b"film,1,0.1,0.1,0.5,0.5,1,0.5\n"
END = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 1, 1, 0xFFFFFFF0, 0, 0)  # of a zip archive


@contextmanager
def memory(room: int = 1 << 30) -> Generator[None]:
    """This process gets no more memory than it has and so many bytes."""
    with open("/proc/self/statm") as file:
        now = int(file.read().split()[0]) * resource.getpagesize()
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (now + room, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


def read_box_rows(path):
    return read_box_table(path, ["video", "frame"])


def read_lists(path):
    return read_frame_lists([path])


def read_list_of_videos(path):
    return read_published(path, dict)


@pytest.mark.holds("13.9 bounds: pipes and devices")
@pytest.mark.parametrize("read", [open_text, read_plain_pickle, parse, read_description])
def test_a_pipe_is_refused_and_not_waited_for(tmp_path, read):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(InputError, match="pipe: a pipe or a device: write it to a file first"):
        read(tmp_path / "pipe")


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda path: None, "no such file"),
        (lambda path: path.mkdir(), "a folder, not a file"),
        (lambda path: path.symlink_to("gone"), "a link to a file that is not there"),
        (lambda path: path.symlink_to(path.name), "a link to a file that is not there"),
        (lambda path: path.symlink_to("/dev/zero"), "a pipe or a device: write it to a file first"),
        (lambda path: path.write_bytes(bytes(11)), "11 bytes; at most 10 are read of such a file"),
    ],
)
def test_what_is_no_file_is_named_as_what_it_is(tmp_path, make, words):
    path = tmp_path / "x"
    make(path)
    with pytest.raises(InputError) as error:
        require_regular(path, 10)
    assert str(error.value) == f"{path}: {words}"


def test_a_file_and_a_link_to_one_are_files(tmp_path):
    (tmp_path / "x").write_bytes(bytes(10))
    (tmp_path / "link").symlink_to("x")
    require_regular(tmp_path / "link", 10)


@pytest.mark.holds("13.9 bounds: a file of any size is refused or read in bounded memory")
@pytest.mark.parametrize(
    ("read", "name", "start", "end"),
    [
        (read_json, "x.json", b'{"a": 1', b""),
        (read_evaluation, "x.json", b"", b""),
        (read_list_of_videos, "x.json", b'{"a": 1', b""),
        (read_class_names, "x.json", b'{"a": 0', b""),
        (read_class_names, "x.txt", b"walk\n", b""),
        (read_video_list, "x.txt", b"a.mp4 1\n", b""),
        (read_description, "x.toml", b"rate = 1\n", b""),
        (parse, "x.xml", b"<annotations>", b""),
        (read_detections, "x.csv", ROW, b""),
        (read_detections, "x.csv.gz", gzip.compress(ROW, mtime=0), b""),
        (read_detections, "x.csv.gz", gzip.compress(ROW, mtime=0), gzip.compress(ROW, mtime=0)),
        (read_keyframes, "x.csv", ROW, b""),
        (read_timestamps, "x.txt", b"902\n", b""),
        (read_sizes, "x.csv", b"film,64,48\n", b""),
        (read_box_rows, "x.csv", b"video,frame\nfilm,1\n", b""),
        (read_class_map, "x.pbtxt", b'item { name: "a" id: 1 }\n', b""),
        (read_class_map, "x.csv", b"id,name\n1,a\n", b""),
        (read_lists, "x.csv", b"a b c d e\nfilm 0 0 film/1.jpg x\n", b""),
        (read_metrics, "x.json", b'{"iteration": 1}\n', b""),
        (read_plain_pickle, "x.pkl", b"\x80\x04B\xff\xff\xff\xff", b"."),
        (read_plain_pickle, "x.pkl", b"\x80\x04\x8e" + struct.pack("<Q", HOLE), b"."),
        (read_onnx, "x.onnx", b"\x08\x07", b""),
        (read_inputs, "x.npz", b"PK\x03\x04", END),
        (read_file, "x.pth", b"PK\x03\x04", END),
        (read_file, "x.pkl", b"\x80\x02", b"."),
        (read_file, "x.safetensors", struct.pack("<Q", 1 << 60) + b"{", b""),
        (read_picture, "x.jpg", b"\xff\xd8\xff\xe0", b""),
        (open_video, "x.mp4", b"\0\0\0\x18ftypmp42", b""),
    ],
)
def test_a_hole_of_20_gb_is_refused(tmp_path, read, name, start, end):
    path = tmp_path / name
    with path.open("wb") as file:
        file.write(start)
        file.seek(HOLE)
        file.write(end)
        file.truncate()
    with memory(), pytest.raises(InputError) as error:
        read(path)
    assert str(path) in str(error.value)
    assert "fit into memory" not in str(error.value)
    assert len(str(error.value)) < 600


@pytest.mark.holds("13.9 bounds: a file of any size is refused or read in bounded memory")
@pytest.mark.parametrize(
    ("read", "name", "unit", "words"),
    [
        (read_json, "x.json", b"[],", "more values than fit into memory"),
        (read_json, "x.json", b'{"":0},', "more values than fit into memory"),
        (read_class_names, "x.json", b'"a":0,', "more values than fit into memory"),
        (read_description, "x.toml", b"a.b=[]\n", "at most 1,048,576 are read of such a file"),
        (read_timestamps, "x.txt", b"0" * 999_999 + b"\n", "more than 268,435,456 characters"),
    ],
)
def test_small_parts_that_grow_once_they_are_read_are_bounded(tmp_path, read, name, unit, words):
    path = tmp_path / name
    times = (1 << 20) // len(unit)
    block = unit * times
    with path.open("wb") as file:
        for _ in range(300 if b"0" * 9 in unit else 60):
            file.write(block)
    with memory(3 << 29), pytest.raises(InputError, match=words):
        read(path)


@pytest.mark.holds("13.9 bounds: a file of any size is refused or read in bounded memory")
@pytest.mark.parametrize("opcode", [b"]", b"(", b"}", b")"])
def test_the_steps_of_a_pickle_are_counted(tmp_path, monkeypatch, opcode):
    monkeypatch.setattr(plain_pickle, "MOST_STEPS", 1000)
    path = tmp_path / "x.pkl"
    path.write_bytes(opcode * 999 + b"N.")
    with pytest.raises(InputError, match="more than 1,000 steps"):
        read_plain_pickle(path)
    path.write_bytes(opcode * 998 + b"N.")
    assert read_plain_pickle(path) is None


def test_the_stretches_of_frame_lists_are_counted(tmp_path, monkeypatch):
    monkeypatch.setattr(frame_lists, "MOST_STRETCHES", 10)
    path = tmp_path / "x.csv"
    path.write_text("title\n" + "v 0 0 a.jpg x\nv 0 0 b.jpg x\n" * 5)
    assert len(read_lists(path)["v"]) == 10
    path.write_text("title\n" + "v 0 0 a.jpg x\nv 0 0 b.jpg x\n" * 6)
    with pytest.raises(InputError, match="more than 10 paths that do not count up"):
        read_lists(path)


@pytest.mark.holds("13.9 bounds: a file of any size is refused or read in bounded memory")
def test_the_parts_of_an_xml_file_are_counted(tmp_path, monkeypatch):
    monkeypatch.setattr(cvat_meta, "MOST_MEMORY", 100_000)
    path = tmp_path / "x.xml"
    path.write_text(f"<annotations>{'<a/>' * 600}</annotations>")
    assert len(parse(path)) == 600
    path.write_text(f"<annotations>{'<a/>' * 700}</annotations>")
    with pytest.raises(InputError, match="more boxes than fit into memory"):
        parse(path)


def test_texts_below_the_bound_are_read_whole(tmp_path):
    path = tmp_path / "x.txt"
    path.write_text("é\r\n" * 3)
    assert read_text(path, 12) == "é\r\n" * 3
    with pytest.raises(InputError, match="12 bytes; at most 11 are read"):
        read_text(path, 11)
    packed = tmp_path / "x.txt.gz"
    packed.write_bytes(gzip.compress(b"a" * 5000, mtime=0))
    assert read_text(packed, 5000) == "a" * 5000
    with pytest.raises(InputError, match=r"x\.txt\.gz: unpacks to more than 4,999 bytes"):
        read_text(packed, 4999)


def test_a_padded_gzip_file_is_whole(tmp_path):
    path = tmp_path / "x.txt.gz"
    path.write_bytes(gzip.compress(b"text", mtime=0) + bytes(10_240))  # as tapes pad
    assert read_text(path) == "text"


def test_a_legacy_checkpoint_is_taken_to_memory_only_if_it_is_small(tmp_path):
    path = tmp_path / "x.pth"
    torch.save({"a": torch.ones(2)}, path, _use_new_zipfile_serialization=False)
    with path.open("r+b") as file:
        file.truncate((1 << 31) + 1)
    with pytest.raises(InputError, match="at most 2,147,483,648 are read of such a file"):
        read_file(path)
