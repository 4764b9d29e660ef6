"""The weights that come with the package, by their names."""

from pathlib import Path

PERSONS = {"light": "persons_light.safetensors"}


def person_weights(text: str) -> Path:
    """The file of a person detector: one that comes with the package, or the path that was given.

    >>> person_weights("light").name
    'persons_light.safetensors'
    >>> str(person_weights("runs/light"))
    'runs/light'
    """
    if text in PERSONS:
        return Path(__file__).with_name("weights") / PERSONS[text]
    return Path(text)
