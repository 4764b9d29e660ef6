"""Does VideoMix pretraining help detection? The paper's table 9 on JHMDB split 1, for one CPU core.

A run fine-tunes a model that a run of `jhmdb_mixes.py` has pretrained. It tests every annotated
frame with annotated boxes and with detected boxes. First run the pretraining, and detect boxes with
a detector that was not trained on JHMDB:

    python tools/ablate.py --grid configs/ablate/jhmdb_mixes.py --output runs/ablate/jhmdb_mixes \\
        --arms vanilla S-VideoMix
    python tools/propose.py --dataset jhmdb_split1_test --weights yolox_nano.onnx \\
        --output runs/ablate/jhmdb_split1_test.csv
"""

from collections.abc import Sequence
from pathlib import Path

from ava_det.ablate.grid import Figure, Grid, load_grid, runs_of

CONFIG = "configs/ablate/jhmdb_detection_tiny.py"
PRETRAINED = Path("runs/ablate/jhmdb_mixes")
BOXES = "runs/ablate/jhmdb_split%d_test.csv"
SCORE = "0.3"  # the least person score
MEASURES = {
    "frame-mAP@0.5": "mAP",
    "video-mAP@0.2": "video_mAP/mAP/0.2",
    "video-mAP@0.5": "video_mAP/mAP/0.5",
}
pretraining = {
    (run.arm, run.seed): str(PRETRAINED / run.folder.name / "model.safetensors")
    for run in runs_of(load_grid(Path(__file__).with_name("jhmdb_mixes.py")), PRETRAINED)
}


def detect(
    run: Path, weights: str, seed: int, split: int = 1, options: Sequence[str] = ()
) -> list[list[str]]:
    """Return commands that fine-tune weights and test on annotated and on detected boxes."""
    data = [f"data.{part}=jhmdb_split{split}_{part}" for part in ("train", "test")]
    recipe = [*data, *options]
    finetune = ["tools/finetune.py", "--config", CONFIG, "--output", str(run / "finetune")]
    test = ["tools/test.py", "--config", CONFIG, "--video-map"]
    test += ["--weights", str(run / "finetune" / "model.safetensors")]
    every = "test.loader.records.every=1"
    detected = ["--proposals", BOXES % split, "--threshold", SCORE]
    return [
        [*finetune, "--weights", weights, "--resume", f"train.seed={seed}", *recipe],
        [*test, "--output", str(run / "annotated"), *recipe, every],
        [*test, "--output", str(run / "detected"), *detected, *recipe, every],
    ]


def commands(arm: str, seed: int, run: Path) -> list[list[str]]:
    """Return the commands of a run, without the pretraining."""
    return detect(run, pretraining[arm, seed], seed)


figures = {
    f"{name}, {boxes} boxes (%)": Figure(f"{boxes}/result.json", key, 100)
    for boxes in ("annotated", "detected")
    for name, key in MEASURES.items()
}
grid = Grid(arms=["vanilla", "S-VideoMix"], seeds=range(3), commands=commands, figures=figures)
