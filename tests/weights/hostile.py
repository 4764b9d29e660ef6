"""Pickles that would run code, by every road that a pickle has to a callable."""

import builtins
import io
import os
import pickle
import subprocess
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch


class Call:
    """An object whose pickle calls `function`."""

    def __init__(self, function: Callable[..., Any], *arguments: Any):
        self.call = (function, arguments)

    def __call__(self) -> None:
        raise AssertionError("a pickle may call only what is callable, so this is")

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return self.call


def gadgets(sentinel: Path) -> dict[str, Any]:
    """Objects that would create the file `sentinel`, or open a road to code, if unpickled."""
    touch = f"touch {sentinel}"
    source = f"open({str(sentinel)!r}, 'w')"
    module = Call(builtins.__import__, "os")
    return {
        "os.system": Call(os.system, touch),
        "subprocess": Call(subprocess.Popen, ["touch", str(sentinel)]),
        "eval": Call(eval, source),
        "exec": Call(exec, source),
        "open": Call(open, str(sentinel), "w"),
        "getattr": Call(Call(getattr, module, "system"), touch),
        "pickle within": Call(pickle.loads, pickle.dumps(Call(os.system, touch))),
        "numpy file": Call(np.fromfile, str(sentinel)),
        "numpy save": Call(np.save, str(sentinel), np.ones(1)),
        "numpy objects": np.array([Call(os.system, touch)], dtype=object),
        "torch.load": Call(torch.load, str(sentinel)),
        "torch.save": Call(torch.save, [1], str(sentinel)),
        "torch.hub": Call(torch.hub.load, str(sentinel.parent), "x", "local"),
        "torch rebuild": Call(torch._utils._rebuild_tensor, Call(os.system, touch), 0, (1,), (1,)),
        "torch type": Call(
            torch._tensor._rebuild_from_type_v2, Call(eval, source), torch.Tensor, (), {}
        ),
        "nested": [{"a": ({"b": [Call(os.system, touch)]},)}],
        "value of a dict": {"state": Call(os.system, touch)},
    }


def as_torch_zip(content: Any) -> bytes:
    buffer = io.BytesIO()
    torch.save(content, buffer)
    return buffer.getvalue()


def as_torch_legacy(content: Any) -> bytes:
    buffer = io.BytesIO()
    torch.save(content, buffer, _use_new_zipfile_serialization=False)
    return buffer.getvalue()


def as_pickle(content: Any) -> bytes:
    return pickle.dumps(content, protocol=2)


def as_pickle_of_lines(content: Any) -> bytes:
    return pickle.dumps(content, protocol=0)


def as_pickle_of_today(content: Any) -> bytes:
    return pickle.dumps(content, protocol=5)


def as_torch_tar(content: Any) -> bytes:
    """The tar archive of the first versions of torch."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name in ("sys_info", "pickle", "storages", "tensors"):
            data = pickle.dumps(content, protocol=2)
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return buffer.getvalue()


WRAPPINGS = (
    as_torch_zip,
    as_torch_legacy,
    as_torch_tar,
    as_pickle,
    as_pickle_of_lines,
    as_pickle_of_today,
)
