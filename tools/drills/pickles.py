"""Makes pickles that try to run code or never end, also wrapped in torch files."""

import builtins
import io
import os
import pickle
import random
import struct
import subprocess
import zipfile
from collections import OrderedDict, defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

HEAD = b"\x80\x02"  # protocol 2


class Call:
    """An object whose pickle calls `function`."""

    def __init__(self, function: Callable[..., Any], *arguments: Any):
        self.call = (function, arguments)

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return self.call


def calls(sentinel: Path) -> list[Any]:
    """Return objects that create the file `sentinel` when they are unpickled."""
    touch, source = f"touch {sentinel}", f"open({str(sentinel)!r}, 'w')"
    return [
        Call(os.system, touch),
        Call(subprocess.Popen, ["touch", str(sentinel)]),
        Call(eval, source),
        Call(exec, source),
        Call(open, str(sentinel), "w"),
        Call(getattr, Call(builtins.__import__, "os"), "system"),
        Call(pickle.loads, pickle.dumps(Call(os.system, touch))),
        Call(np.save, str(sentinel), np.ones(1)),
        Call(torch.save, [1], str(sentinel)),
        Call(torch.load, str(sentinel)),
        np.array([Call(os.system, touch)], dtype=object),
        [{"a": ({"b": [Call(eval, source)]},)}],
    ]


def endless(rng: random.Random) -> bytes:
    """Return a small pickle that needs very much stack, memory or time to read."""
    depth = rng.choice([2_000, 200_000])
    long = struct.pack("<I", rng.choice([1 << 31, (1 << 32) - 1, 1_000_000]))
    return rng.choice(
        [
            HEAD + b"(" * depth + b"l" * depth + b".",
            HEAD + b"]" * depth + b"a" * (depth - 1) + b".",
            HEAD + b"}" + b"K\x01" * 2 + b")" * depth + b".",
            HEAD + b"X" + long + b"abc.",
            HEAD + b"\x8b" + long + b"1.",  # LONG4
            HEAD + b"]r" + long + b".",  # a place in the memo
            HEAD + b"j" + long + b".",  # from the memo
            HEAD + b"]q\x000" + b"(h\x00h\x00lq\x000" * 40 + b"h\x00.",  # twice as much, 40 times
            HEAD + b"]q\x00h\x00a.",  # a list in itself
            b"\x80\x05\x95" + struct.pack("<Q", 1 << 62) + b"N.",  # a frame
            b"I" + b"9" * 60_000 + b"\n.",
            HEAD + b"(" * depth,
        ]
    )


def odd_content(rng: random.Random) -> Any:
    """Return plain objects that are neither weights nor boxes."""
    array = np.ones((2, 2), np.float32)
    content = {"a": array, "b": {"c": [1, 2.5, None, "text"]}}
    return rng.choice(
        [
            None,
            [],
            {},
            [content] * 3,
            {1: array, (2, 3): array},
            {"state_dict": None},
            {"model_state": {"": array, "\ud800".encode("utf-8", "surrogatepass"): array}},
            {"blobs": {"x": np.zeros((1, 0, 3)), "y": np.array("text")}},
            {"x" * 100_000: array},
            {f"layer{k}": np.array([k], np.float32) for k in range(20_000)},
            defaultdict(list, {"clip,0902": array}),
            OrderedDict(a=array.astype(">f4"), b=np.array([1 + 2j]), c=np.float64("nan")),
            {"a": np.array(["2020-01-01"], "datetime64[D]"), "b": np.zeros(2, "f4,i4")},
            {"state_dict": {"a": torch.full((2,), float("nan")), "b": torch.zeros(0)}},
            {"model_state": {"a": torch.ones(2, dtype=torch.complex64), "b": torch.ones(1).bool()}},
        ]
    )


def torch_zip(content: Any) -> bytes:
    """Return the content in torch's current format."""
    buffer = io.BytesIO()
    torch.save(content, buffer)
    return buffer.getvalue()


def torch_legacy(content: Any) -> bytes:
    """Return the content in torch's format before version 1.6."""
    buffer = io.BytesIO()
    torch.save(content, buffer, _use_new_zipfile_serialization=False)
    return buffer.getvalue()


def zip_members(rng: random.Random, data: bytes) -> bytes:
    """Drop, rename, repeat, empty, replace or compress one member of a zip archive."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        members = [(name, archive.read(name)) for name in archive.namelist()]
    place = rng.randrange(len(members))
    name, content = members[place]
    kind = rng.randrange(8)
    if kind == 0:
        del members[place]
    elif kind == 1:
        members[place] = rng.choice(["../" + name, "/tmp/x", name + "x", "é/" + name]), content
    elif kind == 2:
        members.append((name, content[::-1]))
    elif kind == 3:
        members[place] = name, b""
    elif kind == 4:
        members[place] = name, rng.randbytes(len(content))
    elif kind == 5:
        members[place] = name, endless(rng)
    elif kind == 6:
        members.insert(0, ("x/data.pkl", endless(rng)))
    bomb = kind == 7
    if bomb:
        members[place] = name, bytes(200 << 20)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED if bomb else zipfile.ZIP_STORED) as new:
        for name, content in members:
            new.writestr(zipfile.ZipInfo(name), content, compress_type=new.compression)
    return buffer.getvalue()
