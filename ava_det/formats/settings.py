"""Stores in a folder the settings of the folder's files, so that settings are never mixed."""

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
    """Refuse a folder with files that were made with other settings.

    Args:
        folder: The folder. It need not exist yet.
        settings: The settings, of JSON types.
        unwritten: The values of settings that are missing in older settings files.

    Returns:
        Whether the folder has a settings file.

    Raises:
        InputError: The settings file differs, or cannot be read.
    """
    path = folder / SETTINGS
    if not path.is_file():
        return False
    noted = dict(unwritten or {}) | read_json(path)
    names = [name for name in settings if noted.get(name) != settings[name]]
    if names:
        what = ", ".join(f"{name} {noted.get(name)}, not {settings[name]}" for name in names)
        raise InputError(f"{path}: made with {what}: ask for the same, or choose another folder")
    return True


def claim(
    folder: Path, settings: Mapping[str, Any], unwritten: Mapping[str, Any] | None = None
) -> bool:
    """Write the settings into a folder without settings. Otherwise check them (`require_same`)."""
    if require_same(folder, settings, unwritten):
        return True
    folder.mkdir(parents=True, exist_ok=True)
    with atomic_text(folder / SETTINGS) as file:
        json.dump(settings, file, indent=1)
    return False
