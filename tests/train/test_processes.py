"""Processes of torchrun, SLURM and our own; two of them train as one with the doubled batch."""

import json
import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from detectron2.utils import comm

from ava_det.augment.mixes import Cutout, RandAugment, Stack
from ava_det.augment.videomix import VideoMix
from ava_det.batch import ClipBatch
from ava_det.model.criterion import SoftTargetCrossEntropy
from ava_det.model.zoo import build_classifier
from ava_det.structures import InputError
from ava_det.train.loop import ClipTrainer
from ava_det.train.norms import CpuSyncBatchNorm, synchronize_norms
from ava_det.train.processes import Place, distribute, first_host, place_in, run_in_processes
from ava_det.train.tasks import Recognition

BATCH, STEPS, CLASSES = 4, 4, 3
ROOT = Path(__file__).resolve().parents[2]
TOLERANCE = 1e-6  # relative: the criterion computes in float32; 6e-8 was measured


@pytest.mark.parametrize(
    ("nodes", "first"),
    [
        ("gpu7", "gpu7"),
        ("gpu7,gpu9", "gpu7"),
        ("node[01-03,07],gpu5", "node01"),
        ("node[3,5-9]", "node3"),
        ("rack[2-3]n[01-12]", "rack2n01"),
        ("a-b-[08-09].cluster", "a-b-08.cluster"),
    ],
)
def test_the_first_of_slurms_nodes(nodes, first):
    assert first_host(nodes) == first


SLURM = {"SLURM_PROCID": "5", "SLURM_NTASKS": "8", "SLURM_LOCALID": "1", "SLURM_NNODES": "2"}
NODES = {"SLURM_JOB_NODELIST": "node[01-02]", "SLURM_JOB_ID": "30007"}
TORCHRUN = {"RANK": "3", "WORLD_SIZE": "4", "LOCAL_RANK": "1", "LOCAL_WORLD_SIZE": "2"}


@pytest.mark.parametrize(
    ("environment", "place"),
    [
        ({}, None),
        ({"RANK": "0", "WORLD_SIZE": "1"}, None),
        (TORCHRUN, Place(3, 4, 1, 2, "env://")),
        (TORCHRUN | SLURM, Place(3, 4, 1, 2, "env://")),
        (SLURM | NODES, Place(5, 8, 1, 4, "tcp://node01:15007")),
        (SLURM | {"MASTER_ADDR": "h", "MASTER_PORT": "9"}, Place(5, 8, 1, 4, "tcp://h:9")),
        (SLURM | NODES | {"SLURM_STEP_NUM_TASKS": "1", "SLURM_STEP_NUM_NODES": "1"}, None),
    ],
)
def test_the_place_that_the_environment_gives(environment, place):
    assert place_in(environment) == place


def test_what_slurm_lacks_is_named():
    with pytest.raises(InputError, match="8 tasks on 3 nodes"):
        place_in(SLURM | NODES | {"SLURM_NNODES": "3"})
    with pytest.raises(InputError, match="SLURM_JOB_NODELIST"):
        place_in(SLURM)


def test_several_machines_need_a_place_to_meet():
    with pytest.raises(InputError, match="--dist-url"):
        run_in_processes(print, (), machines=2)


class Draws:
    """The batches of this process: draw p belongs to process p modulo their number."""

    def __iter__(self):
        rank, size = comm.get_rank(), comm.get_world_size()
        generator = torch.Generator().manual_seed(1)
        while True:
            clips = torch.randn(2 * BATCH, 3, 8, 32, 32, generator=generator, dtype=torch.float64)
            labels = torch.randint(CLASSES, (2 * BATCH,), generator=generator)
            yield ClipBatch(clips[rank::size], labels[rank::size], [""] * (2 * BATCH // size))


class GivenPartners:
    """A stack whose partners in the batch of two processes are those within each of them."""

    mix = Stack([RandAugment(), Cutout(), VideoMix("spatial")])

    def __call__(self, clips, targets, rng, numbers, overwrite):
        local = [2, 0, 3, 1]
        whole = [2 * local[i // 2] + i % 2 for i in range(2 * BATCH)]
        partners = local if len(clips) == BATCH else whole
        return self.mix(clips, targets, rng, partners, numbers)


def train(folder: Path) -> None:
    """A few steps of a small SlowFast; losses and the last statistics go to a file."""
    torch.set_num_threads(1)
    torch.manual_seed(0)
    arguments = {"width": 8, "alpha": 4}
    model = build_classifier("slowfast_tiny", CLASSES, arguments=arguments, dropout=0.0)
    model = synchronize_norms(model.double())
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
    task = Recognition(CLASSES, SoftTargetCrossEntropy(), GivenPartners())
    trainer = ClipTrainer(distribute(model), Draws(), optimizer, task, seed=3)
    losses = []

    def keep(loss_dict, *_, **__):
        gathered = comm.all_gather(sum(loss.item() for loss in loss_dict.values()))
        losses.append(sum(gathered) / len(gathered))

    trainer._write_metrics = keep
    trainer.train(0, STEPS)
    if comm.is_main_process():
        norms = [m for m in model.modules() if isinstance(m, CpuSyncBatchNorm)]
        last = [norms[-1].running_mean.sum().item(), norms[-1].running_var.sum().item()]
        (folder / f"{comm.get_world_size()}.json").write_text(json.dumps([losses, last]))


@pytest.mark.slow
def test_two_processes_have_the_losses_of_one_with_the_doubled_batch(tmp_path):
    train(tmp_path)
    run_in_processes(train, (tmp_path,), processes=2)
    one, two = (json.loads((tmp_path / f"{n}.json").read_text()) for n in (1, 2))
    assert len(one[0]) == STEPS
    assert len(set(one[0])) == STEPS
    for a, b in zip(one, two, strict=True):
        assert b == pytest.approx(a, rel=TOLERANCE)


def fail() -> None:
    raise InputError(f"process {comm.get_rank()} has nothing to read")


@pytest.mark.slow
def test_a_failure_in_a_process_is_one_line():
    with pytest.raises(InputError, match=r"^process [01] has nothing to read$"):
        run_in_processes(fail, (), processes=2)


# Each process tells what it sees of the other, and that it may be told.
PROGRAM = """
import json, sys
from pathlib import Path
import torch
import torch.distributed as dist
from detectron2.utils import comm
from ava_det.train.processes import run_in_processes

def meet(folder):
    seen = comm.all_gather((comm.get_rank(), comm.get_local_rank(), comm.get_local_size()))
    total = torch.tensor([10.0 ** comm.get_rank()])
    dist.all_reduce(total)
    said = {"rank": comm.get_rank(), "seen": seen, "sum": total.item(), "by": dist.get_backend()}
    (folder / f"{comm.get_rank()}.json").write_text(json.dumps(said))

run_in_processes(meet, (Path(sys.argv[1]),))
assert not dist.is_initialized()
"""


@pytest.fixture
def program(tmp_path):
    """The command line of a program that has its processes meet, and what they are to see."""
    (tmp_path / "program.py").write_text(PROGRAM)
    return [str(tmp_path / "program.py"), str(tmp_path)]


def alone() -> dict[str, str]:
    """This environment without what tells a process that it is one of several."""
    parts = ("RANK", "WORLD_SIZE", "LOCAL_", "MASTER_", "SLURM_", "TORCHELASTIC_")
    kept = {k: v for k, v in os.environ.items() if not k.startswith(parts)}
    return kept | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}


def assert_they_met(folder: Path, local: list[list[int]]) -> None:
    """`local` has the local rank and size of each process."""
    both = [json.loads((folder / f"{rank}.json").read_text()) for rank in (0, 1)]
    backend = "nccl" if torch.cuda.is_available() else "gloo"
    seen = [[rank, *place] for rank, place in enumerate(local)]
    for rank, said in enumerate(both):
        assert said == {"rank": rank, "seen": seen, "sum": 11.0, "by": backend}


def torchrun(rank: int) -> dict[str, str]:
    place = {"RANK": rank, "WORLD_SIZE": 2, "LOCAL_RANK": rank, "LOCAL_WORLD_SIZE": 2}
    return {name: str(value) for name, value in place.items()}


def slurm(rank: int) -> dict[str, str]:
    """Two tasks on a node, in a step of a job of four tasks on two nodes."""
    job = {"SLURM_NTASKS": 4, "SLURM_NNODES": 2, "SLURM_JOB_NODELIST": "nowhere[1-2]"}
    step = {"SLURM_STEP_NUM_TASKS": 2, "SLURM_STEP_NUM_NODES": 1}
    place = {**job, **step, "SLURM_PROCID": rank, "SLURM_LOCALID": rank}
    return {name: str(value) for name, value in place.items()}


def slurm_nodes(rank: int) -> dict[str, str]:
    """A task on each of two nodes."""
    place = {"SLURM_NTASKS": 2, "SLURM_NNODES": 2, "SLURM_PROCID": rank, "SLURM_LOCALID": 0}
    return {name: str(value) for name, value in place.items()}


@pytest.mark.slow
@pytest.mark.skipif(torch.cuda.device_count() == 1, reason="two processes need two GPUs or none")
@pytest.mark.parametrize(
    ("place", "local", "order"),
    [
        (torchrun, [[0, 2], [1, 2]], (1, 0)),
        (slurm, [[0, 2], [1, 2]], (1, 0)),
        (slurm_nodes, [[0, 1], [0, 1]], (0, 1)),
    ],
)
def test_processes_that_somebody_else_started_meet(program, tmp_path, place, local, order):
    """In whatever order they come: the second one is started seconds later."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    where = alone() | {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
    started = []
    try:
        for rank in order:
            time.sleep(2 * len(started))
            command, environment = [sys.executable, *program], where | place(rank)
            started.append(subprocess.Popen(command, env=environment, stderr=subprocess.PIPE))
        for process in started:
            _, errors = process.communicate(timeout=120)
            assert process.returncode == 0, errors.decode()
    finally:
        for process in started:
            process.kill()
            process.wait()
    assert_they_met(tmp_path, local)


@pytest.mark.slow
@pytest.mark.skipif(torch.cuda.device_count() == 1, reason="two processes need two GPUs or none")
def test_torchrun_starts_processes_that_meet(program, tmp_path):
    run = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    done = subprocess.run([*run, *program], env=alone(), capture_output=True, timeout=120)
    assert done.returncode == 0, done.stderr.decode()
    assert_they_met(tmp_path, [[0, 2], [1, 2]])
