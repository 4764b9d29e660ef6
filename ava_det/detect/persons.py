"""People in frames: a person detector's inference, and its run over keyframes."""

from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from detectron2.modeling import GeneralizedRCNN
from torchvision.transforms import v2

from ava_det.boxes import iou
from ava_det.detect.yolox import YoloxDetector
from ava_det.model.device import usable_device
from ava_det.model.faster_rcnn import relative_people
from ava_det.model.inference import channels_last, fold_norms
from ava_det.structures import AnnotatedKeyframe, Clock, InputError, Keyframe, PersonBoxes
from ava_det.video.video import FrameReader
from ava_det.weights.native import load_model


class PersonFinder(Protocol):
    """What finds people: `PersonDetector`, `YoloxDetector`."""

    def people(self, keyframes: Sequence[Keyframe], frames: np.ndarray) -> list[PersonBoxes]:
        """The people of each of the frames (N, H, W, 3), best first."""
        ...


def load_persons(path: Path, device: str = "cpu", short_side: int | None = None) -> PersonFinder:
    """The person detector of a weight file of ours, or a YOLOX of COCO in an ONNX file.

    Args:
        path: the file.
        device: where ours runs (`usable_device`); a YOLOX runs on the CPU.
        short_side: as in `PersonDetector.from_file`.

    Raises:
        InputError: it cannot be read or is neither, or this machine lacks the device.
    """
    usable_device(device)  # before the time that loading takes
    if path.suffix == ".onnx":
        return YoloxDetector(path)
    return PersonDetector.from_file(path, device, short_side)


class PersonDetector:
    """Boxes of the people in frames.

    Args:
        model: one of `model/persons.py`; a copy in evaluation mode runs on `device`.
        short_side: pixels that frames are resized to, as in training.
        device: where the model runs.
    """

    def __init__(self, model: GeneralizedRCNN, short_side: int, device: str = "cpu"):
        self.device = usable_device(device)
        self.model = channels_last(fold_norms(model).to(self.device))
        self.resize = v2.Resize(short_side, antialias=True)

    @classmethod
    def from_file(
        cls, path: Path, device: str = "cpu", short_side: int | None = None
    ) -> "PersonDetector":
        """Load a weight file of ours.

        Args:
            path: the file.
            device: where the model runs.
            short_side: pixels that frames are resized to; None as the file says. More finds smaller
                people and takes longer.

        Raises:
            InputError: it cannot be read or is not of a person detector.
        """
        model, card = load_model(path)
        if not isinstance(model, GeneralizedRCNN):
            raise InputError(f"{path}: weights of task {card.task!r}, not of a person detector")
        return cls(model, short_side or card.clip.short_side, device)

    @torch.inference_mode()
    def people(self, keyframes: Sequence[Keyframe], frames: np.ndarray) -> list[PersonBoxes]:
        """The people of each frame, best first.

        Args:
            keyframes: N names of the frames.
            frames: (N, H, W, 3) uint8 RGB.
        """
        images = torch.from_numpy(np.ascontiguousarray(frames)).permute(0, 3, 1, 2)
        images = self.resize(images.contiguous().to(self.device))
        size = {"height": int(images.shape[-2]), "width": int(images.shape[-1])}
        outputs = self.model([{"image": image, **size} for image in images])
        return [
            relative_people(keyframe, output["instances"])
            for keyframe, output in zip(keyframes, outputs, strict=True)
        ]


def propose(
    detector: PersonFinder,
    records: Sequence[AnnotatedKeyframe],
    reader: FrameReader,
    clock: Clock,
    batch_size: int = 16,
) -> Iterator[tuple[PersonBoxes, str]]:
    """The people that a detector finds on the keyframes of a data set, in their order.

    A video that cannot be read, or not to its end, has nobody from the first keyframe on that
    cannot be had: looking for what may follow the damage can take as long as decoding it all.

    Args:
        detector: finds them.
        records: keyframes; best if those of a file follow each other, as they are read together.
        reader: decodes frames.
        clock: what a tick of the data set is.
        batch_size: most frames at a time.

    Yields:
        (people, why their frame cannot be had or "").
    """
    for path, group in groupby(records, key=lambda record: record.path):
        keyframes = [record.people.keyframe for record in group]
        done, size, problem = 0, batch_size, ""
        while done < len(keyframes) and not problem:
            batch = keyframes[done : done + size]
            try:
                frames = _frames(reader, path, [keyframe.tick for keyframe in batch], clock)
            except InputError as error:
                if len(batch) == 1:
                    problem = str(error)
                size = 1  # one by one up to the first that cannot be had
            else:
                yield from ((people, "") for people in detector.people(batch, frames))
                done += len(batch)
        yield from ((PersonBoxes.nobody(keyframe), problem) for keyframe in keyframes[done:])


def _frames(reader: FrameReader, path: str, ticks: list[int], clock: Clock) -> np.ndarray:
    """(N, H, W, 3) uint8 RGB, the frames of a file at some ticks.

    Raises:
        InputError: they cannot be read, or the file ends before a tick that is one of its frames.
    """
    frame_times = reader.times(path)
    try:
        times = np.array([clock.seconds(tick, frame_times) for tick in ticks])
    except IndexError as error:
        raise InputError(f"{path}: {error}") from error
    return reader.frames(path, times)


def unread(
    records: Sequence[AnnotatedKeyframe], problems: Sequence[str], most: int = 5
) -> list[str]:
    """What there is to say of videos that `propose` could not read: `most` of them, and how many.

    Args:
        records: the keyframes.
        problems: why the frame of each cannot be had, or "".
        most: how many videos are told.
    """
    pairs = zip(records, problems, strict=True)
    videos = {record.path: problem for record, problem in pairs if problem}
    if not videos:
        return []
    count, lost = len({record.path for record in records}), sum(map(bool, problems))
    lines = [f"warning: {problem}" for problem in list(videos.values())[:most]]
    return [
        *lines,
        f"{len(videos)} of {count} videos cannot be read, or not to their end: on {lost} of "
        f"{len(records)} keyframes nobody was looked for",
    ]


def with_annotated(annotated: PersonBoxes, found: PersonBoxes) -> PersonBoxes:
    """The annotated people of a keyframe, then the found ones whom they do not overlap by half.

    They are people to train a person detector on: nobody does anything.
    """
    new = found.select(iou(found.boxes, annotated.boxes).max(axis=1, initial=0.0) < 0.5)
    boxes = np.concatenate([annotated.boxes, new.boxes])
    return PersonBoxes(
        keyframe=annotated.keyframe,
        boxes=boxes,
        actions=((),) * len(boxes),
        scores=np.concatenate([annotated.scores, new.scores]),
        person_ids=np.concatenate([annotated.person_ids, new.person_ids]),
    )
