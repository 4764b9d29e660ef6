"""The trainer's step against one written out by hand, and runs that are cut in the middle."""

import contextlib
import itertools

import pytest
import torch
from detectron2.engine import HookBase
from torch import nn
from torch.nn import functional as F

from ava_det.structures import InputError
from ava_det.train.checkpoint import AtomicCheckpointer
from ava_det.train.loop import ClipTrainer, WeightAverage


class Regression:
    """Task of fitting y to x, with noise drawn in training, as dropout and mixes draw theirs."""

    def losses(self, model, batch, rng):
        x, y = batch
        return {"loss": F.mse_loss(model(x + 0.1 * torch.randn_like(x)), y)}

    def outputs(self, model, batch):
        return model(batch[0])

    def predict(self, model, batch):
        return list(self.outputs(model, batch))


class Batches:
    """Endless batches; making their iterator draws, as making that of torch's DataLoader does."""

    def __init__(self, start: int, size: int = 4):
        self.start, self.size = start, size

    def __iter__(self):
        torch.rand(3)
        return map(self.batch, itertools.count(self.start))

    def batch(self, number: int) -> tuple[torch.Tensor, torch.Tensor]:
        generator = torch.Generator().manual_seed(number)
        return tuple(torch.randn(self.size, width, generator=generator) for width in (3, 2))


def build(seed: int = 0, **options) -> tuple[ClipTrainer, nn.Module, torch.optim.Optimizer]:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(3, 8), nn.BatchNorm1d(8), nn.Dropout(0.2), nn.Linear(8, 2))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    return ClipTrainer(model, (), optimizer, Regression(), seed=seed, **options), model, optimizer


def run(folder, stop: int, kill_at: int | None = None, resume: bool = False) -> dict:
    """Train to `stop`; `kill_at` breaks off after that iteration, without a farewell."""

    class Kill(HookBase):
        def after_step(self):
            if self.trainer.iter == kill_at:
                raise KeyboardInterrupt  # no handler of the trainer saves anything on it

    trainer, model, _ = build()
    average = WeightAverage(model, 0.9)
    parts = {"trainer": trainer, "average": average.average}
    checkpointer = AtomicCheckpointer(model, str(folder), **parts)

    class Save(HookBase):
        def after_step(self):
            if (self.trainer.iter + 1) % 3 == 0:
                checkpointer.save(f"model_{self.trainer.iter}")

    trainer.register_hooks([average, Save(), Kill()])
    start = 0
    if resume:
        checkpointer.load(checkpointer.get_checkpoint_file())
        start = trainer.iter + 1
    trainer.reset_data_loader(lambda: Batches(start))
    with contextlib.suppress(KeyboardInterrupt):
        trainer.train(start, stop)
    return {**model.state_dict(), **average.average.state_dict()}


def test_a_run_cut_in_the_middle_ends_where_a_whole_one_does(tmp_path):
    (tmp_path / "whole").mkdir()
    (tmp_path / "cut").mkdir()
    whole = run(tmp_path / "whole", stop=10)
    run(tmp_path / "cut", stop=10, kill_at=7)
    resumed = run(tmp_path / "cut", stop=10, resume=True)
    torch.testing.assert_close(resumed, whole, atol=0, rtol=0)


def test_accumulated_batches_equal_their_union():
    def step(size, accumulate):
        trainer, model, _ = build(accumulate=accumulate)
        model[1] = model[2] = nn.Identity()  # batch statistics and dropout see the parts
        trainer.task.losses = lambda model, batch, rng: {
            "loss": F.mse_loss(model(batch[0]), batch[1])
        }
        whole = Batches(3, size=8).batch(3)
        parts = [tuple(x[i : i + size] for x in whole) for i in range(0, 8, size)]
        trainer.reset_data_loader(lambda: parts)
        trainer.train(0, 1)
        return model.state_dict()

    torch.testing.assert_close(step(4, accumulate=2), step(8, accumulate=1))


def test_gradients_are_clipped():
    trainer, model, _ = build(clip_norm=1e-3)
    trainer.reset_data_loader(lambda: Batches(0))
    trainer.train(0, 1)
    norm = torch.stack([p.grad.norm() for p in model.parameters()]).norm()
    assert norm <= 1e-3 + 1e-8


def test_a_loss_that_is_not_finite_stops_the_run_and_spares_the_weights():
    trainer, model, _ = build()
    before = {name: w.clone() for name, w in model.named_parameters()}
    x, y = Batches(0).batch(0)
    trainer.reset_data_loader(lambda: iter([(x, y * float("inf"))]))
    with pytest.raises(FloatingPointError, match="the loss 'loss' is NaN or infinite"):
        trainer.train(0, 1)
    torch.testing.assert_close(dict(model.named_parameters()), before, atol=0, rtol=0)


def test_autocast_trains_on_the_cpu():
    trainer, model, _ = build(amp=True)
    before = model[0].weight.clone()
    trainer.reset_data_loader(lambda: Batches(0))
    trainer.train(0, 3)
    assert model[0].weight.dtype == torch.float32
    assert not torch.equal(model[0].weight, before)


def test_an_unknown_type_of_autocast_is_refused():
    with pytest.raises(InputError, match="amp=int8"):
        build(amp="int8")


def test_the_weight_average_is_exponential():
    model = nn.Linear(1, 1, bias=False)
    average = WeightAverage(model, 0.75)
    values = [1.0, 5.0, 2.0]
    for value in values:
        nn.init.constant_(model.weight, value)
        average.after_step()
    expected = 0.75 * (0.75 * 1.0 + 0.25 * 5.0) + 0.25 * 2.0
    assert average.average.module.weight.item() == pytest.approx(expected)


def test_a_kill_while_a_checkpoint_is_written_loses_nothing(tmp_path, monkeypatch):
    checkpointer = AtomicCheckpointer(nn.Linear(2, 2), str(tmp_path))
    checkpointer.save("model_1", iteration=1)

    def cut_short(data, file):
        file.write(b"half a check")
        raise KeyboardInterrupt

    monkeypatch.setattr(torch, "save", cut_short)
    with pytest.raises(KeyboardInterrupt):
        checkpointer.save("model_2", iteration=2)
    monkeypatch.undo()
    again = AtomicCheckpointer(nn.Linear(2, 2), str(tmp_path))
    assert again.load(again.get_checkpoint_file())["iteration"] == 1


@pytest.mark.parametrize("content", [b"", b"no checkpoint", "truncated"])
def test_a_broken_checkpoint_is_named(tmp_path, content):
    checkpointer = AtomicCheckpointer(nn.Linear(2, 2), str(tmp_path))
    checkpointer.save("model")
    file = tmp_path / "model.pth"
    file.write_bytes(file.read_bytes()[:500] if content == "truncated" else content)
    with pytest.raises(InputError, match=r"model\.pth"):
        checkpointer.load(str(file))


def test_a_checkpoint_of_another_model_is_refused(tmp_path):
    AtomicCheckpointer(nn.Linear(2, 3), str(tmp_path)).save("model")
    other = AtomicCheckpointer(nn.Linear(2, 2), str(tmp_path))
    with pytest.raises(InputError, match="another model"):
        other.load(other.get_checkpoint_file())


@pytest.mark.holds("13.11 metrics.json repeats no iteration after a resume")
@pytest.mark.parametrize(("start", "end"), [(0, 3), (2, 3), (3, 3), (5, 5)])
def test_a_run_ends_at_the_iteration_after_its_last_step(start, end):
    trainer, _, _ = build()
    trainer.reset_data_loader(lambda: Batches(0))
    trainer.train(start, 3)
    assert trainer.iter == trainer.storage.iter == end
