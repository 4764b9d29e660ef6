"""A whole run in this process."""

import pytest

from ava_det.model.criterion import SigmoidCrossEntropy
from ava_det.structures import InputError
from ava_det.train.config import load_config
from ava_det.train.loop import ClipTrainer
from ava_det.train.run import check_weights, train
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


@pytest.mark.holds("13.4 --classes-of: class weights of other classes are refused, before a step")
@pytest.mark.parametrize("weights", [[1.0], [1.0, 2.0], [1.0] * 4])
def test_weights_of_other_classes_are_refused(weights):
    task = Detection(SigmoidCrossEntropy(weights))
    with pytest.raises(InputError, match=f"has {len(weights)} numbers, not the 3 of"):
        check_weights(task, 3)
    check_weights(task, len(weights))
    check_weights(Detection(SigmoidCrossEntropy()), 3)
