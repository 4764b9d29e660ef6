"""Reads and checks the model description of an ava_det weight file, without torch.

`ava_det.weights.native` builds the model and checks that the arguments and classes fit.
"""

import json
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open

from ava_det.formats.regular import require_regular
from ava_det.structures import MOST_PIXELS, MOST_PIXELS_OF_A_FRAME, ClipShape, InputError

FORMAT = "ava_det 1"
TASKS = {
    "classifier": "a classifier",
    "detector": "an action detector",
    "persons": "a person detector",
}
_MOST_BYTES = 1 << 31  # of a file; our largest model has a third
_LONGEST_HEADER = 1 << 24  # bytes: the names of 65,536 classes take 5 million
OF_CONTENT = LookupError, TypeError, ValueError, ArithmeticError, RuntimeError, AttributeError


@dataclass(frozen=True)
class ModelCard:
    """The description of a model in a weight file.

    Attributes:
        task: "classifier", "detector" or "persons".
        arguments: The plain arguments for the task's builder in the zoo.
        classes: (id, name, group) of every class, in the order of the logits; group may be "".
        clip: The shape of the input clips.
    """

    task: str
    arguments: dict[str, Any]
    classes: tuple[tuple[int, str, str], ...]
    clip: ClipShape


def read_card(path: Path, task: str | None = None) -> ModelCard:
    """Read the card of a weight file without the tensors.

    Args:
        path: The file.
        task: The required task, a key of `TASKS`; None accepts any task.

    Raises:
        InputError: The file is missing, damaged, no ava_det weight file, or of another task.
    """
    with opened(path, "numpy", task) as (_, _, card):
        return card


@contextmanager
def opened(
    path: Path, framework: str, task: str | None = None
) -> Generator[tuple[Any, Mapping[str, str], ModelCard]]:
    """Open a weight file. Yield the file, the header and the checked card, before any tensor.

    Args:
        path: The file.
        framework: The framework of the tensors, as safetensors names it.
        task: See `read_card`.

    Raises:
        InputError: See `read_card`.
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
        if task is not None and task != card.task:
            raise InputError(f"{path}: weights of task {card.task!r}, not of {TASKS[task]}")
        yield file, header, card


@contextmanager
def naming_card(path: Path) -> Generator[None]:
    """Turn every error of a hostile card into one line that names the file."""
    try:
        yield
    except (*OF_CONTENT, RecursionError, MemoryError) as error:
        raise InputError(f"{path}: its model card cannot be read ({error!s:.300})") from error


def check_pixels(frames: int, short_side: int, most: int = MOST_PIXELS) -> None:
    """Refuse a clip that is too large for any model.

    Raises:
        ValueError: The clip has more than `most` pixels, computed for square frames.
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
    """Refuse classes that make no valid class map."""
    ids, names, groups = ([row[k] for row in card.classes] for k in range(3))
    words = [*names, *groups]
    if not all(type(word) is str and word.isprintable() and len(word) < 1000 for word in words):
        raise ValueError("words that cannot be printed")
    if not all(type(number) is int and 1 <= number < 1 << 31 for number in ids):
        raise ValueError("class ids that are not whole numbers from 1")
    if len(set(ids)) < len(ids) or len(set(names)) < len(names):
        raise ValueError("two classes of one id or one name")
