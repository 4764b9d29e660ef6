"""The settings that the files of a folder were made with, kept in the folder itself.

So one folder never mixes files of different settings.
"""

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
    """Refuse a folder whose files were made with other settings.

    Args:
        folder: The folder. It need not exist yet.
        settings: Settings of JSON types.
        unwritten: Values of settings that older files of settings do not have.

    Returns:
        Whether the folder has a file of settings.

    Raises:
        InputError: The file of settings differs, or cannot be read.
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
    """Write the settings of a folder, if it has none; otherwise as `require_same`."""
    if require_same(folder, settings, unwritten):
        return True
    folder.mkdir(parents=True, exist_ok=True)
    with atomic_text(folder / SETTINGS) as file:
        json.dump(settings, file, indent=1)
    return False
