"""Pictures of people for training: what a transform does to boxes and keypoints."""

import numpy as np
import pytest
import torch

from ava_det.augment.spatial import scale_jitter
from ava_det.data.pictures import PictureMapper, Pictures
from ava_det.formats.coco_people import Picture, write_pictures
from ava_det.structures import KEYPOINTS, KEYPOINTS_MIRRORED, InputError

J, RNG = len(KEYPOINTS), np.random.default_rng(0)
MARK = 3  # pixels around a keypoint


class OneFrame:
    """A reader of one drawn frame: keypoint k is a spot with red 10 + 10 k."""

    def __init__(self, points: np.ndarray):
        self.frame = np.zeros((90, 120, 3), np.uint8)
        for k, (x, y) in enumerate(points.astype(int)):
            self.frame[y - MARK : y + MARK + 1, x - MARK : x + MARK + 1, 0] = 10 + 10 * k

    def times(self, path):
        return np.zeros(1)

    def frames(self, path, times):
        return self.frame[None]


def drawn() -> tuple[OneFrame, Picture]:
    columns, rows = np.meshgrid([20, 40, 60, 80, 100], [15, 35, 55, 75])
    places = np.stack([columns.ravel(), rows.ravel()], 1)[:J].astype(np.float32)
    points = np.concatenate([places, np.ones((J, 1), np.float32)], 1)[None]
    boxes = np.array([[12, 8, 108, 82]], np.float32)
    crowd = np.array([[0, 0, 10, 90]], np.float32)
    return OneFrame(places), Picture("film.mp4", 0, (90, 120), boxes, points, crowd)


def test_keypoints_stay_on_their_places_and_sides_are_exchanged():
    reader, picture = drawn()
    mapper = PictureMapper(reader, scale_jitter(90, 120, 0.8, 1.5))
    mirrored = 0
    for seed in range(40):
        torch.manual_seed(seed)
        batch = mapper(picture, RNG)
        red = batch.images[0, 0]
        for person in batch.keypoints:
            for k, (x, y, known) in enumerate(person.reshape(-1, 3).tolist()):
                if known and 2 < x < 117 and 2 < y < 87:
                    spot = int(red[int(y), int(x)]) // 10 - 1
                    assert spot in (k, KEYPOINTS_MIRRORED[k])
                    mirrored += k > 0 and spot == KEYPOINTS_MIRRORED[k]
    assert mirrored > 50


def test_what_is_outside_is_not_known_and_boxes_end_at_the_border():
    reader, picture = drawn()
    mapper = PictureMapper(reader, scale_jitter(90, 120, 1.9, 2.0))
    unknown = 0
    for seed in range(20):
        torch.manual_seed(seed)
        batch = mapper(picture, RNG)
        boxes = torch.cat([*batch.boxes, *batch.crowds])
        assert (boxes >= 0).all()
        assert (boxes <= torch.tensor([120, 90, 120, 90])).all()
        points = batch.keypoints[0].reshape(-1, 3)
        inside = (points[:, :2] >= 0).all(1) & (points[:, 0] < 120) & (points[:, 1] < 90)
        assert torch.equal(points[:, 2] > 0, inside)
        unknown += int((~inside).sum())
    assert unknown


def test_a_person_who_is_mostly_cut_away_is_a_crowd():
    reader, picture = drawn()
    mapper = PictureMapper(reader, scale_jitter(90, 120, 1.0, 1.0), least_seen=1.1)
    batch = mapper(picture, RNG)
    assert len(batch.boxes[0]) == 0
    assert len(batch.crowds[0]) == 2


def test_labels_refer_to_the_size_in_the_file():
    reader, picture = drawn()
    half = Picture(
        picture.path,
        0,
        (45, 60),
        picture.boxes / 2,
        picture.keypoints * np.float32([0.5, 0.5, 1]),
        picture.crowds / 2,
    )
    mapper = PictureMapper(reader, scale_jitter(90, 120, 1.0, 1.0, flip=False))
    torch.testing.assert_close(mapper(half, RNG).boxes, mapper(picture, RNG).boxes)
    torch.testing.assert_close(mapper(half, RNG).keypoints, mapper(picture, RNG).keypoints)


def test_a_missing_frame_names_the_file():
    reader, picture = drawn()
    late = Picture(
        "film.mp4",
        7,
        picture.size,
        *(x[:0] for x in (picture.boxes, picture.keypoints)),
        picture.crowds,
    )
    with pytest.raises(InputError, match=r"film\.mp4: has 1 frames, no frame 7"):
        PictureMapper(reader, scale_jitter(90, 120))(late, RNG)


def test_files_are_joined_and_paths_are_below_the_data_sets(tmp_path, monkeypatch):
    monkeypatch.setenv("DETECTRON2_DATASETS", "/data")
    _, picture = drawn()
    for name in ("a", "b"):
        write_pictures(tmp_path / f"{name}.json", [picture], "a test")
    records = Pictures.read([str(tmp_path / "a.json"), str(tmp_path / "b.json")])
    assert len(records) == 2
    assert records.files() == {"/data/film.mp4"}
    assert records[:1][0].path == "/data/film.mp4"
    owners, classes = records.occurrences()
    assert owners.tolist() == [0, 1]
    assert classes.tolist() == [1, 1]
    write_pictures(tmp_path / "none.json", [], "a test")
    with pytest.raises(InputError, match=r"none\.json: has no images"):
        Pictures.read(str(tmp_path / "none.json"))
