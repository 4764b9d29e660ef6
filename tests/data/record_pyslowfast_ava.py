"""Record what PySlowFast's own AVA input makes of `drawn_ava` and of two real videos.

    PYTHONPATH=. python tests/data/record_pyslowfast_ava.py SLOWFAST VIDEOS OUT.json

SLOWFAST is a checkout of it, VIDEOS the folder of the real ones, whose frames our decoder takes.
Its files are run as they are; only the `__init__` of its packages, which imports what is not needed
here, is passed over.
"""

import importlib
import json
import subprocess
import sys
import tempfile
import types
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from drawn_ava import TEST_LIST, TRAIN_LIST, path_of, write_frames, write_lists
from fvcore.common.config import CfgNode
from pyslowfast_cases import CLIPS, PATHWAYS, REAL, SEQUENCES, Clip, digest

from ava_det.video.video import Video


def load(checkout: Path) -> tuple[Any, ...]:
    """Its modules `ava_dataset`, `ava_helper` and `utils`."""
    for name in ("slowfast", "slowfast.datasets", "slowfast.utils"):
        package = types.ModuleType(name)
        package.__path__ = [str(checkout.joinpath(*name.split(".")))]
        sys.modules[name] = package
    names = ("ava_dataset", "ava_helper", "utils")
    return tuple(importlib.import_module(f"slowfast.datasets.{name}") for name in names)


def config(root: Path, clip: Clip) -> CfgNode:
    """What its code looks up, with the values of its defaults."""
    data = {
        "NUM_FRAMES": clip.frames,
        "SAMPLING_RATE": clip.stride,
        "MEAN": [0.45] * 3,
        "STD": [0.225] * 3,
        "RANDOM_FLIP": True,
        "TRAIN_CROP_SIZE": clip.size,
        "TEST_CROP_SIZE": clip.size,
        "TRAIN_JITTER_SCALES": [clip.size, 2 * clip.size],
        "TRAIN_PCA_EIGVAL": [],
        "TRAIN_PCA_EIGVEC": [],
        "REVERSE_INPUT_CHANNEL": False,
    }
    ava = {
        "FRAME_DIR": str(root / "frames"),
        "FRAME_LIST_DIR": str(root / "frame_lists"),
        "ANNOTATION_DIR": str(root / "annotations"),
        "TRAIN_LISTS": ["train.csv"],
        "TEST_LISTS": ["val.csv"],
        "TRAIN_GT_BOX_LISTS": ["ava_train_v2.2.csv"],
        "TRAIN_PREDICT_BOX_LISTS": ["ava_train_v2.2.csv", TRAIN_LIST],
        "TEST_PREDICT_BOX_LISTS": [TEST_LIST],
        "DETECTION_SCORE_THRESH": 0.8,
        "BGR": clip.bgr,
        "TRAIN_USE_COLOR_AUGMENTATION": False,
        "TRAIN_PCA_JITTER_ONLY": True,
        "TEST_FORCE_FLIP": False,
        "FULL_TEST_ON_VAL": False,
        "IMG_PROC_BACKEND": clip.backend,
    }
    model = {
        "NUM_CLASSES": 80,
        "ARCH": "slowfast" if clip.alpha > 1 else "slow",
        "SINGLE_PATHWAY_ARCH": ["slow"],
        "MULTI_PATHWAY_ARCH": ["slowfast"],
    }
    parts = {"DATA": data, "AVA": ava, "MODEL": model, "SLOWFAST": {"ALPHA": clip.alpha}}
    return CfgNode(parts | {"MULTIGRID": {"SHORT_CYCLE": False}})


def record_clip(
    modules: tuple[Any, ...], root: Path, clip: Clip, write: Callable[..., None] = write_frames
) -> list[dict[str, Any]]:
    """What a data set of its makes of the keyframes of a video, whose frames `write` provides."""
    ava_dataset, _, utils = modules
    dataset = ava_dataset.Ava(config(root, clip), clip.split)
    seen = []
    for index, (video, _, second, centre) in enumerate(dataset._keyframe_indices):
        if dataset._video_idx_to_name[video] != clip.video:
            continue
        reach = clip.frames * clip.stride // 2
        frames = utils.get_sequence(centre, reach, clip.stride, len(dataset._image_paths[video]))
        write(root, clip.video, frames)
        draws: list[float] = []
        with Drawn(draws, seed=index):
            pathways, labels, _, _, extra = dataset[index]
        kept = {"draws": draws} if clip.split == "train" else {}
        seen.append(
            {
                "tick": second,
                "frames": frames,
                "relative": extra["ori_boxes"].tolist(),
                "boxes": np.asarray(extra["boxes"]).round(6).tolist(),
                "labels": [(np.flatnonzero(row) + 1).tolist() for row in labels],
                "pathways": [digest(pathway.numpy()) for pathway in pathways],
                **kept,
            }
        )
    return seen


class Drawn:
    """Seed numpy, and write down what is drawn from it: size, top, left, flip."""

    def __init__(self, draws: list[float], seed: int) -> None:
        self.draws, self.seed = draws, seed

    def __enter__(self) -> None:
        np.random.seed(self.seed)  # noqa: NPY002
        self.uniform, self.randint = np.random.uniform, np.random.randint

        def kept(function: Any) -> Any:
            def draw(*arguments: Any) -> Any:
                self.draws.append(float(function(*arguments)))
                return self.draws[-1]

            return draw

        np.random.uniform, np.random.randint = kept(self.uniform), kept(self.randint)

    def __exit__(self, *_: object) -> None:
        np.random.uniform, np.random.randint = self.uniform, self.randint


def record_real(modules: tuple[Any, ...], folder: Path, clip: Clip) -> list[dict[str, Any]]:
    """The same for a video file: of its frames, the nearest to each thirtieth of a second."""
    (path,) = folder.glob(f"{clip.video}.*")
    with Video(path) as video, tempfile.TemporaryDirectory() as root:
        count = int(video.frame_times[-1] * 30) + 1
        write_lists(Path(root), [clip.video], count)
        return record_clip(modules, Path(root), clip, partial(write_decoded, video))


def write_decoded(video: Video, root: Path, name: str, frames: list[int]) -> None:
    """Frames of a video file, without loss."""
    (root / "frames" / name).mkdir(parents=True, exist_ok=True)
    for frame, image in zip(frames, video.frames(np.array(frames) / 30), strict=True):
        cv2.imwrite(str(root / "frames" / path_of(name, frame)), image[..., ::-1])


def main(checkout: Path, videos: Path, target: Path) -> None:
    """Record everything."""
    modules = load(checkout)
    utils = modules[2]
    git = ["git", "-C", str(checkout), "rev-parse", "HEAD"]
    commit = subprocess.run(git, capture_output=True, text=True).stdout.strip()
    record: dict[str, Any] = {"source": f"facebookresearch/SlowFast {commit}"}
    record["sequences"] = [
        utils.get_sequence(centre, frames * stride // 2, stride, count)
        for centre, frames, stride, count in SEQUENCES
    ]
    import torch

    record["pathways"] = []
    for frames, alpha in PATHWAYS:
        cfg = config(Path(), Clip("wide", frames, 1, alpha, 64))
        counted = torch.arange(frames).reshape(1, frames, 1, 1)
        slow, fast = utils.pack_pathway_output(cfg, counted)
        record["pathways"].append([slow.flatten().tolist(), fast.flatten().tolist()])
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        write_lists(root)
        record["clips"] = {name: record_clip(modules, root, clip) for name, clip in CLIPS.items()}
    record["real"] = {name: record_real(modules, videos, clip) for name, clip in REAL.items()}
    target.write_text(json.dumps(record, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
