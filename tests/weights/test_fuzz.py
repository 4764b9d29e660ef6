"""A thousand damaged and hostile files: each is refused with one line, or loaded right."""

import collections
import io
import random
import signal
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from codebases import write_caffe2, write_mmaction2
from hostile import as_pickle, as_torch_legacy, as_torch_zip, gadgets

from ava_det.formats.plain_pickle import read_plain_pickle
from ava_det.structures import ClipShape, InputError
from ava_det.weights.card import ModelCard
from ava_det.weights.codebases import pyslowfast, pytorchvideo
from ava_det.weights.load import load_weights
from ava_det.weights.native import load_model, save_weights

CHECKED = ("ours", "pyslowfast", "pytorchvideo", "mmaction2")  # these have checksums
FORMATS = (*CHECKED, "legacy", "caffe2")
SECONDS = 60  # far beyond what any file takes: only a hang does


@pytest.fixture
def files(small, tmp_path) -> dict[str, bytes]:
    """A small model in every format."""
    model = small(0)
    content = pyslowfast.export(model)
    weights, path = content["model_state"], tmp_path / "whole"
    files = {
        "pyslowfast": as_torch_zip(content),
        "pytorchvideo": as_torch_zip(pytorchvideo.export(model)),
        "legacy": as_torch_legacy(content),
    }
    write_mmaction2(path, weights, (1, 1, 1, 1), "cls_head")
    files["mmaction2"] = path.read_bytes()
    write_caffe2(path, weights, (1, 1, 1, 1))
    files["caffe2"] = path.read_bytes()
    arguments = {"architecture": "slowfast_tiny", "num_classes": 5, "arguments": {"width": 8}}
    classes = tuple((k, f"class {k}", "") for k in range(1, 6))
    card = ModelCard("classifier", arguments, classes, ClipShape(16, 2, None, 112))
    save_weights(path, model.state_dict(), card)
    files["ours"] = path.read_bytes()
    return files


def damage(rng: random.Random, data: bytes) -> bytes:
    """Cut, flip, overwrite, remove, repeat or insert something."""
    place = rng.choice([rng.randrange(len(data)), rng.randrange(3000), -rng.randrange(1, 3000)])
    place %= len(data)
    size = rng.choice([1, 2, 16, 300])
    kind = rng.randrange(6)
    if kind == 0:
        return data[:place]
    if kind == 1:
        return data[:place] + bytes([data[place] ^ (1 << rng.randrange(8))]) + data[place + 1 :]
    if kind == 2:
        return data[:place] + rng.randbytes(size) + data[place + size :]
    if kind == 3:
        return data[:place] + data[place + size :]
    if kind == 4:
        return data[:place] + data[place : place + size] + data[place:]
    return data[:place] + rng.choice([b"\0", b"\xff", b"q", b"(", b"."]) * size + data[place:]


def deform(rng: random.Random, weights: dict, tensor: type) -> dict:
    """Rename, reshape, retype, drop, double or replace one weight."""
    changed = collections.OrderedDict(weights)
    logged = ("num_batches_tracked", "momentum", "lr", "model_iter")
    name = rng.choice([name for name in weights if not name.endswith(logged)])
    weight = changed[name]
    kind = rng.randrange(7)
    if kind == 0:
        del changed[name]
    elif kind == 1:
        changed[name[: rng.randrange(len(name))] + rng.choice(["", ".x", "é", "x"])] = weight
        changed.pop(name)
    elif kind == 2:
        changed[name + ".extra"] = weight
    elif kind == 3:
        changed[name] = weight.reshape(*weight.shape, 1, 1)[None]
    elif kind == 4:
        changed[name] = weight[: len(weight) // 2]
    elif kind == 5:
        changed[name] = weight > 0
    else:
        changed[name] = rng.choice([None, 3, "text", [1.0], {"a": 1}, (weight,)])
    return changed


def mutations(
    files: dict[str, bytes], caffe2: dict, sentinel: Path, seed: int
) -> Iterator[tuple[str, str, bytes]]:
    """(format, kind of mutation, content) without end; `caffe2` is what that file holds."""
    rng = random.Random(seed)
    contents = {
        name: torch.load(io.BytesIO(data), weights_only=True)
        for name, data in files.items()
        if name not in ("ours", "caffe2")
    }
    evil = list(gadgets(sentinel).values())
    while True:
        name = rng.choice(FORMATS)
        yield name, "damaged", damage(rng, files[name])
        if name == "caffe2":
            blobs = {"blobs": deform(rng, caffe2["blobs"], np.ndarray)}
            yield name, "deformed", as_pickle(blobs)
            yield name, "hostile", as_pickle({**caffe2, "more": rng.choice(evil)})
        elif name != "ours":
            wrap = as_torch_legacy if name == "legacy" else as_torch_zip
            key = "state_dict" if name == "mmaction2" else "model_state"
            deformed = deform(rng, contents[name][key], torch.Tensor)
            yield name, "deformed", wrap({**contents[name], key: deformed})
            yield name, "hostile", wrap({**contents[name], "more": rng.choice(evil)})


@pytest.fixture
def no_hang() -> Iterator[None]:
    """End a file that takes for ever."""

    def stop(*_):
        raise TimeoutError("a file took for ever")

    old = signal.signal(signal.SIGALRM, stop)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, old)


def check_line(message: str, path: Path) -> None:
    """One clear line that names the file."""
    assert message.startswith(f"{path}: "), message
    assert "\n" not in message
    assert len(message) < 600


@pytest.mark.slow
def test_a_thousand_files_are_refused_with_one_line_or_loaded_right(
    files, small, tmp_path, no_hang
):
    sentinel, path = tmp_path / "it_ran", tmp_path / "mutated"
    original, model = small(0).state_dict(), small(1)
    blank = {name: weight.clone() for name, weight in model.state_dict().items()}
    refused = collections.Counter()
    loaded = collections.Counter()
    path.write_bytes(files["caffe2"])
    caffe2 = read_plain_pickle(path)
    for number, (name, kind, data) in enumerate(mutations(files, caffe2, sentinel, seed=3)):
        if number == 1000:
            break
        path.write_bytes(data)
        model.load_state_dict(blank)
        signal.alarm(SECONDS)
        try:
            found = load_model(path)[0] if name == "ours" else model
            if name != "ours":
                load_weights(path, model)
        except InputError as error:
            check_line(str(error), path)
            refused[kind] += 1
            weights = model.state_dict()
            assert all(torch.equal(w, weights[n]) for n, w in blank.items()), "half loaded"
            continue
        finally:
            signal.alarm(0)
            assert not sentinel.exists(), (number, name, kind)
        loaded[kind] += 1
        assert kind == "damaged", (number, name, "a deformed or hostile file was loaded")
        weights = found.state_dict()
        equal = [torch.equal(w, weights[n]) for n, w in original.items() if "num_b" not in n]
        if name in CHECKED:
            assert all(equal), (number, name)
        else:  # a flipped bit of a number cannot be told from a number
            assert equal.count(False) <= 2, (number, name)
    assert refused["hostile"] > 100
    assert refused["deformed"] > 100
    assert refused["damaged"] > 5 * loaded["damaged"] > 0
