"""Our own weight file: safetensors, with everything in its header that using the weights takes.

The header names an architecture of `ava_det.model.zoo` and plain arguments, which are checked and
never executed, the class map, the clip that the model was trained on and a hash of the tensors.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from ava_det.model import zoo
from ava_det.structures import InputError

FORMAT = "ava_det 1"


@dataclass(frozen=True)
class ClipShape:
    """The clip that a model takes.

    Attributes:
        frames: T.
        stride: frames of `rate` from one frame of the clip to the next.
        rate: frames a second that the stride counts in; None counts the file's own.
        short_side: pixels that the frame's short side is resized to in testing.
    """

    frames: int
    stride: int
    rate: float | None
    short_side: int


@dataclass(frozen=True)
class ModelCard:
    """What a weight file says of its model.

    Attributes:
        task: "classifier" or "detector".
        arguments: plain arguments of the zoo's builder of that task.
        classes: (id, name, group) of every class, in the order of the logits; group may be "".
        clip: what it takes.
    """

    task: str
    arguments: dict[str, Any]
    classes: tuple[tuple[int, str, str], ...]
    clip: ClipShape


def save_weights(path: Path, weights: Mapping[str, Tensor], card: ModelCard) -> None:
    """Write a weight file, atomically."""
    tensors = {name: w.detach().cpu().contiguous() for name, w in weights.items()}
    header = {
        "format": FORMAT,
        "card": json.dumps(asdict(card)),
        "sha256": _hash(tensors),
    }
    temporary = path.with_name(path.name + ".part")
    save_file(tensors, temporary, metadata=header)
    temporary.replace(path)


def read_weights(path: Path) -> tuple[dict[str, Tensor], ModelCard]:
    """Read a weight file.

    Raises:
        InputError: the file is missing, damaged or not one of ours.
    """
    try:
        with safe_open(path, framework="pt") as file:
            header = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except FileNotFoundError:
        raise InputError(f"{path}: no such file") from None
    except (SafetensorError, OSError, ValueError) as error:
        raise InputError(f"{path}: not a safetensors file ({error})") from error
    if header.get("format") != FORMAT:
        raise InputError(f"{path}: not a weight file of ava_det (format {header.get('format')!r})")
    if header.get("sha256") != _hash(tensors):
        raise InputError(f"{path}: damaged: the tensors do not match their hash")
    try:
        fields = json.loads(header["card"])
        classes = tuple((int(i), str(n), str(g)) for i, n, g in fields["classes"])
        card = ModelCard(
            task=str(fields["task"]),
            arguments=dict(fields["arguments"]),
            classes=classes,
            clip=ClipShape(**fields["clip"]),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"{path}: its model card cannot be read ({error})") from error
    return tensors, card


def load_model(path: Path) -> tuple[nn.Module, ModelCard]:
    """Build the model that a weight file names and fill it; in evaluation mode, float32."""
    tensors, card = read_weights(path)
    if card.task not in zoo.TASKS:
        raise InputError(f"{path}: unknown task {card.task!r}")
    try:
        model = zoo.TASKS[card.task](**card.arguments)
        model.load_state_dict(tensors, strict=True)
    except (TypeError, ValueError, RuntimeError) as error:
        raise InputError(f"{path}: {error}") from error
    return model.eval(), card


def _hash(tensors: Mapping[str, Tensor]) -> str:
    digest = hashlib.sha256()
    for name in sorted(tensors):
        digest.update(name.encode())
        digest.update(tensors[name].reshape(-1).view(torch.uint8).numpy())
    return digest.hexdigest()
