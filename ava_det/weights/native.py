"""Our own weight file: safetensors, with everything in its header that using the weights takes.

The header names an architecture of `ava_det.model.zoo` and plain arguments, which are checked and
never executed, the class map, the clip that the model was trained on, how its pixels are normalised
and a checksum of all of it, tensors included.
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

_FRACTIONS = ("F64", "F32", "F16", "BF16")  # safetensors' words; smaller ones mean nothing unscaled


def pixels_of(card: ModelCard) -> dict[str, Any]:
    """Order of colours, mean and standard deviation of pixels / 255; empty where built in."""
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
    """The model of a file of ours."""
    pixels = pixels_of(card)
    if not pixels:
        return Origin()
    return Origin(tuple(pixels["mean"]), tuple(pixels["std"]), stated=True)


def save_weights(
    path: Path, weights: Mapping[str, Tensor], card: ModelCard, half: bool = False
) -> None:
    """Write a weight file, atomically; equal weights and cards give equal bytes.

    Args:
        path: the file.
        weights: of the model that the card names.
        card: what the file says of it.
        half: keep fractions in float16, to be computed with in float32 all the same.

    Raises:
        ValueError: a number that is beyond float16.
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
        partial.chmod(mode)  # safetensors lets nobody else read what it writes


def _sort_metadata(path: Path) -> None:
    """Put the metadata of a safetensors file in order: it comes from a hash map, in any.

    The tensors are in order. Eight bytes say how long the header is, JSON with spaces behind it.
    """
    with path.open("r+b") as file:
        length = int.from_bytes(file.read(8), "little")
        header = json.loads(file.read(length))
        header["__metadata__"] = dict(sorted(header["__metadata__"].items()))
        text = json.dumps(header, ensure_ascii=False, separators=(",", ":")).encode().ljust(length)
        if len(text) != length:  # as long, for it is the same JSON
            raise RuntimeError(f"{path}: safetensors writes its header in another way")
        file.seek(8)
        file.write(text)


def read_weights(path: Path) -> tuple[dict[str, Tensor], ModelCard]:
    """Read a weight file.

    Raises:
        InputError: the file is missing, damaged or not one of ours.
    """
    with _opened(path) as (file, header, card):
        return _tensors(path, file, header), card


def load_model(path: Path) -> tuple[nn.Module, ModelCard]:
    """Build the model that a weight file names and fill it; in evaluation mode, float32.

    What its card asks for is compared with the file's header, and its memory counted, before
    anything of that size is read or allocated.

    Raises:
        InputError: the file is missing, damaged or not one of ours, or its card is of a model that
            is too large, or not that of its tensors.
    """
    with _opened(path) as (file, header, card):
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
def _opened(path: Path) -> Generator[tuple[Any, Mapping[str, str], ModelCard]]:
    """A file of ours, its header and the card in it, which is checked; no tensor is read yet."""
    with opened(path, "pt") as (file, header, card):
        with naming_card(path):
            check_arguments(card.task, card.arguments)
            count = card.arguments.get("num_classes", 1)  # a person detector has one
            if len(card.classes) != count:
                raise ValueError(f"{len(card.classes)} classes for a model of {count}")
            if "pixels" in header and json.loads(header["pixels"]) != pixels_of(card):
                raise ValueError("its pixels are normalised otherwise than its arguments say")
        yield file, header, card


def _tensors(path: Path, file: Any, header: Mapping[str, str]) -> dict[str, Tensor]:
    """All tensors of an open file, compared with the checksum in its header."""
    try:
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        whole = _whole(header, tensors)
    except (SafetensorError, OSError, ValueError, RuntimeError, AttributeError) as error:
        raise InputError(f"{path}: its tensors cannot be read ({error!s:.200})") from error
    if not whole:
        raise InputError(f"{path}: damaged: the tensors do not match their hash")
    return tensors


def _kinds(tensors: Mapping[str, Tensor]) -> dict[str, tuple[torch.Size, bool]]:
    """Shape of every tensor, and whether its numbers are fractions."""
    return {n: (w.shape, w.is_floating_point()) for n, w in tensors.items()}


def _kinds_of(file: Any) -> dict[str, tuple[torch.Size, bool]]:
    """The same of the tensors of an open file, without reading them."""
    slices = {name: file.get_slice(name) for name in file.keys()}  # noqa: SIM118
    return {n: (torch.Size(s.get_shape()), s.get_dtype() in _FRACTIONS) for n, s in slices.items()}


def _checksum(header: Mapping[str, str], tensors: Mapping[str, Tensor]) -> str:
    """SHA-256 of the header and of names, types, shapes and CRC-32s of the tensors.

    A CRC-32 notices any flipped bit and is several times as fast as SHA-256, which takes longer
    than all the rest of reading a file.
    """
    digest = hashlib.sha256(_head(header))
    for name in sorted(tensors):
        tensor = tensors[name]
        crc = zlib.crc32(_bytes(tensor))
        digest.update(f"{name} {tensor.dtype} {list(tensor.shape)} {crc}\n".encode())
    return digest.hexdigest()


def _whole(header: Mapping[str, str], tensors: Mapping[str, Tensor]) -> bool:
    """Whether a file is what was written; early ones have a SHA-256 of all bytes."""
    if "checksum" in header:
        return header["checksum"] == _checksum(header, tensors)
    typed = "digest" in header  # the first of all know neither header nor types
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
