"""UCF101-24 as it lies in ../shared, and both tube data sets written as they are published."""

import logging
import pickle

import cv2
import made_videos as made
import numpy as np
import pandas as pd
import pytest
from made_sets import replace

from ava_det.data.sets import catalog, multisports, ucf24
from ava_det.evaluation.video_map import video_map
from ava_det.formats.ava_csv import table_of
from ava_det.structures import InputError, Keyframe
from ava_det.video.frame_folders import FrameFolder


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
    assert "annotated up to frame 11, but has 10" in caplog.text
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
    replace(*multisports.datasets(root))


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
    classes = catalog.get_dataset("multisports_test").class_map()
    assert classes.names == dict(enumerate(labels, 1))
    assert classes.groups == {1: "aerobic", 2: "aerobic", 3: "volleyball"}
    assert list(multisports.evaluated_classes(classes).names) == [1, 3]
    assert list(catalog.get_dataset("multisports_test").evaluated_classes().names) == [1, 3]
    train = catalog.get_dataset("multisports_train").keyframes()
    assert [k.people.keyframe.tick for k in train] == [1, 2]
    assert train[0].people.boxes.tolist() == [[0, 0, 0.5, 0.5]]
    test = catalog.get_dataset("multisports_test").keyframes()
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
        (lambda c: c["labels"].reverse(), "the labels differ from the 24 of UCF101-24"),
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
        ("a,0,1e300,1,9,9,Diving,0\n", "row 2: .* is malformed"),
        ("a,0,1,-1e300,9,9,Diving,0\n", "row 2: .* is malformed"),
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


def write_corrected(root, table, tested):
    """`pyannot.pkl` as it is published, of rows of `annotations.csv`, and its list."""
    content = {}
    for video, rows in table.groupby("video"):
        parts = []
        for _, tube in rows.groupby("tube"):
            x1, y1, x2, y2 = tube[["x1", "y1", "x2", "y2"]].to_numpy().T
            boxes = np.stack([x1, y1, x2 - x1, y2 - y1], axis=1)
            small = boxes.max() < 256  # corners may be beyond a byte where sides are not
            first, last = int(tube["frame"].min()), int(tube["frame"].max())
            parts.append(
                {
                    "label": ucf24.ACTIONS.index(tube["action"].iloc[0]),
                    "sf": first,
                    "ef": last + 1,
                    "boxes": boxes.astype(np.uint8 if small else np.uint16),
                }
            )
        name = np.str_(f"{tube['action'].iloc[0]}/{video}")  # numpy's, as published
        count = np.uint16(rows["frame"].max() + 1)
        content[name] = {"annotations": parts, "numf": count, "label": parts[0]["label"]}
    (root / "pyannot.pkl").write_bytes(pickle.dumps(content, protocol=3))
    (root / "testlist01.txt").write_text("\n".join(k for k in content if k.endswith(tested)))


def test_the_corrected_annotations_as_published_give_what_the_csv_gives(shared, tmp_path):
    tree = shared / "data" / "ucf24"
    (tmp_path / "videos").symlink_to(tree / "videos")
    rows = pd.read_csv(tree / "annotations.csv")
    write_corrected(tmp_path, rows, tuple(rows["video"].unique()))
    ours, theirs = ucf24.load_csv(tree), ucf24.load_split(tmp_path, "test")
    named = [k.people.keyframe for k in theirs]
    assert [(k.video.split("/")[1], k.tick) for k in named] == [
        (k.people.keyframe.video, k.people.keyframe.tick) for k in ours
    ]
    assert [k.people.actions for k in theirs] == [k.people.actions for k in ours]
    for name in ("boxes", "person_ids"):
        both = [np.concatenate([getattr(k.people, name) for k in ks]) for ks in (theirs, ours)]
        np.testing.assert_allclose(*both, atol=1e-9)
    tables = [ucf24.annotated_split(tmp_path, "test").table, ucf24.annotated_csv(tree).table]
    bare = [t["video"].astype(str).str.rpartition("/")[2] for t in tables]
    pd.testing.assert_frame_equal(*(t.assign(video=v) for t, v in zip(tables, bare, strict=True)))


ROWS = """video,frame,x1,y1,x2,y2,action,tube
v_a,0,1,1,160,120,Diving,0
v_a,1,1,1,320,240,Diving,0
v_b,2,1,1,320,240,Biking,0
"""


@pytest.fixture
def corrected(tmp_path):
    (tmp_path / "rows.csv").write_text(ROWS)
    write_corrected(tmp_path, pd.read_csv(tmp_path / "rows.csv"), "v_b")
    (tmp_path / "videos").mkdir()
    for video in ("v_a", "v_b"):
        made.encode(tmp_path / "videos" / f"{video}.mp4", count=4)
    return tmp_path


def test_who_is_on_no_list_trains(corrected):
    train, test = (ucf24.load_split(corrected, subset) for subset in ("train", "test"))
    assert [k.people.keyframe for k in train] == [Keyframe("Diving/v_a", t) for t in (0, 1)]
    assert train[0].people.boxes.tolist() == [[0, 0, 0.5, 0.5]]
    assert [len(k.people.boxes) for k in test] == [0, 0, 1, 0]
    listed = "Biking/v_b.avi 3\nArchery/v_Archery_g01_c01.avi 1\n"  # as UCF101's own list
    (corrected / "testlist01.txt").write_text(listed)
    assert len(ucf24.load_split(corrected, "test")) == 4


def test_frames_lie_in_the_place_of_videos(corrected):
    for video in corrected.glob("videos/*"):
        video.unlink()
    (corrected / "videos").rmdir()
    folder = corrected / "rgb-images" / "Diving" / "v_a"
    folder.mkdir(parents=True)
    cv2.imwrite(str(folder / "00001.jpg"), np.zeros((240, 320, 3), np.uint8))
    (item,) = ucf24.load_split(corrected, "train")
    assert (item.path, item.people.keyframe.tick) == (str(folder), 0)
    assert ucf24.pictures(corrected) == FrameFolder(corrected / "rgb-images", rate=25.0)


def test_acts_pickle_is_preferred(ucf):
    (ucf / "pyannot.pkl").write_bytes(b"")
    assert len(ucf24.load_split(ucf, "train")) == 3


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda c: c.clear(), "no dict of videos"),
        (lambda c: c.update({"Diving/v_a": []}), "'Diving/v_a': no list 'annotations'"),
        (lambda c: c["Diving/v_a"].update(annotations=[3]), "a tube that is no dict"),
        (lambda c: c["Diving/v_a"]["annotations"][0].update(label=24), "label 24 of 24"),
        (lambda c: c["Diving/v_a"]["annotations"][0].update(sf=None), "not whole numbers"),
        (
            lambda c: c["Diving/v_a"]["annotations"][0].update(ef=9),
            "boxes are not x y width height of frames 0 to 8",
        ),
        (lambda c: c["Diving/v_a"]["annotations"][0].update(label=Hostile()), "refused: it asks"),
    ],
)
def test_broken_corrected_annotations_are_one_line(corrected, change, message, capsys):
    path = corrected / "pyannot.pkl"
    content = pickle.loads(path.read_bytes())
    change(content)
    path.write_bytes(pickle.dumps(content))
    with pytest.raises(InputError, match=message) as error:
        ucf24.load_split(corrected, "test")
    assert str(path) in str(error.value)
    assert "run" not in capsys.readouterr().out


def test_a_list_that_is_not_there_or_of_other_videos(corrected):
    (corrected / "testlist01.txt").write_text("Diving/v_z\n")
    with pytest.raises(InputError, match=r"testlist01\.txt: lists no video that is in .*pyannot"):
        ucf24.load_split(corrected, "test")
    (corrected / "testlist01.txt").unlink()
    with pytest.raises(InputError, match=r"testlist01\.txt: .*datasets/README\.md"):
        ucf24.load_split(corrected, "train")
