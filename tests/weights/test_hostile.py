"""Files that try to run code are refused with one line, and nothing of them is run."""

import collections
import os
import pickle
import re
import warnings
import zipfile

import numpy as np
import pytest
import torch
from hostile import WRAPPINGS, Call, as_torch_zip, gadgets

from ava_det.formats.plain_pickle import read_plain_pickle
from ava_det.structures import InputError
from ava_det.weights.load import read_file
from ava_det.weights.torch_files import read_torch_file


def refused(path) -> str:
    """The one line that a file is refused with."""
    with pytest.raises(InputError) as caught:
        read_file(path)
    line = str(caught.value)
    assert line.startswith(f"{path}: ")
    assert "\n" not in line
    assert len(line) < 500
    return line


@pytest.mark.parametrize("wrap", WRAPPINGS, ids=lambda wrap: wrap.__name__)
def test_every_gadget_in_every_wrapping_is_refused(tmp_path, wrap):
    sentinel, file = tmp_path / "it_ran", tmp_path / "hostile"
    for name, gadget in gadgets(sentinel).items():
        weights = {"s1.pathway0_stem.conv.weight": torch.ones(2)}
        if "pickle" in wrap.__name__:
            weights = {"conv1_w": np.ones(2, np.float32), "res2_0_branch1_w": np.ones(1)}
        for content in ({"model_state": weights, "extra": gadget}, gadget):
            file.write_bytes(wrap(content))
            assert refused(file), name
            assert not sentinel.exists(), name


def test_the_line_names_what_was_asked_for(tmp_path):
    for wrap in (WRAPPINGS[0], WRAPPINGS[1], WRAPPINGS[3], WRAPPINGS[5]):
        (tmp_path / "a.pyth").write_bytes(wrap({"a": Call(eval, "1")}))
        said = refused(tmp_path / "a.pyth")
        assert re.search("eval, which (weights|arrays) do not need; nothing was run", said)


def test_calls_that_look_like_a_log_do_nothing(tmp_path):
    """What frameworks log is replaced by a thing that does nothing, `getattr` included."""
    sentinel = tmp_path / "it_ran"
    content = {"model_state": {}, "log": Call(Call(getattr, "a", "join"), f"touch {sentinel}")}
    (tmp_path / "a.pyth").write_bytes(as_torch_zip(content))
    refused(tmp_path / "a.pyth")
    assert not sentinel.exists()


def test_logs_of_training_frameworks_are_no_obstacle(tmp_path):
    """numpy's numbers and arrays, and MMEngine's HistoryBuffer with a list of its methods."""
    content = {
        "model_state": {"s1.pathway0_stem.conv.weight": torch.ones(2)},
        "best": np.float64(0.5),
        "history": np.arange(5),
        "methods": Call(getattr, np.ndarray, "mean"),
        "counts": collections.Counter("abc"),
    }
    (tmp_path / "a.pyth").write_bytes(as_torch_zip(content))
    weights = read_file(tmp_path / "a.pyth").weights
    assert torch.equal(weights["s1.pathway0_stem.conv.weight"], torch.ones(2))


@pytest.mark.parametrize("member", ["data.pkl", "data/0", "version"])
def test_a_flipped_bit_in_any_member_of_a_torch_file_is_noticed(tmp_path, member):
    path = tmp_path / "a.pyth"
    path.write_bytes(as_torch_zip({"a": torch.arange(1000.0)}))
    with zipfile.ZipFile(path) as archive:
        info = next(i for i in archive.infolist() if i.filename.endswith(member))
        content = archive.read(info)
    data = path.read_bytes()
    place = data.index(content, info.header_offset) + len(content) // 2
    damaged = bytearray(data)
    damaged[place] ^= 4
    path.write_bytes(damaged)
    with pytest.raises(InputError, match=f"{member} does not match its checksum"):
        read_torch_file(path)


def test_a_torch_file_without_checksums_is_read(tmp_path):
    try:
        torch.serialization.set_crc32_options(False)
        (tmp_path / "a.pyth").write_bytes(as_torch_zip({"a": torch.ones(3)}))
    finally:
        torch.serialization.set_crc32_options(True)
    assert torch.equal(read_torch_file(tmp_path / "a.pyth")["a"], torch.ones(3))


def test_a_compressed_archive_is_refused(tmp_path):
    """With its checksums and with none: its bytes would be taken for weights."""
    whole, compressed = tmp_path / "a.pyth", tmp_path / "b.pyth"
    whole.write_bytes(as_torch_zip({"a": torch.ones(1000)}))
    with zipfile.ZipFile(whole) as a, zipfile.ZipFile(compressed, "w", 8) as b:
        for info in a.infolist():
            b.writestr(info.filename, a.read(info))
    assert "is compressed" in refused(compressed)
    with zipfile.ZipFile(compressed) as archive:
        sums = {info.CRC.to_bytes(4, "little") for info in archive.infolist()}
    data = compressed.read_bytes()
    for checksum in sums:
        data = data.replace(checksum, bytes(4))
    compressed.write_bytes(data)
    assert "is compressed" in refused(compressed)


def rewritten(path, change):
    """Write the archive at `path` anew, with right checksums, of what `change` makes of members."""
    with zipfile.ZipFile(path) as archive:
        members = [(info.filename, archive.read(info)) for info in archive.infolist()]
    with zipfile.ZipFile(path, "w") as archive, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of names that are there twice
        for name, content in change(members):
            archive.writestr(name, content)
    return path


def resized(number, by):
    """A change of the size of one storage by some bytes."""

    def change(members):
        for name, content in members:
            if name.endswith(f"data/{number}"):
                content = content + bytes(by) if by > 0 else content[:by]
            yield name, content

    return change


def renamed(a, b):
    return lambda members: [(n.replace(a, b) if n.endswith(a) else n, c) for n, c in members]


def swapped(members):
    """The first two storages, of other sizes, in each other's place."""
    names = {"data/0": "data/1", "data/1": "data/0"}
    return [(n[:-6] + names.get(n[-6:], n[-6:]), c) for n, c in members]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (resized(0, -4), "data/0 has 36 bytes, but its tensor 40"),
        (resized(1, -4), "data/1 has 76 bytes, but its tensor 80"),
        (resized(2, -4), "data/2 has 20 bytes, but its tensor 24"),
        (resized(0, -40), "3 tensors' numbers are asked for, but 2 are in it"),
        (resized(1, 4), "data/1 has 84 bytes, but its tensor 80"),
        (swapped, "data/1 has 40 bytes, but its tensor 80"),
        (lambda members: [*members, ("archive/data/9", b"x")], "3 tensors' numbers.* 4 are in it"),
        (lambda members: [*members, members[-3]], "is in it 2 times"),
        (lambda members: [(n, c) for n, c in members if "data/1" not in n], ""),
        (renamed("data/1", "data/one"), ""),
        (lambda m: [(n, b"big" if "byteorder" in n else c) for n, c in m], "not little-endian"),
        (lambda members: [*members, ("archive/constants.pkl", b"")], "a TorchScript archive"),
    ],
)
def test_members_that_are_not_the_tensors_are_refused(tmp_path, change, words):
    path, state = tmp_path / "a.pyth", {"s1.pathway0_stem.conv.weight": torch.arange(10.0)}
    state |= {"b": torch.arange(20.0).reshape(2, 10).t(), "c": torch.arange(3), "d": torch.ones(0)}
    path.write_bytes(as_torch_zip({**state, "view": state["b"][1:]}))
    rewritten(path, list)
    assert torch.equal(read_file(path).weights["view"], state["b"][1:])
    assert re.search(words, refused(rewritten(path, change)))


@pytest.mark.parametrize(
    "content", [b"", b"P", b"PK\x03\x04", b"\x80", b"{}", b"\0" * 99, b"hello"]
)
def test_what_is_no_weight_file_is_refused(tmp_path, content):
    (tmp_path / "a").write_bytes(content)
    refused(tmp_path / "a")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "an empty file"),
        (b"\n<!DOCTYPE html><html>", "a web page, not weights"),
        (b"<html lang=en>", "a web page, not weights"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "a pointer of Git LFS"),
    ],
)
def test_what_a_failed_download_leaves_is_named(tmp_path, content, words):
    (tmp_path / "a.pth").write_bytes(content)
    assert words in refused(tmp_path / "a.pth")


def test_a_missing_file_and_a_folder_are_refused(tmp_path):
    assert "no such file" in refused(tmp_path / "a")
    assert "a folder, not a file" in refused(tmp_path)


def test_a_pipe_is_refused_and_not_waited_on(tmp_path):
    os.mkfifo(tmp_path / "a")
    assert "a pipe or a device" in refused(tmp_path / "a")


# ---- the reader of plain pickles

VALUES = {
    "name": {"blobs": {"a": np.arange(12, dtype="f4").reshape(3, 4)}, "epoch": 3, "lr": 0.5},
    "columns": np.asfortranarray(np.arange(600.0).reshape(30, 20)),
    "big endian": np.arange(5, dtype=">f4"),
    "empty": np.zeros((0, 3)),
    "number": np.float32(3.5),
    "booleans": np.array([True, False]),
    "containers": [1, -(2**70), (None, True, False), {"a": "é", 3: b"\xff\x00"}, [], (), {}],
    "ordered": collections.OrderedDict(b=1, a=[2]),
    "shared": [[1]] * 3,
    "long": "x" * 5000,
}


def equal(a, b) -> bool:
    if isinstance(a, (list, tuple)):
        return len(a) == len(b) and all(map(equal, a, b))
    if isinstance(a, dict):
        return list(a) == list(b) and all(equal(a[k], b[k]) for k in a)
    if isinstance(a, np.ndarray):
        return a.dtype == b.dtype and np.array_equal(a, b) and b.flags.writeable
    return a == (
        bytes(b).decode("latin-1") if isinstance(a, str) and isinstance(b, bytearray) else b
    )


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize("name", VALUES)
def test_arrays_and_containers_of_every_protocol_are_read(tmp_path, name, protocol):
    (tmp_path / "a.pkl").write_bytes(pickle.dumps(VALUES[name], protocol=protocol))
    assert equal(VALUES[name], read_plain_pickle(tmp_path / "a.pkl"))


def test_a_pickle_of_python_2(tmp_path):
    """As numpy under Python 2 wrote a 2 x 1 array: the data is a string that is not text."""
    raw = np.float32([[1.5], [-2.0]]).tobytes()
    state = b"(K\x01K\x02K\x01\x86q\x05cnumpy\ndtype\nq\x06U\x02f4q\x07K\x00K\x01\x87q\x08Rq\x09"
    state += b"(K\x03U\x01<q\x0aNNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tq\x0bb\x89U\x08" + raw
    data = b"\x80\x02}q\x00U\x07conv1_wq\x01cnumpy.core.multiarray\n_reconstruct\nq\x02"
    data += (
        b"cnumpy\nndarray\nq\x03K\x00\x85q\x04U\x01bq\x0c\x87q\x0dRq\x0e"
        + state
        + b"q\x0ftq\x10bs."
    )
    (tmp_path / "a.pkl").write_bytes(data)
    found = read_plain_pickle(tmp_path / "a.pkl")
    assert np.array_equal(found["conv1_w"], [[1.5], [-2.0]])


@pytest.mark.parametrize(
    "value",
    [
        {1, 2},
        frozenset([1]),
        1j,
        range(3),
        np.array(["text"]),
        np.array([None]),
        np.zeros(2, dtype="f4,i4"),
        np.datetime64("2020-01-01"),
        {(1, (2, 3)): 3},
        torch.float32,
    ],
    ids=str,
)
def test_anything_else_is_refused(tmp_path, value):
    (tmp_path / "a.pkl").write_bytes(pickle.dumps({"a": value, "b": [value]}, protocol=2))
    with pytest.raises(InputError, match=r"a\.pkl: "):
        read_plain_pickle(tmp_path / "a.pkl")


@pytest.mark.parametrize(
    "program",
    [
        b"",
        b".",
        b"N",
        b"(.",
        b"0.",
        b"2.",
        b"R.",
        b"b.",
        b"Nb.",
        b"]Nb.",
        b"K\x01K\x02s.",
        b"]K\x01K\x02s.",
        b"}K\x01a.",
        b"h\x07.",
        b"u.",
        b"cnumpy\nndarray\n)R.",
        b"cnumpy\ndtype\nU\x02O8\x85R.",
        b"cnumpy\ndtype\nU\x02f4\x85RU\x01x\x86b.",
        b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85U\x01b\x87R.",
        b"c_codecs\nencode\nX\x01\x00\x00\x00aX\x05\x00\x00\x00rot13\x86R.",
        b"ccollections\nOrderedDict\nK\x05\x85R.",
        b"\x8c\x02os\x8c\x06system\x93.",
        b"K\x01K\x02\x93.",
        b"P0\n.",
        b"cos\nsystem\n(S'x'\ntR.",
        b"(S'x'\nios\nsystem\n.",
        b"\x8d\xff\xff\xff\xff\xff\xff\xff\x7f.",
        b"T\xff\xff\xff\x7f.",
        b"\x8b\xff\xff\xff\x7f.",
        b"r\xff\xff\xff\x7f.",
        b"Nr\xff\xff\xff\x7f(u.",
    ],
)
def test_broken_programs_are_refused(tmp_path, program):
    (tmp_path / "a.pkl").write_bytes(program)
    with pytest.raises(InputError, match=r"a\.pkl: "):
        read_plain_pickle(tmp_path / "a.pkl")


def test_tuples_within_tuples_as_a_key_do_not_take_forever(tmp_path):
    """Hashing t = (t, t), sixty times over, would end after the sun."""
    program = b"}K\x00" + b"".join(b"q%c" % k + b"h%c\x86" % k for k in range(60)) + b"Ns."
    (tmp_path / "a.pkl").write_bytes(program)
    with pytest.raises(InputError, match="a key that is neither"):
        read_plain_pickle(tmp_path / "a.pkl")
