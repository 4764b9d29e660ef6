"""A note of how the files of a folder are made, so that two ways are never mixed in one."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ava_det.formats.atomic import atomic_text
from ava_det.formats.json_file import read_json
from ava_det.structures import InputError

SETTINGS = "settings.json"


def require_same(
    folder: Path, settings: Mapping[str, Any], unwritten: Mapping[str, Any] | None = None
) -> bool:
    """Refuse a folder whose files are made otherwise.

    Args:
        folder: it may not be there yet.
        settings: of JSON's types.
        unwritten: what is meant by a note without these settings.

    Returns:
        Whether there is a note.

    Raises:
        InputError: the note says something else, or is none.
    """
    path = folder / SETTINGS
    if not path.is_file():
        return False
    noted = dict(unwritten or {}) | read_json(path)
    names = [name for name in settings if noted.get(name) != settings[name]]
    if names:
        what = ", ".join(f"{name} {noted.get(name)}, not {settings[name]}" for name in names)
        raise InputError(f"{path}: made with {what}: ask for the same, or take another folder")
    return True


def claim(
    folder: Path, settings: Mapping[str, Any], unwritten: Mapping[str, Any] | None = None
) -> bool:
    """Note how the files of a folder are made; the rest as `require_same`."""
    if require_same(folder, settings, unwritten):
        return True
    folder.mkdir(parents=True, exist_ok=True)
    with atomic_text(folder / SETTINGS) as file:
        json.dump(settings, file, indent=1)
    return False
