"""UCF101-24 as it lies in ../shared, and both tube data sets written as they are published."""

import logging
import pickle

import made_videos as made
import numpy as np
import pytest
from detectron2.data import DatasetCatalog, MetadataCatalog

from ava_det.data import catalog, multisports, ucf24
from ava_det.evaluate.video_map import video_map
from ava_det.formats.ava_csv import table_of
from ava_det.structures import InputError, Keyframe


def tube(first, last, box):
    """A tube as in the pickles: frames from 1, one box."""
    frames = np.arange(first, last + 1, dtype=np.float32)[:, None]
    return np.concatenate([frames, np.tile(np.float32(box), (len(frames), 1))], axis=1)


def annotations(labels, videos, size):
    return {
        "labels": list(labels),
        "train_videos": [[v for v in videos if v.endswith("train")]],
        "test_videos": [[v for v in videos if v.endswith("test")]],
        "nframes": dict.fromkeys(videos, 10),
        "resolution": dict.fromkeys(videos, size),
        "gttubes": videos,
    }


def write_tree(root, name, content, files):
    for file in files:
        (root / "videos" / file).parent.mkdir(parents=True, exist_ok=True)
        made.encode(root / "videos" / file, count=10)
    (root / name).write_bytes(pickle.dumps(content, protocol=2))
    return root


@pytest.fixture
def ucf(tmp_path):
    whole, left = (1, 1, 320, 240), (1, 1, 160, 240)
    videos = {
        "Diving/a_train": {5: [tube(3, 5, whole)]},
        "Fencing/b_test": {6: [tube(1, 10, whole), tube(4, 12, left)], 0: [tube(4, 4, left)]},
    }
    content = annotations(ucf24.ACTIONS, videos, (240, 320))
    return write_tree(tmp_path, "UCF101v2-GT.pkl", content, ["Diving/a_train.avi", "x/b_test.mp4"])


def test_the_official_layout(ucf, caplog):
    train = ucf24.load_split(ucf, "train")
    assert [k.people.keyframe for k in train] == [Keyframe("Diving/a_train", t) for t in (2, 3, 4)]
    assert train[0].people.boxes.tolist() == [[0, 0, 1, 1]]
    assert train[0].people.actions == ((6,),)
    with caplog.at_level(logging.WARNING):
        test = ucf24.load_split(ucf, "test")
    assert "annotated up to frame 11 and has 10" in caplog.text
    assert [len(k.people.boxes) for k in test] == [1] * 3 + [3] + [2] * 6
    fourth = test[3].people
    assert sorted(zip(fourth.actions, fourth.person_ids.tolist(), strict=True)) == [
        ((1,), 2),
        ((7,), 0),
        ((7,), 1),
    ]
    assert fourth.boxes[fourth.person_ids == 1].tolist() == [[0, 0, 0.5, 1]]
    table = table_of([keyframe.people for keyframe in test])
    assert video_map(table, table, ucf24.CLASS_MAP).ground_truth["Fencing"] == 2


def registered_at(root):
    catalog.register_all()
    for subset in ("train", "test"):
        DatasetCatalog.remove(f"multisports_{subset}")
        MetadataCatalog.remove(f"multisports_{subset}")
    catalog.register_multisports(root)


def test_multisports(tmp_path, monkeypatch):
    labels = ["aerobic push up", "aerobic kick jump", "volleyball spike"]
    videos = {
        "aerobic_gymnastics/v_1_train": {0: [tube(2, 3, (0, 0, 640, 360))]},
        "volleyball/v_2_test": {2: [tube(5, 6, (320, 0, 640, 360))], 1: []},
    }
    root = tmp_path / "multisports"
    content = annotations(labels, videos, (720, 1280))
    files = ["aerobic_gymnastics/v_1_train.mp4", "volleyball/v_2_test.mp4"]
    write_tree(root, "multisports_GT.pkl", content, files)
    monkeypatch.setenv("DETECTRON2_DATASETS", str(tmp_path))
    registered_at(root)
    classes = catalog.class_map_of(catalog.check_known("multisports_test"))
    assert classes.names == dict(enumerate(labels, 1))
    assert classes.groups == {1: "aerobic", 2: "aerobic", 3: "volleyball"}
    assert list(multisports.evaluated_classes(classes).names) == [1, 3]
    train = DatasetCatalog.get("multisports_train")
    assert [k.people.keyframe.tick for k in train] == [1, 2]
    assert train[0].people.boxes.tolist() == [[0, 0, 0.5, 0.5]]
    test = DatasetCatalog.get("multisports_test")
    assert [len(k.people.boxes) for k in test] == [0] * 4 + [1, 1] + [0] * 4
    monkeypatch.undo()
    registered_at(catalog.datasets_root() / "multisports")  # as later tests expect


class Hostile:
    def __reduce__(self):
        return print, ("run",)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda c: c.pop("nframes"), "no dict 'nframes'"),
        (lambda c: c.update(labels=Hostile()), "refused: it asks for"),
        (lambda c: c.update(labels=["one"]), "video 'Diving/a_train': label 5 of 1"),
        (lambda c: c["labels"].reverse(), "not the 24 of UCF101-24"),
        (lambda c: c["nframes"].pop("Fencing/b_test"), "'Fencing/b_test': nframes is None"),
        (lambda c: c["resolution"].update({"Fencing/b_test": 3}), "no resolution"),
        (lambda c: c["gttubes"].pop("Fencing/b_test"), "of a split has no tubes"),
        (lambda c: c["gttubes"]["Fencing/b_test"].update({6: [np.ones((2, 4))]}), "not N rows"),
        (
            lambda c: c["gttubes"]["Fencing/b_test"].update({6: [tube(0, 3, (1, 1, 2, 2))]}),
            "frames count from 1, not 0",
        ),
    ],
)
def test_a_broken_pickle_is_one_line(ucf, change, message, capsys):
    path = ucf / "UCF101v2-GT.pkl"
    content = pickle.loads(path.read_bytes())
    change(content)
    path.write_bytes(pickle.dumps(content, protocol=2))
    with pytest.raises(InputError, match=message) as error:
        ucf24.load_split(ucf, "test")
    assert str(path) in str(error.value)
    assert "\n" not in str(error.value)
    assert "run" not in capsys.readouterr().out


def test_a_missing_video(ucf):
    next((ucf / "videos").rglob("b_test.mp4")).unlink()
    with pytest.raises(InputError, match="no file of video Fencing/b_test"):
        ucf24.load_split(ucf, "test")


HEAD = "video,frame,x1,y1,x2,y2,action,tube\n"


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ("a,0,1,1,9,9,Diving\n", "row 2: .* is malformed"),
        ("a,0,1,1,9,9,Diving,0\na,x,1,1,9,9,Diving,0\n", "row 3: .* is malformed"),
        ("a,0,1,1,9,9,Flying,0\n", "row 2: .* is malformed"),
        ("a,0,1,1,9,9,Diving,0\na,0,1,1,9,9,Diving,0\n", "row 3: .* contradicts an earlier row"),
        ("a,0,1,1,9,9,Diving,0\na,1,1,1,9,9,Biking,0\n", "row 3: .* contradicts an earlier row"),
    ],
)
def test_a_broken_csv_is_one_line(tmp_path, rows, message):
    (tmp_path / "annotations.csv").write_text(HEAD + rows)
    with pytest.raises(InputError, match=message):
        ucf24.load_csv(tmp_path)


def test_the_real_clips(shared):
    items = ucf24.load_csv(shared / "data" / "ucf24")
    people = [item.people for item in items]
    assert len({p.keyframe.video for p in people}) == 15
    assert len(items) == 3236  # all frames of all clips
    assert sum(len(p.boxes) for p in people) == 3143  # all rows of the annotations
    boxes = np.concatenate([p.boxes for p in people])
    assert boxes.min() >= 0
    assert boxes.max() <= 1
    table = table_of(people)
    result = video_map(
        table, table.assign(person=-1, score=table["score"].fillna(0)), ucf24.CLASS_MAP
    )
    assert sum(result.ground_truth.values()) == 22
    # Salsa dancers cross, where linking by overlap mistakes one for the other.
    assert result.mAP(0.5) > 0.9
