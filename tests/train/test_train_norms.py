"""Statistics of batch norms are those of all batches of all processes."""

from pathlib import Path

import pytest
import torch
from detectron2.utils import comm
from torch import nn

from ava_det.train.norms import measure_statistics, synchronize_norms
from ava_det.train.processes import run_in_processes

SIZES = ((2, 3, 4), (1, 5, 2))  # of the batches of each of two processes


class Running:
    def losses(self, model, batch, rng):
        raise AssertionError("statistics are measured on clips that are not mixed")

    def outputs(self, model, batch):
        return model(batch)

    def predict(self, model, batch):
        raise AssertionError("a batch is run whole: norms wait for those of other processes")


def batches_of(rank: int) -> list[torch.Tensor]:
    """Batches whose means and variances differ, of a process's own."""
    torch.manual_seed(rank)
    return [torch.randn(n, 2, 2, 3, 3) * n + n + 10 * rank for n in SIZES[rank]]


def assert_statistics(norm: nn.Module, batches: list[torch.Tensor]) -> None:
    """They are those of everything in the batches, whatever their sizes."""
    values = torch.cat(batches).transpose(0, 1).flatten(1)
    torch.testing.assert_close(norm.running_mean, values.mean(1))
    torch.testing.assert_close(norm.running_var, values.var(1, unbiased=False))


def test_measured_statistics_are_those_of_all_batches():
    model = nn.Sequential(nn.BatchNorm3d(2), nn.Dropout(0.5))
    measure_statistics(model, Running(), batches_of(0), 3)
    assert_statistics(model[0], batches_of(0))
    assert not any(module.training for module in model.modules())
    assert model[0].momentum == 0.1


def two_norms() -> nn.Sequential:
    """The second norm's input depends on what the first one takes for a batch."""
    torch.manual_seed(0)
    layers = nn.BatchNorm3d(2), nn.Conv3d(2, 4, 2), nn.ReLU(), nn.BatchNorm3d(4)
    return synchronize_norms(nn.Sequential(*layers))


def measure(folder: Path) -> None:
    """Measure in this process's batches; each process leaves what it has."""
    rank = comm.get_rank()
    plain, synchronized = nn.Sequential(nn.BatchNorm3d(2)), two_norms()
    for model in (plain, synchronized):
        measure_statistics(model, Running(), batches_of(rank), 3)
    torch.save([plain.state_dict(), synchronized.state_dict()], folder / f"{rank}.pt")


@pytest.mark.slow
def test_two_processes_have_the_statistics_of_all_of_their_batches(tmp_path):
    """Norms that are synchronised have those of one process with the batches joined."""
    run_in_processes(measure, (tmp_path,), processes=2)
    one = two_norms()
    joined = [torch.cat(pair) for pair in zip(batches_of(0), batches_of(1), strict=True)]
    measure_statistics(one, Running(), joined, 3)
    for rank in range(2):
        plain, synchronized = torch.load(tmp_path / f"{rank}.pt", weights_only=True)
        norm = nn.BatchNorm3d(2)
        norm.load_state_dict({name.removeprefix("0."): value for name, value in plain.items()})
        assert_statistics(norm, [*batches_of(0), *batches_of(1)])
        torch.testing.assert_close(synchronized, dict(one.state_dict()))
