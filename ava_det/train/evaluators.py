"""Evaluate the predictions on a test set: gather from all processes, de-duplicate, measure."""

import logging
from collections.abc import Set
from typing import Any

import numpy as np
import pandas as pd
from detectron2.evaluation import DatasetEvaluator
from detectron2.utils import comm
from torch import Tensor

from ava_det.batch import ClipBatch, PeopleBatch
from ava_det.evaluation.frame_map import FrameMap, frame_map
from ava_det.evaluation.recognition import RecognitionResult
from ava_det.formats.ava_csv import detections_table
from ava_det.formats.class_map import ClassMap
from ava_det.formats.nearest import meant
from ava_det.structures import ActionDetections, InputError, Keyframe

logger = logging.getLogger(__name__)


class TopKEvaluator(DatasetEvaluator):
    """Measure top-1 and top-5 accuracy in percent, with the mean scores of a video's views.

    A video does not count if any view could not be read.
    """

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Forget all predictions."""
        self._predictions: list[tuple[str, int, np.ndarray]] = []
        self._unreadable: set[str] = set()
        self.result: RecognitionResult | None = None

    def process(self, inputs: ClipBatch, outputs: list[Tensor]) -> None:
        """Add the class probabilities (K,) of every clip of a batch."""
        self._unreadable |= {video.video for video in inputs.unreadable}
        labels = inputs.labels.tolist()
        for video, label, scores in zip(inputs.videos, labels, outputs, strict=True):
            self._predictions.append((video, label, scores.numpy()))

    def evaluate(self) -> Any:
        """Return {"recognition": {"top1", "top5"}} in the main process, None in others.

        The main process keeps the scores in `result`.

        Raises:
            InputError: No video could be read.
        """
        gathered: Any = comm.gather((self._predictions, self._unreadable))
        if not comm.is_main_process():
            return None
        unreadable = set().union(*(some for _, some in gathered))
        scores: dict[str, list[np.ndarray]] = {}
        labels: dict[str, int] = {}
        for video, label, view in (item for part, _ in gathered for item in part):
            if video not in unreadable:
                scores.setdefault(video, []).append(view)
                labels[video] = label
        if not scores:
            raise InputError("no video of the test set can be read")
        self.result = RecognitionResult(
            tuple(scores),
            np.array(list(labels.values()), np.int64),
            np.stack([np.mean(views, axis=0) for views in scores.values()]),
            tuple(sorted(unreadable)),
        )
        top = {f"top{k}": 100 * self.result.accuracy(k) for k in (1, 5)}
        return {"recognition": top}


class FrameMapEvaluator(DatasetEvaluator):
    """Measure the frame-mAP in percent of a detection set.

    Keyframes that could not be read do not count. After `evaluate`, `unreadable` has the annotated
    keyframes among them, and `ground_truth` has the rows without them.

    Args:
        ground_truth: A table of AVA rows, without excluded keyframes.
        class_map: The classes of the model's scores, in the order of the scores.
        evaluated: The classes that are evaluated, such as 60 of AVA's 80.
        protocol: "activitynet" or "uncapped" (`ava_det.evaluation.frame_map`).
    """

    def __init__(
        self,
        ground_truth: pd.DataFrame,
        class_map: ClassMap,
        evaluated: ClassMap,
        protocol: str,
    ):
        unknown = set(evaluated.names.items()) - set(class_map.names.items())
        if unknown:
            number, name = min(unknown)
            hint = meant(name, class_map.names.values())
            raise InputError(f"evaluated class {number}, {name!r}, is none of the model's{hint}")
        self._annotated, self.protocol = ground_truth, protocol
        self.class_map, self.evaluated = class_map, evaluated
        self.reset()

    def reset(self) -> None:
        """Forget all detections."""
        self._detections: list[ActionDetections] = []
        self._unreadable: set[str] = set()
        self.unreadable: set[Keyframe] = set()
        self.ground_truth = self._annotated
        self.table: pd.DataFrame | None = None
        self.result: FrameMap | None = None

    def process(self, inputs: PeopleBatch, outputs: list[ActionDetections]) -> None:
        """Add the detections of a batch of keyframes."""
        self._detections += outputs
        self._unreadable |= {video.video for video in inputs.unreadable}

    def evaluate(self) -> Any:
        """Return {"detection": {"frame_mAP_PROTOCOL"}} in the main process, None in others.

        The main process keeps the detections in `table`. The name includes the protocol because
        logs and curves show only the name.

        Raises:
            InputError: No keyframe with evaluated classes could be read.
        """
        gathered: Any = comm.gather((self._detections, self._unreadable))
        if not comm.is_main_process():
            return None
        # A padded sampler repeats keyframes, and a repeated detection costs AP.
        unique: dict[Keyframe, ActionDetections] = {}
        for detections in (item for part, _ in gathered for item in part):
            unique.setdefault(detections.keyframe, detections)
        self._leave_out(set().union(*(some for _, some in gathered)), unique.keys())
        self.table = detections_table(list(unique.values()), self.class_map)
        self.result = frame_map(
            self.ground_truth, self.table, self.evaluated, protocol=self.protocol
        )
        if self.unreadable and not any(self.result.ground_truth.values()):
            raise InputError("no keyframe of the test set with evaluated classes can be read")
        return {"detection": {f"frame_mAP_{self.protocol}": 100 * self.result.mAP}}

    def _leave_out(self, videos: Set[str], tested: Set[Keyframe]) -> None:
        """Remove keyframes from the ground truth that could not be read.

        Args:
            videos: The names of all videos with unreadable keyframes.
            tested: The keyframes that could be read.
        """
        doubtful = self._annotated["video"].isin(list(videos)).to_numpy()
        rows = self._annotated[doubtful]
        keyframes = list(map(Keyframe, rows["video"], rows["tick"]))
        self.unreadable = set(keyframes) - tested
        if not self.unreadable:
            return
        lost = doubtful.copy()
        lost[doubtful] = [keyframe in self.unreadable for keyframe in keyframes]
        self.ground_truth = self._annotated[~lost]
        logger.warning(
            "%d annotated keyframes cannot be read: they do not count", len(self.unreadable)
        )
