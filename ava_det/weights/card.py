"""What a weight file of ours says of its model, read and checked without torch.

Whether the arguments and the classes are those of a model is found out where the model is built
(`ava_det.weights.native`).
"""

import json
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open

from ava_det.formats.regular import require_regular
from ava_det.structures import ClipShape, InputError

FORMAT = "ava_det 1"
TASKS = {
    "classifier": "a classifier",
    "detector": "an action detector",
    "persons": "a person detector",
}
MOST_PIXELS = 1 << 24  # frames x short side^2 of a clip: 64 frames of 512, 16 of 1024
MOST_PIXELS_OF_A_FRAME = 1 << 21  # the same for a person detector, which is given many frames
_MOST_BYTES = 1 << 31  # of a file: our largest model has a third
_LONGEST_HEADER = 1 << 24  # bytes: the names of 65,536 classes take 5 million
OF_CONTENT = LookupError, TypeError, ValueError, ArithmeticError, RuntimeError, AttributeError


@dataclass(frozen=True)
class ModelCard:
    """What a weight file says of its model.

    Attributes:
        task: "classifier", "detector" or "persons".
        arguments: plain arguments of the zoo's builder of that task.
        classes: (id, name, group) of every class, in the order of the logits; group may be "".
        clip: what it takes.
    """

    task: str
    arguments: dict[str, Any]
    classes: tuple[tuple[int, str, str], ...]
    clip: ClipShape


def read_card(path: Path, task: str | None = None) -> ModelCard:
    """Read the card of a weight file; no tensor is read.

    Args:
        path: the file.
        task: a name of `TASKS` that the file must be of; None takes any.

    Raises:
        InputError: the file is missing, damaged, not one of ours, or of another task.
    """
    with opened(path, "numpy") as (_, _, card):
        if task is not None and task != card.task:
            raise InputError(f"{path}: weights of task {card.task!r}, not of {TASKS[task]}")
        return card


@contextmanager
def opened(path: Path, framework: str) -> Generator[tuple[Any, Mapping[str, str], ModelCard]]:
    """A file of ours, its header and the card in it, which is checked; no tensor is read yet.

    Args:
        path: the file.
        framework: of the tensors, as safetensors calls it.

    Raises:
        InputError: the file is missing, damaged or not one of ours.
    """
    require_regular(path, _MOST_BYTES)
    with path.open("rb") as start:
        length = int.from_bytes(start.read(8), "little")
    if length > _LONGEST_HEADER:
        raise InputError(f"{path}: not a safetensors file (a header of {length:,} bytes)")
    try:
        file = safe_open(path, framework=framework)
    except (SafetensorError, OSError, ValueError) as error:
        raise InputError(f"{path}: not a safetensors file ({error!s:.200})") from error
    with file:
        header = file.metadata() or {}
        if header.get("format") != FORMAT:
            words = f"format {header.get('format')!r:.60}"
            raise InputError(f"{path}: not a weight file of ava_det ({words})")
        with naming_card(path):
            card = _parse(header["card"])
        yield file, header, card


@contextmanager
def naming_card(path: Path) -> Generator[None]:
    """Turn whatever a hostile card raises into one line that names its file."""
    try:
        yield
    except (*OF_CONTENT, RecursionError, MemoryError) as error:
        raise InputError(f"{path}: its model card cannot be read ({error!s:.300})") from error


def check_pixels(frames: int, short_side: int, most: int = MOST_PIXELS) -> None:
    """Refuse a clip that no model could take.

    Raises:
        ValueError: more than `most` pixels, were its frames square.
    """
    if frames * short_side**2 > most:
        raise ValueError(
            f"a clip of {frames} frames with a short side of {short_side} pixels is too large: "
            f"frames x side x side may be {most:,}"
        )


def _parse(text: str) -> ModelCard:
    fields = json.loads(text)
    if fields["task"] not in TASKS:
        raise ValueError(f"unknown task {fields['task']!r:.60}")
    card = ModelCard(
        task=fields["task"],
        arguments=fields["arguments"],
        classes=tuple((i, n, g) for i, n, g in fields["classes"]),
        clip=ClipShape(**fields["clip"]),
    )
    _check_classes(card)
    most = MOST_PIXELS_OF_A_FRAME if card.task == "persons" else MOST_PIXELS
    check_pixels(card.clip.frames, card.clip.short_side, most)
    return card


def _check_classes(card: ModelCard) -> None:
    """Refuse classes that no class map could have."""
    ids, names, groups = ([row[k] for row in card.classes] for k in range(3))
    words = [*names, *groups]
    if not all(type(word) is str and word.isprintable() and len(word) < 1000 for word in words):
        raise ValueError("words that cannot be printed")
    if not all(type(number) is int and 1 <= number < 1 << 31 for number in ids):
        raise ValueError("ids of classes that are no numbers from 1 on")
    if len(set(ids)) < len(ids) or len(set(names)) < len(names):
        raise ValueError("two classes of one id or one name")
