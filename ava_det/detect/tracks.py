"""Who is who from keyframe to keyframe (ByteTrack)."""

import warnings

import numpy as np
import supervision as sv
from trackers import ByteTrackTracker

from ava_det.boxes import to_pixels
from ava_det.detect.protocols import People

LEAST_SCORE = 0.1  # a person seen less clearly than that does not even prolong a track
LOST_SECONDS = 2.0  # how long a track may go unseen and keep its id


class PersonTracker:
    """ByteTrack (arXiv 2110.06864) over the boxes of keyframes, of one video.

    A person who is seen clearly starts a track at once; one seen dimly only prolongs a track.

    Args:
        height: of the frames in pixels.
        width: of the frames in pixels.
        rate: keyframes a second.
        threshold: person score that starts a track.
    """

    def __init__(self, height: int, width: int, rate: float, threshold: float):
        self.height, self.width, self.threshold = height, width, threshold
        self.tracker = ByteTrackTracker(
            lost_track_buffer=round(LOST_SECONDS * 30),  # ByteTrack counts it in frames of 30 fps
            frame_rate=rate,
            track_activation_threshold=threshold,
            high_conf_det_threshold=threshold,
            minimum_consecutive_frames=1,
        )

    def update(self, people: People, time: float) -> People:
        """Give ids to the people of the next keyframe; those who are on no track are left out.

        Args:
            people: with person scores.
            time: seconds; increases from call to call.
        """
        boxes, scores = people.boxes, people.scores
        ids = self._associate(boxes, scores, np.flatnonzero(scores >= LEAST_SCORE), time)
        # ByteTrack names a track when it is seen for the second time. Showing it the people who
        # have just started one again, at the same instant, names those at once.
        new = np.flatnonzero((ids < 0) & (scores >= self.threshold))
        if len(new):
            ids[new] = self._associate(boxes, scores, new, time)[new]
        tracked = np.flatnonzero(ids >= 0)
        return People(boxes[tracked], scores[tracked], ids[tracked])

    def _associate(
        self, boxes: np.ndarray, scores: np.ndarray, chosen: np.ndarray, time: float
    ) -> np.ndarray:
        """(R,) track ids of the chosen rows, -1 for all others and for people on no track."""
        detections = sv.Detections(
            xyxy=to_pixels(boxes[chosen], self.height, self.width),
            confidence=scores[chosen],
            class_id=np.zeros(len(chosen), int),
            data={"row": chosen},  # the tracker returns detections in an order of its own
        )
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message=".*duplicate timestamp")
            tracked = self.tracker.update(detections, timestamp=time)
        ids = np.full(len(boxes), -1, np.int64)
        if len(tracked):
            assert tracked.tracker_id is not None
            ids[np.asarray(tracked.data["row"], np.int64)] = tracked.tracker_id
        return ids
