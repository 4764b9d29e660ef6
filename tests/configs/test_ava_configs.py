"""Fine-tuning on AVA: every number of the paper's recipe and of PySlowFast's two."""

from pathlib import Path

import numpy as np
import pytest
import torch
from detectron2.config import instantiate
from made_sets import registered

from ava_det.augment import pyslowfast, spatial
from ava_det.data.sets import ava
from ava_det.formats.class_map import ClassMap, write_class_map
from ava_det.model.criterion import SigmoidCrossEntropy
from ava_det.train.config import load_config
from ava_det.train.schedule import settle
from ava_det.video.writer import VideoWriter
from benchmarks.made_ava import CLASSES

ROOT = Path(__file__).resolve().parents[2]
# Name: architecture, frames, stride, least score of a box, test size, LR by epoch, decay of biases.
PAPER = {0: 1.25e-4, 2.5: (1.25e-4 + 0.1) / 2, 5: 0.1, 9.9: 0.1, 10.1: 0.01, 14.9: 0.01}
PAPER |= {15.1: 0.001, 19.9: 0.001}
RECIPES = {
    "ava_slowfast_r50_8x8": ("slowfast_r50", 32, 2, 0.8, 256, PAPER, 0.0),
    "ava_slow_r50_8x8": ("slow_r50", 8, 8, 0.8, 256, PAPER, 0.0),
    "ava_slowfast_r50_8x8_pyslowfast": ("slowfast_r50", 32, 2, 0.8, 224, PAPER, 1e-7),
    "ava_slow_r50_4x16_pyslowfast": ("slow_r50", 4, 16, 0.9, 256, PAPER, 1e-7),
}
every_recipe = pytest.mark.parametrize("name", RECIPES)


def config(name: str, *overrides: str):
    return load_config(str(ROOT / "configs" / "finetune" / f"{name}.py"), list(overrides))


@every_recipe
def test_what_is_trained_and_tested_on(name):
    _, frames, stride, score, size, *_ = RECIPES[name]
    cfg = config(name)
    train, test = cfg.dataloader.train, cfg.test.loader
    assert (cfg.data.train, cfg.data.test) == ("ava_v2.2_train", "ava_v2.2_val")
    people = train.records
    assert (train.batch_size, people.negatives, people.predicted_score) == (64, True, score)
    assert people.predicted.endswith("train_boxes_and_labels_include_negative_v2.2.csv")
    assert test.records.proposals.endswith("val_boxes_and_labels.csv")
    assert (test.records.threshold, test.records.unlisted) == (score, True)
    its_own = name.endswith("_pyslowfast")
    assert (people.get("least_iou", 0.9), people.get("unlisted", False)) == (
        (None, True) if its_own else (0.9, False)
    )
    kinds = [type(instantiate(mapper.transform)) for mapper in (train.mapper, test.mapper)]
    assert kinds == (
        [pyslowfast.JitterCrop, pyslowfast.ShortSide] if its_own else [spatial.Joint] * 2
    )
    for mapper in (train.mapper, test.mapper):
        assert (mapper.frames, mapper.stride, mapper.rate) == (frames, stride, 30)
        assert frames * stride == 64
    crop = train.mapper.transform
    assert (crop.lowest, crop.highest, crop.size) == (256, 320, 224)
    assert crop.get("flip", True)
    assert crop.get("color", 0) == 0
    assert test.mapper.transform.size == size


@every_recipe
def test_the_schedule(name):
    cfg = config(name)
    assert cfg.train.epochs == 20
    settle(cfg, 64 * 1000)
    assert cfg.train.max_iter == 20_000
    assert cfg.optimizer.lr == 0.1
    schedule = instantiate(cfg.lr_multiplier)
    for epoch, rate in RECIPES[name][5].items():
        assert 0.1 * schedule(epoch / 20) == pytest.approx(rate), epoch
    smaller = config(name, "dataloader.train.batch_size=16")
    settle(smaller, 64 * 1000)
    assert smaller.optimizer.lr == pytest.approx(0.025), "the rate follows the batch"


@every_recipe
def test_the_model_and_its_optimizer(name):
    architecture, *_, decay_of_biases = RECIPES[name]
    cfg = config(name, "model.num_classes=80")  # as the lists of AVA say, which need not be here
    with torch.device("meta"):
        model = instantiate(cfg.model)
    assert cfg.model.architecture == architecture
    assert model.head.projection.out_features == 80
    assert model.head.dropout.p == 0.5
    assert model.backbone.stride == 16
    assert model.head.roi_align.aligned
    criterion = instantiate(cfg.task).criterion
    assert type(criterion) is SigmoidCrossEntropy
    logits, targets = torch.zeros(3, 80), torch.zeros(3, 80)
    assert sum(criterion(logits, targets).values()) == pytest.approx(np.log(2))
    cfg.optimizer.params.model = model
    optimizer = instantiate(cfg.optimizer)
    decay = {id(p): g["weight_decay"] for g in optimizer.param_groups for p in g["params"]}
    for module in model.modules():
        if isinstance(module, torch.nn.BatchNorm3d):
            assert decay[id(module.weight)] == decay[id(module.bias)] == 0
    assert decay[id(model.head.projection.weight)] == 1e-7
    assert decay[id(model.head.projection.bias)] == decay_of_biases
    assert all(g["momentum"] == 0.9 and g["nesterov"] for g in optimizer.param_groups)


@pytest.fixture
def small_ava(tmp_path):
    """Two keyframes of one film, 80 classes of which two count, and boxes of a detector."""
    (tmp_path / "videos").mkdir()
    with VideoWriter(tmp_path / "videos" / "film.mp4", 48, 64, rate=30) as writer:
        for _ in range(150):
            writer.write(np.full((48, 64, 3), 128, np.uint8))
    rows = ["film,0902,0,0,1,1,1,0", "film,0902,0,0,1,1,80,0", "film,0903,0,0,1,1,12,0"]
    (tmp_path / "train.csv").write_text("\n".join(rows))
    boxes = ["film,0902,0,0,1,0.95,,0.85", "film,0903,0.4,0.4,0.6,0.6,,0.95"]
    boxes += ["film,0903,0.3,0.4,0.6,0.6,,0.79"]
    (tmp_path / "boxes.csv").write_text("\n".join(boxes))
    write_class_map(tmp_path / "all.pbtxt", CLASSES)
    counts = ClassMap({k: CLASSES.names[k] for k in (1, 12)})
    write_class_map(tmp_path / "evaluated.pbtxt", counts)
    names = {"annotations": "train.csv", "class_map": "all.pbtxt", "evaluated": "evaluated.pbtxt"}
    paths = {key: tmp_path / file for key, file in names.items()}
    files = ava.AvaFiles(pictures=tmp_path / "videos", **paths)
    with registered(ava.dataset("small_ava", files)) as name:
        yield name, tmp_path / "boxes.csv"


def test_a_batch_of_training_and_one_of_testing(small_ava):
    """64 x 48 pixels make clips of 224 x 224 and 256 x 341; a class index is its id less one."""
    dataset, boxes = small_ava
    cfg = config(
        "ava_slowfast_r50_8x8",
        f"data.train={dataset}",
        f"data.test={dataset}",
        f"dataloader.train.records.predicted={boxes}",
        f"test.loader.records.proposals={boxes}",
        "dataloader.train.batch_size=2",
        *("dataloader.train.num_workers=0", "test.loader.num_workers=0"),
    )
    batch = next(iter(instantiate(cfg.dataloader.train)))
    assert batch.clips.shape == (2, 3, 32, 224, 224)
    known = {p.keyframe.tick: t for p, t in zip(batch.people, batch.targets, strict=True)}
    labels = {tick: [row.nonzero()[:, 0].tolist() for row in t] for tick, t in known.items()}
    # At 903 the detector's first box meets nobody; its second one is not sure enough.
    assert labels == {902: [[0, 79], [0, 79]], 903: [[11], []]}
    (tested,) = instantiate(cfg.test.loader)
    assert tested.clips.shape == (2, 3, 32, 256, 341)
    assert [len(b) for b in tested.boxes] == [1, 1]
    evaluator = instantiate(cfg.test.evaluator)
    assert (len(evaluator.class_map), evaluator.evaluated.ids) == (80, (1, 12))
