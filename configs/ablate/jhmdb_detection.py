"""Does VideoMix pretraining help detection? The paper's table 9 on JHMDB split 1, for one core.

A run pretrains with or without S-VideoMix, fine-tunes, and tests every annotated frame with
annotated and with detected boxes. Before it, once, the people whom all runs are tested on:

    python tools/propose.py --train --dataset jhmdb_split1_train --output runs/ablate/persons
    python tools/propose.py --dataset jhmdb_split1_test \\
        --weights runs/ablate/persons/model.safetensors --output runs/ablate/jhmdb_boxes.csv
"""

from pathlib import Path

from ava_det.grid import Figure, Grid

PRETRAIN, FINETUNE = "configs/ablate/jhmdb_tiny.py", "configs/ablate/jhmdb_detection_tiny.py"
MIXES = {
    "vanilla": "task.mix=null",
    "S-VideoMix": "task.mix={_target_: ava_det.augment.videomix.VideoMix, variant: spatial}",
}
# The paper's confidence of a person.
DETECTED = ["--proposals", "runs/ablate/jhmdb_boxes.csv", "--threshold", "0.8"]


def commands(arm: str, seed: int, run: Path) -> list[list[str]]:
    """Pretrain, fine-tune, test on annotated boxes, test on detected ones."""

    def command(tool: str, config: str, step: str, *rest: str) -> list[str]:
        return [f"tools/{tool}.py", "--config", config, "--output", str(run / step), *rest]

    train = ["--resume", f"train.seed={seed}"]
    backbone = ["--weights", str(run / "pretrain" / "model.safetensors")]
    detector = ["--weights", str(run / "finetune" / "model.safetensors"), "--video-map"]
    every = "test.loader.records.every=1"
    return [
        command("pretrain", PRETRAIN, "pretrain", *train, MIXES[arm]),
        command("finetune", FINETUNE, "finetune", *backbone, *train),
        command("test", FINETUNE, "annotated", *detector, every),
        command("test", FINETUNE, "detected", *detector, *DETECTED, every),
    ]


def figure(boxes: str, key: str) -> Figure:
    """A figure of a test, in percent."""
    return Figure(f"{boxes}/result.json", key, 100)


grid = Grid(
    arms=list(MIXES),
    seeds=range(3),
    commands=commands,
    figures={
        f"{name}, {boxes} boxes (%)": figure(boxes, key)
        for boxes in ("annotated", "detected")
        for name, key in (
            ("frame-mAP@0.5", "mAP"),
            ("video-mAP@0.2", "video_mAP/mAP/0.2"),
            ("video-mAP@0.5", "video_mAP/mAP/0.5"),
        )
    }
    | {"top-1 in pretraining (%)": Figure("pretrain/metrics.json", "recognition/top1")},
)
