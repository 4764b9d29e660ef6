"""Every arm of the grids trains with the mix that it is named for."""

import runpy
from pathlib import Path

import pytest
from detectron2.config import instantiate

from ava_det.augment.mixes import Cutout, Mixup
from ava_det.augment.videomix import VideoMix
from ava_det.train.run import load_config

ROOT = Path(__file__).resolve().parents[2]
MIXES = {
    "vanilla": (type(None), None),
    "S-VideoMix": (VideoMix, "spatial"),
    "S-VideoMix, 25 %": (VideoMix, "spatial"),
    "ST-VideoMix": (VideoMix, "spatiotemporal"),
    "T-VideoMix": (VideoMix, "temporal"),
    "per-frame": (VideoMix, "per_frame"),
    "Mixup": (Mixup, None),
    "Cutout": (Cutout, None),
}


@pytest.mark.parametrize("arm", MIXES)
def test_mix_of_an_arm(arm):
    grid = runpy.run_path(str(ROOT / "configs" / "ablate" / "jhmdb_mixes.py"))["grid"]
    assert arm in grid.arms
    (command,) = grid.commands(arm, 3, Path("run"))
    overrides = [word for word in command[1:] if "=" in word]
    cfg = load_config(str(ROOT / command[command.index("--config") + 1]), overrides)
    mix = instantiate(cfg.task).mix
    expected, variant = MIXES[arm]
    assert type(mix) is expected
    assert getattr(mix, "variant", None) == variant
    assert cfg.train.seed == 3
