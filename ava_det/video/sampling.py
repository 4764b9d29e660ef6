"""Which times make a clip. The only place that turns a keyframe or a start into times.

Everything here is numpy over `frame_times`: (F,) float64 presentation times of a file's frames in
seconds, increasing. A clip is T frames `stride` apart, counted either in the file's own frames or,
with `rate`, in frames of a video resampled to so many a second (AVA: 30).
"""

import numpy as np
from numpy.typing import ArrayLike


def nearest_frames(frame_times: np.ndarray, times: ArrayLike) -> np.ndarray:
    """Indices of the frames nearest to `times` (any shape); of two equally near the earlier.

    >>> nearest_frames(np.array([0.0, 1.0, 2.0]), np.array([0.4, 0.5, 0.6, 9.0]))
    array([0, 0, 1, 2])
    """
    times = np.asarray(times, np.float64)
    if not np.isfinite(times).all():
        raise ValueError("a time is not a finite number")
    borders = (frame_times[:-1] + frame_times[1:]) / 2
    return np.searchsorted(borders, times, side="left")


def _times_at(
    frame_times: np.ndarray, start: float, offsets: np.ndarray, rate: float | None
) -> np.ndarray:
    """Times `offsets` frames after time `start`, clamped to the file."""
    if rate is not None:
        return np.clip(start + offsets / rate, frame_times[0], frame_times[-1])
    indices = nearest_frames(frame_times, start) + offsets
    return frame_times[np.clip(indices, 0, len(frame_times) - 1)]


def clip_reach(frames: int, stride: int) -> tuple[int, int]:
    """How many frames before and after the keyframe a clip of T frames `stride` apart reaches.

    >>> clip_reach(frames=32, stride=2)
    (32, 30)
    """
    before = frames // 2 * stride
    return before, (frames - 1) * stride - before


def clip_times(
    frame_times: np.ndarray, time: float, frames: int, stride: int, rate: float | None = None
) -> np.ndarray:
    """(T,) times of the clip centred on the keyframe at `time`, clamped to the file.

    The keyframe is the clip's frame T // 2, as in PySlowFast's `get_sequence`: 32 frames of stride
    2 around frame k are k - 32, k - 30 .. k + 30.

    Args:
        frame_times: (F,) seconds.
        time: seconds from the file's first frame.
        frames: T.
        stride: frames from one to the next.
        rate: frames a second that the stride counts; None counts the file's own frames, from the
            one nearest to `time`.
    """
    offsets = (np.arange(frames) - frames // 2) * stride
    return _times_at(frame_times, time, offsets, rate)


def window_times(
    frame_times: np.ndarray, start: float, frames: int, stride: int, rate: float | None = None
) -> np.ndarray:
    """(T,) times of the clip whose first frame is at time `start`, clamped to the file."""
    return _times_at(frame_times, start, np.arange(frames) * stride, rate)


def _last_start(frame_times: np.ndarray, window: int, rate: float | None) -> float:
    """The last place where a window fits: a frame index, or seconds where `rate` is given."""
    if rate is None:
        return max(0, len(frame_times) - window)
    return max(0.0, float(frame_times[-1] - frame_times[0]) - (window - 1) / rate)


def random_clip_start(
    frame_times: np.ndarray,
    span: int,
    window: int,
    rng: np.random.Generator,
    rate: float | None = None,
) -> float:
    """Start time of a clip of `span` frames, drawn inside a window that is drawn from the file.

    VideoMix trains on T frames of stride tau out of 64 consecutive ones: a window of 64 anywhere in
    the file, and in it a clip of span T * tau; `window_times` makes the clip. A file shorter than
    the window is the window itself, so that its clip does not run into the repeated last frame
    sooner than it must; one shorter than the clip starts at 0.

    Args:
        frame_times: (F,) seconds.
        span: frames that the clip covers, T * tau.
        window: consecutive frames, at least `span`.
        rng: where the two draws come from.
        rate: frames a second of span and window; None means the file's own frames.
    """
    last_window = _last_start(frame_times, window, rate)
    last_clip = _last_start(frame_times, span, rate)
    if rate is None:
        start = rng.integers(int(last_window) + 1)
        start += rng.integers(min(window - span, int(last_clip) - start) + 1)
        return float(frame_times[start])
    start = rng.uniform(0.0, last_window)
    start += rng.uniform(0.0, max(0.0, min((window - span) / rate, last_clip - start)))
    return float(frame_times[0] + start)


def uniform_window_starts(
    frame_times: np.ndarray, window: int, views: int, rate: float | None = None
) -> np.ndarray:
    """(views,) start times of windows spread evenly over the file, for testing.

    View i of k starts at `i * max(0, F - window) / (k - 1)` frames, rounded down: the first window
    starts with the file and the last one ends with it. A single view is the one in the middle.
    (PySlowFast's `get_start_end_idx` does so too with `USE_OFFSET_SAMPLING`, its step rounded down
    first; without it view i starts at i / k, so that its views leave out the end of the file.)

    Args:
        frame_times: (F,) seconds.
        window: consecutive frames, of `rate` a second where it is given, else of the file.
        views: k.
        rate: frames a second; None means the file's own frames.
    """
    last = _last_start(frame_times, window, rate)
    starts = np.linspace(0.0, last, views) if views > 1 else np.array([last / 2])
    if rate is None:
        return frame_times[starts.astype(np.int64)]
    return frame_times[0] + starts


def segment_times(
    frame_times: np.ndarray, segments: int, rng: np.random.Generator | None = None
) -> np.ndarray:
    """(segments,) times of one frame from each of so many equal parts of the file.

    The sampling of Something-Something. A file with fewer frames than segments repeats some.

    Args:
        frame_times: (F,) seconds.
        segments: T.
        rng: draws a frame inside each part; None takes the one in its centre.
    """
    edges = np.linspace(0, len(frame_times), segments + 1)
    within = np.full(segments, 0.5) if rng is None else rng.uniform(size=segments)
    indices = (edges[:-1] + within * np.diff(edges)).astype(np.int64)
    return frame_times[np.minimum(indices, len(frame_times) - 1)]
