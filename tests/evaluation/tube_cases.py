"""A made case that other people's evaluators were run on; any machine makes the same numbers."""

import numpy as np
import pandas as pd

WIDTH, HEIGHT = 320, 240
COLUMNS = ["video", "tick", "x1", "y1", "x2", "y2", "action", "person", "score"]
SCORE_NOISE, BOX_NOISE = 0.25, 10


class Noise:
    """Whole numbers in a row (a linear congruential generator), as shares of 1."""

    def __init__(self, seed: int):
        self.state = seed

    def __call__(self, low: float = 0.0, high: float = 1.0) -> float:
        self.state = (self.state * 48271) % 2147483647
        return low + (high - low) * self.state / 2147483647


def made_case(seed: int, videos: int = 12, classes: int = 3, missed: float = 0.0):
    """Ground truth and detections of drifting people, who overlap; detections are noisy.

    Args:
        seed: of the noise.
        videos: how many.
        classes: how many; every box is scored for each.
        missed: share of the frames on which a detector misses somebody.
    """
    noise, truth, found = Noise(seed), [], []
    for v in range(videos):
        length = int(noise(24, 45))
        for person in range(int(noise(1, 4))):
            action = 1 + (v + person) % classes
            begin, end = int(noise(0, 5)), length - int(noise(0, 5))
            x, y, w, h = noise(10, 180), noise(10, 120), noise(40, 90), noise(50, 100)
            dx, dy = noise(-1, 1), noise(-1, 1)
            likely = [noise(0.1, 0.8) + 0.2 * (k + 1 == action) for k in range(classes)]
            lag, lead = int(noise(0, 8)), int(noise(0, 8))
            bias = [noise(-BOX_NOISE, BOX_NOISE) for _ in range(4)]
            for t in range(begin, end):
                box = x + dx * (t - begin), y + dy * (t - begin)
                box = np.array([*box, box[0] + w, box[1] + h])
                truth.append((f"v{v:02}", t, *box, action, person, 1.0))
                if begin + lag <= t < end - lead and noise() >= missed:
                    box = box + bias + [noise(-2, 2) for _ in range(4)]
                    for k in range(classes):
                        score = likely[k] + noise(-SCORE_NOISE, SCORE_NOISE)
                        score = min(max(score, 0.01 + noise(0, 0.001)), 0.99 + noise(0, 0.001))
                        found.append((f"v{v:02}", t, *box, k + 1, -1, score))
    return tuple(_table(rows) for rows in (truth, found))


def _table(rows: list) -> pd.DataFrame:
    table = pd.DataFrame(rows, columns=COLUMNS)
    table[["x1", "x2"]] /= WIDTH
    table[["y1", "y2"]] /= HEIGHT
    return table
