"""Prepare AVA's videos: download them from a mirror, cut them and resample them.

    python datasets/prepare_ava.py --download            # into ROOT/videos, then ROOT/videos_15min
    python datasets/prepare_ava.py                       # cut the videos in ROOT/videos
    python datasets/prepare_ava.py --download --whole    # check the whole videos, do not cut

A run may be stopped and started again at any time: it skips finished videos. All videos of a folder
are cut with the same settings (settings.json); other settings are refused. ROOT/broken.csv lists
videos that cannot be downloaded or read, or that end early. Cut videos have no sound.
"""

import argparse
import csv
import os
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from ava_det import cli
from ava_det.formats.csv_file import full_lines
from ava_det.structures import LARGEST_OF_A_CLIP, InputError

if TYPE_CHECKING:
    from ava_det.data.prepare.cut import Cut

MIRROR = "https://s3.amazonaws.com/ava-dataset/trainval"
CUTS = "videos_15min"
LIST = "https://s3.amazonaws.com/ava-dataset/annotations/ava_file_names_trainval_v2.1.txt"


def parser() -> argparse.ArgumentParser:
    """Return the command-line parser."""
    parser = cli.Parser(description="Download, cut and resample AVA's videos.")
    add = parser.add_argument
    add("--root", type=Path, help="folder of AVA (default: $DETECTRON2_DATASETS/ava)")
    add("--download", action="store_true", help="download the videos missing in ROOT/videos")
    add("--list", default=LIST, help="names of the videos, one per line: a file or a URL")
    add("--mirror", default=MIRROR, metavar="URL", help="address to download the videos from")
    add("--whole", action="store_true", help="do not cut; find keyframes by time")
    several, above, pixels = cli.at_least(0, float), cli.above_zero(), cli.at_least(2, int, 4320)
    rates = cli.at_least(0, float, LARGEST_OF_A_CLIP)
    add(
        "--start",
        type=several,
        default=900.0,
        metavar="SECONDS",
        help="start of the cut",
    )
    add("--seconds", type=above, default=901.0, help="length of the cut")
    add("--rate", type=rates, default=30.0, help="frames per second; 0: unchanged")
    add("--short-side", type=pixels, metavar="PIXELS", help="new short side (default: unchanged)")
    cores = os.cpu_count() or 1
    add("--workers", type=cli.processes, default=cores, help="processes (default: one per core)")
    return parser


def main(args: argparse.Namespace) -> int:
    """Prepare the videos, unless another process does. Return 1 if any video is broken."""
    from ava_det.data.sets.catalog import datasets_root
    from ava_det.formats.outputs import alone

    root = args.root or datasets_root() / "ava"
    root.mkdir(parents=True, exist_ok=True)
    with alone(root):
        return prepare(args, root)


def prepare(args: argparse.Namespace, root: Path) -> int:
    """Download and cut or check the videos, and list broken ones. Return 1 if any is broken."""
    from ava_det.data.prepare.cut import Cut
    from ava_det.data.prepare.parallel import problems_of
    from ava_det.formats.settings import require_same
    from ava_det.video.files import has_video

    cut = Cut(args.start, args.seconds, args.rate or None, args.short_side)
    if not args.whole and has_video(root / CUTS):  # before hours of downloading
        require_same(root / CUTS, asdict(cut))
    problems: dict[str, str] = {}
    if args.download:
        names = video_names(args.list, root)
        (root / "videos").mkdir(parents=True, exist_ok=True)
        get = partial(get_video, args.mirror.rstrip("/"), root / "videos")
        problems |= problems_of(names, get, args.workers, "downloading")
    sources = films(root / "videos", missing=bool(problems))
    if args.whole:
        problems |= look_at_all(cut, sources)
    elif sources:
        problems |= cut_all(cut, sources, root / CUTS, args.workers)
    problems = dict(sorted(problems.items()))
    write_problems(root / "broken.csv", problems)
    for name, problem in list(problems.items())[:10]:
        print(f"{name}: {problem}")
    if problems:
        print(f"{len(problems)} videos have a problem; all are listed in {root / 'broken.csv'}")
    return cli.FAILED if problems else 0


def films(folder: Path, missing: bool) -> dict[str, Path]:
    """Return the whole films by bare name.

    Raises:
        InputError: The folder has no film, although none is `missing` after a failed download.
    """
    from ava_det.video.files import files_by_stem

    found = files_by_stem(folder)
    if not found and not missing:
        raise InputError(f"{folder}: has no video; --download gets them")
    return found


def look_at_all(cut: "Cut", sources: dict[str, Path]) -> dict[str, str]:
    """Check whole films and return their problems by name."""
    from ava_det.data.prepare.cut import look_at_whole
    from ava_det.data.prepare.parallel import problems_of

    files = list(sources.values())
    problems = problems_of(files, partial(look_at_whole, cut), 1, "looking")
    print(f"{len(files)} videos checked, {len(files) - len(problems)} are intact")
    return {path.name: problem for path, problem in problems.items()}


def cut_all(cut: "Cut", sources: dict[str, Path], target: Path, workers: int) -> dict[str, str]:
    """Cut all films that are missing in the target folder.

    Returns:
        The problems of these films, and of the films cut before, by name.
    """
    from ava_det.data.prepare.cut import cut_into, look_at
    from ava_det.data.prepare.parallel import problems_of
    from ava_det.formats.atomic import sweep
    from ava_det.formats.settings import SETTINGS, claim
    from ava_det.video.files import files_by_stem

    there = files_by_stem(target) if target.is_dir() else {}
    before = {path: there[name] for name, path in sources.items() if name in there}
    print(f"{len(sources)} videos, {len(before)} cut already")
    if not there:  # settings of a run that cut nothing do not count
        (target / SETTINGS).unlink(missing_ok=True)
    if not claim(target, asdict(cut)) and before:
        print(f"{target}: has no settings.json; its videos are taken as cut with these settings")
    sweep(target)
    problems = {path: look_at(cut, made) for path, made in before.items()}
    lacking = [path for path in sources.values() if path not in before]
    problems |= problems_of(lacking, partial(cut_into, target, cut), workers, "cutting")
    return {path.name: problem for path, problem in problems.items() if problem}


def video_names(source: str, root: Path) -> list[str]:
    """Read the names of a list: a file or a URL.

    Raises:
        InputError: The list does not exist, has no name, or has a name that is no plain file name.
    """
    from ava_det.data.prepare.download import download

    path = Path(source)
    if "://" in source:
        path = root / "annotations" / source.rsplit("/", 1)[-1]
        download(source, path)
    names = [name for _, name in full_lines(path)]
    if not names:
        raise InputError(f"{path}: names no video")
    for row, name in enumerate(names, 1):
        if Path(name).name != name or name.startswith("."):
            raise InputError(f"{path}: row {row}: {name!r} is not the name of a file")
    return names


def get_video(mirror: str, folder: Path, name: str) -> str:
    """Download one video and return its problem, or an empty text."""
    from urllib.parse import quote

    from ava_det.data.prepare.download import download

    try:
        download(f"{mirror}/{quote(name)}", folder / name)
    except InputError as error:
        return str(error)
    return ""


def write_problems(path: Path, problems: dict[str, str]) -> None:
    """Write the list of broken videos, or remove the list if no video is broken."""
    from ava_det.formats.atomic import atomic_text

    if not problems:
        path.unlink(missing_ok=True)
        return
    with atomic_text(path) as file:
        csv.writer(file, lineterminator="\n").writerows([("video", "problem"), *problems.items()])


if __name__ == "__main__":
    cli.run(parser(), main)
