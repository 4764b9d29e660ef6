"""Print how well a person detector finds the people and keypoints of labelled pictures.

    python tools/people_figures.py runs/people/ut2.json --weights light

The pictures are those of `tools/teach_people.py`. COCO's evaluation (pycocotools) gives the figures
of boxes; people who do not count are its crowds. `second boxes` counts, per picture, the boxes
beyond the first on each person, of those with a score of at least 0.3. `PCK` is the share of known
keypoints that are at most 0.2 torsos from their places, of people whose box is found (Yang and
Ramanan, 2013). A torso reaches from the middle of the shoulders to the middle of the hips. The
labels are those of other networks, so all figures are agreements with them.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from ava_det import cli
from ava_det.boxes import iou, to_pixels
from ava_det.data.pictures import Pictures
from ava_det.detect.load import load_persons
from ava_det.detect.protocols import People
from ava_det.evaluation.person_boxes import coco_evaluation
from ava_det.formats.coco_people import Picture, coco_of
from ava_det.video.video import VideoReader
from ava_det.weights.shipped import person_weights

SURE, SECOND = 0.3, 0.3  # the least score of a second box, and its least IoU with the person
AT_50, AT_75, MOST = 0, 5, 2  # places in COCOeval's tables: IoU 0.5 and 0.75, 100 boxes
SHOULDERS, HIPS = [5, 6], [11, 12]
NEAR = 0.2  # torsos


def main(args: argparse.Namespace) -> None:
    """Find the people and print the figures."""
    pictures = Pictures.read(str(args.pictures))[:: args.every]
    detector = load_persons(args.weights, short_side=args.person_size)
    reader, found = VideoReader(), list[People]()
    for picture in tqdm(pictures, unit="picture", leave=False):
        time = reader.times(picture.path)[picture.frame : picture.frame + 1]
        found += detector.people(reader.frames(picture.path, time))
    figures = figures_of(list(pictures), found)
    print(f"{args.pictures}, {len(pictures)} pictures: {'; '.join(figures)}")


def figures_of(pictures: Sequence[Picture], found: Sequence[People]) -> list[str]:
    """Return the figures, in words; those of keypoints only if the detector finds keypoints."""
    both = list(zip(pictures, found, strict=True))
    boxes = coco_figures(pictures, found)
    words = [f"{name} {100 * value:.1f} %" for name, value in boxes.items()]
    words.append(f"second boxes {sum(second_boxes(*one) for one in both) / len(both):.3f}")
    near = [right for one in both for right in near_keypoints(*one)]
    if near:
        words.append(f"PCK@{NEAR} {100 * np.mean(near):.1f} % of {len(near)} keypoints")
    return words


def coco_figures(pictures: Sequence[Picture], found: Sequence[People]) -> dict[str, float]:
    """Return COCO's AP at IoU 0.5, at 0.75, and the recall at both, of the boxes of people."""
    results: Any = []
    for number, (picture, people) in enumerate(zip(pictures, found, strict=True), start=1):
        boxes = to_pixels(people.boxes, *picture.size)
        for (left, top, right, bottom), score in zip(boxes.tolist(), people.scores, strict=True):
            box = [left, top, right - left, bottom - top]
            results.append({"image_id": number, "category_id": 1, "bbox": box, "score": score})
    if not results:
        return dict.fromkeys(("AP50", "AP75", "recall at 0.5", "recall at 0.75"), 0.0)
    evaluation = coco_evaluation(coco_of(pictures), results)
    precision, recall = evaluation.eval["precision"], evaluation.eval["recall"]
    return {
        "AP50": float(precision[AT_50, :, 0, 0, MOST].mean()),
        "AP75": float(precision[AT_75, :, 0, 0, MOST].mean()),
        "recall at 0.5": float(recall[AT_50, 0, 0, MOST]),
        "recall at 0.75": float(recall[AT_75, 0, 0, MOST]),
    }


def second_boxes(picture: Picture, people: People) -> int:
    """Count the boxes beyond the first on each person."""
    boxes = to_pixels(people.boxes[people.scores >= SURE], *picture.size)
    met = iou(boxes, picture.boxes)
    on = met.argmax(1)[met.max(1, initial=0.0) > SECOND] if met.size else np.zeros(0, np.int64)
    return len(on) - len(set(on.tolist()))


def near_keypoints(picture: Picture, people: People) -> list[bool]:
    """Tell for each known keypoint of a found person whether the detector's one is near."""
    if people.keypoints is None:
        return []
    height, width = picture.size
    places = people.keypoints[..., :2] * [width, height]
    sure = people.scores >= SURE
    met = iou(picture.boxes, to_pixels(people.boxes, height, width)) * sure
    near: list[bool] = []
    for points, row in zip(picture.keypoints, met, strict=True):
        known = points[:, 2] > 0
        if not known[SHOULDERS + HIPS].all() or row.max(initial=0.0) < 0.5:
            continue
        torso = np.linalg.norm(points[SHOULDERS, :2].mean(0) - points[HIPS, :2].mean(0))
        away = np.linalg.norm(places[row.argmax()] - points[:, :2], axis=1)
        near += (away[known] <= NEAR * torso).tolist()
    return near


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    parser = cli.Parser(description=__doc__)
    add = parser.add_argument
    add("pictures", type=Path, help="the file of labelled pictures")
    add("--weights", type=person_weights, required=True, help="a weight file, or `light`")
    add("--every", type=cli.at_least(1, int), default=1, metavar="N", help="use every N-th picture")
    add("--person-size", type=cli.person_size, metavar="PIXELS", help="short side of the frames")
    return parser


if __name__ == "__main__":
    cli.run(parser(), main)
