"""A small AVA of drawn frames, laid out as PySlowFast reads it: frames, frame lists, box lists.

Every picture is a formula of its number, so that a record of what another codebase made of it needs
no picture. Sizes are odd, upright, of the tested short side itself and larger than it; keyframes
are inside, near the end and beyond it.
"""

from collections.abc import Collection, Iterable
from pathlib import Path

import cv2
import numpy as np

FRAMES = 130  # of each video, 30 a second from second 900
TICKS = (902, 904, 905, 907)  # frames 60, 120, and 150 and 210, which are beyond the end
SIZES = {  # height, width
    "wide": (90, 161),
    "tall": (203, 114),
    "odd": (101, 135),
    "level": (64, 85),
    "small": (47, 64),
    "large": (361, 642),
}
LISTS = "person_box_67091280_iou90"
TRAIN_LIST = f"{LISTS}/ava_detection_train_boxes_and_labels_include_negative_v2.2.csv"
TEST_LIST = f"{LISTS}/ava_detection_val_boxes_and_labels.csv"

# box, (action, score) of each of its rows
TEST_BOXES = (
    ("0.100,0.200,0.600,0.900", (("12", "0.981"), ("80", "0.981"))),
    ("0.000,0.000,1.000,1.000", (("", "0.800000"),)),
    ("0.333,0.051,0.999,0.777", (("-1", "0.9"),)),
    ("-0.004,0.500,0.250,1.003", (("1", "0.8000001"),)),
    ("0.700,0.700,0.703,0.702", (("", "0.95"),)),
    ("0.200,0.200,0.500,0.500", (("3", "0.7999999"),)),
)
TRAIN_ROWS = (  # tick, box, action, person
    "{video},0902,0.100,0.200,0.600,0.900,12,0",
    "{video},0902,0.100,0.200,0.600,0.900,80,0",
    "{video},0902,0.500,0.100,0.900,0.800,1,1",
    "{video},0904,0.000,0.300,0.400,1.000,3,2",
)
PREDICTED_ROWS = (  # tick, box, action, score
    "{video},0902,0.101,0.201,0.601,0.899,12,0.995",
    "{video},0902,0.101,0.201,0.601,0.899,80,0.995",
    "{video},0902,0.500,0.100,0.900,0.800,17,0.91",  # the annotated box itself, one label more
    "{video},0902,0.450,0.120,0.880,0.900,,0.85",  # meets the second one, but not well
    "{video},0902,0.000,0.000,0.200,0.200,,0.79",
    "{video},0904,0.005,0.305,0.400,0.990,5,0.93",  # not what the annotated one does
    "{video},0905,0.250,0.250,0.750,1.000,,0.97",  # nobody is annotated here
    "{video},0906,0.250,0.250,0.750,1.000,,0.6",
)


def picture(number: int, height: int, width: int) -> np.ndarray:
    """(H, W, 3) uint8: waves that get finer to the right and below, and move with the number."""
    y, x, channel = np.ogrid[:height, :width, :3]
    wave = 3 * x * x + 5 * y * y + (2 + channel) * x * y
    return ((wave // 64 + 37 * number + 50 * channel) % 256).astype(np.uint8)


def path_of(video: str, frame: int) -> str:
    """Where a frame lies in the folder of frames."""
    return f"{video}/{video}_{frame + 1:06d}.png"


def write_lists(root: Path, videos: Collection[str] = SIZES, frames: int = FRAMES) -> None:
    """The lists of frames and boxes; both splits have all videos."""
    header, split = "original_vido_id video_id frame_id path labels", ("train", "val")
    lines = [
        f'{video} {number} {frame} {path_of(video, frame)} ""'
        for number, video in enumerate(videos)
        for frame in range(frames)
    ]
    tested = [
        f"{video},{tick:04d},{box},{action},{score}"
        for video in videos
        for tick in TICKS
        for box, labels in TEST_BOXES
        for action, score in labels
    ]
    for name in ("frame_lists", f"annotations/{LISTS}"):
        (root / name).mkdir(parents=True, exist_ok=True)
    for name in split:
        write(root / "frame_lists" / f"{name}.csv", [header, *lines])
    write(root / "annotations" / "ava_train_v2.2.csv", of_videos(videos, TRAIN_ROWS))
    write(root / "annotations" / TRAIN_LIST, of_videos(videos, PREDICTED_ROWS))
    write(root / "annotations" / TEST_LIST, tested)


def of_videos(videos: Iterable[str], rows: Iterable[str]) -> list[str]:
    """The rows for each video."""
    return [row.format(video=video) for video in videos for row in rows]


def write(path: Path, lines: Iterable[str]) -> None:
    """A text file."""
    path.write_text("".join(f"{line}\n" for line in lines))


def write_frames(root: Path, video: str, frames: Iterable[int]) -> None:
    """Some frames of a video, without loss."""
    (root / "frames" / video).mkdir(parents=True, exist_ok=True)
    for frame in sorted(set(frames)):
        path = root / "frames" / path_of(video, frame)
        if not path.exists():
            cv2.imwrite(str(path), picture(frame, *SIZES[video])[..., ::-1])
