"""Real videos laid out as published sets: resized, listed, gone on with, broken ones left out."""

import csv
import shutil
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from ava_det.data.prepare.published import Annotations, WantedVideo
from ava_det.data.prepare.recognition import KEY_FRAMES, Resizing, find_videos, prepare, resize
from ava_det.data.sets.recognition_sets import load_class_map, load_videos
from ava_det.formats.lock import take
from ava_det.structures import InputError
from ava_det.video.files import files_by_stem
from ava_det.video.video import Video
from ava_det.video.writer import VideoWriter


def wanted(*names: str) -> list[WantedVideo]:
    return [WantedVideo((name,), k % 2) for k, name in enumerate(names)]


@pytest.fixture
def videos(shared, tmp_path):
    """`run/daria_run.avi`, `wave1/daria_wave1.avi` (180 x 144), and a UCF101 video (320 x 240)."""
    folder = tmp_path / "source"
    for name in ("run/daria_run.avi", "wave1/daria_wave1.avi"):
        (folder / name).parent.mkdir(parents=True)
        shutil.copy(shared / "data" / "weizmann" / name, folder / name)
    shutil.copy(shared / "data" / "ucf24" / "videos" / "v_Biking_g01_c02.avi", folder)
    return folder


def stamp(root: Path) -> dict[str, int]:
    return {path.name: path.stat().st_mtime_ns for path in root.rglob("*.mp4")}


def test_a_set_is_made_and_gone_on_with(videos, tmp_path):
    root = tmp_path / "set"
    (videos / "run" / "torn.avi").write_bytes(
        (videos / "run" / "daria_run.avi").read_bytes()[:9000]
    )
    lists = {
        "train": wanted("run/daria_run", "v_Biking_g01_c02", "nowhere"),
        "val": wanted("daria_wave1", "torn"),
    }
    annotations = Annotations(("walk", "run"), lists)
    outcome = prepare(annotations, videos, root, Resizing(120), workers=2)
    assert outcome.listed == {"train": 2, "val": 1}
    assert outcome.wanted == {"train": 3, "val": 2}
    with (root / "left_out.csv").open(newline="") as file:
        rows = list(csv.reader(file))[1:]
    assert [row[:2] for row in rows] == [["train", "nowhere"], ["val", "torn"]]
    assert rows[0][2] == "missing"
    assert "torn.avi" in rows[1][2]
    records = load_videos(root / "train.csv")
    assert [record.label for record in records] == [0, 1]
    assert list(load_class_map(root / "val.csv").names.values()) == ["walk", "run"]
    for record, source in zip(records, ("run/daria_run.avi", "v_Biking_g01_c02.avi"), strict=True):
        with Video(record.path) as made, Video(videos / source, 120) as whole:
            np.testing.assert_allclose(made.frame_times, whole.frame_times, atol=1e-4)
            assert (made.height, made.width) == (whole.height, whole.width + whole.width % 2)
            times = whole.frame_times[[0, len(whole) // 2]]
            error = np.abs(
                made.frames(times)[:, :, : whole.width].astype(float) - whole.frames(times)
            )
            assert error.mean() < 4

    before = stamp(root)
    victim = next(root.rglob("daria_run.mp4"))
    victim.unlink()
    leftovers = [victim.with_name(f".{digit * 32}.mp4") for digit in "ab"]
    for path in leftovers:
        path.write_text("half")
    with take(leftovers[1]):  # as a living process does; that of the other was killed
        prepare(annotations, videos, root, Resizing(120), workers=1)
    assert [path.exists() for path in leftovers] == [False, True]
    leftovers[1].unlink()
    after = stamp(root)
    assert after.keys() == before.keys()
    assert {name for name in after if after[name] != before[name]} == {"daria_run.mp4"}
    with pytest.raises(InputError, match=r"settings\.json: made with short_side 120, not 100"):
        prepare(annotations, videos, root, Resizing(100), workers=1)


def test_a_small_video_is_not_enlarged_and_can_be_entered_anywhere(videos, tmp_path):
    made = tmp_path / "deep" / "made.mp4"
    assert resize(videos / "v_Biking_g01_c02.avi", made, Resizing(4000)) == ""
    with Video(made) as video:
        assert (video.height, video.width) == (240, 320)
    with av.open(made) as file:
        keys = [k for k, packet in enumerate(file.demux(video=0)) if packet.is_keyframe]
        assert max(np.diff(keys)) <= KEY_FRAMES


def test_lists_of_videos_as_they_lie(videos, tmp_path):
    root = tmp_path / "set"
    annotations = Annotations(("a", "b"), {"train": wanted("daria_run", "wave1/daria_wave1")})
    prepare(annotations, videos, root, None)
    paths = [record.path for record in load_videos(root / "train.csv")]
    assert paths == [str(videos / "run/daria_run.avi"), str(videos / "wave1/daria_wave1.avi")]
    assert not list(root.rglob("*.mp4"))


def test_a_list_has_a_file_once(videos, tmp_path):
    """Two segments of a video that was never cut are one file, which its list can hold once."""
    root = tmp_path / "set"
    rows = [
        WantedVideo(("daria_run_000010_000020", "daria_run"), 0),
        WantedVideo(("daria_run_000030_000040", "daria_run"), 1),
    ]
    outcome = prepare(Annotations(("a", "b"), {"train": rows, "val": rows[1:]}), videos, root, None)
    assert outcome.listed == {"train": 1, "val": 1}
    path = videos / "run" / "daria_run.avi"
    reason = f"{path} is listed already"
    assert outcome.left_out == [("train", "daria_run_000030_000040", reason)]
    assert [record.label for record in load_videos(root / "train.csv")] == [0]


def test_folders_of_pictures_become_videos(tmp_path):
    folder = tmp_path / "frames" / "v_01"
    folder.mkdir(parents=True)
    for k in range(5):
        picture = np.full((60, 80, 3), (200, 100, 40 * k), np.uint8)  # BGR
        cv2.imwrite(str(folder / f"img_{k + 1:05d}.png"), picture)
    annotations = Annotations(("a", "b"), {"train": wanted("v_01")})
    prepare(annotations, tmp_path / "frames", tmp_path / "set", Resizing(40, rate=10), workers=1)
    with Video(load_videos(tmp_path / "set" / "train.csv")[0].path) as video:
        np.testing.assert_allclose(video.frame_times, np.arange(5) / 10, atol=1e-4)
        seen = video.frames(video.frame_times)
    assert seen.shape[1:] == (40, 54, 3)  # 53.3 columns, made even
    np.testing.assert_allclose(seen.mean((1, 2))[:, 0], 40 * np.arange(5), atol=4)
    (folder / "img_00003.png").write_bytes(b"no picture")
    assert "img_00003.png: not a readable picture" in resize(folder, tmp_path / "x.mp4", Resizing())
    assert not (tmp_path / "x.mp4").exists()


def test_a_file_is_found_by_the_end_of_its_path(tmp_path):
    for name in ("b/x.mp4", "a/x.avi", "a/c/y.WEBM", "a/note.txt", "a/.hidden.mp4"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("")
    (tmp_path / "a" / "loop").symlink_to(tmp_path)
    found = {
        name: [str(path.relative_to(tmp_path)) for path in paths]
        for name, paths in find_videos(tmp_path).items()
    }
    assert found == {
        "x": ["a/x.avi", "b/x.mp4"],
        "a/x": ["a/x.avi"],
        "b/x": ["b/x.mp4"],
        "y": ["a/c/y.WEBM"],
        "c/y": ["a/c/y.WEBM"],
        "a/c/y": ["a/c/y.WEBM"],
    }


@pytest.mark.holds("13.12 two inputs with one stem do not collide: recognition sets")
def test_of_two_files_of_one_name_none_is_taken_silently(videos, tmp_path):
    shutil.copy(videos / "run" / "daria_run.avi", videos / "wave1" / "daria_run.avi")
    annotations = Annotations(("a", "b"), {"train": wanted("daria_run", "run/daria_run")})
    outcome = prepare(annotations, videos, tmp_path / "set", None)
    both = ", ".join(str(videos / name / "daria_run.avi") for name in ("run", "wave1"))
    assert outcome.left_out == [("train", "daria_run", f"2 files have this name: {both}")]
    (record,) = load_videos(tmp_path / "set" / "train.csv")
    assert record.path == str(videos / "run" / "daria_run.avi")
    with pytest.raises(InputError, match=r"wave1/daria_run.avi: .*run/daria_run.avi has the same"):
        files_by_stem(videos)


@pytest.mark.holds("13.7 pixels: non-square ones, in the videos that prepare_recognition writes")
def test_pixels_keep_their_shape(tmp_path):
    wide = Fraction(16, 11)
    with VideoWriter(tmp_path / "source.mp4", 60, 80, 25, aspect=wide) as writer:
        for level in range(3):
            writer.write(np.full((60, 80, 3), 80 * level, np.uint8))
    made = tmp_path / "made.mp4"
    assert resize(tmp_path / "source.mp4", made, Resizing(30)) == ""
    with Video(made) as video:
        assert (video.height, video.width, video.index.aspect) == (30, 40, wide)


def test_nothing_found_is_one_line(tmp_path):
    annotations = Annotations(("a", "b"), {"train": wanted("x")})
    with pytest.raises(InputError, match="holds no video of the lists, such as x"):
        prepare(annotations, tmp_path, tmp_path / "set", None)
