"""More of `jhmdb_detection.py`, one run each: the other splits, and the options of the head.

First prepare `jhmdb_detection.py`, and detect the people in the test clips of the other splits:

    for k in 2 3; do python tools/propose.py --dataset jhmdb_split${k}_test \\
        --weights yolox_nano.onnx --output runs/ablate/jhmdb_split${k}_test.csv; done
"""

import runpy
from pathlib import Path

from ava_det.ablate.grid import Grid

detection = runpy.run_path(str(Path(__file__).with_name("jhmdb_detection.py")))
mixes = runpy.run_path(str(Path(__file__).with_name("jhmdb_mixes.py")))["MIXES"]
SPLITS = {f"split {k}, {arm}": (k, arm) for k in (2, 3) for arm in detection["grid"].arms}
OPTIONS = {  # on split 1, all after the same pretraining with S-VideoMix
    "no option": [],
    "temporal maximum": ["model.temporal_max=true"],
    "without context": ["model.context=false"],
    "focal loss": [
        "model.exclusive=[]",
        "task.criterion=null",  # removes the arguments of the other loss
        "task.criterion={_target_: ava_det.model.criterion.FocalLoss, alpha: 3.0, gamma: 1.0}",
    ],
}


def commands(arm: str, seed: int, run: Path) -> list[list[str]]:
    """Pretrain on another split, or use existing weights; then do the same as the other grid."""
    if arm in OPTIONS:
        weights = detection["pretraining"]["S-VideoMix", seed]
        return detection["detect"](run, weights, seed, options=OPTIONS[arm])
    k, mix = SPLITS[arm]
    train, output = f"jhmdb_clips_split{k}_train", run / "pretrain"
    pretrain = ["tools/pretrain.py", "--config", "configs/ablate/jhmdb_tiny.py"]
    pretrain += ["--output", str(output), "--resume", f"train.seed={seed}", mixes[mix]]
    pretrain += [f"data.train={train}", f"data.test=jhmdb_clips_split{k}_test"]
    return [pretrain, *detection["detect"](run, str(output / "model.safetensors"), seed, k)]


grid = Grid(
    arms=[*SPLITS, *OPTIONS],
    seeds=range(1),
    commands=commands,
    figures=detection["figures"],
    comparisons=[
        *((f"split {k}, S-VideoMix", f"split {k}, vanilla") for k in (2, 3)),
        *((option, "no option") for option in OPTIONS if option != "no option"),
    ],
)
