"""ONNX files are walked over before a library opens them: what does not fit is one line."""

import os
import random
import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_onnx import message, value_info, varint

from ava_det.formats.onnx_file import input_shape, read_onnx
from ava_det.structures import InputError

FILE = Path("made.onnx")
holds = pytest.mark.holds("13.9 ONNX: checked before OpenCV sees it")


def tensor(*more: tuple[int, int | bytes], dims=(2, 3), kind=1, raw: bytes | None = bytes(24)):
    fields = [*((1, size) for size in dims), (2, kind), (8, b"w")]
    return message(*fields, *([] if raw is None else [(9, raw)]), *more)


def graph(*fields: tuple[int, int | bytes]) -> bytes:
    return message((2, b"graph"), *fields)


def model(*fields: tuple[int, int | bytes]) -> bytes:
    return message((1, 8), (2, b"writer"), *fields)


def attribute(*fields: tuple[int, int | bytes]) -> bytes:
    """A graph of one node that has one attribute."""
    node = message((1, b"x"), (4, b"Constant"), (5, message((1, b"value"), *fields)))
    return model((7, graph((1, node))))


def with_tensor(weights: bytes) -> bytes:
    return model((7, graph((5, weights))))


def refused(path: Path) -> str:
    with pytest.raises(InputError) as caught:
        read_onnx(path)
    line = str(caught.value)
    assert line.startswith(f"{path}: ")
    assert "\n" not in line
    assert len(line) < 300 + len(str(path))
    return line


WHOLE = [
    with_tensor(tensor()),
    with_tensor(tensor(dims=(), raw=bytes(4))),
    with_tensor(tensor(dims=(0, 5), raw=b"")),
    with_tensor(tensor((1, varint(2) + varint(3)), dims=())),  # a packed shape
    with_tensor(tensor((4, bytes(24)), raw=None)),  # packed floats
    with_tensor(tensor((7, varint(5) + varint(-1)), dims=(2,), kind=7, raw=None)),
    with_tensor(tensor((7, 5), (7, -1), dims=(2,), kind=7, raw=None)),
    attribute((5, tensor())),
]
HOSTILE = {
    "external location": (with_tensor(tensor((14, 1))), "keeps weights in another file"),
    "external entry": (
        with_tensor(tensor((13, message((1, b"location"), (2, b"/etc/passwd"))), raw=None)),
        "keeps weights in another file, which is not opened",
    ),
    "external in a node": (attribute((5, tensor((14, 1)))), "keeps weights in another file"),
    "external in a list": (attribute((10, tensor((14, 1)))), "keeps weights in another file"),
    "too few bytes": (with_tensor(tensor(raw=bytes(20))), r"\[2, 3\] has 20 bytes or numbers"),
    "too many bytes": (with_tensor(tensor(raw=bytes(28))), "has 28 bytes or numbers, not 24"),
    "no bytes": (with_tensor(tensor(raw=None)), "has 0 bytes or numbers, not 6"),
    "a large size": (with_tensor(tensor(dims=(1 << 40,))), "an impossible shape"),
    "a negative size": (with_tensor(tensor(dims=(-1, -6))), "an impossible shape"),
    "a product": (with_tensor(tensor(dims=(1 << 30,) * 8)), "a tensor of shape"),
    "many axes": (with_tensor(tensor(dims=(1,) * 9)), "an impossible shape"),
    "strings": (with_tensor(tensor(kind=8)), "of type 8, which is no plain number"),
    "no type": (with_tensor(tensor(kind=0)), "of type 0"),
    "a sparse tensor": (model((7, graph((15, message())))), "a sparse tensor"),
    "a graph within": (attribute((6, graph())), "a graph or a sparse tensor within"),
    "functions": (model((7, graph()), (25, message())), "functions or training"),
    "two graphs": (model((7, graph()), (7, graph())), "it has 2 graphs"),
    "no graph": (model(), "it has 0 graphs"),
    "a graph that is a number": (model((7, 5)), "a message is a number"),
    "a length beyond the end": (model() + b"\x3a\xff\xff\xff\xff\x0f", "goes beyond"),
    "a length of 2^63": (b"\x3a" + varint(1 << 63), "goes beyond"),
    "a number without end": (b"\x08" + b"\xff" * 99, "does not end"),
    "a group": (b"\x3b\x3c", "goes beyond"),
    "text": (b"ONNX?", "not an ONNX file that can be used"),
    "nothing": (b"", "an empty file"),
}


@pytest.mark.parametrize("content", WHOLE)
def test_whole_files_are_read_as_they_are(tmp_path, content):
    (tmp_path / "a.onnx").write_bytes(content)
    assert read_onnx(tmp_path / "a.onnx") == content


@holds
@pytest.mark.parametrize(("content", "words"), HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_file_is_one_line(tmp_path, content, words):

    (tmp_path / "a.onnx").write_bytes(content)
    assert re.search(words, refused(tmp_path / "a.onnx"))


@pytest.mark.parametrize("name", ["yolox_nano.onnx", "picodet_s_416_coco.onnx"])
def test_published_files_are_whole(shared, name):
    path = shared / "models" / name
    assert len(read_onnx(path)) == path.stat().st_size


@holds
def test_what_is_no_file_is_refused_and_not_waited_on(tmp_path):
    os.mkfifo(tmp_path / "pipe.onnx")
    (tmp_path / "link.onnx").symlink_to(tmp_path / "gone.onnx")
    assert "a pipe or a device" in refused(tmp_path / "pipe.onnx")
    assert "a folder, not a file" in refused(tmp_path)
    assert "a link to a file that is not there" in refused(tmp_path / "link.onnx")
    assert "no such file" in refused(tmp_path / "none.onnx")
    assert "a pipe or a device" in refused(Path("/dev/zero"))


@holds
@given(st.binary(max_size=300))
def test_any_bytes_are_refused_in_one_line(tmp_path_factory, content):
    path = tmp_path_factory.getbasetemp() / "any.onnx"
    path.write_bytes(content)
    refused(path)


@holds
@given(st.integers(0, 2**32))
def test_any_damage_of_a_whole_file_is_refused_or_leaves_sizes_that_fit(tmp_path_factory, seed):
    rng = random.Random(seed)
    data = bytearray(rng.choice(WHOLE))
    for _ in range(rng.randint(1, 3)):
        data[rng.randrange(len(data))] = rng.randrange(256)
    path = tmp_path_factory.getbasetemp() / "damaged.onnx"
    path.write_bytes(data)
    try:
        assert read_onnx(path) == data
    except InputError:
        refused(path)


@pytest.mark.parametrize(
    ("sizes", "expected"),
    [((1, 3, 416, 416), (1, 3, 416, 416)), ((b"batch", 3, b"h", b"w"), (0, 3, 0, 0)), ((), ())],
)
def test_the_shape_of_the_first_input(sizes, expected):
    inputs = ((11, value_info(b"x", *sizes)), (11, value_info(b"other", 1, 2)))
    assert input_shape(FILE, model((7, graph(*inputs)))) == expected


def test_the_shapes_of_real_models(shared):
    for name in ("yolox_nano.onnx", "picodet_s_416_coco.onnx"):
        path = shared / "models" / name
        assert input_shape(path, read_onnx(path)) == (1, 3, 416, 416)


def test_a_model_without_inputs_has_no_shape():
    assert input_shape(FILE, model((7, graph()))) == ()


@holds
@given(data=st.data())
@settings(max_examples=200, deadline=None)
def test_a_damaged_input_has_a_shape_or_one_line_that_names_the_file(data):
    """Every byte of the description of the input may be wrong, whatever the checks before."""
    info = bytearray(value_info(b"x", 1, 3, 416, 416))
    for _ in range(data.draw(st.integers(1, 3))):
        info[data.draw(st.integers(0, len(info) - 1))] = data.draw(st.integers(0, 255))
    refused, shape = "", ()
    try:
        shape = input_shape(FILE, model((7, graph((11, bytes(info))))))
    except InputError as error:
        refused = str(error)
    assert not refused or refused.startswith("made.onnx: not an ONNX file that can be used: ")
    assert all(isinstance(size, int) for size in shape)
