"""Draw the clips that a model sees: after augmentation, mixed, with labels or boxes.

    ava-det view --config configs/pretrain/jhmdb_slowfast_tiny.py --output runs/view

OUTPUT gets a contact sheet `train_000000.png` for each iteration. The sheet shows the same samples
and mixes that `ava-det pretrain` and `ava-det finetune` train on (in one process,
`train.accumulate=1`). `--test` shows the views of the test set instead. A config is Python code and
is run: use only configs that you trust.

Read on: docs/training.md.
"""

import argparse
import functools
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ava_det import cli

if TYPE_CHECKING:
    from torch import Tensor

    from ava_det.batch import Batch, ClipBatch, PeopleBatch, PictureBatch
    from ava_det.draw.contact_sheet import Strip

MOST_LABELS = 4  # labels of a mixed clip


def parser() -> argparse.ArgumentParser:
    """The command line."""
    parser = cli.Parser(description=__doc__)
    parser.add_argument("--config", required=True, help="a path, or a name below configs/")
    parser.add_argument("--output", required=True, type=Path, help="folder of the pictures")
    parser.add_argument(
        "--test", action="store_true", help="show the test set, not the training set"
    )
    add, some = parser.add_argument, cli.at_least(1, int)
    start = cli.at_least(0, int)
    add("--start", type=start, default=0, metavar="ITERATION", help="first iteration")
    add("--batches", type=some, default=1, help="number of sheets")
    add("--samples", type=some, default=8, help="largest number of clips on a sheet")
    add("--pictures", type=some, default=8, help="largest number of frames of a clip")
    parser.add_argument("overrides", nargs="*", metavar="path.key=value", help="config overrides")
    return parser


def main(args: argparse.Namespace) -> None:
    """Draw and write the sheets."""
    from detectron2.config import instantiate
    from PIL import Image

    from ava_det.draw.contact_sheet import contact_sheet, shown_frames
    from ava_det.formats.atomic import atomic_path
    from ava_det.formats.outputs import outputs
    from ava_det.train.config import load_config
    from ava_det.train.loop import mix_generator

    if args.test and args.start:
        parser().error("--start is for training; a test set is shown from the beginning")
    cfg = load_config(args.config, args.overrides)
    names = list(instantiate(cfg.class_map).names.values())
    loader = instantiate(cfg.test.loader if args.test else cfg.dataloader.train)
    if args.start:
        loader.skip(args.start * cfg.train.accumulate)
    batches = iter(loader)
    mix = None if args.test else getattr(instantiate(cfg.task), "mix", None)
    normalize = instantiate(cfg.model).normalize if mix else None
    args.output.mkdir(parents=True, exist_ok=True)
    for number, batch in zip(range(args.start, args.start + args.batches), batches, strict=False):
        if not len(batch):
            continue
        drawn_mix = mix and functools.partial(mix, rng=mix_generator(cfg.train.seed, number))
        strips = list(strips_of(batch, normalize, drawn_mix, names))
        drawn = shown_frames(cfg.clip.frames, args.pictures).tolist()
        what = "batch" if args.test else "iteration"
        title = f"{args.config}, {what} {number}; frames {', '.join(map(str, drawn))}"
        sheet = contact_sheet(strips[: args.samples], title, args.pictures)
        path = args.output / f"{'test' if args.test else 'train'}_{number:06d}.png"
        with outputs(path, overwrite=True), atomic_path(path) as partial:
            Image.fromarray(sheet).save(partial)
        print(path)


def strips_of(batch: "Batch", normalize: Any, mix: Any, names: list[str]) -> "Iterator[Strip]":
    """The clips of a batch.

    Args:
        batch: A batch of a loader.
        normalize: Normalises pixels as the model does.
        mix: A mix of normalised clips. None does not mix.
        names: The names of the classes.
    """
    from ava_det.batch import ClipBatch, PictureBatch

    if isinstance(batch, ClipBatch):
        yield from recognition_strips(batch, normalize, mix, names)
    elif isinstance(batch, PictureBatch):
        yield from picture_strips(batch)
    else:
        yield from detection_strips(batch, names)


def recognition_strips(
    batch: "ClipBatch", normalize: Any, mix: Any, names: list[str]
) -> "Iterator[Strip]":
    """Clips with the weights of the labels, mixed as in training."""
    from torch.nn.functional import one_hot

    from ava_det.draw.contact_sheet import Strip

    clips, targets = batch.clips, one_hot(batch.labels, len(names)).float()
    if mix is not None:
        mixed, targets = mix(normalize(clips), targets)
        clips = (mixed * normalize.scale + normalize.shift).round().clamp(0, 255).byte()
    for clip, target, video in zip(clips, targets, batch.videos, strict=True):
        order = target.argsort(descending=True)[:MOST_LABELS].tolist()
        labels = [f"{100 * target[k]:.1f} % {names[k]}" for k in order if target[k] > 5e-4]
        yield Strip(pixels(clip), (" + ".join(labels) or "no label", video))


def detection_strips(batch: "PeopleBatch", names: list[str]) -> "Iterator[Strip]":
    """Clips with the people of the keyframes and the actions of each person."""
    import numpy as np

    from ava_det.batch import keyframe_boxes
    from ava_det.draw.contact_sheet import Strip
    from ava_det.draw.frames import DrawnPerson

    for clip, boxes, targets, people in zip(
        batch.clips, batch.boxes, batch.targets, batch.people, strict=True
    ):
        height, width = clip.shape[-2:]
        relative = keyframe_boxes(boxes).numpy() / np.array([width, height, width, height])
        drawn = []
        for k, (box, target) in enumerate(zip(relative, targets, strict=True)):
            labels = tuple(names[action] for action in target.nonzero()[:, 0].tolist())
            drawn.append(DrawnPerson(box, labels or ("nothing",), track=k))
        lines = [", ".join(person.labels) for person in drawn]
        keyframe = people.keyframe
        caption = ("; ".join(lines) or "nobody", f"{keyframe.video}, tick {keyframe.tick}")
        yield Strip(pixels(clip), caption, tuple(drawn))


def picture_strips(batch: "PictureBatch") -> "Iterator[Strip]":
    """Pictures with people, keypoints, and the people who do not count (white corners)."""
    import numpy as np

    from ava_det.draw.contact_sheet import Strip
    from ava_det.draw.frames import DrawnPerson

    people = zip(batch.images, batch.boxes, batch.keypoints, batch.crowds, strict=True)
    for image, boxes, keypoints, crowds in people:
        height, width = image.shape[-2:]
        size = np.array([width, height, width, height])
        points = keypoints.numpy() / [width, height, 1]
        drawn = [
            DrawnPerson(box, (), track=k, keypoints=points[k])
            for k, box in enumerate(boxes.numpy() / size)
        ]
        drawn += [DrawnPerson(box, (), truth=True) for box in crowds.numpy() / size]
        caption = (f"{len(boxes)} people, {len(crowds)} who do not count",)
        yield Strip(pixels(image[:, None]), caption, tuple(drawn))


def pixels(clip: "Tensor") -> Any:
    """Turn a tensor (C, T, H, W) uint8 into an array (T, H, W, C)."""
    return clip.permute(1, 2, 3, 0).contiguous().numpy()
