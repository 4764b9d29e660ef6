"""AVA as PySlowFast reads it: the same clips, boxes and labels from the same lists.

`pyslowfast_ava.json` is what its own code made of `drawn_ava`, recorded outside the project by
`record_pyslowfast_ava.py`.
"""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from drawn_ava import TEST_LIST, TRAIN_LIST, write_frames, write_lists
from pyslowfast_cases import CLIPS, PATHWAYS, REAL, SEQUENCES, Clip, digest

from ava_det.augment import pyslowfast
from ava_det.batch import PeopleBatch
from ava_det.data.mapper import PeopleTestMapper
from ava_det.data.proposals import people_to_test, people_to_train_on
from ava_det.data.sets import ava
from ava_det.data.sets.dataset import DataSet
from ava_det.formats.class_map import ClassMap, write_class_map
from ava_det.model.pathways import Normalize, SplitPathways
from ava_det.structures import AnnotatedKeyframe, Keyframe
from ava_det.video.frame_folders import FrameFolder
from ava_det.video.sampling import clip_times, nearest_frames

RECORD = json.loads((Path(__file__).parent / "pyslowfast_ava.json").read_text())
LEVEL = 1 / 255 / 0.225  # one of 256 levels, normalised
# Its clips are divided by 255, then shifted, then scaled, in float32, ours are shifted and scaled:
# a few roundings of values up to 2.5, and the record has six digits.
VALUE_TOLERANCE = 2e-6
BOX_TOLERANCE = 1e-4  # pixels: its boxes are float64 until the batch, ours float32


@pytest.fixture(scope="module")
def root(tmp_path_factory) -> Path:
    """The drawn set, with the frames that the record speaks of."""
    root = tmp_path_factory.mktemp("ava")
    write_lists(root)
    for name, clip in CLIPS.items():
        for keyframe in RECORD["clips"][name]:
            write_frames(root, clip.video, [0, *keyframe["frames"]])
    write_class_map(root / "annotations" / "classes.pbtxt", CLASSES)
    return root


CLASSES = ClassMap({k: f"action {k}" for k in range(1, 81)})


@pytest.fixture(scope="module")
def datasets(root):
    """What is trained and tested on."""
    sets = {}
    annotations = root / "annotations"
    for split in ("train", "val"):
        files = ava.AvaFiles(
            annotations=annotations / "ava_train_v2.2.csv",
            class_map=annotations / "classes.pbtxt",
            pictures=FrameFolder(root / "frames", (root / "frame_lists" / f"{split}.csv",)),
        )
        sets[split] = ava.dataset(split, files)
    return sets


@pytest.mark.parametrize(("case", "expected"), [*zip(SEQUENCES, RECORD["sequences"], strict=True)])
def test_the_frames_of_a_clip(case, expected):
    """Also before the start, at the end and beyond it."""
    centre, frames, stride, count = case
    times = np.arange(count) / 30
    wanted = clip_times(times, centre / 30, frames, stride, rate=30.0)
    assert nearest_frames(times, wanted).tolist() == expected


@pytest.mark.parametrize(("case", "expected"), [*zip(PATHWAYS, RECORD["pathways"], strict=True)])
def test_the_frames_of_the_pathways(case, expected):
    frames, alpha = case
    counted = torch.arange(frames).reshape(1, 1, frames, 1, 1)
    split = SplitPathways(alpha)(counted)
    assert [pathway.flatten().tolist() for pathway in split] == expected


def mapper_of(dataset: DataSet, clip: Clip, transform):
    return PeopleTestMapper(
        dataset.reader(),
        transform,
        dataset.class_map(),
        dataset.clock,
        frames=clip.frames,
        stride=clip.stride,
        rate=30.0,
        overrun=None,
    )


def our_samples(root: Path, dataset: DataSet, clip: Clip, transform) -> dict[int, PeopleBatch]:
    """Our samples of the keyframes of a video, by tick."""
    boxes = str(root / "annotations" / TEST_LIST)
    records = people_to_test(dataset, proposals=boxes, threshold=0.8, unlisted=True)
    mapper = mapper_of(dataset, clip, transform)
    mine = [record for record in records if record.video == clip.video]
    return {record.people.keyframe.tick: mapper(record) for record in mine}


def pathways_of(sample: PeopleBatch, clip: Clip) -> list[np.ndarray]:
    pathways = SplitPathways(clip.alpha)(Normalize()(sample.clips))
    order = [2, 1, 0] if clip.bgr else [0, 1, 2]
    return [pathway[0][order].numpy() for pathway in pathways]


def assert_same_clip(
    sample: PeopleBatch, expected: dict, clip: Clip, tolerance=VALUE_TOLERANCE
) -> None:
    for pathway, their in zip(pathways_of(sample, clip), expected["pathways"], strict=True):
        our = digest(pathway)
        assert our["shape"] == their["shape"]
        for key in ("samples", "projections"):
            np.testing.assert_allclose(our[key], their[key], rtol=0, atol=tolerance)


def cases(backend: str, split: str = "test") -> list[str]:
    return [k for k, clip in CLIPS.items() if (clip.backend, clip.split) == (backend, split)]


@pytest.mark.parametrize("name", cases("cv2"))
def test_what_a_model_is_tested_on(root, datasets, name):
    clip = CLIPS[name]
    found = our_samples(root, datasets["val"], clip, pyslowfast.ShortSide(clip.size))
    assert list(found) == [keyframe["tick"] for keyframe in RECORD["clips"][name]]
    for expected, sample in zip(RECORD["clips"][name], found.values(), strict=True):
        assert_same_clip(sample, expected, clip)
        np.testing.assert_allclose(sample.boxes[0], expected["boxes"], rtol=0, atol=BOX_TOLERANCE)
        np.testing.assert_array_equal(sample.people[0].boxes, expected["relative"])


@pytest.mark.parametrize("name", cases("pytorch"))
def test_its_other_way_to_resize(root, datasets, name):
    """`AVA.IMG_PROC_BACKEND = "pytorch"` rounds neither what it resizes nor its weights, so that we
    are within a level; and it cuts boxes at the side of a square crop that it does not make, which
    we do not.
    """
    clip = CLIPS[name]
    found = our_samples(root, datasets["val"], clip, pyslowfast.ShortSide(clip.size))
    for expected, sample in zip(RECORD["clips"][name], found.values(), strict=True):
        assert_same_clip(sample, expected, clip, LEVEL)
        cut = sample.boxes[0].clamp(max=clip.size - 1)
        np.testing.assert_allclose(cut, expected["boxes"], rtol=0, atol=BOX_TOLERANCE)


@pytest.mark.parametrize("name", REAL)
def test_real_videos(shared, tmp_path, name):
    """Decoded by time, where it had the same frames as files. A decoder may differ in roundings
    between machines, so that one level is put up with.
    """
    clip, expected = REAL[name], RECORD["real"][name]
    write_lists(tmp_path, [clip.video])
    write_class_map(tmp_path / "classes.pbtxt", CLASSES)
    annotations = tmp_path / "annotations"
    files = ava.AvaFiles(
        annotations / "ava_train_v2.2.csv", tmp_path / "classes.pbtxt", shared / "data" / "videos"
    )
    drawn_real = ava.dataset("drawn_real", files)
    found = our_samples(tmp_path, drawn_real, clip, pyslowfast.ShortSide(clip.size))
    assert list(found) == [keyframe["tick"] for keyframe in expected]
    for their, sample in zip(expected, found.values(), strict=True):
        assert_same_clip(sample, their, clip, LEVEL)
        np.testing.assert_allclose(sample.boxes[0], their["boxes"], rtol=0, atol=BOX_TOLERANCE)


@pytest.fixture(scope="module")
def trained(root, datasets) -> dict[Keyframe, AnnotatedKeyframe]:
    """All that a training loader draws from."""
    records = people_to_train_on(
        datasets["train"],
        predicted=str(root / "annotations" / TRAIN_LIST),
        predicted_score=0.8,
        negatives=True,
        least_iou=None,
        unlisted=True,
    )
    return {record.people.keyframe: record for record in records}


@pytest.mark.parametrize("name", cases("cv2", "train"))
def test_what_a_model_is_trained_on(datasets, trained, name):
    """Boxes, labels and, by what its code drew, clips."""
    clip, expected = CLIPS[name], RECORD["clips"][name]
    ticks = sorted(keyframe.tick for keyframe in trained if keyframe.video == clip.video)
    assert ticks == [keyframe["tick"] for keyframe in expected] == [902, 904, 905]
    for their in expected:
        record = trained[Keyframe(clip.video, their["tick"])]
        np.testing.assert_array_equal(record.people.boxes, their["relative"])
        inverse, *places, chance = their["draws"]

        def transform(video, boxes, inverse=inverse, places=places, chance=chance):
            video, boxes = pyslowfast.resize(video, boxes, round(1 / inverse))
            spare = [length > clip.size for length in video.shape[-2:]]
            drawn = iter(places)
            top, left = (int(next(drawn)) if some else 0 for some in spare)
            crop = pyslowfast.JitterCrop(clip.size, 2 * clip.size, clip.size).crop
            return crop(video, boxes, top, left, chance < 0.5)

        sample = mapper_of(datasets["train"], clip, transform)(record)
        assert_same_clip(sample, their, clip)
        np.testing.assert_allclose(sample.boxes[0], their["boxes"], rtol=0, atol=BOX_TOLERANCE)
        assert labels_of(sample.targets[0]) == their["labels"]


def labels_of(targets: torch.Tensor) -> list[list[int]]:
    """1-based ids."""
    return [(np.flatnonzero(row) + 1).tolist() for row in targets.numpy()]
