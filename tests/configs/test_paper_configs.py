"""Every command of docs/paper_configs.md: its config, its recipe, its mix and its model."""

import functools
import re
import shlex
from pathlib import Path

import numpy as np
import pytest
import torch
from detectron2.config import instantiate
from lanes import slow_but
from made_sets import replace

from ava_det import commands
from ava_det.augment.mixes import Cutout, Mixup, RandAugment, Stack
from ava_det.augment.videomix import VideoMix
from ava_det.data.sets import recognition_sets
from ava_det.data.sets.catalog import datasets_root, get_dataset, register_all
from ava_det.structures import LabelledVideo
from ava_det.train.config import load_config

ROOT = Path(__file__).resolve().parents[2]
DOC = (ROOT / "docs" / "paper_configs.md").read_text()
ROWS = re.findall(r"^\| (.+?) \| `ava-det (pretrain .+?)` \| (.+?) \|$", DOC, re.MULTILINE)
COMMANDS = {command.split("runs/")[1].split()[0]: command for _, command, _ in ROWS}
STEMS = {run: Path(shlex.split(command)[2]).stem for run, command in COMMANDS.items()}
FAST = "mini_kinetics_slowfast_r50_8x8"
every_command = pytest.mark.parametrize("run", slow_but(COMMANDS, lambda run: STEMS[run] == FAST))
every_config = pytest.mark.parametrize("stem", slow_but(sorted({*STEMS.values()}), FAST.__eq__))

# Data set: classes, videos of its training set, epochs, LR.
DATA = {
    "kinetics400": (400, 240_000, 250, 0.1),
    "mini_kinetics200": (200, 80_000, 250, 0.1),
    "something_v2": (174, 168_913, 40, 0.01),
    "hmdb51": (51, 3_570, 40, 0.01),
    "ucf101": (101, 9_537, 40, 0.01),
}
# End of a config's name: architecture, frames, stride, millions of parameters in the literature;
# SlowOnly-34 has ResNet-34's 21.3 and, for kernels of 3 frames, twice the 9.1 of those once more.
MODELS = {
    "slowonly_r34_8x8": ("slow_r34", 8, 8, 39.6),
    "slowonly_r50_8x8": ("slow_r50", 8, 8, 32),
    "slowonly_r50_4x16": ("slow_r50", 4, 16, 32),
    "slowfast_r50_8x8": ("slowfast_r50", 32, 2, 34),
    "ip_csn_r50_8x8": ("ip_csn_r50", 8, 8, 14),
    "i3d_r50_8x8": ("i3d_r50", 8, 8, 27),
}
# End of a run's name: type and settings of the mix.
DEFAULT = dict(variant="spatial", alpha=1.0, probability=1.0, videos=2)
MIXES = {
    "vanilla": (type(None), {}),
    "videomix": (VideoMix, DEFAULT),
    "mixup": (Mixup, dict(alpha=1.0, probability=1.0)),
    "randaugment": (RandAugment, dict(probability=1.0)),
    "cutout": (Cutout, dict(share=(1, 112 / 224, 112 / 224), probability=1.0)),
    "cutmix": (VideoMix, DEFAULT | dict(variant="spatiotemporal")),
    "temporal": (VideoMix, DEFAULT | dict(variant="temporal")),
    "spatiotemporal": (VideoMix, DEFAULT | dict(variant="spatiotemporal")),
    "per_frame": (VideoMix, DEFAULT | dict(variant="per_frame")),
    "alpha0.2": (VideoMix, DEFAULT | dict(alpha=0.2)),
    "alpha0.5": (VideoMix, DEFAULT | dict(alpha=0.5)),
    "alpha2": (VideoMix, DEFAULT | dict(alpha=2)),
    "probability0.5": (VideoMix, DEFAULT | dict(probability=0.5)),
    "3videos": (VideoMix, DEFAULT | dict(videos=3)),
    "4videos": (VideoMix, DEFAULT | dict(videos=4)),
    "videomix_cutout": (Stack, [Cutout, VideoMix]),
    "videomix_randaugment": (Stack, [RandAugment, VideoMix]),
    "videomix_cutout_randaugment": (Stack, [RandAugment, Cutout, VideoMix]),
}


@pytest.fixture(scope="module", autouse=True)
def classes_of_the_sets(tmp_path_factory):
    """The files of class names, which a run finds beside its lists of videos."""
    root = tmp_path_factory.mktemp("datasets")
    for name, (classes, *_) in DATA.items():
        (root / name).mkdir()
        (root / name / "classes.txt").write_text("".join(f"{name} {k}\n" for k in range(classes)))
    register_all()
    replace(*recognition_sets.datasets(root))
    yield
    replace(*recognition_sets.datasets(datasets_root()))


@functools.cache
def parsed(run: str):
    """The config of a run with its overrides, the config's name and the rest of the run's."""
    tool, _, config, _, output, *overrides = shlex.split(COMMANDS[run])
    assert tool in commands.COMMANDS
    assert output == f"runs/{run}"
    stem = Path(config).stem
    return load_config(config, overrides), stem, run.removeprefix(f"{stem}_")


def model_of(stem: str) -> tuple[str, int, int, int]:
    return next(model for end, model in MODELS.items() if stem.endswith(end))


def test_the_tables_are_complete():
    """Comparison, ablation, fractions, stacks, Kinetics, other models, Something, HMDB and UCF."""
    assert len(ROWS) == 6 + 10 + 8 + 3 + 6 + 6 + 4 + 12
    assert {command for _, command, _ in ROWS} == set(COMMANDS.values()), "one run, one command"
    figures = {figure for *_, figure in ROWS}
    assert {"77.6 / 93.5", "71.9 / 91.4", "31.2", "73.5", "76.6 / 92.6", "66.9"} <= figures


@every_command
def test_the_mix_is_the_one_of_the_row(run):
    cfg, _, arm = parsed(run)
    kind, settings = MIXES[re.sub(r"_(10|25|50|split\d)$", "", arm)]
    mix = instantiate(cfg.task).mix
    assert type(mix) is kind
    if kind is Stack:
        assert [type(part) for part in mix.mixes] == settings
        assert vars(mix.mixes[-1]).items() >= DEFAULT.items()
        return
    for setting, value in settings.items():
        assert getattr(mix, setting) == value
    if kind is RandAugment:
        assert (mix.augment.num_ops, mix.augment.magnitude) == (2, 9)


@every_command
def test_the_recipe_is_the_papers(run):
    cfg, stem, arm = parsed(run)
    train = cfg.dataloader.train
    dataset = next(name for name in DATA if cfg.data.train.startswith(name))
    assert stem.startswith(dataset.removesuffix("200"))
    classes, videos, epochs, lr = DATA[dataset]
    assert cfg.model.num_classes == cfg.task.num_classes == classes
    part = re.search(r"_(10|25|50)$", arm)
    fraction = int(part[1]) / 100 if part else 1.0
    assert train.records.fraction == fraction
    assert train.batch_size == 64
    assert cfg.train.max_iter == pytest.approx(epochs * videos * fraction / 64, abs=0.5)
    assert cfg.optimizer.lr == lr
    assert (cfg.optimizer.momentum, cfg.optimizer.weight_decay) == (0.9, 1e-4)
    assert cfg.optimizer.params.weight_decay_norm == 0
    assert cfg.model.dropout == 0.5
    assert cfg.task.criterion.label_smoothing == 0
    split = re.search(r"_split\d$", arm)
    halves = (f"{split[0]}_train", f"{split[0]}_test") if split else ("_train", "_val")
    assert (cfg.data.train, cfg.data.test) == (dataset + halves[0], dataset + halves[1])
    assert get_dataset(cfg.data.train).name == cfg.data.train
    assert get_dataset(cfg.data.test).name == cfg.data.test
    assert bool(cfg.train.init) == (dataset in ("something_v2", "hmdb51", "ucf101"))


@every_command
def test_the_learning_rate_over_the_epochs(run):
    cfg, *_ = parsed(run)
    schedule = instantiate(cfg.lr_multiplier)
    if cfg.optimizer.lr == 0.01:
        for epoch, factor in [
            (0, 1),
            (25.9, 1),
            (26.1, 0.1),
            (32.9, 0.1),
            (33.1, 0.01),
            (39, 0.01),
        ]:
            assert schedule(epoch / 40) == pytest.approx(factor)
        return
    cosine = [0.5 * (1 + np.cos(np.pi * epoch / 250)) for epoch in range(251)]
    assert schedule(0) == pytest.approx(0.1)  # 0.01 of 0.1
    assert schedule(17 / 250) == pytest.approx((0.1 + cosine[34]) / 2)
    for epoch in (35, 100, 200, 249):
        assert schedule(epoch / 250) == pytest.approx(cosine[epoch])


class StillVideo:
    """A reader of a video of 300 frames at 30 a second, 340 x 256, that notes what is asked for."""

    def __init__(self):
        self.asked = []

    def times(self, path):
        return np.arange(300) / 30

    def frames(self, path, times):
        self.asked.append(np.rint(np.asarray(times) * 30).astype(int))
        return np.zeros((len(times), 256, 340, 3), np.uint8)


@every_config
def test_what_the_model_is_shown(stem):
    """Frames of the clip, crops and views, from the mappers of the config."""
    cfg = load_config(str(ROOT / "configs" / "pretrain" / f"{stem}.py"), [])
    _, frames, stride, _ = model_of(stem)
    reader, record = StillVideo(), LabelledVideo("v", "v.mp4", 0)
    train = instantiate(cfg.dataloader.train.mapper)
    test = instantiate(cfg.test.loader.mapper)
    train.reader = test.reader = reader
    sample = train(record, np.random.default_rng(0))
    assert sample.clips.shape == (1, 3, frames, 224, 224)
    something = stem.startswith("something")
    if something:
        edges = np.linspace(0, 300, frames + 1)
        assert (reader.asked[0] >= np.floor(edges[:-1])).all()
        assert (reader.asked[0] <= edges[1:]).all()
    else:
        np.testing.assert_allclose(np.diff(reader.asked[0]), stride, atol=1)
        assert train.window == 64
    geometry = cfg.dataloader.train.mapper.transform
    assert (geometry.lowest, geometry.highest, geometry.size) == (256, 320, 224)
    assert geometry.get("flip", True) == (not something)
    assert test(test.items([record])[0]).clips.shape == (3, 3, frames, 256, 256)
    assert (test.clips, test.crops) == (1 if something else 10, 3)


@every_config
def test_the_model_is_built(stem):
    architecture, *_, millions = model_of(stem)
    cfg = load_config(str(ROOT / "configs" / "pretrain" / f"{stem}.py"), [])
    with torch.device("meta"):
        model = instantiate(cfg.model)
    assert cfg.model.architecture == architecture
    count = sum(p.numel() for p in model.backbone.parameters()) / 1e6
    assert count == pytest.approx(millions, rel=0.1)
    assert model.head.projection.out_features == cfg.model.num_classes
