"""Chooses the times of a clip. Only this module turns a keyframe or a start time into frame times.

All functions are numpy code over `frame_times`: (F,) float64, the increasing presentation times of
a file's frames in seconds. A clip is T frames with a stride. The stride counts the file's frames,
or, with `rate`, the frames of a video resampled to `rate` frames per second (AVA: 30).
"""

import numpy as np
from numpy.typing import ArrayLike


def nearest_frames(frame_times: np.ndarray, times: ArrayLike) -> np.ndarray:
    """Return indices of the frames nearest to `times` (any shape); ties go to the earlier frame.

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
    """Return the times of `offsets` frames after time `start`, clamped to the file."""
    if rate is not None:
        return np.clip(start + offsets / rate, frame_times[0], frame_times[-1])
    indices = nearest_frames(frame_times, start) + offsets
    return frame_times[np.clip(indices, 0, len(frame_times) - 1)]


def clip_reach(frames: int, stride: int) -> tuple[int, int]:
    """Return how many frames before and after the keyframe a clip of T strided frames reaches.

    >>> clip_reach(frames=32, stride=2)
    (32, 30)
    """
    before = frames // 2 * stride
    return before, (frames - 1) * stride - before


def clip_times(
    frame_times: np.ndarray, time: float, frames: int, stride: int, rate: float | None = None
) -> np.ndarray:
    """Return the times (T,) of the clip centred on the keyframe at `time`, clamped to the file.

    The keyframe is the clip's frame T // 2, as in PySlowFast's `get_sequence`: 32 frames of stride
    2 around frame k are k - 32, k - 30 .. k + 30.

    Args:
        frame_times: (F,) seconds.
        time: Seconds from the file's first frame.
        frames: T.
        stride: The number of frames from one clip frame to the next.
        rate: The frames per second that the stride counts. None counts the file's frames, from the
            frame nearest to `time`.
    """
    offsets = (np.arange(frames) - frames // 2) * stride
    return _times_at(frame_times, time, offsets, rate)


def window_times(
    frame_times: np.ndarray, start: float, frames: int, stride: int, rate: float | None = None
) -> np.ndarray:
    """Return the times (T,) of the clip that starts at time `start`, clamped to the file."""
    return _times_at(frame_times, start, np.arange(frames) * stride, rate)


def _last_start(frame_times: np.ndarray, window: int, rate: float | None) -> float:
    """Return the last start of a window that fits: a frame index, or seconds with `rate`."""
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
    """Draw a window from the file, then the start time of a clip of `span` frames in the window.

    VideoMix trains on T frames with stride tau out of 64 consecutive frames: a random window of 64
    frames, and in it a random clip with the span T * tau. `window_times` makes the clip. If the
    file is shorter than the window, the whole file is the window, so that the clip repeats the last
    frame as rarely as possible. If the file is shorter than the clip, the clip starts at 0.

    Args:
        frame_times: (F,) seconds.
        span: The number of frames that the clip covers, T * tau.
        window: The number of consecutive frames of a window, at least `span`.
        rng: The random generator of both draws.
        rate: The frames per second of span and window; None means the file's frames.
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
    """Return the start times (views,) of windows spread evenly over the file, for testing.

    View i of k starts at `i * max(0, F - window) / (k - 1)` frames, rounded down. The first window
    starts with the file, and the last window ends with the file. A single view is in the middle.
    (PySlowFast's `get_start_end_idx` does the same with `USE_OFFSET_SAMPLING`, but rounds the step
    down first. Without that option, view i starts at i / k, so the views omit the file's end.)

    Args:
        frame_times: (F,) seconds.
        window: The number of consecutive frames of a window, at `rate` frames per second.
        views: The number of windows, k.
        rate: Frames per second; None means the file's frames.
    """
    last = _last_start(frame_times, window, rate)
    starts = np.linspace(0.0, last, views) if views > 1 else np.array([last / 2])
    if rate is None:
        return frame_times[starts.astype(np.int64)]
    return frame_times[0] + starts


def segment_times(
    frame_times: np.ndarray, segments: int, rng: np.random.Generator | None = None
) -> np.ndarray:
    """Split the file into equal segments and return the time of one frame of each, (segments,).

    This is the sampling of Something-Something. A file with fewer frames than segments repeats
    frames.

    Args:
        frame_times: (F,) seconds.
        segments: T.
        rng: Draws a random frame in each segment; None takes the frame in the centre.
    """
    edges = np.linspace(0, len(frame_times), segments + 1)
    within = np.full(segments, 0.5) if rng is None else rng.uniform(size=segments)
    indices = (edges[:-1] + within * np.diff(edges)).astype(np.int64)
    return frame_times[np.minimum(indices, len(frame_times) - 1)]
