"""S-VideoMix against none at 16 frames of 112 pixels: the larger mate of `jhmdb_mixes.py`."""

from pathlib import Path

from ava_det.grid import Figure, Grid

MIXES = {
    "vanilla": "task.mix=null",
    "S-VideoMix": "task.mix={_target_: ava_det.augment.videomix.VideoMix, variant: spatial}",
}
# The same span of time; four times the pixels a frame and twice the frames.
LARGER = ["clip.frames=16", "clip.stride=2", "clip.short_side=112", "reader.short_side=120"]


def commands(arm: str, seed: int, run: Path) -> list[list[str]]:
    """One command a run."""
    pretrain = ["tools/pretrain.py", "--config", "configs/ablate/jhmdb_tiny.py", "--resume"]
    return [[*pretrain, "--output", str(run), f"train.seed={seed}", *LARGER, MIXES[arm]]]


grid = Grid(
    arms=list(MIXES),
    seeds=range(1),
    commands=commands,
    figures={
        "top-1 (%)": Figure("metrics.json", "recognition/top1"),
        "top-5 (%)": Figure("metrics.json", "recognition/top5"),
    },
)
