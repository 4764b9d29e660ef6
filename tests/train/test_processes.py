"""Processes of torchrun, SLURM and our own; two of them train as one with the doubled batch."""

import json
from pathlib import Path

import pytest
import torch
from detectron2.utils import comm

from ava_det.augment.mixes import Cutout, RandAugment, Stack
from ava_det.augment.videomix import VideoMix
from ava_det.model.criterion import SoftTargetCrossEntropy
from ava_det.model.zoo import build_classifier
from ava_det.structures import InputError
from ava_det.train.loop import ClipTrainer
from ava_det.train.norms import CpuSyncBatchNorm, synchronize_norms
from ava_det.train.processes import Place, first_host, place_in, run_in_processes
from ava_det.train.tasks import Recognition, distribute

BATCH, STEPS, CLASSES = 4, 4, 3
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
            yield {"clips": clips[rank::size], "labels": labels[rank::size]}


class GivenPartners:
    """A stack whose partners in the batch of two processes are those within each of them."""

    mix = Stack([RandAugment(), Cutout(), VideoMix("spatial")])

    def __call__(self, clips, targets, rng, overwrite):
        local = [2, 0, 3, 1]
        whole = [2 * local[i // 2] + i % 2 for i in range(2 * BATCH)]
        partners = local if len(clips) == BATCH else whole
        return self.mix(clips, targets, rng, permutation=partners)


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


def test_a_failure_in_a_process_is_one_line():
    with pytest.raises(InputError, match=r"^process [01] has nothing to read$"):
        run_in_processes(fail, (), processes=2)
