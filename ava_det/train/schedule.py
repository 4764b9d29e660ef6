"""The length and the learning rate schedule of a run, in epochs."""

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
    """Return a schedule whose first epochs are replaced by a linear warm-up.

    Args:
        scheduler: The schedule of the whole run.
        epochs: The length of the run.
        warmup_epochs: The length of the warm-up; None is a tenth of the run.
        warmup_factor: The start of the warm-up, relative to the first value of the schedule.
    """
    share = 0.1 if warmup_epochs is None else min(1.0, warmup_epochs / epochs)
    return WarmupParamScheduler(scheduler, warmup_factor=warmup_factor, warmup_length=share)


def settle(cfg: DictConfig, size: int) -> None:
    """Compute the steps or the epochs, and the learning rate, from the size of the training set.

    If only `train.max_iter` or only `train.epochs` is set, the other one follows. If both are set,
    `train.max_iter` is the length of the run, and the schedule of `train.epochs` is squeezed into
    it. So a short trial run goes through the whole schedule of a long recipe.

    With `train.reference_batch`, `optimizer.lr` is the learning rate for a batch of that size. The
    learning rate is scaled in proportion to the actual batch (Goyal et al., arXiv 1706.02677).

    Args:
        cfg: The config; `train` and `optimizer` change.
        size: The number of samples in an epoch.
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
