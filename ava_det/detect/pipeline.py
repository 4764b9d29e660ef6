"""People and their actions through a whole video, in one pass and flat memory.

Frames are read once, in order. A frame that a clip needs is kept, at the size that the model takes,
until the last clip that needs it is complete; a clip reaches into the future, so a keyframe is
judged a little after it was read.
"""

from collections import deque
from collections.abc import Callable, Iterator

import numpy as np
import torch
from torch import Tensor

from ava_det.augment.spatial import Joint, short_side
from ava_det.detect.backends.torch import ActionBackend
from ava_det.detect.persons import PersonFinder
from ava_det.detect.tracks import PersonTracker
from ava_det.structures import ActionDetections, ClipShape, InputError, Keyframe, PersonBoxes
from ava_det.video.sampling import clip_times, nearest_frames
from ava_det.video.video import Video

Frame = np.ndarray  # (H, W, 3) uint8 RGB


def keyframe_numbers(frame_times: np.ndarray, rate: float) -> np.ndarray:
    """(N,) increasing numbers of the frames nearest to 0, 1 / rate, 2 / rate .. seconds.

    >>> keyframe_numbers(np.arange(10) / 10, rate=2.5)
    array([0, 4, 8])
    """
    last = int(np.floor(frame_times[-1] * rate + 1e-6))
    # Beats up to the border of each frame with the next one, not beat by beat: a gap may be long.
    borders = (frame_times[:-1] + frame_times[1:]) / 2
    beats = np.floor(borders * rate)
    beats += (beats + 1) / rate <= borders
    beats -= beats / rate > borders
    beats = np.minimum(np.append(beats, last), last)
    return np.flatnonzero(np.diff(beats, prepend=-1) > 0)


def decodable(video: Video, damage: list[InputError]) -> Iterator[tuple[int, Frame]]:
    """Numbered frames of a video; what cannot be decoded is left out and told in `damage`."""
    try:
        for time, picture in video.stream():
            yield int(nearest_frames(video.frame_times, np.float64(time))), picture
    except InputError as error:
        damage.append(error)


def stream_clips(
    video: Video,
    keyframes: np.ndarray,
    shape: ClipShape,
    look: Callable[[int, Frame], None],
) -> Iterator[tuple[int, Tensor]]:
    """The clips of keyframes while a video is read through.

    Where frames cannot be decoded, the nearest ones that can stand in; a keyframe that cannot is
    left out. Where the file is cut short the stream just ends.

    Args:
        video: read from its first frame.
        keyframes: (N,) increasing frame numbers.
        shape: of the clips.
        look: called with number and picture of each keyframe as it is read, before its clip.

    Yields:
        (frame number, clip (3, T, h, w) uint8).
    """
    wanted = np.stack(
        [
            nearest_frames(
                video.frame_times,
                clip_times(video.frame_times, time, shape.frames, shape.stride, shape.rate),
            )
            for time in video.frame_times[keyframes]
        ]
    )
    needed = np.zeros(len(video.frame_times), bool)
    needed[wanted] = True
    oldest = np.minimum.accumulate(wanted.min(axis=1)[::-1])[::-1]  # from this keyframe on
    places = {int(frame): place for place, frame in enumerate(keyframes)}
    resize = short_side(shape.short_side)
    ring: dict[int, Tensor] = {}
    waiting: deque[int] = deque()
    for number, picture in decodable(video, []):  # who shows the video tells of damage
        if needed[number]:
            ring[number] = _resized(picture, resize)
        if number in places:
            look(number, picture)
            waiting.append(places[number])
        while waiting and wanted[waiting[0]].max() <= number:
            place = waiting.popleft()
            yield int(keyframes[place]), _clip(ring, wanted[place])
            for old in [frame for frame in ring if frame < oldest[place]]:
                del ring[old]
    for place in waiting:  # only where the end of the file cannot be decoded
        yield int(keyframes[place]), _clip(ring, wanted[place])


def _resized(picture: Frame, resize: Joint) -> Tensor:
    """(3, h, w) uint8."""
    tensor = torch.from_numpy(np.ascontiguousarray(picture)).permute(2, 0, 1)[None]
    return resize(tensor.contiguous(), torch.zeros(0, 4))[0][0]


def _clip(ring: dict[int, Tensor], wanted: np.ndarray) -> Tensor:
    """(3, T, h, w) from the frames that are there."""
    there = np.array(sorted(ring))
    nearest = there[np.abs(wanted[:, None] - there).argmin(axis=1)]
    return torch.stack([ring[int(number)] for number in nearest], dim=1)


class ActionPipeline:
    """Person detector, tracker and action model over videos.

    Args:
        persons: finds people.
        actions: says what they do.
        rate: keyframes a second.
        person_threshold: person score that starts a track.
    """

    def __init__(
        self,
        persons: PersonFinder,
        actions: ActionBackend,
        rate: float = 5.0,
        person_threshold: float = 0.5,
    ):
        self.persons, self.actions = persons, actions
        self.rate, self.person_threshold = rate, person_threshold

    def run(self, video: Video) -> Iterator[ActionDetections]:
        """What is seen at the keyframes of a video, in order, as soon as it is known.

        The tick of a keyframe is its 0-based frame number.
        """
        tracker = PersonTracker(video.height, video.width, self.rate, self.person_threshold)
        seen: dict[int, PersonBoxes] = {}

        def look(number: int, picture: Frame) -> None:
            keyframe = Keyframe(video.path.stem, number)
            (people,) = self.persons.people([keyframe], picture[None])
            seen[number] = tracker.update(people, float(video.frame_times[number]))

        keyframes = keyframe_numbers(video.frame_times, self.rate)
        for number, clip in stream_clips(video, keyframes, self.actions.clip, look):
            people = seen.pop(number)
            scores = np.zeros((0, len(self.actions.class_map)), np.float32)
            if len(people.boxes):
                scores = self.actions.scores(clip, people.boxes)
            yield ActionDetections(
                people.keyframe, people.boxes, scores, people.scores, people.person_ids
            )
