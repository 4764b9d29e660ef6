"""Loads detectors from weight files and chooses the backend of each file."""

from pathlib import Path

from ava_det.detect.defaults import (
    ACTION_WEIGHTS,
    DEMO,
    PERSON_THRESHOLD,
    PERSON_WEIGHTS,
    RATE,
    SCORE_THRESHOLD,
    TOP_K,
)
from ava_det.detect.detector import Detector
from ava_det.detect.protocols import PersonFinder
from ava_det.extras import naming_extra
from ava_det.formats.regular import require_regular
from ava_det.structures import InputError
from ava_det.weights.shipped import person_weights


def load_detector(
    weights: str | Path | None = None,
    persons: str | Path | None = None,
    *,
    rate: float = RATE,
    score_threshold: float = SCORE_THRESHOLD,
    top_k: int = TOP_K,
    person_threshold: float = PERSON_THRESHOLD,
    person_size: int | None = None,
    device: str = "cpu",
) -> Detector:
    """Load a detector of people and their actions in videos.

    >>> from ava_det import load_detector
    >>> with load_detector("action.safetensors", persons="light") as detector:
    ...     for keyframe in detector.detect("film.mp4"):
    ...         print(keyframe.frame, f"{keyframe.time:.1f} s", len(keyframe.people), "people")
    ...     detector.detect("film.mp4").to_csv("found.csv")
    0 0.0 s 0 people
    5 0.2 s 0 people
    10 0.4 s 0 people

    Args:
        weights: The weight file of an action detector. None means the detector of `make demo` in
            the folder `runs/demo`, which knows rendered people only.
        persons: The weight file of a person detector, or "light" for the detector that comes with
            the package. None means `persons.safetensors` beside the action detector.
        rate: Keyframes per second.
        score_threshold: The lowest action score that is reported.
        top_k: The most actions per person; 0 means all.
        person_threshold: The lowest score of a person.
        person_size: The short side in pixels of the frames that the person detector gets. A larger
            value finds smaller people and takes longer. None means the size used in training.
        device: "cpu", "cuda", "cuda:1", "mps" or "xpu".

    Raises:
        InputError: A file is missing, unreadable or of the wrong kind, or this machine lacks the
            device.
        ValueError: A setting is out of range.
        ImportError: torch is not installed; the message names the extra to install.
    """
    action_file, person_file = _weight_files(weights, persons)
    with naming_extra("train"):
        from ava_det.detect.backends.torch import TorchActions

    actions = TorchActions.from_file(action_file, device)
    return Detector(
        load_persons(person_file, device, person_size),
        actions,
        rate=rate,
        person_threshold=person_threshold,
        score_threshold=score_threshold,
        top_k=top_k,
        files={"weights": str(action_file), "persons": str(person_file)},
    )


def load_persons(path: Path, device: str = "cpu", short_side: int | None = None) -> PersonFinder:
    """Load a person detector from an `ava_det` weight file, or a COCO YOLOX from an ONNX file.

    Args:
        path: The file.
        device: The device of an `ava_det` model. A YOLOX always runs on the CPU.
        short_side: The short side in pixels that an `ava_det` model resizes frames to. None means
            the value in the file.

    Raises:
        InputError: The file cannot be read or holds no person detector, or this machine lacks the
            device.
    """
    if path.suffix == ".onnx":
        from ava_det.detect.yolox import YoloxDetector

        return YoloxDetector(path)
    from ava_det.detect.backends.torch import TorchPersons

    return TorchPersons.from_file(path, device, short_side)


def _weight_files(weights: str | Path | None, persons: str | Path | None) -> tuple[Path, Path]:
    """Return the files of the action detector and of the person detector.

    Raises:
        InputError: One of the files is missing.
    """
    actions = DEMO / ACTION_WEIGHTS if weights is None else Path(weights)
    if weights is not None:
        require_regular(actions)
    people = actions.with_name(PERSON_WEIGHTS)
    if persons is not None:
        people = persons if isinstance(persons, Path) else person_weights(persons)
        require_regular(people)
    if not actions.is_file():
        raise InputError(f"{actions}: no such file; run `make demo` first, or give weights")
    if not people.is_file():
        raise InputError(f"{people}: no such file; give a person detector, such as light")
    return actions, people
