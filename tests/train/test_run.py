"""A whole run in this process."""

import copy

import pytest

from ava_det.model.criterion import SigmoidCrossEntropy
from ava_det.structures import InputError
from ava_det.train.config import load_config
from ava_det.train.loop import ClipTrainer
from ava_det.train.run import build_trainer, check_weights, train
from ava_det.train.tasks import Detection

SMALL = [
    "model.arguments.width=8",
    "clip.short_side=32",
    "dataloader.train.batch_size=2",
    "dataloader.train.num_workers=0",
    "test.loader.num_workers=0",
    "train.max_iter=3",
]


@pytest.mark.parametrize("average", ["null", "0.5"])
def test_a_test_in_between_leaves_the_model_training(shared, tmp_path, monkeypatch, average):
    """Measuring batch norms ends in evaluation mode; the next step is one of training."""
    listed = tmp_path / "list.txt"
    videos = sorted((shared / "data" / "jhmdb" / "videos" / "golf").glob("*.mp4"))[:4]
    listed.write_text("".join(f"{path} {n % 2}\n" for n, path in enumerate(videos)))
    seen, step = [], ClipTrainer.run_step

    def run_step(trainer):
        seen.append(all(module.training for module in trainer.model.modules()))
        step(trainer)

    monkeypatch.setattr(ClipTrainer, "run_step", run_step)
    data = [f"data.{part}={listed}" for part in ("train", "test")]
    data.append(f"reader.folder={tmp_path}")
    settings = ["train.precise_bn=1", "train.eval_period=1", f"train.ema={average}"]
    cfg = load_config("configs/pretrain/jhmdb_slowfast_tiny.py", [*SMALL, *data, *settings])
    train(cfg, tmp_path / "run")
    assert seen == [True] * 3


def test_a_trainer_is_built_of_a_copy_of_the_config(shared, tmp_path):
    """The size of the training set settles the length of the run, in the copy alone."""
    listed = tmp_path / "list.txt"
    videos = sorted((shared / "data" / "jhmdb" / "videos" / "golf").glob("*.mp4"))[:6]
    listed.write_text("".join(f"{path} 0\n" for path in videos))
    settings = [f"data.train={listed}", f"reader.folder={tmp_path}", "train.epochs=2"]
    settings += ["train.max_iter=null", "train.reference_batch=4"]
    cfg = load_config("configs/pretrain/jhmdb_slowfast_tiny.py", [*SMALL, *settings])
    before = copy.deepcopy(cfg)
    settled, loader, _ = build_trainer(cfg)
    assert cfg == before
    assert len(loader.dataset) == 6
    assert settled.train.max_iter == 6
    assert settled.optimizer.lr == cfg.optimizer.lr / 2


@pytest.mark.holds("13.4 --classes-of: class weights of other classes are refused, before a step")
@pytest.mark.parametrize("weights", [[1.0], [1.0, 2.0], [1.0] * 4])
def test_weights_of_other_classes_are_refused(weights):
    task = Detection(SigmoidCrossEntropy(weights))
    with pytest.raises(InputError, match=f"has {len(weights)} numbers, not the 3 of"):
        check_weights(task, 3)
    check_weights(task, len(weights))
    check_weights(Detection(SigmoidCrossEntropy()), 3)
