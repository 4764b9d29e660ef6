"""Small files that ask for much: memory, time or a message without end. One line each, soon."""

import io
import os
import pickle
import re
import resource
import warnings
import zipfile

import numpy as np
import pytest
import torch
from hostile import as_torch_legacy, as_torch_zip

from ava_det.model.zoo import build_classifier
from ava_det.structures import InputError
from ava_det.weights.arrays import read_inputs
from ava_det.weights.load import load_weights, read_file
from ava_det.weights.native import load_model

holds = pytest.mark.holds("13.9 weights files: work is bounded by the file")
every_error = pytest.mark.holds("13.10 every error of a weights file names it")

STEM = "s1.pathway0_stem.conv.weight"


def refused(path, read=read_file) -> str:
    """The one line that a file is refused with, at no more than 500 MB of further memory."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(InputError) as caught:
        read(path)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 500e3  # kB
    line = str(caught.value)
    assert line.startswith(f"{path}: ")
    assert line.isprintable()
    assert len(line) < 700 + len(str(path))
    return line


@holds
@pytest.mark.parametrize("wrap", [as_torch_zip, as_torch_legacy])
@pytest.mark.parametrize("axes", [(1 << 40,), (1 << 20, 1 << 20)])
def test_one_number_in_a_trillion_places(tmp_path, wrap, axes):
    state = {STEM: torch.ones(1).expand(axes)}
    (tmp_path / "a.pyth").write_bytes(wrap({"model_state": state}))
    assert "its tensors are larger than a file of" in refused(tmp_path / "a.pyth")


@holds
def test_one_tensor_under_a_hundred_names(tmp_path):
    weight = torch.ones(1000)
    state = {f"s1.pathway0_{number}": weight for number in range(100)}
    torch.save({"model_state": state}, tmp_path / "a.pyth")
    assert "its tensors are larger than a file of" in refused(tmp_path / "a.pyth")


@holds
def test_one_string_copied_again_and_again(tmp_path):
    """A megabyte as a string, and a thousand calls that each make bytes of it."""
    text = b"X" + (1 << 20).to_bytes(4, "little") + b"a" * (1 << 20)
    again = b"c_codecs\nencode\nh\x00X\x06\x00\x00\x00latin1\x86R"
    (tmp_path / "a.pkl").write_bytes(b"\x80\x02]" + text + b"q\x00a" + again * 1000 + b".")
    assert "it copies more than it holds" in refused(tmp_path / "a.pkl")


@pytest.mark.slow
@holds
def test_one_list_made_a_dict_of_again_and_again(tmp_path):
    pairs = pickle.dumps([(str(k), k) for k in range(50_000)], protocol=2)[2:-1]
    again = b"ccollections\nOrderedDict\n\x8a\x01\x07h\x07\x85R"
    again = again.replace(b"\x8a\x01\x07h\x07", b"j\x40\x42\x0f\x00")
    program = b"\x80\x02" + pairs + b"r\x40\x42\x0f\x00" + again * 20_000 + b"."
    (tmp_path / "a.pkl").write_bytes(program)
    assert "it copies more than it holds" in refused(tmp_path / "a.pkl")


@holds
def test_members_that_lie_over_each_other(tmp_path):
    """Each of a thousand members says that it is the whole file."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for number in range(1000):
            archive.writestr(f"archive/data/{number}", b"x" * 64)
    data = bytearray(buffer.getvalue())
    for number in range(1000):
        entry = data.index(f"archive/data/{number}".encode(), data.index(b"PK\x01\x02")) - 46
        data[entry + 20 : entry + 28] = (60_000).to_bytes(4, "little") * 2
    (tmp_path / "a.pyth").write_bytes(data)
    assert "its members have 60,000,000 bytes" in refused(tmp_path / "a.pyth")


@holds
def test_a_storage_of_a_terabyte_in_a_pickle_of_a_kilobyte(tmp_path):
    for wrap in (as_torch_zip, as_torch_legacy):
        data = wrap({"model_state": {STEM: torch.ones(0x1234)}})
        small, large = b"M\x34\x12", b"J\xff\xff\xff\x7f"  # BININT2 and BININT
        assert small in data
        (tmp_path / "a.pyth").write_bytes(data.replace(small, large))
        refused(tmp_path / "a.pyth")


@holds
@every_error
@pytest.mark.parametrize(
    ("name", "content"),
    [
        pytest.param("deflated.npz", None, marks=pytest.mark.slow),
        ("shape.npz", b"{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999,), }"),
        ("deep.npz", b"[" * 5000),
        (
            "digits.npz",
            b"{'descr': '<f4', 'fortran_order': False, 'shape': (" + b"9" * 5000 + b",)}",
        ),
        ("objects.npz", b"{'descr': '|O', 'fortran_order': False, 'shape': (1,), }"),
    ],
)
def test_clips_of_a_bomb(tmp_path, name, content):
    path = tmp_path / name
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        if content is None:  # 5 GiB of zeros in 5 MB
            with archive.open("clip.npy", "w", force_zip64=True) as member:
                header = b"{'descr': '|u1', 'fortran_order': False, 'shape': (5368709120,), }\n"
                member.write(b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header)
                for _ in range(5 << 10):
                    member.write(bytes(1 << 20))
        else:
            header = b"\x93NUMPY\x01\x00" + (len(content) + 1).to_bytes(2, "little")
            archive.writestr("clip.npy", header + content + b"\n")
    assert re.search("not an npz file|do not fit into memory", refused(path, read_inputs))


@every_error
@pytest.mark.parametrize("read", [read_file, load_model, read_inputs])
def test_what_is_no_file_is_refused_and_not_waited_on(tmp_path, read):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to(tmp_path / "gone")
    assert "a pipe or a device" in refused(tmp_path / "pipe", read)
    assert "a folder, not a file" in refused(tmp_path, read)
    assert "a link to a file that is not there" in refused(tmp_path / "link", read)
    assert "no such file" in refused(tmp_path / "none", read)
    (tmp_path / "empty").touch()
    refused(tmp_path / "empty", read)


@every_error
@pytest.mark.parametrize(
    "config",
    [
        "DATA: {MEAN: [1" + "0" * 400 + "]}",
        "DATA: {MEAN: [1" + "0" * 5000 + "]}",
        "DATA: {MEAN: [a]}",
        "DATA: {MEAN: 5}",
        "DATA: " + "[" * 900 + "]" * 900,
        "DATA: " + "{a: " * 400 + "}" * 400,
        "a: !!python/object/apply:os.system [ls]",
        "a: 2024-13-45",
        "[" * 100_000,
        "- " * 100_000,
        "? " * 100_000,
        "{[1]: 2}",
    ],
)
def test_a_config_of_pyslowfast_that_cannot_be_read(tmp_path, config):
    state = {STEM: torch.ones(1)}
    torch.save({"model_state": state, "cfg": config}, tmp_path / "a.pyth")
    try:
        read_file(tmp_path / "a.pyth")  # one that says nothing is nothing wrong
    except InputError:
        refused(tmp_path / "a.pyth")


@every_error
def test_a_message_has_an_end(tmp_path):
    config = "MODEL: {ARCH: slowfast}\nSLOWFAST: {ALPHA: " + "x" * 100_000 + "}\nDATA: {MEAN: ["
    config += ", ".join(["0.1"] * 10_000) + "]}"
    torch.save({"model_state": {STEM: torch.ones(1)}, "cfg": config}, tmp_path / "a.pyth")
    model = build_classifier("slowfast_tiny", 5, {"width": 8})
    line = refused(tmp_path / "a.pyth", lambda path: load_weights(path, model))
    assert "made for another model" in line


@every_error
@pytest.mark.parametrize(
    "state",
    [
        {"backbone.bottom_up.stem.conv1.weight": np.array(1, np.float32)},
        {"backbone.bottom_up.stem.conv1.weight": np.ones(3, np.float32)},
        {"backbone.bottom_up.stem.conv1.weightx": np.ones((2, 3, 7, 7), np.float32)},
    ],
)
def test_shapes_that_a_codebase_never_writes(tmp_path, state):
    (tmp_path / "a.pkl").write_bytes(pickle.dumps({"model": state, "__author__": "x"}))
    line = refused(tmp_path / "a.pkl", lambda path: read_file(path).renamed())
    assert "shapes that detectron2's model zoo (people of COCO) never writes" in line


@every_error
def test_names_that_cannot_be_printed(tmp_path):
    path = tmp_path / "a"
    with zipfile.ZipFile(path, "w") as archive, warnings.catch_warnings():
        archive.writestr("archive/\x1b[2J", b"x")
    assert "a member has a name that cannot be printed" in refused(path)
    name = b"X\x05\x00\x00\x00\x1b[2J\nX" + (9999).to_bytes(4, "little") + b"a" * 9999
    path.write_bytes(b"\x80\x02" + name + b"\x93.")
    refused(path)
    path.write_bytes(b"\x80\x02c\x1b[2J\x07\n" + b"a" * 9999 + b"\n.")
    assert "it asks for ?[2J?" in refused(path)


@every_error
@pytest.mark.parametrize(
    "value",
    [
        torch.ones(2).to_sparse(),
        torch.quantize_per_tensor(torch.ones(2), 1.0, 0, torch.qint8),
        torch.ones(2, device="meta"),
        torch.ones(2).to(torch.float8_e5m2),
        None,
        torch.nested.nested_tensor([torch.ones(2), torch.ones(3)]),
    ],
    ids=["sparse", "quantized", "meta", "float8", "none", "nested"],
)
def test_tensors_of_other_kinds(tmp_path, value):
    torch.save({"model_state": {STEM: value}}, tmp_path / "a.pyth")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        refused(tmp_path / "a.pyth")


@pytest.mark.holds("13.10 every error names its file: clips in an npz")
def test_a_member_that_is_no_array_is_named(tmp_path):
    path = tmp_path / "in.npz"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("clip.npy", b"not an array")
    assert "'clip' is no array" in refused(path, read_inputs)
