"""Which file of a folder an annotation tool means by a video's name."""

from collections.abc import Collection
from pathlib import PurePosixPath

from ava_det.formats.json_file import brief
from ava_det.formats.nearest import meant
from ava_det.structures import InputError

# In lower case; files are found by them in any case. Camcorders write .MTS, phones .3gp.
_SUFFIXES = (
    "3g2 3gp asf avi divx dv f4v flv h264 h265 hevc m2t m2ts m2v m4v mjpeg mjpg mkv mov mp4 mpeg "
    "mpg mts mxf ogm ogv qt rm rmvb ts vob webm wmv wtv"
)
VIDEO_SUFFIXES = frozenset(f".{name}" for name in _SUFFIXES.split())


def video_name(path: str) -> str:
    """Return the name of a video from the path that a tool wrote: folders stay, the suffix goes.

    >>> video_name("golf\\\\swing.1.mp4"), video_name("swing.1"), video_name(" ")
    ('golf/swing.1', 'swing.1', '')
    """
    file = PurePosixPath(path.strip().replace("\\", "/"))
    if file.suffix.lower() in VIDEO_SUFFIXES:
        file = file.with_suffix("")
    return str(file) if file.name else ""


class VideoNames:
    """Finds the videos of a folder by the names that tools write, which often lack folders.

    It remembers the names that it found, so that two videos with the same bare name stay apart.

    Args:
        files: Names of the videos, with the subfolders that they are in.
    """

    def __init__(self, files: Collection[str]) -> None:
        """Index the names."""
        self._files = files
        self._names: dict[str, str] = {}  # file to the name by which it was found
        self._by_bare_name: dict[str, list[str]] = {}
        for file in sorted(files):
            self._by_bare_name.setdefault(PurePosixPath(file).name, []).append(file)

    def find(self, where: str, name: str) -> str:
        """Find the file with exactly this name, else the only file with this bare name.

        Raises:
            InputError: No file or several files match, the name is empty, or the file was found by
                another name before. The message starts with `where`.
        """
        found = self.named(where, name)
        other = self._names.setdefault(found, name)
        if other != name:
            both = f"{brief(other)!r} and {brief(name)!r}"
            raise InputError(f"{where}: {both} would both be the video {found!r}")
        return found

    def named(self, where: str, name: str) -> str:
        """Do the same as `find`, for a name that the user gave."""
        if not name:
            raise InputError(f"{where}: does not name its video; --video NAME does")
        if name in self._files:
            return name
        bare = PurePosixPath(name).name
        alike = self._by_bare_name.get(bare, [])
        if not alike:
            missing = f"there is no video {brief(name)!r}{meant(name, self._files)}"
            raise InputError(f"{where}: {missing}; --video NAME names another")
        if len(alike) > 1:
            raise InputError(
                f"{where}: several videos are named {brief(bare)!r} ({', '.join(alike[:3])}); "
                "--video NAME says which it is"
            )
        return alike[0]
