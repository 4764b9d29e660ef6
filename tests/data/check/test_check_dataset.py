"""ava_det.data.check.dataset: registered sets that are not one csv, from their own files."""

import pickle
import shutil
from fractions import Fraction

import made_videos as made
import numpy as np
import pytest
from made_sets import of_keyframes, registered, replace
from numbered import write_numbered

from ava_det.data.actors.actions import class_map
from ava_det.data.check.dataset import Expected, check_registered
from ava_det.data.check.findings import Findings
from ava_det.data.proposals import with_unlisted
from ava_det.data.sets import actors, ava, multisports, ucf24
from ava_det.data.sets.catalog import datasets_root, get_dataset, register_all
from ava_det.formats.class_map import ClassMap, write_class_map
from ava_det.formats.proposals import read_proposals
from ava_det.structures import AnnotatedKeyframe, InputError, Keyframe, PersonBoxes

PREFIXES = ("ucf24_", "multisports_", "ava_", "kinetics_ava_", "actors_")


@pytest.fixture
def root(tmp_path):
    """The folder that the built-in sets are registered at meanwhile."""
    register_all()
    register_again(tmp_path)
    yield tmp_path
    register_again(datasets_root())


def register_again(root):
    replace(*ucf24.datasets(root / "ucf24"), *multisports.datasets(root / "multisports"))
    replace(*ava.datasets(root))
    for name in ("actors", "actors_biased"):
        replace(*actors.datasets(root / name, name))


def check(name, **expected):
    """The rows, and the findings by kind: how many, and the first example."""
    findings = Findings()
    table, _ = check_registered(name, Expected(**expected), findings)
    return table, {found.kind: (found.count, found.examples[0]) for found in findings}


def tube(first, last, box):
    """A tube as in the pickles: frames from 1, one box."""
    frames = np.arange(first, last + 1, dtype=np.float32)[:, None]
    return np.concatenate([frames, np.tile(np.float32(box), (len(frames), 1))], axis=1)


def write_tubes(root, name, labels, tubes, size, files):
    (root / "videos").mkdir(parents=True)
    for file in files:
        made.encode(root / "videos" / file, count=10)
    content = {
        "labels": list(labels),
        "train_videos": [[]],
        "test_videos": [list(tubes)],
        "nframes": dict.fromkeys(tubes, 10),
        "resolution": dict.fromkeys(tubes, size),
        "gttubes": tubes,
    }
    (root / name).write_bytes(pickle.dumps(content, protocol=2))


def test_the_pickle_of_ucf101_24(root):
    whole = (1, 1, 320, 240)
    tubes = {
        "Diving/fine": {5: [tube(3, 5, whole)]},
        "Diving/wrong": {5: [tube(1, 2, (1, 1, 900, 240)), tube(4, 4, (9, 9, 3, 3))]},
        "Diving/long": {5: [tube(9, 12, whole)]},
        "Diving/gone": {5: [tube(1, 1, whole)]},
        "Diving/twice": {5: [tube(1, 1, whole), tube(1, 1, whole)]},
    }
    files = ["fine.avi", "wrong.mp4", "long.mp4", "twice.mp4", "._gone.mp4"]
    write_tubes(root / "ucf24", "UCF101v2-GT.pkl", ucf24.ACTIONS, tubes, (240, 320), files)
    table, found = check("ucf24_test")
    assert len(table) == 3 + 3 + 4 + 1 + 2  # a video is missing, so that nothing can be loaded
    box = "x1=0 y1=0 x2=2.8125 y2=1"
    assert found.pop("pixels") == (2, (None, f"Diving/wrong, tick 0: {box}"))
    assert found.pop("degenerate")[1][1].startswith("Diving/wrong, tick 3: x1=0.025")
    assert found.pop("missing_video") == (1, (None, "Diving/gone"))
    long = "Diving/long: 2 keyframes, the first at tick 10: 10 of 10 frames"
    assert found.pop("outside_video") == (1, (None, long))
    assert found.pop("duplicate") == (1, (None, "Diving/twice, tick 0, action 6"))
    assert found.pop("rescaled")[0] == 4
    assert found == {}


def test_frames_without_people_are_keyframes_too(root):
    tubes = {"Diving/fine": {5: [tube(3, 5, (1, 1, 320, 240))]}}
    write_tubes(root / "ucf24", "UCF101v2-GT.pkl", ucf24.ACTIONS, tubes, (240, 320), ["fine.mp4"])
    table, _ = check("ucf24_test")
    assert table["tick"].tolist() == list(range(10))


def test_a_malformed_csv_is_a_finding(root):
    (root / "ucf24" / "videos").mkdir(parents=True)
    head = "video,frame,x1,y1,x2,y2,action,tube\n"
    (root / "ucf24" / "annotations.csv").write_text(head + "a,0,1,1,9,x,Diving,0\n")
    table, found = check("ucf24_csv")
    assert (len(table), list(found)) == (0, ["unreadable"])
    assert "annotations.csv: row 2: " in found["unreadable"][1][1]


def test_a_csv_without_a_row_is_a_finding(root):
    (root / "ucf24" / "videos").mkdir(parents=True)
    (root / "ucf24" / "annotations.csv").write_text("video,frame,x1,y1,x2,y2,action,tube\n")
    assert check("ucf24_csv")[1] == {"empty": (1, (None, "none of ucf24_csv"))}


def test_the_real_clips(shared, root):
    shutil.rmtree(root / "ucf24", ignore_errors=True)
    (root / "ucf24").symlink_to(shared / "data" / "ucf24")
    table, found = check("ucf24_csv")
    assert set(found) == {"rescaled"}  # 340 x 256, which the annotated 320 x 240 fit
    assert table["x1"].notna().sum() == 3143


def test_multisports(root):
    labels = ["aerobic push up", "volleyball spike"]
    tubes = {
        "volleyball/v_2": {1: [tube(5, 6, (320, 0, 640, 360)), tube(11, 11, (0, 0, 640, 360))]},
        "volleyball/v_3": {1: [tube(5, 6, (640, 0, 1344, 360))]},
    }
    files = ["v_2.mp4", "v_3.mp4"]
    where = root / "multisports"
    write_tubes(where, "multisports_GT.pkl", labels, tubes, (720, 1280), files)
    _, found = check("multisports_test")
    assert found.pop("outside_video")[1][1].startswith("volleyball/v_2: 1 keyframes, the first at")
    assert found.pop("edge")[0] == 2  # 1344 of 1280 pixels
    assert found.pop("aspect")[0] == 2  # 64 x 48
    assert found == {}


def test_actors(root):
    (root / "actors" / "videos").mkdir(parents=True)
    made.encode(root / "actors" / "videos" / "one.mp4", count=10)
    write_class_map(root / "actors" / "class_map.pbtxt", class_map())
    rows = ["one,0,0.1,0.1,0.5,0.5,99,0", "one,x,0.1,0.1,0.5,0.5,1,0", "two,0"]
    (root / "actors" / "test.csv").write_text("\n".join(rows) + "\n")
    _, found = check("actors_test")
    assert {kind: example[0] for kind, (_, example) in found.items()} == {
        "class": 1, "number": 2, "missing_video": 3,
    }  # fmt: skip


@pytest.fixture
def kinetics(root):
    """AVA's val part of a film, and the clips of Kinetics of another."""
    annotations = root / "ava" / "annotations"
    (root / "ava" / "videos_15min").mkdir(parents=True)
    (root / "ava_kinetics" / "videos").mkdir(parents=True)
    annotations.mkdir()
    classes = ClassMap({1: "stand", 2: "sit"})
    for name in ava.CLASSES["v2.2"]:
        write_class_map(annotations / name, classes)
    (annotations / "ava_val_v2.2.csv").write_text("film,902,0.1,0.1,0.5,0.5,1,0\n")
    (annotations / "ava_val_excluded_timestamps_v2.2.csv").write_text("")
    write_numbered(root / "ava" / "videos_15min" / "film.mp4", 150, Fraction(30))
    clip = "abc_def-000_000012_000022"
    write_numbered(root / "ava_kinetics" / "videos" / f"{clip}.mp4", 300, Fraction(30))
    rows = ["abc_def-000,17.3,0.1,0.1,0.5,0.5,1,0", "abc_def-000,17.3,0.1,0.1,0.5,0.5,7,0"]
    rows += ["abc_def-000,11.9,0,0,1,1,2,0", "abc_def-000,now,0,0,1,1,2,0", "gone,1.5,0,0,2,1,1,0"]
    (root / "ava_kinetics" / "kinetics_val_v1.0.csv").write_text("\n".join(rows) + "\n")
    return root


def test_clips_of_kinetics(kinetics):
    table, found = check("kinetics_ava_val")
    rows = {kind: (count, example[0]) for kind, (count, example) in found.items()}
    assert rows == {
        "class": (1, 2), "no_clip": (1, 3), "number": (1, 4), "pixels": (1, 5),
        "missing_video": (1, 5),
    }  # fmt: skip
    outside = "abc_def-000: second 11.9 is not in abc_def-000_000012_000022"
    assert found["no_clip"][1][1] == outside
    assert found["missing_video"][1][1] == "gone"
    assert table["tick"].tolist() == [5300, 5300, 11900, 1500]


def test_what_a_loader_keeps_counts(kinetics):
    annotations = kinetics / "ava" / "annotations"
    (annotations / "ava_val_excluded_timestamps_v2.2.csv").write_text("film,0903\n")
    with open(annotations / "ava_val_v2.2.csv", "a") as file:
        file.write("film,903,0.1,0.1,0.5,0.5,1,0\nno_film,902,0.1,0.1,0.5,0.5,1,0\n")
    table, counts = check_registered("ava_kinetics_val", Expected(), Findings())
    clip = "abc_def-000_000012_000022"
    kept = table[counts]
    assert list(zip(kept["video"], kept["tick"], strict=True)) == [
        ("film", 2000), (clip, 5300), (clip, 5300),
    ]  # fmt: skip
    assert len(table) == 7


def test_ava_kinetics_is_checked_whole(kinetics):
    with open(kinetics / "ava" / "annotations" / "ava_val_v2.2.csv", "a") as file:
        file.write("film,903,0.1,0.1,0.5,0.5,3,0\nfilm,907,0.1,0.1,0.5,0.5,1,0\n")
    table, found = check("ava_kinetics_val")
    assert {"outside_video", "class", "number", "pixels", "missing_video", "no_clip"} == set(found)
    assert found["outside_video"][1][0] == 3
    assert table["tick"].tolist()[:4] == [2000, 3000, 7000, 5300]
    assert table["video"].iloc[0] == "film"


def test_what_ava_leaves_out_stays_out_in_milliseconds(kinetics):
    """People on keyframes that nobody annotated, some of which AVA excludes or does not include."""
    annotations = kinetics / "ava" / "annotations"
    (annotations / "ava_val_excluded_timestamps_v2.2.csv").write_text("film,0904\n")
    (annotations / "ava_included_timestamps_v2.2.txt").write_text("0902\n0903\n0904\n")
    clip = "abc_def-000_000012_000022"
    table = kinetics / "ava_kinetics" / "kinetics_val_v1.0.csv"
    table.write_text("abc_def-000,17.3,0.1,0.1,0.5,0.5,1,0\n")
    register_again(kinetics)  # with the list of ticks
    found = [("film", 2000), ("film", 3000), ("film", 4000), ("film", 5000), (clip, 4000)]
    rows = [f"{video},{tick},0.1,0.1,0.5,0.5,-1,0.9\n" for video, tick in found]
    (kinetics / "boxes.csv").write_text("".join(rows))
    boxes = read_proposals(kinetics / "boxes.csv")
    dataset = get_dataset("ava_kinetics_val")
    records = with_unlisted(dataset.keyframes(), boxes, dataset)
    assert [(r.people.keyframe.video, r.people.keyframe.tick) for r in records] == [
        ("film", 2000), (clip, 5300), ("film", 3000), (clip, 4000),
    ]  # fmt: skip


def test_a_set_of_which_only_records_are_known(tmp_path):
    made.encode(tmp_path / "one.mp4", count=10)
    people = [
        PersonBoxes(Keyframe(name, tick), np.array([box]), ((1,),), np.ones(1), np.zeros(1, int))
        for name, tick, box in (("one", 0, [0.1, 0.1, 0.5, 0.5]), ("one", 10, [0, 0, 1, 1.5]))
    ]
    records = [AnnotatedKeyframe(str(tmp_path / "one.mp4"), group) for group in people]
    nobody = PersonBoxes.nobody(Keyframe("two", 0))
    records.append(AnnotatedKeyframe(str(tmp_path / "two.mp4"), nobody))
    made_of_records = of_keyframes("made_of_records", records, ClassMap({1: "stand"}))
    with registered(made_of_records) as name:
        _, found = check(name)
    assert len(made_of_records.keyframes()) == 3
    assert set(found) == {"outside", "outside_video", "broken_video"}
    assert found["outside"][1] == (None, "one, tick 10: x1=0 y1=0 x2=1 y2=1.5")


def test_an_unknown_name():
    with pytest.raises(InputError, match="unknown data set"):
        check("nothing_of_the_kind")
