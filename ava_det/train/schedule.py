"""How long a run is and how its learning rate goes, stated in epochs."""

import math

from detectron2.solver import WarmupParamScheduler
from fvcore.common.param_scheduler import ParamScheduler
from omegaconf import DictConfig

from ava_det.structures import InputError


def warmed_up(
    scheduler: ParamScheduler,
    epochs: float,
    warmup_epochs: float | None = None,
    warmup_factor: float = 0.01,
) -> WarmupParamScheduler:
    """A schedule with a linear warm-up before it, which takes its first epochs' place.

    Args:
        scheduler: of the whole run.
        epochs: of the run.
        warmup_epochs: of the warm-up; None means a tenth of the run.
        warmup_factor: where it starts, as a part of the schedule's first value.
    """
    share = 0.1 if warmup_epochs is None else min(1.0, warmup_epochs / epochs)
    return WarmupParamScheduler(scheduler, warmup_factor=warmup_factor, warmup_length=share)


def settle(cfg: DictConfig, size: int) -> None:
    """Fill in what follows from the size of the training set: steps or epochs, and learning rate.

    `train.max_iter` alone means so many steps; `train.epochs` alone gives the steps; of both, the
    steps say how long the run is and the epochs how it is divided up, so that a short try of a
    long recipe goes through all of its schedule. With `train.reference_batch`, `optimizer.lr`
    is for a batch of that size and grows in proportion to it (Goyal et al., arXiv 1706.02677).

    Args:
        cfg: whose `train` and `optimizer` change.
        size: samples in an epoch.
    """
    train = cfg.train
    batch = cfg.dataloader.train.batch_size * train.accumulate
    if train.epochs is None and train.max_iter is None:
        raise InputError("neither train.epochs nor train.max_iter is set")
    if train.max_iter is None:
        train.max_iter = max(1, math.ceil(train.epochs * size / batch))
    if train.epochs is None:
        train.epochs = train.max_iter * batch / size
    if train.reference_batch is not None:
        cfg.optimizer.lr *= batch / train.reference_batch
