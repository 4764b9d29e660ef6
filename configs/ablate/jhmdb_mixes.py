"""Compare mixes for recognition on JHMDB split 1, and S-VideoMix with less data.

The rows are those of the paper's comparison and of the paper's table of data fractions. The models
are small enough for one CPU core.
"""

from pathlib import Path

from ava_det.ablate.grid import Figure, Grid

VIDEO_MIX = "task.mix={_target_: ava_det.augment.videomix.VideoMix, variant: %s}"
MIXES = {
    "vanilla": "task.mix=null",
    "S-VideoMix": VIDEO_MIX % "spatial",
    "Mixup": "task.mix={_target_: ava_det.augment.mixes.Mixup}",
    "Cutout": "task.mix={_target_: ava_det.augment.mixes.Cutout}",
    "ST-VideoMix": VIDEO_MIX % "spatiotemporal",
    "T-VideoMix": VIDEO_MIX % "temporal",
    "per-frame": VIDEO_MIX % "per_frame",
}
STEPS = 1200
FRACTIONS = (25, 50)  # percent; the number of epochs stays the same, so there are fewer steps


def overrides(arm: str) -> list[str]:
    """Return the overrides of an arm, which is "MIX" or "MIX, 25 %"."""
    mix, _, percent = arm.removesuffix(" %").partition(", ")
    if not percent:
        return [MIXES[mix]]
    steps = STEPS * int(percent) // 100
    fraction = f"dataloader.train.records.fraction={int(percent) / 100}"
    return [MIXES[mix], fraction, f"train.max_iter={steps}", f"train.eval_period={steps // 6}"]


def commands(arm: str, seed: int, run: Path) -> list[list[str]]:
    """Return the only command of a run."""
    config = "configs/ablate/jhmdb_tiny.py"
    pretrain = ["tools/pretrain.py", "--config", config, "--output", str(run), "--resume"]
    return [[*pretrain, f"train.seed={seed}", *overrides(arm)]]


parts = [f"{mix}, {percent} %" for percent in FRACTIONS for mix in ("vanilla", "S-VideoMix")]
grid = Grid(
    arms=[*MIXES, *parts],
    seeds=range(5),
    commands=commands,
    figures={
        "top-1 (%)": Figure("metrics.json", "recognition/top1"),
        "top-5 (%)": Figure("metrics.json", "recognition/top5"),
    },
    comparisons=[
        *((mix, "vanilla") for mix in MIXES if mix != "vanilla"),
        # The paper's order of the variants: S > ST > T > per-frame.
        ("S-VideoMix", "ST-VideoMix"),
        ("ST-VideoMix", "T-VideoMix"),
        ("T-VideoMix", "per-frame"),
        *((f"S-VideoMix, {percent} %", f"vanilla, {percent} %") for percent in FRACTIONS),
    ],
    panels={"mixes": list(MIXES), "less data": [*parts, "vanilla", "S-VideoMix"]},
)
