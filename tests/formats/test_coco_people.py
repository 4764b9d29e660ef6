"""Files of pictures with people and keypoints."""

import json

import numpy as np
import pytest
from pycocotools.coco import COCO

from ava_det.formats.coco_people import Picture, read_pictures, write_pictures
from ava_det.structures import KEYPOINTS, InputError

J = len(KEYPOINTS)


def pictures() -> list[Picture]:
    rng = np.random.default_rng(0)
    points = rng.uniform(0, 100, (2, J, 3)).round(1).astype(np.float32)
    points[:, :, 2] = rng.integers(0, 2, (2, J))
    points[points[:, :, 2] == 0] = 0
    boxes = np.array([[1, 2, 30, 60.5], [40, 5, 80, 90]], np.float32)
    crowd = np.array([[90, 0, 100, 50]], np.float32)
    nothing = np.zeros((0, 4), np.float32)
    return [
        Picture("set/films/a.mp4", 8, (120, 160), boxes, points, crowd),
        Picture("set/films/b.avi", 0, (100, 90), nothing, np.zeros((0, J, 3), np.float32), nothing),
    ]


def test_what_is_written_is_read_again(tmp_path):
    write_pictures(tmp_path / "people.json", pictures(), "a test")
    found = read_pictures(tmp_path / "people.json")
    for mine, its in zip(pictures(), found, strict=True):
        assert (mine.path, mine.frame, mine.size) == (its.path, its.frame, its.size)
        for name in ("boxes", "keypoints", "crowds"):
            np.testing.assert_allclose(getattr(its, name), getattr(mine, name), atol=0.01)
    assert found[0].video == "set/films/a"


def test_pycocotools_reads_the_same_people(tmp_path, capsys):
    write_pictures(tmp_path / "people.json", pictures(), "a test")
    coco = COCO(str(tmp_path / "people.json"))
    people = coco.loadAnns(coco.getAnnIds(imgIds=[1], iscrowd=0))
    assert [p["bbox"] for p in people] == [[1, 2, 29, 58.5], [40, 5, 40, 85]]
    known = pictures()[0].keypoints[:, :, 2].sum(1)
    assert [p["num_keypoints"] for p in people] == known.tolist()
    assert coco.loadCats([1])[0]["keypoints"] == list(KEYPOINTS)


@pytest.mark.parametrize(
    ("part", "place", "change", "words"),
    [
        ("images", 1, {"id": 1}, "image 2: its id 1 comes twice"),
        ("images", 0, {"height": 0}, "image 1: frame 8 of 160 x 0 pixels"),
        ("images", 0, {"frame_id": "x"}, "image 1: frame_id is 'x'"),
        ("annotations", 1, {"image_id": 9}, "annotation 2: image 9 is not in the file"),
        ("annotations", 0, {"bbox": [1, 2, 3]}, "annotation 1: bbox is [1, 2, 3], not 4 numbers"),
        ("annotations", 0, {"keypoints": [1]}, "annotation 1: keypoints is [1], not 51 numbers"),
    ],
)
def test_what_is_wrong_is_named(tmp_path, part, place, change, words):
    path = tmp_path / "people.json"
    write_pictures(path, pictures(), "a test")
    content = json.loads(path.read_text())
    content[part][place] |= change
    path.write_text(json.dumps(content))
    with pytest.raises(InputError) as caught:
        read_pictures(path)
    assert words in str(caught.value)
    assert str(path) in str(caught.value)
