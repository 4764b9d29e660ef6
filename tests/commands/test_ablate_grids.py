"""The grids that come with the project: each command is one that its tool understands."""

from pathlib import Path

import pytest
from detectron2.config import instantiate
from lanes import slow_but

from ava_det.ablate.grid import load_grid, runs_of
from ava_det.structures import InputError
from ava_det.train.config import load_config

ROOT = Path(__file__).resolve().parents[2]
GRIDS = sorted((ROOT / "configs" / "ablate").glob("*.py"))
GRIDS = [path for path in GRIDS if "grid = Grid(" in path.read_text()]


MIXES = {  # of the arms, by a part of their names
    "vanilla": ("NoneType", None),
    "S-VideoMix": ("VideoMix", "spatial"),
    "ST-VideoMix": ("VideoMix", "spatiotemporal"),
    "T-VideoMix": ("VideoMix", "temporal"),
    "per-frame": ("VideoMix", "per_frame"),
    "Mixup": ("Mixup", None),
    "Cutout": ("Cutout", None),
}


@pytest.mark.parametrize(
    "path", slow_but(GRIDS, lambda path: path.stem == "jhmdb_mixes", lambda path: path.stem)
)
def test_every_arm_is_what_it_is_called(path, tmp_path, monkeypatch):
    monkeypatch.chdir(ROOT)
    grid = load_grid(path)
    for arm in grid.arms:
        for tool, *words in grid.commands(arm, grid.seeds[-1], tmp_path):
            assert (ROOT / tool).is_file()
            overrides = [word for word in words if "=" in word]
            cfg = load_config(words[words.index("--config") + 1], overrides)
            if tool != "tools/pretrain.py":
                continue
            assert cfg.train.seed == grid.seeds[-1]
            mix = instantiate(cfg.task).mix
            named = next(MIXES[part] for part in arm.split(", ") if part in MIXES)
            assert (type(mix).__name__, getattr(mix, "variant", None)) == named
            assert getattr(mix, "probability", 1) == 1
            assert getattr(mix, "alpha", 1) == 1
            percent = 100 * cfg.dataloader.train.records.fraction
            assert (f", {percent:g} %" in arm) == (percent < 100)
            if path.stem == "jhmdb_mixes":
                assert cfg.train.max_iter == 1200 * percent / 100
            if path.stem == "scene_bias":
                assert ("biased" in cfg.data.train) == arm.endswith("bias 0.9")


@pytest.mark.parametrize(
    "name", slow_but(["jhmdb_detection", "jhmdb_detection_once"], "jhmdb_detection".__eq__)
)
def test_detection_has_one_split_and_what_was_pretrained_on_it(name, tmp_path, monkeypatch):
    monkeypatch.chdir(ROOT)
    grid = load_grid(ROOT / "configs" / "ablate" / f"{name}.py")
    mixes = load_grid(ROOT / "configs" / "ablate" / "jhmdb_mixes.py")
    known = {(run.arm, run.seed): run.folder.name for run in runs_of(mixes, tmp_path)}
    for arm in grid.arms:
        seed = grid.seeds[-1]
        *pretrain, finetune, annotated, detected = grid.commands(arm, seed, tmp_path)
        split = arm.split(",")[0].removeprefix("split ") if "split" in arm else "1"
        for command in [*pretrain, finetune, annotated, detected]:
            config = command[command.index("--config") + 1]
            cfg = load_config(config, [word for word in command if "=" in word])
            clips = "clips_" if command in pretrain else ""
            assert cfg.data.train == f"jhmdb_{clips}split{split}_train"
            assert cfg.data.test == f"jhmdb_{clips}split{split}_test"
            instantiate(cfg.task)
        weights = Path(finetune[finetune.index("--weights") + 1])
        if pretrain:
            assert weights == tmp_path / "pretrain" / "model.safetensors"
        else:
            mix = arm if arm in MIXES else "S-VideoMix"
            assert weights == Path("runs/ablate/jhmdb_mixes", known[mix, seed], "model.safetensors")
        assert f"split{split}_test" in detected[detected.index("--proposals") + 1]
        assert "--proposals" not in annotated


@pytest.mark.parametrize("name", ["ablate/jhmdb_mixes.py", "configs/ablate/jhmdb_mixes.py"])
def test_a_grid_of_the_package_has_a_name_in_any_folder(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert (
        load_grid(Path(name)).arms == load_grid(ROOT / "configs" / "ablate" / Path(name).name).arms
    )
    wrong = Path("ablate/jhmdb_mixs.py")
    with pytest.raises(InputError, match=r"no such grid \(did you mean ablate/jhmdb_mixes\.py\?\)"):
        load_grid(wrong)


def test_actors_of_another_bias_are_refused(tmp_path, monkeypatch):
    monkeypatch.setenv("DETECTRON2_DATASETS", str(tmp_path))
    settings = tmp_path / "actors_biased" / "settings.json"
    settings.parent.mkdir()
    path = ROOT / "configs" / "ablate" / "scene_bias.py"
    settings.write_text('{"scene_bias": 0.9}')
    assert load_grid(path).arms
    settings.write_text('{"scene_bias": 0.5}')
    with pytest.raises(InputError, match=r"settings\.json: .* scene_bias of 0\.5"):
        load_grid(path)


@pytest.mark.holds("13.1 tables of runs in bfloat16 are marked as doubtful")
def test_tables_of_bfloat16_runs_are_marked():
    sections = (ROOT / "docs" / "results.md").read_text().split("\n## ")
    of_grids = [part for part in sections if "configs/ablate/" in part and "bfloat16" in part]
    for section in of_grids:
        assert "**Doubtful:**" in section, section.splitlines()[0]
    if of_grids:
        assert "doubtful" in (ROOT / "README.md").read_text()
