"""Let published networks label the people on frames of videos, to train a person detector.

    python tools/teach_people.py 'ut_interaction/set1/*.mp4' --every 8 \\
        --movenet movenet_multipose.tflite --picodet picodet_s_416_coco.onnx \\
        --output runs/people/ut.json
    python tools/teach_people.py --dataset jhmdb_split1_train --every 4 \\
        --without jhmdb_split2_test jhmdb_split3_test ... --output runs/people/jhmdb.json

MoveNet MultiPose (Google, Apache-2.0) finds boxes and keypoints, PicoDet-S (PaddleDetection,
Apache-2.0) boxes. A person whom both find has PicoDet's box. A person of whom only one of them is
sure has that network's box. Doubtful people are crowds: the detector may find them or not. On the
keyframes of `--dataset`, the annotated people are people for sure, with their own boxes.

Videos are patterns below the folder of the data sets. MoveNet needs
`pip install ai-edge-litert==2.3.0`.
"""

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np
from tqdm import tqdm

from ava_det import cli
from ava_det.boxes import iou
from ava_det.data.sets.catalog import datasets_root, get_dataset
from ava_det.formats.coco_people import Picture, write_pictures
from ava_det.structures import IMAGENET_MEAN, IMAGENET_STD, KEYPOINTS, InputError
from ava_det.video.video import Video

J = len(KEYPOINTS)
SHORT_SIDE, LONGEST = 256, 512  # pixels of MoveNet's pictures, whose sides divide by 32
PICODET_SIDE, PICODET_STRIDES, PICODET_BINS = 416, (8, 16, 32, 64), 8
SAME = 0.5  # the least IoU of two boxes of one person
KNOWN = 0.2  # the least score of a keypoint that is known


class Found(NamedTuple):
    """The people that a teacher finds on a frame.

    Attributes:
        boxes: (R, 4) xyxy, relative.
        scores: (R,).
        keypoints: (R, J, 3) relative x and y, and score; NaN if the teacher has none.
    """

    boxes: np.ndarray
    scores: np.ndarray
    keypoints: np.ndarray


class MoveNet:
    """MoveNet MultiPose, run by LiteRT."""

    def __init__(self, path: Path):
        from ai_edge_litert.interpreter import Interpreter  # pyrefly: ignore[missing-import]

        self._make = lambda: Interpreter(str(path), num_threads=1)
        self._of_size: dict[tuple[int, int], Any] = {}

    def people(self, frame: np.ndarray) -> Found:
        """Return up to six people on a frame (H, W, 3)."""
        scale = SHORT_SIDE / min(frame.shape[:2])
        height, width = (
            min(LONGEST, max(32, round(side * scale / 32) * 32)) for side in frame.shape[:2]
        )
        network = self._network(height, width)
        way = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
        small = cv2.resize(frame, (width, height), interpolation=way)
        taken, given = network.get_input_details()[0], network.get_output_details()[0]
        network.set_tensor(taken["index"], small[None].astype(taken["dtype"]))
        network.invoke()
        rows = network.get_tensor(given["index"])[0].astype(np.float64)
        keypoints = rows[:, : 3 * J].reshape(-1, J, 3)[:, :, [1, 0, 2]]
        return Found(rows[:, [52, 51, 54, 53]].clip(0, 1), rows[:, 55], keypoints)

    def _network(self, height: int, width: int) -> Any:
        if (height, width) not in self._of_size:
            network = self._make()
            place = network.get_input_details()[0]["index"]
            network.resize_tensor_input(place, [1, height, width, 3])
            network.allocate_tensors()
            self._of_size[height, width] = network
        return self._of_size[height, width]


class PicoDet:
    """PicoDet-S of COCO in ONNX, run by OpenCV."""

    def __init__(self, path: Path, least_score: float = 0.1, overlap: float = 0.6):
        self.network = cv2.dnn.readNetFromONNX(str(path))
        self.names = self.network.getUnconnectedOutLayersNames()
        self.least_score, self.overlap = least_score, overlap

    def people(self, frame: np.ndarray) -> Found:
        """Return the people on a frame (H, W, 3)."""
        pixels = cv2.resize(frame, (PICODET_SIDE, PICODET_SIDE)).astype(np.float32) / 255
        pixels = (pixels - np.array(IMAGENET_MEAN)) / np.array(IMAGENET_STD)
        self.network.setInput(np.ascontiguousarray(pixels.transpose(2, 0, 1)[None], np.float32))
        outputs = self.network.forward(self.names)
        half = len(PICODET_STRIDES)
        levels = zip(outputs[:half], outputs[half:], PICODET_STRIDES, strict=True)
        parts = [self._level(scores[0, :, 0], sides[0], stride) for scores, sides, stride in levels]
        boxes, scores = (np.concatenate(part) for part in zip(*parts, strict=True))
        corners = np.concatenate([boxes[:, :2], boxes[:, 2:] - boxes[:, :2]], 1)
        kept = np.asarray(cv2.dnn.NMSBoxes(corners.tolist(), scores.tolist(), 0.0, self.overlap))
        kept = kept.astype(np.int64).reshape(-1)
        boxes = (boxes[kept] / PICODET_SIDE).clip(0, 1)
        return Found(boxes, scores[kept], np.full((len(kept), J, 3), np.nan))

    def _level(
        self, scores: np.ndarray, sides: np.ndarray, stride: int
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return boxes (R, 4) in pixels and scores (R,) of the cells of one stride.

        `sides` (cells, 4 x bins) has the logits of the distances to the four sides.
        """
        wide = round(len(scores) ** 0.5)
        cells = np.flatnonzero(scores > self.least_score)
        bins = np.exp(sides[cells].reshape(-1, 4, PICODET_BINS).astype(np.float64))
        away = (bins * np.arange(PICODET_BINS)).sum(2) / bins.sum(2) * stride
        middle = (np.stack([cells % wide, cells // wide], 1) + 0.5) * stride
        return np.concatenate([middle - away[:, :2], middle + away[:, 2:]], 1), scores[cells]


def people_for_sure(
    annotated: np.ndarray, posed: Found, boxed: Found
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Merge what is annotated with what two teachers find on a frame.

    Args:
        annotated: (A, 4) relative boxes.
        posed: The people of MoveNet.
        boxed: The people of PicoDet.

    Returns:
        (R, 4) relative boxes, (R, J, 3) keypoints (x, y, 1 if known), (M, 4) boxes of crowds.
    """
    rows = posed.scores > 0.15
    poses = Found(posed.boxes[rows], posed.scores[rows], posed.keypoints[rows])
    pose_left, box_left = np.ones(len(poses.boxes), bool), np.ones(len(boxed.boxes), bool)
    boxes: list[np.ndarray] = []
    points: list[np.ndarray] = []
    crowds: list[np.ndarray] = []
    nothing = np.zeros((J, 3))

    def known(row: int) -> np.ndarray:
        keypoints = poses.keypoints[row].copy()
        keypoints[:, 2] = keypoints[:, 2] > KNOWN
        return keypoints

    for box in annotated:
        met = iou(box[None], poses.boxes)[0]
        best = int(met.argmax()) if len(met) else -1
        boxes.append(box)
        points.append(known(best) if len(met) and met[best] > 0.4 and pose_left[best] else nothing)
        if len(met):
            pose_left &= (met <= SAME) & (np.arange(len(met)) != best)
        box_left &= iou(box[None], boxed.boxes)[0] <= SAME
    met = iou(poses.boxes, boxed.boxes)
    for row in np.argsort(-poses.scores):
        if not pose_left[row]:
            continue
        same = np.flatnonzero((met[row] > SAME) & box_left)
        best = same[np.argmax(boxed.scores[same] * met[row, same])] if len(same) else -1
        if len(same) and poses.scores[row] > 0.2 and boxed.scores[best] > 0.3:
            sure = boxed.scores[best] > 0.5
            mean = (boxed.boxes[best] + poses.boxes[row]) / 2
            boxes.append(boxed.boxes[best] if sure else mean)
            points.append(known(row))
            box_left &= met[row] <= SAME
        elif poses.scores[row] > 0.3:
            boxes.append(poses.boxes[row])
            points.append(known(row))
        else:
            crowds.append(poses.boxes[row])
    for row in np.flatnonzero(box_left)[np.argsort(-boxed.scores[box_left])]:
        box, score = boxed.boxes[row], boxed.scores[row]
        if boxes and iou(box[None], np.array(boxes))[0].max() > 0.6:
            continue
        if score > 0.6:
            boxes.append(box)
            points.append(nothing)
        elif score > 0.25:
            crowds.append(box)
    everybody = np.array(boxes).reshape(-1, 4)
    # A doubtful box inside of a person is a part of the person, which is no person.
    crowds = [box for box in crowds if not _inside(box, everybody)]
    return everybody, np.array(points).reshape(-1, J, 3), np.array(crowds).reshape(-1, 4)


def _inside(box: np.ndarray, others: np.ndarray) -> bool:
    low, high = np.maximum(box[:2], others[:, :2]), np.minimum(box[2:], others[:, 2:])
    met = (high - low).clip(0).prod(1)
    return bool((met > 0.7 * max(np.prod(box[2:] - box[:2]), 1e-9)).any())


def main(args: argparse.Namespace) -> None:
    """Label the frames and write them."""
    movenet, picodet = MoveNet(args.movenet), PicoDet(args.picodet)
    pictures = []
    for path, frames, annotated in tqdm(list(wanted(args)), unit="video", leave=False):
        with Video(path) as video:
            numbers = np.arange(0, len(video.frame_times), args.every) if frames is None else frames
            numbers = numbers[numbers < len(video.frame_times)]
            images = video.frames(video.frame_times[numbers])
        name = path.relative_to(datasets_root()).as_posix()
        for number, image in zip(numbers.tolist(), images, strict=True):
            truth = annotated.get(number, np.zeros((0, 4)))
            found = people_for_sure(truth, movenet.people(image), picodet.people(image))
            pictures.append(picture(name, number, image.shape[:2], *found))
    write_pictures(args.output, pictures, "MoveNet MultiPose and PicoDet-S of COCO")
    count = sum(len(p.boxes) for p in pictures)
    print(f"{args.output}: {len(pictures)} pictures, {count} people")


def picture(
    path: str,
    frame: int,
    size: Sequence[int],
    boxes: np.ndarray,
    keypoints: np.ndarray,
    crowds: np.ndarray,
) -> Picture:
    """Return a picture in pixels, of relative boxes and keypoints."""
    height, width = size
    corners = np.array([width, height, width, height])
    points = keypoints * [width, height, 1]
    parts = (x.astype(np.float32) for x in (boxes * corners, points, crowds * corners))
    return Picture(path, frame, (height, width), *parts)


Wanted = tuple[Path, np.ndarray | None, dict[int, np.ndarray]]


def wanted(args: argparse.Namespace) -> Iterator[Wanted]:
    """Yield the videos, the frames of each (None: every n-th) and the annotated boxes of a frame.

    Raises:
        InputError: A pattern matches no video.
    """
    for pattern in args.videos:
        paths = sorted(datasets_root().glob(pattern))
        if not paths:
            raise InputError(f"{datasets_root() / pattern}: no such file")
        for path in paths:
            yield path, None, {}
    if args.dataset:
        dataset = get_dataset(args.dataset)
        left_out = {path for name in args.without for path in get_dataset(name).keyframes().files()}
        films: dict[str, dict[int, np.ndarray]] = {}
        for record in dataset.keyframes():
            tick = record.people.keyframe.tick
            if tick % args.every == 0 and record.path not in left_out:
                films.setdefault(record.path, {})[tick] = record.people.boxes
        for path, boxes in films.items():
            yield Path(path), np.array(sorted(boxes)), boxes


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    parser = cli.Parser(description=__doc__)
    add = parser.add_argument
    add("videos", nargs="*", help="patterns of videos below the folder of the data sets")
    add("--dataset", help="a data set whose clock counts frames, with annotated people")
    without = "data sets whose videos are left out, such as the test parts of further splits"
    add("--without", nargs="+", default=[], metavar="NAME", help=without)
    add("--every", type=cli.at_least(1, int), default=8, help="label every N-th frame")
    add("--movenet", type=Path, required=True, help="movenet_multipose.tflite")
    add("--picodet", type=Path, required=True, help="picodet_s_416_coco.onnx")
    add("--output", type=Path, required=True, help="the JSON file to write")
    return parser


if __name__ == "__main__":
    cli.run(parser(), main)
