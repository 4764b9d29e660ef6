"""JHMDB as it lies in ../shared, and broken trees of it."""

import json
import logging
import pickle
import shutil

import cv2
import numpy as np
import pandas as pd
import pytest
from made_sets import replace

from ava_det.data.check.dataset import Expected, check_registered
from ava_det.data.check.findings import Findings
from ava_det.data.sets import catalog, jhmdb
from ava_det.formats.ava_csv import table_of
from ava_det.structures import InputError, Keyframe
from ava_det.video.cache import CachedVideoReader


@pytest.fixture
def root(shared):
    return shared / "data" / "jhmdb"


def test_the_splits_have_their_published_sizes(root):
    sizes = {
        (split, subset): len(jhmdb.load_videos(root, split, subset))
        for split in (1, 2, 3)
        for subset in ("train", "test")
    }
    assert sizes == {
        (1, "train"): 660,
        (1, "test"): 268,
        (2, "train"): 658,
        (2, "test"): 270,
        (3, "train"): 663,
        (3, "test"): 265,
    }


def test_a_video_is_labelled_by_its_folder(root):
    for item in jhmdb.load_videos(root, 1, "test"):
        assert jhmdb.ACTIONS[item.label] == item.video.split("/")[0]
        assert item.path.endswith(f"{item.video}.mp4")


@pytest.mark.slow
def test_every_annotated_frame_that_exists_is_a_keyframe(root, caplog):
    with caplog.at_level(logging.WARNING):
        items = [item for s in ("train", "test") for item in jhmdb.load_keyframes(root, 1, s)]
    # 31,852 annotated frames; three clips have 6 + 7 + 1 more of them than frames.
    assert len(items) == 31852 - 14
    assert len({item.people.keyframe for item in items}) == len(items)
    said = " ".join(record.getMessage() for record in caplog.records)
    assert "clap/The_Slow_Clap_clap_u_cm_np1_fr_med_4 has 33 annotated frames and 27" in said
    assert "clap/The_Slow_Clap_clap_u_nm_np1_fr_bad_20 has 25 annotated frames and 18" in said
    assert "stand/BIG_FISH_stand_u_nm_np1_fr_med_27 has 36 annotated frames and 35" in said
    boxes = np.concatenate([item.people.boxes for item in items])
    assert boxes.min() >= 0
    assert boxes.max() <= 1
    assert (boxes[:, 2:] > boxes[:, :2]).all()


@pytest.fixture
def small(root, tmp_path):
    """A tree of one video, to break."""
    video = "clap/Boom_Snap_Clap_clap_u_nm_np1_fr_med_0"
    file = tmp_path / "videos" / f"{video}.mp4"
    file.parent.mkdir(parents=True)
    shutil.copy(root / "videos" / f"{video}.mp4", file)
    (tmp_path / "splits.json").write_text(json.dumps({"1": {"train": [video]}}))
    (tmp_path / "annotations.csv").write_text(
        f"video,frame,x1,y1,x2,y2,action\n{video},0,0,0,159,119,clap\n"
        f"{video},3,32,24,319,239,clap\n"
    )
    return tmp_path


def test_pixels_are_inclusive_and_become_relative(small):
    first, second = jhmdb.load_keyframes(small, 1, "train")
    np.testing.assert_allclose(first.people.boxes, [[0, 0, 0.5, 0.5]])
    np.testing.assert_allclose(second.people.boxes, [[0.1, 0.1, 1, 1]])
    assert second.people.keyframe == Keyframe("clap/Boom_Snap_Clap_clap_u_nm_np1_fr_med_0", 3)
    assert second.people.actions == ((jhmdb.ACTIONS.index("clap") + 1,),)


@pytest.mark.parametrize(
    ("file", "old", "new", "message"),
    [
        ("annotations.csv", "159,119,clap", "159,119,juggle", r"annotations\.csv: row 2: .*juggle"),
        ("annotations.csv", "319,239", "319,tall", r"annotations\.csv: row 3: .*tall"),
        (
            "annotations.csv",
            "video,frame",
            "video,time",
            r"annotations\.csv: row 1: no column frame",
        ),
        ("annotations.csv", ",3,32", ",0,32", r"annotations\.csv: row 3: .*,0,"),
        ("annotations.csv", ",3,32", ",2.5,32", r"annotations\.csv: row 3: .*,2\.5,"),
        ("splits.json", '"1"', '"4"', r"splits\.json: no split 1 train"),
        ("splits.json", "{", "[", r"splits\.json: not JSON"),
        ("splits.json", "clap/Boom", "clap/Bang", r"annotations\.csv: no row of video clap/Bang"),
    ],
)
def test_what_is_broken_is_named(small, file, old, new, message):
    text = (small / file).read_text()
    assert old in text
    (small / file).write_text(text.replace(old, new, 1))
    with pytest.raises(InputError, match=message):
        jhmdb.load_keyframes(small, 1, "train")


@pytest.mark.parametrize("file", ["annotations.csv", "splits.json"])
def test_a_missing_file_points_to_the_instructions(small, file):
    (small / file).unlink()
    with pytest.raises(InputError, match=rf"{file}: .*datasets/README\.md"):
        jhmdb.load_keyframes(small, 1, "train")


def publish(tree, root, videos):
    """`JHMDB-GT.pkl` below a folder, made of the csv of a tree and of the splits in it."""
    table = pd.read_csv(tree / "annotations.csv")
    splits = json.loads((tree / "splits.json").read_text())
    columns = ["frame", "x1", "y1", "x2", "y2"]
    tubes = {
        str(video): {
            jhmdb.ACTIONS.index(rows["action"].iloc[0]): [
                (rows[columns] + [1, 0, 0, 0, 0]).to_numpy(np.float32)
            ]
        }
        for video, rows in table.groupby("video", sort=False)
    }
    content = {
        "labels": list(jhmdb.ACTIONS),
        "gttubes": tubes,
        "nframes": {video: len(next(iter(by.values()))[0]) for video, by in tubes.items()},
        "resolution": dict.fromkeys(tubes, (240, 320)),
        **{
            f"{s}_videos": [splits[k].get(s, []) for k in sorted(splits)] for s in ("train", "test")
        },
    }
    root.mkdir(exist_ok=True)
    (root / "JHMDB-GT.pkl").write_bytes(pickle.dumps(content, protocol=2))
    if videos:
        (root / videos).symlink_to(tree / "videos")
    return root


@pytest.mark.slow
def test_the_published_pickle_gives_what_the_csv_gives(root, tmp_path, caplog):
    split = 1  # with two of the videos that have more annotated frames than frames
    published = publish(root, tmp_path / "act", "ReCompress_Videos")
    clips = [jhmdb.load_videos(folder, split, "test") for folder in (root, published)]
    assert [(c.video, c.label) for c in clips[1]] == [(c.video, c.label) for c in clips[0]]
    ours = jhmdb.load_keyframes(root, split, "test")
    theirs = jhmdb.load_keyframes(published, split, "test")
    assert [k.people.keyframe for k in theirs] == [k.people.keyframe for k in ours]
    assert [k.people.actions for k in theirs] == [k.people.actions for k in ours]
    np.testing.assert_allclose(
        np.concatenate([k.people.boxes for k in theirs]),
        np.concatenate([k.people.boxes for k in ours]),
        atol=1e-6,
    )
    pd.testing.assert_frame_equal(*(table_of([k.people for k in ks]) for ks in (theirs, ours)))
    said = "clap/The_Slow_Clap_clap_u_cm_np1_fr_med_4 is annotated up to frame 32, but has 27"
    assert said in caplog.text
    tables = [jhmdb.annotated(folder, split, "test").table for folder in (published, root)]
    tables = [t.astype({"video": str}).sort_values(["video", "tick"]) for t in tables]
    tables = [t[["video", "tick", "x1", "y1", "x2", "y2", "action", "person"]] for t in tables]
    tables = [t.reset_index(drop=True) for t in tables]
    pd.testing.assert_frame_equal(*tables, check_dtype=False)


def test_the_csv_is_preferred_to_the_pickle(small):
    content = pickle.loads((publish(small, small, None) / "JHMDB-GT.pkl").read_bytes())
    content["gttubes"] = {}
    (small / "JHMDB-GT.pkl").write_bytes(pickle.dumps(content))
    assert len(jhmdb.load_keyframes(small, 1, "train")) == 2
    assert len(jhmdb.load_videos(small, 1, "train")) == 1
    assert jhmdb.annotated(small, 1, "train").path.name == "annotations.csv"


@pytest.fixture
def frames(small, tmp_path):
    """The published tree of one video as three frames, registered as JHMDB meanwhile."""
    published = publish(small, tmp_path / "act", None)
    video = "clap/Boom_Snap_Clap_clap_u_nm_np1_fr_med_0"
    (published / "Frames" / video).mkdir(parents=True)
    for k in (1, 2, 3):
        picture = np.full((240, 320, 3), 20 * k, np.uint8)
        cv2.imwrite(str(published / "Frames" / video / f"{k:05d}.png"), picture)
    register_at(published)
    yield published / "Frames" / video
    register_at(catalog.datasets_root() / "jhmdb")


def register_at(root):
    catalog.register_all()
    replace(*jhmdb.datasets(root))


def test_frames_are_read_like_a_video(frames, tmp_path, caplog):
    (item,) = catalog.get_dataset("jhmdb_split1_train").keyframes()  # the other is beyond the end
    assert "is annotated up to frame 3, but has 3" in caplog.text
    assert item.path == str(frames)
    (clip,) = catalog.get_dataset("jhmdb_clips_split1_train").videos()
    assert clip.path == str(frames)
    plain = catalog.get_dataset("jhmdb_split1_train").reader()
    for reader in plain, CachedVideoReader(tmp_path / "c", None):
        times = reader.times(frames)
        assert len(times) == 3
        assert reader.size(frames) == (240, 320)
        assert reader.frames(frames, times)[:, 5, 5, 0].tolist() == [20, 40, 60]


def test_frames_are_checked(frames):
    findings = Findings()
    table = check_registered("jhmdb_split1_train", Expected(), findings)
    assert len(table) == 2
    assert {found.kind: found.count for found in findings} == {"outside_video": 1}
    (frames / "00002.png").unlink()
    check_registered("jhmdb_split1_train", Expected(), findings)
    missing = [found.examples[0][1] for found in findings if found.kind == "missing_frame"]
    assert missing == [f"clap/{frames.name}: clap/{frames.name}/00002.png"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda c: c["labels"].reverse(), "the labels differ from the 21 of JHMDB"),
        (lambda c: c["train_videos"].clear(), "no split 1 train, only 0"),
        (
            lambda c: next(iter(c["gttubes"].values())).clear(),
            "has no tube, or tubes of several actions",
        ),
    ],
)
def test_a_broken_pickle_is_one_line(small, tmp_path, change, message):
    path = publish(small, tmp_path / "act", "videos") / "JHMDB-GT.pkl"
    content = pickle.loads(path.read_bytes())
    change(content)
    path.write_bytes(pickle.dumps(content))
    for load in jhmdb.load_keyframes, jhmdb.load_videos:
        with pytest.raises(InputError, match=message) as error:
            load(path.parent, 1, "train")
        assert str(path) in str(error.value)


def test_the_actor_of_a_clip_has_one_track(shared):
    keyframes = jhmdb.load_keyframes(shared / "data" / "jhmdb", 1, "test")
    plain, tracked = keyframes[::50], keyframes.with_tracks()[::50]
    everything = keyframes.table().groupby("video", observed=True)
    for record, other in zip(tracked, plain, strict=True):
        assert record.people.boxes.tolist() == other.people.boxes.tolist()
        (track,) = record.tracks
        rows = everything.get_group(record.video)
        assert track.ticks.tolist() == rows["tick"].tolist()
        assert track.boxes.tolist() == rows[["x1", "y1", "x2", "y2"]].to_numpy().tolist()
