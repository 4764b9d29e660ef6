"""Export a feature vector per person, the input of the detector's last layer, to an `.npz`."""

import shutil
import tempfile
import zipfile
from pathlib import Path
from typing import IO

import numpy as np
import torch
from detectron2.evaluation import DatasetEvaluator
from torch import Tensor, nn

from ava_det.batch import PeopleBatch
from ava_det.formats.atomic import atomic_path
from ava_det.structures import ActionDetections

FEATURE_DTYPE = np.dtype("<f4")


class FeatureExport(DatasetEvaluator):
    """Write one feature per person to an `.npz`, during an evaluation.

    The arrays have one row for each of N people, in the order of the predictions: `video` (N,)
    names, `tick` (N,) int64, `box` (N, 4) float64 relative xyxy, and `feature` (N, C) float32. The
    features are pooled, before dropout and projection; they are the mean of all views. A temporary
    file holds the features until the last batch.

    Args:
        path: The file; it is written completely or not at all.
        projection: The detector's last layer.
    """

    def __init__(self, path: Path, projection: nn.Linear):
        self.path, self.channels = path, projection.in_features
        self._views: list[Tensor] = []
        projection.register_forward_pre_hook(self._see)
        self.reset()

    def reset(self) -> None:
        """Forget all features."""
        folder = self.path.parent
        self._rows: IO[bytes] = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115 evaluate closes it
        self._videos: list[str] = []
        self._ticks: list[int] = []
        self._boxes: list[np.ndarray] = [np.zeros((0, 4))]
        self._views.clear()

    def _see(self, _: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        self._views.append(inputs[0].detach().float().cpu())

    def process(self, inputs: PeopleBatch, outputs: list[ActionDetections]) -> None:
        """Add the people of a batch, right after the last layer has run on their features."""
        if not outputs:  # no clip of the batch could be read
            return
        count = sum(len(person.boxes) for person in outputs)
        seen = torch.cat(self._views)  # one view after the other, each with all people
        self._views.clear()
        features = seen.unflatten(0, (-1, count)).mean(0).numpy() if count else np.zeros(0)
        for person in outputs:
            self._videos += [person.keyframe.video] * len(person.boxes)
            self._ticks += [person.keyframe.tick] * len(person.boxes)
            self._boxes.append(person.boxes)
        self._rows.write(features.astype(FEATURE_DTYPE).tobytes())

    def evaluate(self) -> None:
        """Write the file."""
        columns = {
            "video": np.array(self._videos, dtype=np.str_),
            "tick": np.array(self._ticks, np.int64),
            "box": np.concatenate(self._boxes),
        }
        shape = (len(self._ticks), self.channels)
        with atomic_path(self.path) as partial, zipfile.ZipFile(partial, "w") as archive:
            for name, column in columns.items():
                with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
                    np.lib.format.write_array(member, column, allow_pickle=False)
            with archive.open("feature.npy", "w", force_zip64=True) as member:
                header = np.lib.format.header_data_from_array_1_0(np.zeros(0, FEATURE_DTYPE))
                np.lib.format.write_array_header_1_0(member, header | {"shape": shape})
                self._rows.seek(0)
                shutil.copyfileobj(self._rows, member, 1 << 20)
        self._rows.close()
