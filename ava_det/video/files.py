"""The videos of a folder by name."""

from collections.abc import Iterator
from pathlib import Path

from ava_det.formats.video_names import VIDEO_SUFFIXES
from ava_det.structures import InputError


def video_files(folder: Path) -> dict[str, Path]:
    """Name (path below the folder, without suffix) to file of every video below a folder.

    Raises:
        InputError: no folder, no video in it, or two of one name.
    """
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder of videos")
    files: dict[str, Path] = {}
    for path in _below(folder):
        name = path.relative_to(folder).with_suffix("").as_posix()
        if name in files:
            raise InputError(f"{path}: {files[name].name} beside it has the same name")
        files[name] = path
    if not files:
        raise InputError(f"{folder}: has no video ({', '.join(sorted(VIDEO_SUFFIXES))})")
    return files


def files_by_stem(folder: Path) -> dict[str, Path]:
    """The video files anywhere below a folder, by bare name; of two of one name the first.

    Raises:
        InputError: there is no such folder.
    """
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder; datasets/README.md says what goes here")
    files: dict[str, Path] = {}
    for path in _below(folder):
        files.setdefault(path.stem, path)
    return files


def has_video(folder: Path) -> bool:
    """Whether a video file is anywhere below a folder, which need not be there."""
    return any(_is_video(folder, path) for path in folder.rglob("*"))


def _below(folder: Path) -> Iterator[Path]:
    """The video files, in order."""
    return (path for path in sorted(folder.rglob("*")) if _is_video(folder, path))


def _is_video(folder: Path, path: Path) -> bool:
    """Not if it is hidden: what is being written, or macOS's "._film.mp4"."""
    hidden = any(part.startswith(".") for part in path.relative_to(folder).parts)
    return path.suffix.lower() in VIDEO_SUFFIXES and not hidden and path.is_file()
