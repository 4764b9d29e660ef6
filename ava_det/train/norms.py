"""Batch norm over the batch of all processes, and its statistics measured anew."""

from collections.abc import Iterable
from typing import Any

import torch
import torch.distributed as dist
from detectron2.utils.comm import get_world_size
from fvcore.nn.distributed import differentiable_all_reduce
from fvcore.nn.precise_bn import get_bn_modules, update_bn_stats
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from ava_det.train.tasks import Batch, Task


class CpuSyncBatchNorm(nn.BatchNorm3d):
    """What torch's `SyncBatchNorm` is on GPUs, which it is confined to.

    Processes may have batches of different sizes. Running statistics are those that `BatchNorm3d`
    has of the union of the batches.
    """

    def forward(self, input: Tensor) -> Tensor:
        """Normalised (N, C, ...)."""
        if not self.training or get_world_size() == 1:
            return super().forward(input)
        x = input.to(torch.promote_types(input.dtype, torch.float32))
        others = [d for d in range(x.ndim) if d != 1]
        shape = [1, -1, *[1] * (x.ndim - 2)]
        count = x.new_full((1,), x.numel() / x.shape[1])
        total = differentiable_all_reduce(torch.cat([x.sum(others), count]))
        mean, count = total[:-1] / total[-1], total[-1].detach()
        # Two passes: a mean of squares less a squared mean would lose digits.
        centered = x - mean.reshape(shape)
        variance = differentiable_all_reduce(centered.square().sum(others)) / count
        self._keep(mean.detach(), variance.detach() * count / (count - 1))
        result = centered * torch.rsqrt(variance + self.eps).reshape(shape)
        if self.affine:
            result = result * self.weight.reshape(shape) + self.bias.reshape(shape)
        return result.to(input.dtype)

    def _check_input_dim(self, input: Tensor) -> None:
        """Any number of dimensions will do."""

    @torch.no_grad()
    def _keep(self, mean: Tensor, variance: Tensor) -> None:
        if self.running_mean is None or self.running_var is None:
            return
        if self.num_batches_tracked is not None:
            self.num_batches_tracked += 1
        share = 0.1 if self.momentum is None else self.momentum
        self.running_mean.lerp_(mean.to(self.running_mean.dtype), share)
        self.running_var.lerp_(variance.to(self.running_var.dtype), share)


def synchronize_norms(module: nn.Module) -> nn.Module:
    """Put a batch norm over all processes in the place of each; the names of weights stay."""
    if any(parameter.is_cuda for parameter in module.parameters()):
        return nn.SyncBatchNorm.convert_sync_batchnorm(module)
    if isinstance(module, _BatchNorm):
        norm = CpuSyncBatchNorm(
            module.num_features,
            module.eps,
            module.momentum,
            module.affine,
            module.track_running_stats,
        )
        like: Any = next(iter(module.state_dict().values()))
        norm = norm.to(like.dtype)  # before the values are copied
        norm.load_state_dict(module.state_dict())
        return norm
    for name, child in module.named_children():
        setattr(module, name, synchronize_norms(child))
    return module


class _Prediction(nn.Module):
    """A task's prediction, which has the model see clips as testing does: not mixed."""

    def __init__(self, model: nn.Module, task: Task):
        super().__init__()
        self.model, self.task = model, task

    def forward(self, batch: Batch) -> list[Any]:
        return self.task.predict(self.model, batch)


def measure_statistics(model: nn.Module, task: Task, batches: Iterable[Batch], count: int) -> None:
    """Precise-BN (Wu and Johnson, arXiv 2105.07576): statistics of these weights, over batches.

    In training they trail behind the weights, and those of averaged weights are averages. Every
    process measures its own batches; the statistics of all are kept.

    Args:
        model: its batch norms' statistics change, nothing else; it is in evaluation mode after.
        task: runs it.
        batches: of training.
        count: how many of them.
    """
    model.eval()
    for module in model.modules():
        if isinstance(module, _BatchNorm):
            module.train()
    norms: list[Any] = get_bn_modules(model)
    update_bn_stats(_Prediction(model, task), batches, count)
    for norm in norms if get_world_size() > 1 else ():
        both = torch.stack([norm.running_mean, norm.running_var + norm.running_mean**2])
        dist.all_reduce(both)
        mean, square = both / get_world_size()
        norm.running_mean, norm.running_var = mean, square - mean**2
    model.eval()


def share_statistics(model: nn.Module) -> None:
    """Give all processes the main one's statistics, which are those that are kept."""
    for buffer in model.buffers() if get_world_size() > 1 else ():
        dist.broadcast(buffer, 0)
