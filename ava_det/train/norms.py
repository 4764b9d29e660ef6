"""Synchronise batch norm over all processes, and measure precise batch norm statistics."""

from collections.abc import Iterable
from typing import Any

import torch
import torch.distributed as dist
from detectron2.utils.comm import get_world_size
from fvcore.nn.distributed import differentiable_all_reduce
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from ava_det.batch import Batch
from ava_det.train.finite import check_finite
from ava_det.train.tasks import Task


class CpuSyncBatchNorm(nn.BatchNorm3d):
    """A synchronised batch norm for CPUs; torch's `SyncBatchNorm` works only on GPUs.

    Processes may have batches of different sizes. Running statistics are those of `BatchNorm3d` on
    the union of the batches.
    """

    def forward(self, input: Tensor) -> Tensor:
        """Normalise an input (N, C, ...)."""
        if not self.training or get_world_size() == 1:
            return super().forward(input)
        x = input.to(torch.promote_types(input.dtype, torch.float32))
        others = [d for d in range(x.ndim) if d != 1]
        shape = [1, -1, *[1] * (x.ndim - 2)]
        count = x.new_full((1,), x.numel() / x.shape[1])
        total = differentiable_all_reduce(torch.cat([x.sum(others), count]))
        mean, count = total[:-1] / total[-1], total[-1].detach()
        # Use two passes: the mean of squares minus the squared mean would lose digits.
        centered = x - mean.reshape(shape)
        variance = differentiable_all_reduce(centered.square().sum(others)) / count
        self._keep(mean.detach(), variance.detach() * count / (count - 1))
        result = centered * torch.rsqrt(variance + self.eps).reshape(shape)
        if self.affine:
            result = result * self.weight.reshape(shape) + self.bias.reshape(shape)
        return result.to(input.dtype)

    def _check_input_dim(self, input: Tensor) -> None:
        """Accept any number of dimensions."""

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
    """Replace each batch norm by a synchronised one; the names of weights stay the same."""
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


@torch.no_grad()
def measure_statistics(
    model: nn.Module, task: Task[Any], batches: Iterable[Batch], count: int
) -> None:
    """Measure the batch norm statistics of the current weights (Precise-BN).

    Running statistics are averages over older weights, and those of averaged weights are averages
    too (Wu and Johnson, arXiv 2105.07576). Here mean and variance are over all values that a norm
    sees in all processes. fvcore's `update_bn_stats` ignores other processes and the sizes of
    their batches.

    Args:
        model: The model. Only the batch norm statistics change; the model is in evaluation mode
            afterwards.
        task: Runs the model, on clips without a mix.
        batches: The training batches of this process.
        count: The number of batches to use.

    Raises:
        FloatingPointError: The statistics of a norm are not finite.
    """
    model.eval()
    norms: dict[str, Any] = {n: m for n, m in model.named_modules() if isinstance(m, _BatchNorm)}
    moments = {name: _Moments(norm) for name, norm in norms.items()}
    for norm in norms.values():
        norm.train()
    hooks = [norm.register_forward_pre_hook(moments[n].add) for n, norm in norms.items()]
    for _, batch in zip(range(count), batches, strict=False):
        task.outputs(model, batch)
    for hook in hooks:
        hook.remove()
    model.eval()
    measured = {name: seen.statistics() for name, seen in moments.items()}
    check_finite(measured, "batch norms measured on training batches")
    for name, statistics in measured.items():
        if statistics is not None:
            norms[name].running_mean.copy_(statistics[0])
            norms[name].running_var.copy_(statistics[1])


class _Moments:
    """The inputs of a batch norm so far: (3, C) sums of values, of squares and of ones."""

    def __init__(self, norm: Any):
        shape, device = (3, norm.num_features), norm.running_mean.device
        self.sums = torch.zeros(shape, dtype=torch.float64, device=device)

    def add(self, _: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        """Add an input (N, C, ...); call this before the norm."""
        (values,) = inputs
        others = [d for d in range(values.ndim) if d != 1]
        variance, mean = torch.var_mean(values.float(), others, correction=0)
        mean, count = mean.double(), values.numel() / values.shape[1]
        self.sums += count * torch.stack([mean, variance + mean.square(), torch.ones_like(mean)])

    def statistics(self) -> Tensor | None:
        """Return mean and variance (2, C) over all processes; None if the norm has no input."""
        if get_world_size() > 1:
            dist.all_reduce(self.sums)
        if not self.sums[2, 0]:  # a part of the model that only training uses
            return None
        mean, square = self.sums[:2] / self.sums[2]
        return torch.stack([mean, square - mean.square()])


def share_statistics(model: nn.Module) -> None:
    """Copy the statistics of the main process, which are saved later, to all processes."""
    for buffer in model.buffers() if get_world_size() > 1 else ():
        dist.broadcast(buffer, 0)
