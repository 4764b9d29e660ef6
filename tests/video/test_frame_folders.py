"""ava_det.video.frame_folders: JPEG frames read like videos."""

import pickle
from dataclasses import replace

import cv2
import numpy as np
import pytest

from ava_det.structures import InputError
from ava_det.video.frame_folders import FrameFolder, FrameFolderReader
from ava_det.video.video import VideoReader


@pytest.fixture
def folder(tmp_path) -> FrameFolder:
    """Ten frames of 40 x 60 whose colour is their number, listed but for the third."""
    lines = ["original_vido_id video_id frame_id path labels\n"]
    (tmp_path / "frames" / "v").mkdir(parents=True)
    for k in range(10):
        picture = np.zeros((40, 60, 3), np.uint8)
        picture[..., 2] = 20 * k  # red, to OpenCV
        name = f"v/v_{k:06d}.jpg"
        cv2.imwrite(str(tmp_path / "frames" / name), picture)
        if k != 2:
            lines.append(f'v 0 {k} {name} ""\n')
    (tmp_path / "list.csv").write_text("".join(lines))
    return FrameFolder(tmp_path / "frames", (tmp_path / "list.csv",), rate=10.0)


def reds(pictures: np.ndarray) -> list[int]:
    return np.rint(pictures[:, 10, 10, 0] / 20).astype(int).tolist()


def test_the_order_of_the_list_counts(folder):
    reader = FrameFolderReader([folder], VideoReader())
    path = folder.folder / "v"
    assert reader.times(path) == pytest.approx(np.arange(9) / 10)
    assert reader.size(path) == (40, 60)
    pictures = reader.frames(str(path), np.array([0.21, 0.0, 5.0, 0.2]))
    assert pictures.dtype == np.uint8
    assert pictures.shape == (4, 40, 60, 3)
    assert reds(pictures) == [3, 0, 9, 3]


@pytest.mark.parametrize(("short_side", "size"), [(20, (20, 30)), (80, (80, 120))])
def test_resized(folder, short_side, size):
    reader = FrameFolderReader([folder], VideoReader(), short_side)
    path = folder.folder / "v"
    assert reader.size(path) == size
    pictures = reader.frames(path, np.array([0.5]))
    assert pictures.shape == (1, *size, 3)
    assert reds(pictures) == [6]


def test_it_can_be_sent_to_a_worker(folder):
    reader = pickle.loads(pickle.dumps(FrameFolderReader([folder], VideoReader())))
    assert reds(reader.frames(folder.folder / "v", np.array([0.8]))) == [9]


def test_two_lists_of_one_folder(folder, tmp_path):
    """Of training and of validation, read together."""
    (tmp_path / "other.csv").write_text('title\nw 0 0 v/v_000005.jpg ""\n')
    other = replace(folder, lists=(tmp_path / "other.csv",))
    for sources in ([folder, other], [other, folder]):
        reader = FrameFolderReader(sources, VideoReader())
        assert reds(reader.frames(folder.folder / "w", np.zeros(1))) == [5]
        assert reds(reader.frames(folder.folder / "v", np.zeros(1))) == [0]


def test_other_files_go_to_the_other_reader(folder, shared):
    path = shared / "data" / "videos" / "mmaction2_demo.mp4"
    reader = FrameFolderReader([folder], VideoReader())
    assert reader.size(path) == VideoReader().size(path)
    assert len(reader.times(path)) == len(VideoReader().times(path))
    assert reader.frames(path, np.zeros(1)).shape == (1, *reader.size(path), 3)


def test_what_is_missing_or_broken_is_named(folder):
    reader = FrameFolderReader([folder], VideoReader())
    path = folder.folder / "v"
    with pytest.raises(InputError, match="no frame of video 'w' is listed"):
        reader.times(folder.folder / "w")
    (path / "v_000001.jpg").unlink()
    with pytest.raises(InputError, match=r"v_000001\.jpg: no such file"):
        reader.frames(path, np.array([0.1]))
    (path / "v_000003.jpg").write_bytes(b"no picture")
    with pytest.raises(InputError, match=r"v_000003\.jpg: not a readable picture"):
        reader.frames(path, np.array([0.2]))
    cv2.imwrite(str(path / "v_000004.jpg"), np.zeros((50, 60, 3), np.uint8))
    with pytest.raises(InputError, match=r"v_000004\.jpg: 60 x 50, unlike the first"):
        reader.frames(path, np.array([0.3]))
