"""Does a mix help a model to ignore the scene? In training, the place hints at the action.

An arm is a mix, and the share of training videos at the place of their action. The test is at any
place, and again with the same videos at the places of other actions. There are as many places as
actions, so that the sets differ only in the place of each actor. First set $DETECTRON2_DATASETS to
a new folder and run:

    python datasets/prepare_actors.py --swapped --sizes train=0 test=0 clips_test=400
    python datasets/prepare_actors.py --scene-bias 0.9 --sizes train=0 test=0 clips_test=0
"""

import json
import os
import runpy
from pathlib import Path

from ava_det.ablate.grid import Figure, Grid
from ava_det.structures import InputError

ALL = runpy.run_path(str(Path(__file__).with_name("jhmdb_mixes.py")))["MIXES"]
MIXES = {mix: ALL[mix] for mix in ("vanilla", "S-VideoMix", "T-VideoMix", "Mixup", "Cutout")}
TRAIN = {"bias 0": "actors_clips_train", "bias 0.9": "actors_biased_clips_train"}
CONFIG = "configs/ablate/actors_tiny.py"
made = Path(os.environ.get("DETECTRON2_DATASETS", "datasets"), "actors_biased", "settings.json")
if made.is_file() and (bias := json.loads(made.read_text())["scene_bias"]) != 0.9:
    raise InputError(f"{made}: these actors have a scene_bias of {bias}, not 0.9")


def commands(arm: str, seed: int, run: Path) -> list[list[str]]:
    """Return commands that train, test, and test with swapped places."""
    mix, bias = arm.split(", ")
    train, weights = run / "train", run / "train" / "model.safetensors"
    steps = [["tools/pretrain.py", "--config", CONFIG, "--output", str(train), "--resume"]]
    steps[0] += [f"train.seed={seed}", f"data.train={TRAIN[bias]}", MIXES[mix]]
    for split in ("test", "swapped"):
        test = ["tools/test.py", "--config", CONFIG, "--weights", str(weights)]
        steps.append([*test, "--output", str(run / split), f"data.test=actors_clips_{split}"])
    return steps


grid = Grid(
    arms=[f"{mix}, {bias}" for bias in TRAIN for mix in MIXES],
    seeds=range(3),
    commands=commands,
    figures={
        "top-1 (%)": Figure("test/result.json", "top1", 100),
        "top-1 (%), places swapped": Figure("swapped/result.json", "top1", 100),
        "gap": Figure("test/result.json", "top1", 100, minus="swapped/result.json"),
        "top-1 (%) while training": Figure("train/metrics.json", "recognition/top1"),
    },
    comparisons=[
        *((f"{mix}, bias 0.9", f"{mix}, bias 0") for mix in MIXES),
        *((f"{mix}, {bias}", f"vanilla, {bias}") for bias in TRAIN for mix in list(MIXES)[1:]),
    ],
    panels={bias: [f"{mix}, {bias}" for mix in MIXES] for bias in TRAIN},
)
