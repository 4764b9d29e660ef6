"""Drills of weight files: ava_det, torch, Caffe2, NumPy and ONNX files."""

import hashlib
import io
import json
import pickle
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ava_det.weights.load import export
from ava_det.weights.shipped import person_weights
from drills import onnx
from drills.case import ROOT, Draft, Kind
from drills.damage import damaged, no_file
from drills.models import classifier, write_action_weights, write_person_weights
from drills.packets import Film, encode
from drills.pickles import calls, endless, odd_content, torch_legacy, torch_zip, zip_members

OURS = ("action.safetensors", "persons.safetensors", "light.safetensors")
ZIPS = ("pyslowfast.pyth", "pytorchvideo.pth", "lightning.ckpt")
OTHERS = (*ZIPS, "legacy.pth", "caffe2.pkl", "detectron2.pkl", "inputs.npz")
ONNX = ("yolox_nano.onnx", "picodet_s_416_coco.onnx")
MODELS = ROOT.parent / "shared" / "models"  # optional third-party files beside the checkout
CONFIG = "configs/pretrain/actors_slowfast_tiny.py"  # config of the classifier in the other formats
HUGE = [0, -1, 1 << 14, 1 << 20, 1 << 31, 1 << 62, 10**30, 1.5, 1e308]
ODD = [
    *HUGE,
    None,
    True,
    "",
    "text",
    "a\nb",
    "\ud800",
    [],
    {},
    [[]],
    [1, 2, 3],
    {"a": 1},
    "0" * 5000,
]
DTYPES = ["F64", "F16", "BF16", "I64", "BOOL", "U8", "F8_E4M3", "X"]


def prepare(base: Path) -> None:
    """Write a small file of every format, and a film for detection."""
    write_action_weights(base / OURS[0])
    write_person_weights(base / OURS[1])
    (base / OURS[2]).write_bytes(person_weights("light").read_bytes())
    model = classifier()
    for name, codebase in zip(ZIPS[:2], ("pyslowfast", "pytorchvideo"), strict=True):
        (base / name).write_bytes(torch_zip(export(model, codebase)[0]))
    weights = export(model, "pyslowfast")[0]["model_state"]
    prefixed = {f"model.{name}": weight for name, weight in weights.items()}
    (base / ZIPS[2]).write_bytes(torch_zip({"epoch": 2, "state_dict": prefixed}))
    (base / "legacy.pth").write_bytes(torch_legacy({"model_state": weights}))
    arrays = {name.replace(".", "_"): weight.numpy() for name, weight in weights.items()}
    blobs = {"conv1_w": np.ones((8, 3, 1, 7, 7), np.float32), **arrays}
    (base / "caffe2.pkl").write_bytes(pickle.dumps({"blobs": blobs}, protocol=2))
    content = {"model": {"backbone.bottom_up.stem.conv1.weight": np.ones((64, 3, 7, 7))}}
    author = {**content, "__author__": "Detectron2 Model Zoo"}
    (base / "detectron2.pkl").write_bytes(pickle.dumps(author, protocol=2))
    np.savez(base / "inputs.npz", clip=np.zeros((1, 3, 8, 32, 32), np.uint8))
    add = onnx.model(onnx.tensor([1], struct.pack("<f", 1.0)))
    (base / "add.onnx").write_bytes(add)
    for name in ONNX:
        if (MODELS / name).is_file():
            (base / name).write_bytes((MODELS / name).read_bytes())
    (base / "videos").mkdir()
    encode(base / "videos" / "film.mp4", Film("libx264", frames=6))


def tool_on(draft: Draft, path: Path) -> tuple[str, ...]:
    """Return a command that reads the file: a suitable command, or any command."""
    base, name, out = draft.base, str(path), str(draft.folder / "out")
    film = str(base / "videos" / "film.mp4")
    detect = ("tools/detect.py", film, "--output", out, "--rate", "5")
    described = draft.write("data.toml", f"videos = {json.dumps(str(base / 'videos'))}\n")
    model = ("--config", str(ROOT / CONFIG), "model.num_classes=5", "model.arguments.width=8")
    action = ("--weights", str(base / OURS[0]))
    inspect = ("tools/weights.py", "inspect", name)
    convert = ("tools/weights.py", "convert", "--weights", name, "--output", f"{out}.x", *model)
    found = ("--output", str(draft.folder / "out" / "boxes.csv"))
    as_persons = [
        (*detect, *action, "--persons", name),
        ("tools/propose.py", "--dataset", str(described), "--weights", name, *found),
    ]
    run = ("tools/weights.py", "run", "--weights", str(base / ZIPS[0]), "--inputs", name)
    if path.suffix == ".onnx":
        return draft.rng.choice(as_persons)
    if path.suffix == ".npz":
        return (*run, "--output", f"{out}.npy", *model)
    as_action = (*detect, "--weights", name, "--persons", str(base / OURS[1]))
    compare = ("tools/weights.py", "compare", name, str(base / ZIPS[0]))
    if path.suffix == ".safetensors":
        if draft.must_take:
            return draft.rng.choice(as_persons)
        return draft.rng.choice([inspect, as_action, as_action, *as_persons, convert])
    several = [inspect, (*inspect, "--names"), convert, convert, convert, compare]
    return draft.rng.choice(several if draft.must_take else [*several, as_action])


def untouched(draft: Draft) -> tuple[str, ...]:
    """Use an intact file, which the command must accept."""
    draft.must_take = True
    names = [*OURS[1:], *ZIPS[:2], "legacy.pth", "inputs.npz", ONNX[0]]
    name = draft.rng.choice([name for name in names if (draft.base / name).is_file()])
    return tool_on(draft, draft.write(f"weights{Path(name).suffix}", draft.whole(name)))


def _damaged(*names: str) -> Callable[[Draft], tuple[str, ...]]:
    """Return a mutation that changes bytes of one of the files, or truncates it."""

    def mutate(draft: Draft) -> tuple[str, ...]:
        there = [name for name in names if (draft.base / name).is_file()]
        name = draft.rng.choice(there)
        data = draft.whole(name)
        if draft.rng.random() < 0.15:
            data = data[: draft.rng.randrange(len(data))]
        else:
            data = damaged(draft.rng, data)
        return tool_on(draft, draft.write(f"weights{Path(name).suffix}", data))

    return mutate


def header(draft: Draft) -> tuple[str, ...]:
    """Make the JSON header of an ava_det file invalid, or make it contradict the tensors."""
    data = draft.whole(*OURS)
    size = struct.unpack("<Q", data[:8])[0]
    content, tensors = json.loads(data[8 : 8 + size]), data[8 + size :]
    name = draft.rng.choice([key for key in content if key != "__metadata__"])
    entry, kind = content[name], draft.rng.randrange(7)
    if kind == 0:
        entry["dtype"] = draft.rng.choice(DTYPES)
    elif kind == 1:
        entry["shape"] = draft.rng.choice([[1 << 40, 1 << 40], [0], [], [-1], [1.5], None])
    elif kind == 2:
        entry["data_offsets"] = draft.rng.choice([[0, 1 << 62], [8, 0], [0, 4], [-4, 0], []])
    elif kind == 3:
        content[draft.rng.choice([name + "x", "\ud800", "", "a\nb", "x" * 100_000])] = entry
    elif kind == 4:
        content["__metadata__"] = draft.rng.choice([None, {}, [], {"a": 1}, {"a": "b" * 10**6}])
    text = json.dumps(content).encode()
    if kind == 5:
        text = b"[" * 200_000 + text
    length = draft.rng.choice([1 << 63, 1 << 40, 0, size // 2]) if kind == 6 else len(text)
    path = draft.write("weights.safetensors", struct.pack("<Q", length) + text + tensors)
    return tool_on(draft, path)


def card(draft: Draft) -> tuple[str, ...]:
    """Write an ava_det file with an absurd model card and a correct checksum."""
    data = draft.whole(*OURS)
    size = struct.unpack("<Q", data[:8])[0]
    content, tensors = json.loads(data[8 : 8 + size]), data[8 + size :]
    metadata = content.pop("__metadata__")
    places = sorted((name, *entry["data_offsets"]) for name, entry in content.items())
    digest = hashlib.sha256(b"".join(n.encode() + tensors[a:b] for n, a, b in places))
    del metadata["checksum"]
    metadata["sha256"] = digest.hexdigest()  # the format of the oldest files: tensors only
    value = json.loads(metadata["card"])
    for _ in range(draft.rng.choice([1, 1, 3])):
        value = _odd(draft, value)
    metadata["card"] = json.dumps(value)
    if draft.rng.random() < 0.7:
        metadata.pop("pixels", None)  # otherwise they must agree with the card
    text = json.dumps({"__metadata__": metadata, **content}).encode()
    path = draft.write("weights.safetensors", struct.pack("<Q", len(text)) + text + tensors)
    return tool_on(draft, path)


def _odd(draft: Draft, value: Any) -> Any:
    """Return a JSON value with one part replaced, added or dropped."""
    rng = draft.rng
    if isinstance(value, dict) and value and rng.random() < 0.9:
        key = rng.choice(sorted(value))
        kind = rng.random()
        if kind < 0.1:
            return {k: v for k, v in value.items() if k != key}
        if kind < 0.2:
            return {**value, rng.choice(["extra", "_target_", "depth", "width"]): rng.choice(ODD)}
        return {**value, key: _odd(draft, value[key])}
    if isinstance(value, list) and value and rng.random() < 0.8:
        place = rng.randrange(len(value))
        return [*value[:place], _odd(draft, value[place]), *value[place + 1 :]]
    if type(value) is int and rng.random() < 0.7:
        return rng.choice(HUGE)
    return rng.choice(ODD)


def hostile_pickle(draft: Draft) -> tuple[str, ...]:
    """Write pickles that try to run code, in every file format."""
    draft.must_refuse = True
    evil = draft.rng.choice(calls(draft.folder / "code_ran"))
    content = draft.rng.choice([evil, {"state_dict": evil}, {"model_state": {"a": evil}}, [evil]])
    wrap = draft.rng.choice([torch_zip, torch_legacy, *(_pickled(k) for k in (0, 2, 4, 5))])
    suffix = draft.rng.choice([".pth", ".pyth", ".pkl", ".pt", ".safetensors"])
    return tool_on(draft, draft.write(f"weights{suffix}", wrap(content)))


def _pickled(protocol: int) -> Callable[[Any], bytes]:
    return lambda content: pickle.dumps(content, protocol=protocol)


def endless_pickle(draft: Draft) -> tuple[str, ...]:
    """Write pickles that nest without end or declare more data than they have."""
    suffix = draft.rng.choice([".pkl", ".pth", ".pyth"])
    return tool_on(draft, draft.write(f"weights{suffix}", endless(draft.rng)))


def odd_pickle(draft: Draft) -> tuple[str, ...]:
    """Write plain content that is no weights."""
    wrap = draft.rng.choice([torch_zip, torch_legacy, _pickled(2), _pickled(4)])
    suffix = draft.rng.choice([".pkl", ".pth"])
    return tool_on(draft, draft.write(f"weights{suffix}", wrap(odd_content(draft.rng))))


def members(draft: Draft) -> tuple[str, ...]:
    """Change members of torch's or NumPy's zip archives."""
    name = draft.rng.choice([*ZIPS, "inputs.npz"])
    changed = zip_members(draft.rng, draft.whole(name))
    return tool_on(draft, draft.write(f"weights{Path(name).suffix}", changed))


def odd_numbers(draft: Draft) -> tuple[str, ...]:
    """Write weights with correct names, but with NaN, infinity or wrong shapes or types."""
    name = draft.rng.choice([*ZIPS, "legacy.pth"])
    content = torch.load(io.BytesIO(draft.whole(name)), weights_only=True)
    weights = next(v for v in content.values() if isinstance(v, dict) and len(v) > 10)
    for key in draft.rng.sample(sorted(weights), draft.rng.choice([1, 5])):
        weight = weights[key]
        weights[key] = draft.rng.choice(
            [
                weight * float("nan"),
                weight.float() * float("inf"),
                weight[None],
                weight.flatten()[:1],
                weight > 0,
                weight.double() * 1e200,
                weight.to(torch.complex64),
                torch.zeros(0),
                weight.flatten()[:1].expand(1 << 20).expand(1 << 16, -1),  # 256 GB on 4 bytes
                weight.to_sparse() if weight.dim() else weight,
                "text",
            ]
        )
    wrap = torch_legacy if name == "legacy.pth" else torch_zip
    return tool_on(draft, draft.write(f"weights{Path(name).suffix}", wrap(content)))


def onnx_fields(draft: Draft) -> tuple[str, ...]:
    """Drop, repeat or change fields of an ONNX file."""
    there = [name for name in (*ONNX, "add.onnx") if (draft.base / name).is_file()]
    data = draft.whole(*there)
    for _ in range(draft.rng.choice([1, 1, 4])):
        data = onnx.changed(draft.rng, data)
    return tool_on(draft, draft.write("weights.onnx", data))


def onnx_by_hand(draft: Draft) -> tuple[str, ...]:
    """Write ONNX files with absurd tensors, or with tensors in another file."""
    rng, number = draft.rng, struct.pack("<f", 1.0)
    other = draft.write("other.bin", number * 100)
    target = rng.choice(["/etc/passwd", "/dev/zero", str(other), "other.bin", "../x", "/dev/stdin"])
    draft.must_refuse = True  # none is a person detector, and some refer to another file
    data = rng.choice(
        [
            onnx.model(onnx.external(target)),
            onnx.model(onnx.external(target, length=1 << 40)),
            onnx.model(onnx.external(target, offset=-1)),
            onnx.model(onnx.tensor([1 << 40, 1 << 20], number)),
            onnx.model(onnx.tensor([-1], number)),
            onnx.model(onnx.tensor([1], number, kind=99)),
            onnx.model(onnx.tensor([], b"")),
            onnx.model(onnx.tensor([1], number), operator="Loop"),
            onnx.model(onnx.tensor([1], number), operator="x" * 10_000),
            onnx.model(onnx.tensor([1], number), sizes=(1 << 40, 1 << 40)),
            onnx.model(onnx.tensor([1], number), sizes=()),
            onnx.message([(7, onnx.message([(2, b"\xff" * 100)]))]),
        ]
    )
    return tool_on(draft, draft.write("weights.onnx", data))


def no_weights(draft: Draft) -> tuple[str, ...]:
    """Put a pipe, folder, endless device, sparse file or play list under a weight file's name."""
    suffix = draft.rng.choice([".safetensors", ".pth", ".pyth", ".pkl", ".onnx", ".npz"])
    if draft.rng.random() < 0.85:
        return tool_on(draft, Path(no_file(draft, f"weights{suffix}")))
    text = "#EXTM3U\n#EXTINF:1.0,\nother.ts\n#EXT-X-ENDLIST\n"
    return tool_on(draft, draft.write(f"weights{suffix}", text))


KIND = Kind(
    count=200,
    prepare=prepare,
    mutations={
        "untouched": untouched,
        "our bytes": _damaged(*OURS),
        "others' bytes": _damaged(*OTHERS),
        "header": header,
        "onnx fields": onnx_fields,
        "card": card,
        "hostile pickle": hostile_pickle,
        "zip members": members,
        "odd numbers": odd_numbers,
        "onnx bytes": _damaged("add.onnx", *ONNX),
        "endless pickle": endless_pickle,
        "onnx by hand": onnx_by_hand,
        "another card": card,
        "odd pickle": odd_pickle,
        "no weights": no_weights,
    },
)
