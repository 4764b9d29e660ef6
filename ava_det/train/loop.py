"""One training loop for every task, on detectron2's trainer and hooks.

An iteration is one step of the optimizer. All randomness of an iteration is keyed by
(seed, iteration, rank), and the data by draw number (`ava_det.data.sampler`), so that a run that is
killed and resumed ends where an uninterrupted one does.
"""

import time
from collections.abc import Iterable
from contextlib import nullcontext

import numpy as np
import torch
from detectron2.engine import HookBase, SimpleTrainer
from detectron2.utils.comm import get_rank
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from ava_det.train.tasks import Batch, Task, device_of, unwrap


def seed_iteration(seed: int, iteration: int, rank: int) -> None:
    """Seed torch's generator with what the model and the mix draw from in one iteration."""
    key = np.random.SeedSequence((seed, iteration, rank))
    torch.manual_seed(int(key.generate_state(1, np.uint64)[0] >> 1))


class ClipTrainer(SimpleTrainer):
    """detectron2's `SimpleTrainer` for a `Task`, with autocast on any device and accumulation.

    Args:
        model: in training mode from here on; may be wrapped for several processes.
        data_loader: endless batches of the task.
        optimizer: of the model's parameters.
        task: what a batch costs.
        seed: of everything that the model and the mix draw.
        amp: autocast, with a gradient scaler on CUDA.
        accumulate: batches to a step of the optimizer.
        clip_norm: largest gradient norm; None leaves gradients as they are.
    """

    def __init__(
        self,
        model: nn.Module,
        data_loader: Iterable[Batch],
        optimizer: torch.optim.Optimizer,
        task: Task,
        *,
        seed: int,
        amp: bool = False,
        accumulate: int = 1,
        clip_norm: float | None = None,
    ):
        super().__init__(model, data_loader, optimizer)
        self.task, self.seed, self.accumulate, self.clip_norm = task, seed, accumulate, clip_norm
        self.device = device_of(model)
        self.amp = amp
        scale = amp and self.device.type == "cuda"
        self.grad_scaler = torch.amp.GradScaler(self.device.type, enabled=scale)

    def run_step(self) -> None:
        """One step of the optimizer; a loss that is not finite raises FloatingPointError."""
        batches = self._data_loader_iter  # made on first use, which draws from the generator
        seed_iteration(self.seed, self.iter, get_rank())
        self.optimizer.zero_grad()
        totals: dict[str, Tensor] = {}
        waited = 0.0
        for micro_step in range(self.accumulate):
            start = time.perf_counter()
            batch = next(batches)
            waited += time.perf_counter() - start
            last = micro_step == self.accumulate - 1
            for name, loss in self._backward(batch, synchronize=last).items():
                totals[name] = totals.get(name, 0) + loss
        self.after_backward()
        # Before the weights change: a loss that is not finite must not reach them.
        self._write_metrics(totals, waited)
        if self.clip_norm is not None:
            self.grad_scaler.unscale_(self.optimizer)
            nn.utils.clip_grad_norm_(self.model.parameters(), self.clip_norm)
        self.grad_scaler.step(self.optimizer)
        self.grad_scaler.update()

    def _backward(self, batch: Batch, synchronize: bool) -> dict[str, Tensor]:
        alone = isinstance(self.model, DistributedDataParallel) and not synchronize
        with self.model.no_sync() if alone else nullcontext():
            with torch.autocast(self.device.type, enabled=self.amp):
                losses = self.task.losses(self.model, batch)
            scaled = {name: loss / self.accumulate for name, loss in losses.items()}
            total = torch.stack(list(scaled.values())).sum()
            self.grad_scaler.scale(total).backward()
        return {name: loss.detach() for name, loss in scaled.items()}

    def state_dict(self) -> dict:
        """Iteration, hooks and gradient scaler."""
        return {**super().state_dict(), "grad_scaler": self.grad_scaler.state_dict()}

    def load_state_dict(self, state_dict: dict) -> None:
        """Take up the state that `state_dict` gave."""
        super().load_state_dict(state_dict)
        self.grad_scaler.load_state_dict(state_dict["grad_scaler"])


class WeightAverage(HookBase):
    """Exponential moving average of the weights and batch-norm statistics, for evaluation.

    Args:
        model: whose weights are averaged; may be wrapped for several processes.
        decay: share of the old average that a step keeps.
    """

    def __init__(self, model: nn.Module, decay: float):
        self.model = model
        self.average = AveragedModel(
            unwrap(model), multi_avg_fn=get_ema_multi_avg_fn(decay), use_buffers=True
        )

    def after_step(self) -> None:
        """Take in the weights of this step."""
        self.average.update_parameters(unwrap(self.model))
