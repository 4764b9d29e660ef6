"""JHMDB as it lies in ../shared, and broken trees of it."""

import json
import logging
import shutil

import numpy as np
import pytest

from ava_det.data import jhmdb
from ava_det.structures import InputError, Keyframe


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
        ("annotations.csv", "video,frame", "frame,video", r"annotations\.csv: row 1: columns"),
        ("annotations.csv", ",3,32", ",0,32", r"annotations\.csv: row 3: .*,0,"),
        ("annotations.csv", ",3,32", ",2.5,32", r"annotations\.csv: row 3: .*,2\.5,"),
        ("splits.json", '"1"', '"4"', r"splits\.json: no split 1 train"),
        ("splits.json", "{", "[", r"splits\.json: no split 1 train"),
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
