"""One training loop for every task, on detectron2's trainer and hooks.

An iteration is one step of the optimizer. All randomness of an iteration is keyed by
(seed, iteration, rank), and the data by draw number (`ava_det.data.sampler`), so that a run that is
killed and resumed ends where an uninterrupted one does.
"""

import logging
import signal
import sys
import time
from collections.abc import Iterable
from contextlib import nullcontext
from typing import Any

import numpy as np
import torch
from detectron2.engine import HookBase, SimpleTrainer
from detectron2.engine.hooks import EvalHook
from detectron2.utils import comm
from detectron2.utils.comm import get_rank
from fvcore.common.checkpoint import Checkpointer
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from ava_det.batch import Batch
from ava_det.structures import InputError
from ava_det.train.finite import broken_gradient
from ava_det.train.gradient_check import checked_gradients
from ava_det.train.processes import STOPPING, device_of, unwrap
from ava_det.train.tasks import Task

logger = logging.getLogger(__name__)


def mix_generator(seed: int, iteration: int, micro_step: int = 0) -> np.random.Generator:
    """What the mix of a batch draws from, the same in all processes, which so mix alike."""
    return np.random.default_rng((seed, iteration, micro_step))


def seed_iteration(seed: int, iteration: int, rank: int) -> None:
    """Seed torch's generator with what the model draws from in one iteration."""
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
        amp: autocast: to the device's own type (float16 on CUDA, bfloat16 elsewhere) or to the
            one that is named; with a gradient scaler where that is float16 on CUDA.
        accumulate: batches to a step of the optimizer.
        clip_norm: largest gradient norm; None leaves gradients as they are.
    """

    def __init__(
        self,
        model: nn.Module,
        data_loader: Iterable[Batch],
        optimizer: torch.optim.Optimizer,
        task: Task[Any],
        *,
        seed: int,
        amp: bool | str = False,
        accumulate: int = 1,
        clip_norm: float | None = None,
    ):
        super().__init__(model, data_loader, optimizer)
        self.task, self.seed, self.accumulate, self.clip_norm = task, seed, accumulate, clip_norm
        self._checked = False  # whether gradients are right on this machine
        self.device = device_of(model)
        self.autocast = autocast(self.device, amp)
        half = bool(amp) and self.autocast.fast_dtype == torch.float16
        scale = half and self.device.type == "cuda"
        self.grad_scaler = torch.amp.GradScaler(self.device.type, enabled=scale)

    def run_step(self) -> None:
        """One step of the optimizer.

        Raises:
            FloatingPointError: a loss or a gradient is not finite; weights stay what they were.
            InputError: in the first step: this machine gets gradients wrong in this precision.
        """
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
            rng = mix_generator(self.seed, self.iter, micro_step)
            with nullcontext() if self._checked else checked_gradients(unwrap(self.model)):
                losses = self._backward(batch, rng, synchronize=last)
            self._checked = True
            for name, loss in losses.items():
                totals[name] = totals.get(name, 0) + loss
        self.after_backward()
        try:  # before the weights change: a loss that is not finite must not reach them
            self._write_metrics(totals, waited)
        except FloatingPointError as error:
            raise FloatingPointError(" ".join(str(error).split())) from error
        self.change_weights()

    def change_weights(self) -> None:
        """Step the optimizer, unless the gradient is not finite.

        A gradient scaler leaves such a step out and lowers its scale, which is no failure until
        there is no scale left to lower. Processes have the same gradient, so all of them stop.
        """
        scaler = self.grad_scaler
        scaler.unscale_(self.optimizer)
        parameters = list(self.model.parameters())
        norm = nn.utils.get_total_norm([p.grad for p in parameters if p.grad is not None])
        if not norm.isfinite() and not (scaler.is_enabled() and scaler.get_scale() > 1):
            raise FloatingPointError(
                f"iteration {self.iter}: {broken_gradient(unwrap(self.model))}; the weights are as "
                "before, and --resume goes on from the last checkpoint: with a lower optimizer.lr, "
                "train.clip_norm or train.amp=False, say"
            )
        if self.clip_norm is not None:
            nn.utils.clip_grads_with_norm_(parameters, self.clip_norm, norm)
        scaler.step(self.optimizer)
        scaler.update()

    def _backward(
        self, batch: Batch, rng: np.random.Generator, synchronize: bool
    ) -> dict[str, Tensor]:
        alone = isinstance(self.model, DistributedDataParallel) and not synchronize
        with self.model.no_sync() if alone else nullcontext():
            with self.autocast:
                losses = self.task.losses(self.model, batch, rng)
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


class TestUnlessFailed(EvalHook):
    """detectron2's hook of evaluation, which does not test a run that failed in its last step."""

    def after_train(self) -> None:
        """Test what the run has come to, if it has come to its end."""
        if self.trainer.iter >= self.trainer.max_iter:
            super().after_train()


class StopOnRequest(HookBase):
    """Ends a run in order on SIGTERM, which SLURM sends before it takes a machine away, or Ctrl-C.

    The iteration is finished and a checkpoint written; then every process exits with 143, on Ctrl-C
    with 130. A second Ctrl-C ends it at once. It comes after the hooks whose state is saved.

    Args:
        checkpointer: writes in the main process only.
        device: of the model, where the processes agree.
    """

    def __init__(self, checkpointer: Checkpointer, device: torch.device):
        self.checkpointer, self.device = checkpointer, device
        self.requested = 0  # the number of the signal
        self._before: dict[int, Any] = {
            number: signal.signal(number, self._request) for number in STOPPING
        }

    def _request(self, number: int, _: object) -> None:
        self.requested = number
        signal.signal(signal.SIGINT, self._before[signal.SIGINT])

    def after_step(self) -> None:
        """Stop if any process was asked to."""
        requested = torch.tensor(self.requested, device=self.device)
        if comm.get_world_size() > 1:  # the request may come between the steps of two processes
            torch.distributed.all_reduce(requested, torch.distributed.ReduceOp.MAX)
        number = int(requested)
        if not number:
            return
        iteration = self.trainer.iter
        self.checkpointer.save(f"model_{iteration:07d}", iteration=iteration)
        comm.synchronize()
        name = signal.Signals(number).name
        logger.info("stopped by %s after iteration %d; --resume goes on", name, iteration)
        sys.exit(128 + number)

    def after_train(self) -> None:
        """Leave the signals to whoever had them before."""
        for number, before in self._before.items():
            signal.signal(number, before)


def autocast(device: torch.device, amp: bool | str) -> torch.autocast:
    """What a config calls `amp`: off, on in the device's own type, or on in the one it names."""
    if not isinstance(amp, str):
        return torch.autocast(device.type, enabled=amp)
    if amp not in ("float16", "bfloat16"):
        raise InputError(f"amp={amp}: True, False, float16 and bfloat16 are known")
    return torch.autocast(device.type, getattr(torch, amp))


def without_traceback(record: logging.LogRecord) -> bool:
    """A filter of detectron2's log: an end that is foreseen is a line there, without traceback.

    Whoever called for the run reports it, and shows the traceback if asked to.
    """
    error = record.exc_info[1] if record.exc_info else None
    if isinstance(error, InputError | FloatingPointError):
        record.msg, record.args, record.exc_info = "stopped: %s", (error,), None
    return True
