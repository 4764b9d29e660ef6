"""The training loop for all tasks, based on detectron2's trainer and hooks.

An iteration is one step of the optimizer. The random numbers of an iteration depend only on the
seed, the iteration and the rank, and the data only on the draw number (`ava_det.data.sampler`). So
a killed and resumed run gives the same result as an uninterrupted one.
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
    """Return the random generator of a mix, which is the same in all processes."""
    return np.random.default_rng((seed, iteration, micro_step))


def seed_iteration(seed: int, iteration: int, rank: int) -> None:
    """Seed torch's generator for the model in one iteration."""
    key = np.random.SeedSequence((seed, iteration, rank))
    torch.manual_seed(int(key.generate_state(1, np.uint64)[0] >> 1))


class ClipTrainer(SimpleTrainer):
    """Train a `Task` with detectron2's `SimpleTrainer`, autocast and gradient accumulation.

    Args:
        model: The model, which is set to training mode; may be wrapped for several processes.
        data_loader: Endless batches of the task.
        optimizer: The optimizer of the model's parameters.
        task: Computes the losses of a batch.
        seed: The seed of all random numbers of the model and the mix.
        amp: Use autocast: True for the default type of the device (float16 on CUDA, bfloat16
            elsewhere), or the name of a type. float16 on CUDA also uses a gradient scaler.
        accumulate: The number of batches per step of the optimizer.
        clip_norm: The largest gradient norm; None does not clip gradients.
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
        self._checked = False  # whether the gradients were checked on this machine
        self.device = device_of(model)
        self.autocast = autocast(self.device, amp)
        half = bool(amp) and self.autocast.fast_dtype == torch.float16
        scale = half and self.device.type == "cuda"
        self.grad_scaler = torch.amp.GradScaler(self.device.type, enabled=scale)

    def after_train(self) -> None:
        """Run the hooks after the last step; a resumed run without a step ends where it began."""
        self.iter = max(self.start_iter, min(self.iter, self.max_iter))
        super().after_train()

    def run_step(self) -> None:
        """Run one step of the optimizer.

        Raises:
            FloatingPointError: A loss or a gradient is not finite; the weights are unchanged.
            InputError: In the first step, this machine computes wrong gradients in this precision.
        """
        batches = self._data_loader_iter  # the first use draws random numbers: before seeding
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
        self._require_finite(totals)  # before the weights change
        self._write_metrics(totals, waited)
        self.change_weights()

    def change_weights(self) -> None:
        """Step the optimizer if the gradient is finite.

        Otherwise a gradient scaler skips the step and lowers the scale. This is an error only if
        the scale is at the minimum. All processes have the same gradient, so all of them stop.
        """
        scaler = self.grad_scaler
        scaler.unscale_(self.optimizer)
        parameters = list(self.model.parameters())
        norm = nn.utils.get_total_norm([p.grad for p in parameters if p.grad is not None])
        if not norm.isfinite() and not (scaler.is_enabled() and scaler.get_scale() > 1):
            raise self._stopped(broken_gradient(unwrap(self.model)))
        if self.clip_norm is not None:
            nn.utils.clip_grads_with_norm_(parameters, self.clip_norm, norm)
        scaler.step(self.optimizer)
        scaler.update()

    def _require_finite(self, losses: dict[str, Tensor]) -> None:
        """Refuse a loss that is not finite in any process: all processes stop together.

        Raises:
            FloatingPointError: A loss is NaN or infinite.
        """
        broken = [name for name, loss in losses.items() if not loss.isfinite()]
        for names in comm.all_gather(broken):
            if names:
                raise self._stopped(f"the loss {', '.join(map(repr, names))} is NaN or infinite")

    def _stopped(self, reason: str) -> FloatingPointError:
        return FloatingPointError(
            f"iteration {self.iter}: {reason}; the weights are "
            "unchanged. Continue from the last checkpoint with --resume, for example with a "
            "lower optimizer.lr, train.clip_norm or train.amp=False"
        )

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
        """Return the state of the iteration, the hooks and the gradient scaler."""
        return {**super().state_dict(), "grad_scaler": self.grad_scaler.state_dict()}

    def load_state_dict(self, state_dict: dict) -> None:
        """Restore the state that `state_dict` returned."""
        super().load_state_dict(state_dict)
        self.grad_scaler.load_state_dict(state_dict["grad_scaler"])


class WeightAverage(HookBase):
    """Keep an exponential moving average of weights and batch norm statistics, for evaluation.

    Args:
        model: The model; may be wrapped for several processes.
        decay: The share of the old average that a step keeps.
    """

    def __init__(self, model: nn.Module, decay: float):
        self.model = model
        self.average = AveragedModel(
            unwrap(model), multi_avg_fn=get_ema_multi_avg_fn(decay), use_buffers=True
        )

    def after_step(self) -> None:
        """Add the weights of this step to the average."""
        self.average.update_parameters(unwrap(self.model))


class TestUnlessFailed(EvalHook):
    """detectron2's evaluation hook, except that a failed run is not tested."""

    def after_train(self) -> None:
        """Test the model if the run has finished."""
        if self.trainer.iter >= self.trainer.max_iter:
            super().after_train()


class StopOnRequest(HookBase):
    """Stop a run on SIGTERM (which SLURM sends before a job ends) or Ctrl-C, with a checkpoint.

    The run finishes the iteration and writes a checkpoint. Then every process exits with 143, or
    with 130 after Ctrl-C. A second Ctrl-C stops the run at once. Register this hook after the hooks
    whose state is saved.

    Args:
        checkpointer: Writes checkpoints, in the main process only.
        device: The device of the model, for communication between processes.
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
        """Stop if any process has received a signal."""
        requested = torch.tensor(self.requested, device=self.device)
        if comm.get_world_size() > 1:  # the processes may receive the signal in different steps
            torch.distributed.all_reduce(requested, torch.distributed.ReduceOp.MAX)
        number = int(requested)
        if not number:
            return
        iteration = self.trainer.iter
        self.checkpointer.save(f"model_{iteration:07d}", iteration=iteration)
        comm.synchronize()
        name = signal.Signals(number).name
        logger.info("stopped by %s after iteration %d; continue with --resume", name, iteration)
        sys.exit(128 + number)

    def after_train(self) -> None:
        """Restore the previous signal handlers."""
        for number, before in self._before.items():
            signal.signal(number, before)


def autocast(device: torch.device, amp: bool | str) -> torch.autocast:
    """Return autocast as `amp` asks: off, on with the default type, or on with a named type."""
    if not isinstance(amp, str):
        return torch.autocast(device.type, enabled=amp)
    if amp not in ("float16", "bfloat16"):
        raise InputError(f"amp={amp}: must be True, False, float16 or bfloat16")
    return torch.autocast(device.type, getattr(torch, amp))


def without_traceback(record: logging.LogRecord) -> bool:
    """Filter detectron2's log: show an expected error as one line, without traceback.

    The command reports the error, and can show the traceback.
    """
    error = record.exc_info[1] if record.exc_info else None
    if isinstance(error, InputError | FloatingPointError):
        record.msg, record.args, record.exc_info = "stopped: %s", (error,), None
    return True
