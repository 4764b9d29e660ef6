"""Reads and writes ava_det weight files: safetensors with a header that describes the model.

The header has the architecture of `ava_det.model.zoo` with plain arguments, the class map, the clip
shape of training, the pixel normalisation, and a checksum of the header and the tensors. The
arguments are checked and never executed.
"""

import hashlib
import inspect
import json
import zlib
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import save_file
from torch import Tensor, nn

from ava_det.formats.atomic import atomic_path
from ava_det.model import zoo
from ava_det.structures import InputError
from ava_det.weights.arguments import check_arguments
from ava_det.weights.card import FORMAT, OF_CONTENT, ModelCard, naming_card, opened
from ava_det.weights.footprint import check_memory
from ava_det.weights.foreign import Origin
from ava_det.weights.transfer import not_finite

_FRACTIONS = ("F64", "F32", "F16", "BF16")  # safetensors' type names; smaller types need a scale


def pixels_of(card: ModelCard) -> dict[str, Any]:
    """Return the channel order, mean and standard deviation of pixels / 255.

    The result is empty for a model that normalises pixels itself.
    """
    if card.task not in zoo.TASKS:
        raise ValueError(f"unknown task {card.task!r}")
    parameters = inspect.signature(zoo.TASKS[card.task]).parameters
    if "mean" not in parameters:
        return {}
    values = {
        key: [float(x) for x in card.arguments.get(key, parameters[key].default)]
        for key in ("mean", "std")
    }
    return {"order": "RGB", **values}


def origin_of(card: ModelCard) -> Origin:
    """Return the origin that describes the model of an ava_det weight file."""
    pixels = pixels_of(card)
    if not pixels:
        return Origin()
    return Origin(tuple(pixels["mean"]), tuple(pixels["std"]), stated=True)


def save_weights(
    path: Path, weights: Mapping[str, Tensor], card: ModelCard, half: bool = False
) -> None:
    """Write a weight file atomically. Equal weights and cards give equal bytes.

    Args:
        path: The file.
        weights: The weights of the model that the card describes.
        card: The description of the model.
        half: Whether to store floating-point weights in float16. The model still computes in
            float32.

    Raises:
        ValueError: A weight is out of the range of float16.
    """
    tensors = {name: w.detach().cpu().contiguous() for name, w in weights.items()}
    if half:
        tensors = {n: w.half() if w.is_floating_point() else w for n, w in tensors.items()}
        if broken := not_finite(tensors):
            raise ValueError(f"beyond float16: {', '.join(broken[:3])}")
    header = {
        "format": FORMAT,
        "card": json.dumps(asdict(card), sort_keys=True),
        "pixels": json.dumps(pixels_of(card), sort_keys=True),
    }
    header["checksum"] = _checksum(header, tensors)
    with atomic_path(path) as partial:
        partial.touch()
        mode = partial.stat().st_mode
        save_file(tensors, partial, metadata=header)
        _sort_metadata(partial)
        partial.chmod(mode)  # safetensors writes files that only the owner can read


def _sort_metadata(path: Path) -> None:
    """Sort the metadata of a safetensors file, since a hash map gives them in random order.

    The tensors are sorted already. The file begins with the length of the header in eight bytes.
    The header is JSON, padded with spaces.
    """
    with path.open("r+b") as file:
        length = int.from_bytes(file.read(8), "little")
        header = json.loads(file.read(length))
        header["__metadata__"] = dict(sorted(header["__metadata__"].items()))
        text = json.dumps(header, ensure_ascii=False, separators=(",", ":")).encode().ljust(length)
        if len(text) != length:  # sorting must not change the length
            raise RuntimeError(f"{path}: safetensors wrote an unexpected header")
        file.seek(8)
        file.write(text)


def read_weights(path: Path) -> tuple[dict[str, Tensor], ModelCard]:
    """Read a weight file.

    Raises:
        InputError: The file is missing, damaged or no ava_det weight file.
    """
    with _opened(path) as (file, header, card):
        return _tensors(path, file, header), card


def load_model(path: Path, task: str | None = None) -> tuple[nn.Module, ModelCard]:
    """Build the model of a weight file and load the weights, in evaluation mode and float32.

    The card is compared with the file's header, and the memory of the model is computed, before
    large data is read or memory allocated.

    Args:
        path: The file.
        task: The required task: "classifier", "detector" or "persons"; None accepts any task.

    Raises:
        InputError: The file is missing, damaged, no ava_det weight file or of another task, or the
            card describes a model that is too large or does not fit the tensors.
    """
    with _opened(path, task) as (file, header, card):
        build, clip = zoo.TASKS[card.task], card.clip
        try:
            with torch.device("meta"):
                blank = build(**card.arguments).eval()
            if _kinds(blank.state_dict()) != _kinds_of(file):
                raise ValueError("the tensors are not those of the architecture that it names")
            check_memory(blank, clip.frames, clip.short_side)
            tensors = _tensors(path, file, header)
            if broken := not_finite(tensors):
                raise ValueError(f"NaN or infinite numbers in {', '.join(broken[:3])}")
            model = build(**card.arguments)
            model.load_state_dict(tensors, strict=True)
        except OF_CONTENT as error:
            words = " ".join(str(error).split())
            raise InputError(f"{path}: {words:.300}") from error
    return model.eval(), card


@contextmanager
def _opened(
    path: Path, task: str | None = None
) -> Generator[tuple[Any, Mapping[str, str], ModelCard]]:
    """Open a weight file. Yield the file, the header and the checked card, before any tensor."""
    with opened(path, "pt", task) as (file, header, card):
        with naming_card(path):
            check_arguments(card.task, card.arguments)
            count = card.arguments.get("num_classes", 1)  # a person detector has one class
            if len(card.classes) != count:
                raise ValueError(f"{len(card.classes)} classes for a model of {count}")
            if "pixels" in header and json.loads(header["pixels"]) != pixels_of(card):
                raise ValueError("its pixels are normalised otherwise than its arguments say")
        yield file, header, card


def _tensors(path: Path, file: Any, header: Mapping[str, str]) -> dict[str, Tensor]:
    """Read all tensors of an open file and compare them with the checksum in the header."""
    try:
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        whole = _whole(header, tensors)
    except (SafetensorError, OSError, ValueError, RuntimeError, AttributeError) as error:
        raise InputError(f"{path}: its tensors cannot be read ({error!s:.200})") from error
    if not whole:
        raise InputError(f"{path}: damaged: the tensors do not match their hash")
    return tensors


def _kinds(tensors: Mapping[str, Tensor]) -> dict[str, tuple[torch.Size, bool]]:
    """Return the shape of every tensor, and whether the tensor is floating-point."""
    return {n: (w.shape, w.is_floating_point()) for n, w in tensors.items()}


def _kinds_of(file: Any) -> dict[str, tuple[torch.Size, bool]]:
    """Return the result of `_kinds` for an open file without reading the tensors."""
    slices = {name: file.get_slice(name) for name in file.keys()}  # noqa: SIM118
    return {n: (torch.Size(s.get_shape()), s.get_dtype() in _FRACTIONS) for n, s in slices.items()}


def _checksum(header: Mapping[str, str], tensors: Mapping[str, Tensor]) -> str:
    """Return a SHA-256 of the header and of names, types, shapes and CRC-32s of the tensors.

    A CRC-32 detects any flipped bit and is several times as fast as SHA-256. A SHA-256 of the
    tensors takes longer than the rest of reading a file.
    """
    digest = hashlib.sha256(_head(header))
    for name in sorted(tensors):
        tensor = tensors[name]
        crc = zlib.crc32(_bytes(tensor))
        digest.update(f"{name} {tensor.dtype} {list(tensor.shape)} {crc}\n".encode())
    return digest.hexdigest()


def _whole(header: Mapping[str, str], tensors: Mapping[str, Tensor]) -> bool:
    """Return whether a file matches its checksum. Early files have a SHA-256 of all bytes."""
    if "checksum" in header:
        return header["checksum"] == _checksum(header, tensors)
    typed = "digest" in header  # the oldest files hash neither header nor types
    digest = hashlib.sha256(_head(header) if typed else b"")
    for name in sorted(tensors):
        tensor = tensors[name]
        words = f"{name} {tensor.dtype} {list(tensor.shape)}\n" if typed else name
        digest.update(words.encode())
        digest.update(_bytes(tensor))
    return header.get("digest", header.get("sha256")) == digest.hexdigest()


def _head(header: Mapping[str, str]) -> bytes:
    return "".join(f"{k} {header.get(k, '')}\n" for k in ("format", "card", "pixels")).encode()


def _bytes(tensor: Tensor) -> memoryview:
    return tensor.reshape(-1).view(torch.uint8).numpy().data
