"""From weight files to detectors that run: which file takes which backend."""

from pathlib import Path

from ava_det.detect.detector import Detector
from ava_det.detect.protocols import PersonFinder
from ava_det.formats.regular import require_regular
from ava_det.structures import InputError
from ava_det.weights.shipped import person_weights

DEMO = Path("runs/demo")  # where `make demo` leaves its weights
ACTION_WEIGHTS, PERSON_WEIGHTS = "action.safetensors", "persons.safetensors"


def load_detector(
    weights: str | Path | None = None,
    persons: str | Path | None = None,
    *,
    rate: float = 5.0,
    score_threshold: float = 0.3,
    top_k: int = 3,
    person_threshold: float = 0.5,
    person_size: int | None = None,
    device: str = "cpu",
) -> Detector:
    """Load a detector of people and their actions, to be used on videos.

    >>> from ava_det import load_detector
    >>> with load_detector("action.safetensors", persons="light") as detector:
    ...     for keyframe in detector.detect("film.mp4"):
    ...         print(keyframe.frame, f"{keyframe.time:.1f} s", len(keyframe.people), "people")
    ...     detector.detect("film.mp4").to_csv("found.csv")
    0 0.0 s 0 people
    5 0.2 s 0 people
    10 0.4 s 0 people

    Args:
        weights: file of an action detector; None means the one of `make demo`, in the folder
            `runs/demo`.
        persons: file of a person detector, or "light", which comes with the package; None means
            `persons.safetensors` beside the action detector.
        rate: keyframes a second.
        score_threshold: least score of an action that is reported.
        top_k: most actions a person; 0 means all.
        person_threshold: least score of a person.
        person_size: pixels of the short side that frames have for the person detector; more finds
            smaller people and takes longer. None means as it was trained.
        device: "cpu", "cuda", "cuda:1", "mps" or "xpu".

    Raises:
        InputError: a file is missing, cannot be read or is of something else, or this machine lacks
            the device.
    """
    action_file, person_file = _weight_files(weights, persons)
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
    """The person detector of a weight file of ours, or a YOLOX of COCO in an ONNX file.

    Args:
        path: the file.
        device: where ours runs; a YOLOX runs on the CPU.
        short_side: pixels that ours resizes frames to; None as the file says.

    Raises:
        InputError: it cannot be read or is neither, or this machine lacks the device.
    """
    if path.suffix == ".onnx":
        from ava_det.detect.yolox import YoloxDetector

        return YoloxDetector(path)
    from ava_det.detect.backends.torch import TorchPersons

    return TorchPersons.from_file(path, device, short_side)


def _weight_files(weights: str | Path | None, persons: str | Path | None) -> tuple[Path, Path]:
    """The files of the action detector and of the person detector.

    Raises:
        InputError: one of them is missing.
    """
    actions = DEMO / ACTION_WEIGHTS if weights is None else Path(weights)
    people = actions.with_name(PERSON_WEIGHTS)
    if persons is not None:
        people = person_weights(str(persons))
        require_regular(people)
    if weights is not None:
        require_regular(actions)
    if not actions.is_file():
        raise InputError(f"{actions}: run `make demo` first, or name the weights to use")
    if not people.is_file():
        raise InputError(f"{people}: not there; name a person detector (light, say)")
    return actions, people
