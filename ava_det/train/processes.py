"""Start the processes of a run, or join those that torchrun or SLURM has started.

A run has one process per GPU. detectron2's `launch` starts the processes that the command line asks
for. Otherwise the environment shows whether torchrun or SLURM has started processes. `distribute`
wraps a model for several processes.
"""

import multiprocessing
import os
import re
import signal
import sys
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import torch
import torch.distributed as dist
from detectron2.engine import launch
from detectron2.utils import comm
from torch import nn
from torch.multiprocessing.spawn import ProcessExitedException, ProcessRaisedException
from torch.nn.parallel import DistributedDataParallel

from ava_det.structures import InputError

STOPPING = signal.SIGTERM, signal.SIGINT  # these end a run in order, with exit code 128 + number


class Place(NamedTuple):
    """The place of a process in a run; the processes connect at `url`."""

    rank: int
    world_size: int
    local_rank: int
    local_size: int
    url: str


def place_in(environment: Mapping[str, str]) -> Place | None:
    """Return the place that torchrun or SLURM's srun gives a process; None for a single process.

    Raises:
        InputError: SLURM's nodes have different numbers of tasks, or the list of nodes is missing.
    """
    if "TORCHELASTIC_RUN_ID" in environment or {"RANK", "WORLD_SIZE"} <= environment.keys():
        size, rank = int(environment["WORLD_SIZE"]), int(environment["RANK"])
        local_rank = int(environment.get("LOCAL_RANK", 0))
        local_size = int(environment.get("LOCAL_WORLD_SIZE", 1))
        place = Place(rank, size, local_rank, local_size, "env://")
    elif "SLURM_PROCID" in environment:
        place = _slurm_place(environment)
    else:
        return None
    return place if place.world_size > 1 else None


def _slurm_place(environment: Mapping[str, str]) -> Place:
    def find(*names: str) -> str:
        return next((environment[name] for name in names if name in environment), "")

    size = int(find("SLURM_STEP_NUM_TASKS", "SLURM_NTASKS") or 1)
    nodes = int(find("SLURM_STEP_NUM_NODES", "SLURM_NNODES", "SLURM_JOB_NUM_NODES") or 1)
    if size % nodes:
        raise InputError(f"SLURM: {size} tasks on {nodes} nodes; each node needs the same number")
    hosts = find("SLURM_STEP_NODELIST", "SLURM_JOB_NODELIST", "SLURM_NODELIST")
    if size > 1 and not (hosts or "MASTER_ADDR" in environment):
        raise InputError("SLURM: no SLURM_JOB_NODELIST in the environment")
    host = environment.get("MASTER_ADDR") or first_host(hosts)
    job = int(find("SLURM_JOB_ID", "SLURM_JOBID") or 0)
    port = environment.get("MASTER_PORT") or 15000 + job % 15000
    local_rank = int(environment.get("SLURM_LOCALID", 0))
    rank = int(environment["SLURM_PROCID"])
    return Place(rank, size, local_rank, size // nodes, f"tcp://{host}:{port}")


def first_host(nodes: str) -> str:
    """Return the first name in a SLURM list of nodes.

    >>> first_host("rack[2-3,7]n[01-12],login")
    'rack2n01'
    """
    first = re.match(r"(?:[^,\[]|\[[^\]]*\])*", nodes)
    return re.sub(r"\[([^\]\-,]*)[^\]]*\]", r"\1", first.group() if first else "")


def run_in_processes(
    function: Callable[..., None],
    arguments: tuple[Any, ...],
    *,
    processes: int = 1,
    machines: int = 1,
    machine_rank: int = 0,
    url: str = "auto",
) -> None:
    """Call a function in every process of a run.

    Args:
        function: A function of a module, because new processes import it.
        arguments: The arguments of the function, which must be picklable.
        processes: The number of processes to start on this machine.
        machines: The number of machines.
        machine_rank: The index of this machine.
        url: The address at which the processes connect; "auto" works for one machine.

    Raises:
        InputError: A process failed, or the arguments contradict each other or the machine.
    """
    place = place_in(os.environ)
    if processes * machines > 1:
        if place is not None and place.url == "env://":
            raise InputError("torchrun has started the processes: remove --num-gpus")
        if machines > 1 and url == "auto":
            raise InputError(f"--num-machines {machines} needs --dist-url tcp://HOST:PORT")
        if torch.cuda.is_available() and processes > torch.cuda.device_count():
            raise InputError(
                f"--num-gpus {processes}: this machine has {torch.cuda.device_count()} GPUs"
            )
        _launch(function, arguments, processes, machines, machine_rank, url)
    elif place is not None:
        _join(place)
        _call(function, *arguments)
    else:
        function(*arguments)


def _launch(
    function: Callable[..., None],
    arguments: tuple[Any, ...],
    processes: int,
    machines: int,
    machine_rank: int,
    url: str,
) -> None:
    """Run detectron2's `launch`; pass on SIGTERM, and report a failure in one line."""
    interrupted = False

    def stop(number: int, _: object) -> None:
        nonlocal interrupted
        interrupted |= number == signal.SIGINT
        for child in multiprocessing.active_children():
            # A terminal sends Ctrl-C to all processes; a second signal would end them at once.
            if child.pid is not None and number != signal.SIGINT:
                os.kill(child.pid, number)

    before = {number: signal.signal(number, stop) for number in STOPPING}
    try:
        launch(_call, processes, machines, machine_rank, url, (function, *arguments))
    except ProcessRaisedException as error:
        last = error.msg.strip().splitlines()[-1]
        raise InputError(last.removeprefix("ava_det.structures.InputError: ")) from error
    except ProcessExitedException as error:
        if error.exit_code in [128 + number for number in STOPPING]:
            sys.exit(error.exit_code)
        raise InputError(f"a training process ended: {error}") from error
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    if interrupted:  # torch treats a process that Ctrl-C ended as finished
        raise KeyboardInterrupt


def _join(place: Place) -> None:
    """Connect to the other processes, as detectron2's `launch` does."""
    cuda = torch.cuda.is_available()
    if cuda:  # SLURM may show each task only one GPU
        torch.cuda.set_device(place.local_rank % torch.cuda.device_count())
    dist.init_process_group(
        "nccl" if cuda else "gloo",
        init_method=place.url,
        world_size=place.world_size,
        rank=place.rank,
    )
    comm.create_local_process_group(place.local_size)
    comm.synchronize()


def _call(function: Callable[..., None], *arguments: Any) -> None:
    try:
        function(*arguments)
        comm.synchronize()  # do not end while another process still communicates
    finally:
        dist.destroy_process_group()


def unwrap(model: nn.Module) -> Any:
    """Return the model inside of DistributedDataParallel."""
    return model.module if isinstance(model, DistributedDataParallel) else model


def device_of(model: nn.Module) -> torch.device:
    """Return the device of the model's parameters."""
    return next(model.parameters()).device


def distribute(model: nn.Module) -> nn.Module:
    """Wrap the model for gradient averaging if there are several processes.

    detectron2's `create_ddp_model` does not work on a CPU.
    """
    if comm.get_world_size() == 1:
        return model
    device = device_of(model)
    return DistributedDataParallel(model, [device.index] if device.type == "cuda" else None)
