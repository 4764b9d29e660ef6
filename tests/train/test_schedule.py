"""Epochs, steps, warm-up and learning rate follow from the size of the training set."""

import pytest
from fvcore.common.param_scheduler import CosineParamScheduler
from omegaconf import OmegaConf

from ava_det.structures import InputError
from ava_det.train.schedule import settle, warmed_up


def config(batch: int = 16, lr: float = 0.1, **train):
    defaults = {"epochs": None, "max_iter": None, "accumulate": 1, "reference_batch": None}
    return OmegaConf.create(
        {
            "train": {**defaults, **train},
            "optimizer": {"lr": lr},
            "dataloader": {"train": {"batch_size": batch}},
        }
    )


@pytest.mark.parametrize(
    ("train", "epochs", "max_iter"),
    [
        ({"epochs": 10}, 10, 63),  # 10 * 100 / 16 = 62.5
        ({"epochs": 10, "accumulate": 4}, 10, 16),  # 15.6
        ({"max_iter": 50}, 8.0, 50),
        ({"epochs": 250, "max_iter": 7}, 250, 7),
    ],
)
def test_length(train, epochs, max_iter):
    cfg = config(**train)
    settle(cfg, size=100)
    assert (cfg.train.epochs, cfg.train.max_iter) == (epochs, max_iter)


def test_a_run_without_length_is_refused():
    with pytest.raises(InputError, match=r"train\.epochs"):
        settle(config(), size=100)


def test_the_learning_rate_grows_with_the_batch():
    cfg = config(batch=128, accumulate=2, epochs=1, reference_batch=64)
    settle(cfg, size=1000)
    assert cfg.optimizer.lr == pytest.approx(0.4)


def test_warm_up_ends_where_its_epochs_do():
    schedule = warmed_up(CosineParamScheduler(1.0, 0.0), 250, 34, warmup_factor=0.1)
    cosine = CosineParamScheduler(1.0, 0.0)
    assert schedule(0.0) == pytest.approx(0.1)
    assert schedule(17 / 250) == pytest.approx((0.1 + cosine(34 / 250)) / 2)
    for epoch in (34, 100, 200):
        assert schedule(epoch / 250) == pytest.approx(cosine(epoch / 250), abs=1e-6)
