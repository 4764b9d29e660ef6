"""Finds the weights that come with the package, by name."""

from pathlib import Path

from ava_det.formats.nearest import meant
from ava_det.structures import InputError

PERSONS = {"light": "persons_light.safetensors"}


def person_weights(text: str) -> Path:
    """Return the file of a person detector, from a name of the package's weights or a path.

    Raises:
        InputError: The file does not exist, and the text is almost a name.

    >>> person_weights("light").name
    'persons_light.safetensors'
    >>> str(person_weights("runs/persons/model.safetensors"))
    'runs/persons/model.safetensors'
    """
    if text in PERSONS:
        return Path(__file__).with_name("files") / PERSONS[text]
    hint = meant(text, PERSONS)
    if hint and not Path(text).exists():
        raise InputError(f"{text}: no such file, nor weights that come with the package{hint}")
    return Path(text)
