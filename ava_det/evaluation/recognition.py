"""Holds the result of a recognition test, computes the figures, and writes the files with both.

Shapes: N videos, K classes.
"""

import csv
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypedDict

import numpy as np

from ava_det.evaluation.top_k import hits, top_k_accuracy
from ava_det.formats.atomic import StrPath, atomic_text


@dataclass(frozen=True, eq=False)
class RecognitionResult:
    """The scores of a test set.

    Attributes:
        videos: N names.
        labels: (N,) int64, 0-based classes.
        scores: (N, K) scores, the mean over the views of a video.
        unreadable: Names of the videos that were left out.
    """

    videos: tuple[str, ...]
    labels: np.ndarray
    scores: np.ndarray
    unreadable: tuple[str, ...] = ()

    def accuracy(self, k: int) -> float:
        """Return the top-k accuracy, in [0, 1]."""
        return top_k_accuracy(self.scores, self.labels, k)

    def videos_of_class(self) -> np.ndarray:
        """Return (K,) int64, the number of videos of each class."""
        return np.bincount(self.labels, minlength=self.scores.shape[1])

    def class_accuracy(self, k: int) -> np.ndarray:
        """Return (K,) the top-k accuracy of each class, nan for a class without a video."""
        hit = hits(self.scores, self.labels, k)
        right = np.bincount(self.labels, weights=hit, minlength=self.scores.shape[1])
        count = self.videos_of_class()
        return np.divide(right, count, out=np.full(len(count), np.nan), where=count > 0)

    def mean_class_accuracy(self) -> float:
        """Return the mean of the top-1 accuracy over the classes that have videos."""
        return float(np.nanmean(self.class_accuracy(1)))

    def confusion(self) -> np.ndarray:
        """Return (K, K) int64, the number of videos of class [row] taken for class [column]."""
        classes = self.scores.shape[1]
        pairs = self.labels * classes + self.scores.argmax(axis=1)
        return np.bincount(pairs, minlength=classes**2).reshape(classes, classes)


class ClassFigures(TypedDict):
    """The figures of one class: accuracies in [0, 1], None without a video."""

    top1: float | None
    top5: float | None
    videos: int


class RecognitionFigures(TypedDict):
    """The figures of a test.

    Attributes:
        top1: The top-1 accuracy, in [0, 1].
        top5: The top-5 accuracy, in [0, 1].
        mean_class_accuracy: The mean of the top-1 accuracies of the classes.
        videos: The number of videos that counted.
        unreadable: The number of videos that were left out.
        clips: The number of clips per video.
        crops: The number of crops per clip.
        gmacs: Billions of multiply-adds of one view, called FLOPs in papers.
        classes: The figures of each class, by name.
    """

    top1: float
    top5: float
    mean_class_accuracy: float
    videos: int
    unreadable: int
    clips: int
    crops: int
    gmacs: float
    classes: dict[str, ClassFigures]


def figures_of(
    result: RecognitionResult, names: Sequence[str], clips: int, crops: int, gmacs: float
) -> RecognitionFigures:
    """Compute the figures of a result.

    Args:
        result: The result of the test.
        names: The names of the K classes.
        clips: The number of clips per video.
        crops: The number of crops per clip.
        gmacs: Billions of multiply-adds of one view.
    """
    top1, top5 = (
        [None if np.isnan(share) else float(share) for share in result.class_accuracy(k)]
        for k in (1, 5)
    )
    counts = result.videos_of_class().tolist()
    classes = zip(names, top1, top5, counts, strict=True)
    return {
        "top1": result.accuracy(1),
        "top5": result.accuracy(5),
        "mean_class_accuracy": result.mean_class_accuracy(),
        "videos": len(result.videos),
        "unreadable": len(result.unreadable),
        "clips": clips,
        "crops": crops,
        "gmacs": gmacs,
        "classes": {name: {"top1": a, "top5": b, "videos": n} for name, a, b, n in classes},
    }


def write_figures(path: StrPath, figures: RecognitionFigures) -> None:
    """Write the figures as JSON, atomically."""
    with atomic_text(path) as file:
        json.dump(figures, file, indent=1, ensure_ascii=False, allow_nan=False)
        file.write("\n")


def write_scores(
    path: StrPath,
    videos: Sequence[str],
    labels: np.ndarray,
    scores: np.ndarray,
    names: Sequence[str],
) -> None:
    """Write a csv with the columns `video`, `label` and the scores of each class, atomically.

    Args:
        path: The file. It is compressed if the name ends in `.gz`.
        videos: N names.
        labels: (N,) 0-based classes.
        scores: (N, K) scores.
        names: The names of the K classes.
    """
    with atomic_text(path) as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["video", "label", *names])
        for video, label, row in zip(videos, labels.tolist(), scores, strict=True):
            writer.writerow([video, label, *(f"{score:.6g}" for score in row)])
