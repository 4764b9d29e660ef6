"""What a recognition test has found: scores of videos, and the figures made of them.

Shapes: N videos, K classes.
"""

from dataclasses import dataclass

import numpy as np

from ava_det.evaluate.top_k import hits, top_k_accuracy


@dataclass(frozen=True, eq=False)
class RecognitionResult:
    """The scores of a test set.

    Attributes:
        videos: N names.
        labels: (N,) int64, 0-based classes.
        scores: (N, K), the mean over a video's views.
        unreadable: names of the videos that were left out.
    """

    videos: tuple[str, ...]
    labels: np.ndarray
    scores: np.ndarray
    unreadable: tuple[str, ...] = ()

    def accuracy(self, k: int) -> float:
        """Top-k accuracy, in [0, 1]."""
        return top_k_accuracy(self.scores, self.labels, k)

    def videos_of_class(self) -> np.ndarray:
        """(K,) int64, how many videos a class has."""
        return np.bincount(self.labels, minlength=self.scores.shape[1])

    def class_accuracy(self, k: int) -> np.ndarray:
        """(K,) top-k accuracy of each class, nan for one without a video."""
        hit = hits(self.scores, self.labels, k)
        right = np.bincount(self.labels, weights=hit, minlength=self.scores.shape[1])
        count = self.videos_of_class()
        return np.divide(right, count, out=np.full(len(count), np.nan), where=count > 0)

    def mean_class_accuracy(self) -> float:
        """Mean of the top-1 accuracy over the classes that have videos."""
        return float(np.nanmean(self.class_accuracy(1)))

    def confusion(self) -> np.ndarray:
        """(K, K) int64: how many videos of class [row] are taken for class [column]."""
        classes = self.scores.shape[1]
        pairs = self.labels * classes + self.scores.argmax(axis=1)
        return np.bincount(pairs, minlength=classes**2).reshape(classes, classes)
