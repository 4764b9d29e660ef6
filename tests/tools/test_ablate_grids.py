"""The grids that come with the project: each command is one that its tool understands."""

from pathlib import Path

import pytest
from detectron2.config import instantiate

from ava_det.grid import load_grid
from ava_det.train.run import load_config

ROOT = Path(__file__).resolve().parents[2]
GRIDS = sorted((ROOT / "configs" / "ablate").glob("*.py"))
GRIDS = [path for path in GRIDS if "grid = Grid(" in path.read_text()]


@pytest.mark.parametrize("path", GRIDS, ids=lambda path: path.stem)
def test_every_arm_is_a_config_that_can_be_built(path, tmp_path, monkeypatch):
    monkeypatch.chdir(ROOT)
    grid = load_grid(path)
    tasks = set()
    for arm in grid.arms:
        for command in grid.commands(arm, grid.seeds[0], tmp_path):
            assert (ROOT / command[0]).is_file()
            config = command[command.index("--config") + 1]
            cfg = load_config(
                config, [word for word in command if "." in word.partition("=")[0] and "=" in word]
            )
            tasks.add((arm, repr(instantiate(cfg.task).mix)))
            assert cfg.train.seed in grid.seeds
            fraction = cfg.dataloader.train.get("fraction", 1)
            assert 0 < fraction <= 1
            if "%" in arm:
                assert f"{100 * fraction:g} %" in arm
                assert cfg.train.max_iter == fraction * 1500
    assert len({mix.partition("(")[0] for _, mix in tasks}) > 2
