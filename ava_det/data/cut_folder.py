"""A folder of videos that are cut alike, and what is wrong with some of them."""

import json
from dataclasses import asdict
from pathlib import Path

from ava_det.data.cut import Cut, cut_video, length_of
from ava_det.formats.atomic import atomic_text
from ava_det.structures import InputError

SETTINGS = "settings.json"  # in the folder: how its videos are cut


def require_same(folder: Path, cut: Cut) -> None:
    """Refuse a folder whose videos were cut otherwise, as its settings say; none may be there yet.

    Raises:
        InputError: they were.
    """
    path = folder / SETTINGS
    if not path.is_file():
        return
    try:
        same = json.loads(path.read_text("utf-8")) == asdict(cut)
    except ValueError:
        raise InputError(f"{path}: not the settings of a cut") from None
    if not same:
        how = " ".join(path.read_text("utf-8").split())
        raise InputError(
            f"{path}: the videos beside it are another cut, {how}: ask for that one, or take "
            "another folder"
        )


def note(folder: Path, cut: Cut) -> bool:
    """Note how the videos of a folder are cut; whether it was noted before.

    Raises:
        InputError: they are cut otherwise.
    """
    require_same(folder, cut)
    path = folder / SETTINGS
    if path.is_file():
        return True
    folder.mkdir(parents=True, exist_ok=True)
    with atomic_text(path) as file:
        json.dump(asdict(cut), file)
    return False


def cut_into(folder: Path, cut: Cut, source: Path) -> str:
    """Cut one video; what is wrong with it, if anything."""
    try:
        return ends_early(cut, cut_video(source, folder / f"{source.stem}.mp4", cut))
    except OSError as error:
        return f"{error.filename or source}: {error.strerror or error}"
    except InputError as error:
        return str(error)


def look_at(cut: Cut, path: Path) -> str:
    """What is wrong with a video that was cut before, if anything; only its header is read."""
    try:
        return ends_early(cut, length_of(path))
    except InputError as error:
        return str(error)


def ends_early(cut: Cut, seconds: float) -> str:
    """What is wrong with a cut that is so many seconds long, if anything."""
    missing = cut.seconds - seconds
    return f"ends {missing:.1f} s before the cut does; was cut all the same" if missing > 1 else ""
