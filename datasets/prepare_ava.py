"""Prepare AVA's videos: get them from a mirror, cut them, resample them.

    python datasets/prepare_ava.py --download            # into ROOT/videos, then ROOT/videos_15min
    python datasets/prepare_ava.py                       # cut what lies in ROOT/videos
    python datasets/prepare_ava.py --download --whole    # leave the videos whole, look at them

What is done already is left alone, so that a run may be stopped and started again at any time; a
folder of videos takes one kind of cut (its settings.json), and another one is refused. Videos that
cannot be had or read, or that end early, are listed in ROOT/broken.csv. Sound is left out.
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
from ava_det.structures import InputError

if TYPE_CHECKING:
    from ava_det.data.prepare.cut import Cut

MIRROR = "https://s3.amazonaws.com/ava-dataset/trainval"
CUTS = "videos_15min"
LIST = "https://s3.amazonaws.com/ava-dataset/annotations/ava_file_names_trainval_v2.1.txt"


def parser() -> argparse.ArgumentParser:
    """The command line."""
    parser = cli.Parser(description="Get, cut and resample AVA's videos.")
    add = parser.add_argument
    add("--root", type=Path, help="its folder (default: $DETECTRON2_DATASETS/ava)")
    add("--download", action="store_true", help="get the videos that ROOT/videos lacks")
    add("--list", default=LIST, help="names of the videos, a line each: a file or an address")
    add("--mirror", default=MIRROR, metavar="URL", help="where the videos are got from")
    add("--whole", action="store_true", help="do not cut; keyframes are found by time")
    several, above, pixels = cli.at_least(0, float), cli.above_zero(), cli.at_least(2, int)
    processes = cli.at_least(1, int)
    add("--start", type=several, default=900.0, metavar="SECONDS", help="of the cut (default 900)")
    add("--seconds", type=above, default=901.0, help="length of the cut (default 901)")
    add("--rate", type=several, default=30.0, help="frames a second; 0: as they are (default 30)")
    add("--short-side", type=pixels, metavar="PIXELS", help="resize (default: as they are)")
    cores = os.cpu_count() or 1
    add("--workers", type=processes, default=cores, help="processes (default: one a core)")
    return parser


def main(args: argparse.Namespace) -> int:
    """Prepare, unless another process does; 1 if anything is broken."""
    from ava_det.data.sets.catalog import datasets_root
    from ava_det.formats.outputs import alone

    root = args.root or datasets_root() / "ava"
    root.mkdir(parents=True, exist_ok=True)
    with alone(root):
        return prepare(args, root)


def prepare(args: argparse.Namespace, root: Path) -> int:
    """Get, cut or look at, list what is broken; 1 if anything is."""
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
    """The whole films, by bare name.

    Raises:
        InputError: there is none, and not because some are `missing`.
    """
    from ava_det.video.files import files_by_stem

    found = files_by_stem(folder)
    if not found and not missing:
        raise InputError(f"{folder}: has no video; --download gets them")
    return found


def look_at_all(cut: "Cut", sources: dict[str, Path]) -> dict[str, str]:
    """What is wrong with films that stay whole, by name."""
    from ava_det.data.prepare.cut import look_at_whole
    from ava_det.data.prepare.parallel import problems_of

    files = list(sources.values())
    problems = problems_of(files, partial(look_at_whole, cut), 1, "looking")
    print(f"{len(files)} videos looked at, {len(files) - len(problems)} of them are in order")
    return {path.name: problem for path, problem in problems.items()}


def cut_all(cut: "Cut", sources: dict[str, Path], target: Path, workers: int) -> dict[str, str]:
    """Cut all films that a folder lacks.

    Returns:
        What is wrong with them, and with those that were cut before, by name.
    """
    from ava_det.data.prepare.cut import cut_into, look_at
    from ava_det.data.prepare.parallel import problems_of
    from ava_det.formats.atomic import sweep
    from ava_det.formats.settings import SETTINGS, claim
    from ava_det.video.files import files_by_stem

    there = files_by_stem(target) if target.is_dir() else {}
    before = {path: there[name] for name, path in sources.items() if name in there}
    print(f"{len(sources)} videos, {len(before)} cut already")
    if not there:  # the note of a run that cut nothing binds nobody
        (target / SETTINGS).unlink(missing_ok=True)
    if not claim(target, asdict(cut)) and before:
        print(f"{target}: nothing says how its videos were cut; taken for what is asked for")
    sweep(target)
    problems = {path: look_at(cut, made) for path, made in before.items()}
    lacking = [path for path in sources.values() if path not in before]
    problems |= problems_of(lacking, partial(cut_into, target, cut), workers, "cutting")
    return {path.name: problem for path, problem in problems.items() if problem}


def video_names(source: str, root: Path) -> list[str]:
    """The names of a list, which may be an address.

    Raises:
        InputError: there is no list, no name in it, or one that is no plain file name.
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
    """Get one video; what is wrong with it, if anything."""
    from urllib.parse import quote

    from ava_det.data.prepare.download import download

    try:
        download(f"{mirror}/{quote(name)}", folder / name)
    except InputError as error:
        return str(error)
    return ""


def write_problems(path: Path, problems: dict[str, str]) -> None:
    """The list of what is broken; none where nothing is."""
    from ava_det.formats.atomic import atomic_text

    if not problems:
        path.unlink(missing_ok=True)
        return
    with atomic_text(path) as file:
        csv.writer(file, lineterminator="\n").writerows([("video", "problem"), *problems.items()])


if __name__ == "__main__":
    cli.run(parser(), main)
