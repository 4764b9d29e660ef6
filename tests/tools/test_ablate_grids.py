"""The grids that come with the project: each command is one that its tool understands."""

from pathlib import Path

import pytest
from detectron2.config import instantiate

from ava_det.grid import load_grid
from ava_det.train.run import load_config

ROOT = Path(__file__).resolve().parents[2]
GRIDS = sorted((ROOT / "configs" / "ablate").glob("*.py"))
GRIDS = [path for path in GRIDS if "grid = Grid(" in path.read_text()]


MIXES = {  # of the arms, by the first words of their names
    "vanilla": ("NoneType", None),
    "S-VideoMix": ("VideoMix", "spatial"),
    "ST-VideoMix": ("VideoMix", "spatiotemporal"),
    "T-VideoMix": ("VideoMix", "temporal"),
    "per-frame": ("VideoMix", "per_frame"),
    "Mixup": ("Mixup", None),
    "Cutout": ("Cutout", None),
}


@pytest.mark.parametrize("path", GRIDS, ids=lambda path: path.stem)
def test_every_arm_is_what_it_is_called(path, tmp_path, monkeypatch):
    monkeypatch.chdir(ROOT)
    grid = load_grid(path)
    for arm in grid.arms:
        for tool, *words in grid.commands(arm, grid.seeds[1], tmp_path):
            assert (ROOT / tool).is_file()
            overrides = [word for word in words if "=" in word]
            cfg = load_config(words[words.index("--config") + 1], overrides)
            if tool != "tools/pretrain.py":
                continue
            assert cfg.train.seed == grid.seeds[1]
            mix = instantiate(cfg.task).mix
            assert (type(mix).__name__, getattr(mix, "variant", None)) == MIXES[arm.split(", ")[0]]
            assert getattr(mix, "probability", 1) == 1
            assert getattr(mix, "alpha", 1) == 1
            percent = 100 * cfg.dataloader.train.get("fraction", 1)
            assert (f", {percent:g} %" in arm) == (percent < 100)
            if path.stem == "jhmdb_mixes":
                assert cfg.train.max_iter == 1500 * percent / 100
            if path.stem == "scene_bias":
                assert ("biased" in cfg.dataloader.train.dataset) == arm.endswith("bias 0.9")
