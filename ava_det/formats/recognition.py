"""The files that a recognition test leaves behind: its figures, and the scores they come from."""

import csv
import json
from collections.abc import Sequence
from typing import TypedDict

import numpy as np

from ava_det.formats.atomic import StrPath, atomic_text


class ClassFigures(TypedDict):
    """Of one class: accuracies in [0, 1], None without a video."""

    top1: float | None
    top5: float | None
    videos: int


class RecognitionFigures(TypedDict):
    """The figures of a test.

    Attributes:
        top1: accuracy, in [0, 1].
        top5: likewise.
        mean_class_accuracy: mean of the classes' top-1 accuracies.
        videos: how many counted.
        unreadable: how many were left out.
        clips: of a video.
        crops: of a clip.
        gmacs: billions of multiply-adds of one view, called FLOPs in papers.
        classes: the figures of each class, by name.
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


def write_figures(path: StrPath, figures: RecognitionFigures) -> None:
    """Write the figures as json, atomically."""
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
    """Write a csv of `video,label` and a column of scores a class, atomically.

    Args:
        path: the file; packed where it ends in `.gz`.
        videos: N names.
        labels: (N,) 0-based.
        scores: (N, K).
        names: of the K classes.
    """
    with atomic_text(path) as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["video", "label", *names])
        for video, label, row in zip(videos, labels.tolist(), scores, strict=True):
            writer.writerow([video, label, *(f"{score:.6g}" for score in row)])
