"""Finds the files of configs and grids by path, or by their name in the package."""

from pathlib import Path

from ava_det.formats.nearest import meant_file
from ava_det.structures import InputError

SHIPPED = Path(__file__).resolve().parents[1] / "configs"  # a link to configs/ in a checkout


def find_config(name: str, kind: str = "config") -> Path:
    """Return the file of a config.

    Args:
        name: The path of a file, or the name of a file that comes with the package:
            `pretrain/jhmdb_slowfast_tiny.py`, with or without `configs/` in front.
        kind: The word for the file in the message of an error.

    Raises:
        InputError: No such file exists.
    """
    shipped = SHIPPED / name.removeprefix("configs/")
    file = Path(name) if Path(name).is_file() else shipped
    if not file.is_file():
        raise InputError(f"{name}: no such {kind}{meant_file(Path(name), shipped.parent)}")
    return file
