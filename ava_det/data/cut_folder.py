"""A folder of videos that are cut alike, and what is wrong with some of them."""

from pathlib import Path

from ava_det.data.prepare.cut import Cut, cut_video
from ava_det.structures import InputError
from ava_det.video.facts import header_facts, require_whole

SLACK = 1.0  # seconds that may be missing at the end


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
        return ends_early(cut, require_whole(path, header_facts(path)).seconds)
    except InputError as error:
        return str(error)


def look_at_whole(cut: Cut, path: Path) -> str:
    """What is wrong with a film that the cut is left in, if anything; only its header is read."""
    try:
        seconds = require_whole(path, header_facts(path)).seconds
    except InputError as error:
        return str(error)
    end = cut.start + cut.seconds
    return f"{seconds:.1f} s long, ends before second {end:g}" if end - seconds > SLACK else ""


def ends_early(cut: Cut, seconds: float) -> str:
    """What is wrong with a cut that is so many seconds long, if anything."""
    missing = cut.seconds - seconds
    return (
        f"ends {missing:.1f} s before the cut does; was cut all the same" if missing > SLACK else ""
    )
