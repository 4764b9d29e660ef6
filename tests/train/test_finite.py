"""NaN and infinite numbers stop a run before they are kept anywhere."""

from pathlib import Path

import pytest
import torch
from detectron2.utils import comm
from test_loop import Batches, build, run
from torch import nn

from ava_det.structures import InputError
from ava_det.train.checkpoint import AtomicCheckpointer
from ava_det.train.finite import broken_gradient, check_finite
from ava_det.train.loop import WeightAverage
from ava_det.train.norms import measure_statistics
from ava_det.train.processes import distribute, run_in_processes

STOPS = "13.2 a gradient that is not finite stops the run before the step"
KEPT = "13.2 nothing that is not finite is saved"


def spoil(parameter, value, after=0):
    """Have a parameter's gradient be `value` in one place after so many backward passes."""
    passes = []

    def hook(gradient):
        passes.append(0)
        if len(passes) <= after:
            return gradient
        gradient = gradient.clone()
        gradient.view(-1)[0] = value
        return gradient

    parameter.register_hook(hook)


@pytest.mark.holds(STOPS)
@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
@pytest.mark.parametrize(
    "options", [{}, {"clip_norm": 1.0}, {"accumulate": 2}, {"amp": "bfloat16"}, {"amp": "float16"}]
)
def test_a_gradient_that_is_not_finite_changes_nothing(value, options):
    trainer, model, _ = build(**options)
    average = WeightAverage(model, 0.9)
    trainer.register_hooks([average])
    spoil(model[3].weight, value, after=2 * trainer.accumulate)
    seen = []
    trainer.reset_data_loader(lambda: Batches(0))
    change = trainer.change_weights

    def remember():
        seen.append([w.clone() for w in (*model.parameters(), *average.average.parameters())])
        change()

    trainer.change_weights = remember
    with pytest.raises(FloatingPointError, match=r"^iteration 2: the gradient of 3\.weight is NaN"):
        trainer.train(0, 5)
    assert len(seen) == 3
    now = [*model.parameters(), *average.average.parameters()]
    torch.testing.assert_close(now, seen[-1], atol=0, rtol=0)


@pytest.mark.holds("13.2 a loss that is not finite stops the run before the step, in one line")
@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_loss_that_is_not_finite_changes_nothing(value):
    trainer, model, _ = build()
    trainer.reset_data_loader(lambda: Batches(0))
    losses, seen = trainer.task.losses, []

    def spoilt(*arguments):
        seen.append([w.clone() for w in model.parameters()])
        found = losses(*arguments)
        return {name: loss * (value if len(seen) == 3 else 1.0) for name, loss in found.items()}

    trainer.task.losses = spoilt
    (name,) = losses(model, next(iter(Batches(0))), None)
    with pytest.raises(FloatingPointError) as caught:
        trainer.train(0, 5)
    assert str(caught.value) == (
        f"iteration 2: the loss {name!r} is NaN or infinite; the weights are unchanged. Continue "
        "from the last checkpoint with --resume, for example with a lower optimizer.lr, "
        "train.clip_norm or train.amp=False"
    )
    torch.testing.assert_close(list(model.parameters()), seen[-1], atol=0, rtol=0)


@pytest.mark.holds(STOPS)
def test_the_parameter_nearest_to_the_loss_is_named():
    model = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2), nn.Linear(2, 2))
    for parameter in model.parameters():
        parameter.grad = torch.ones_like(parameter)
    model[0].weight.grad[0, 0] = model[1].bias.grad[1] = float("nan")
    assert broken_gradient(model).startswith("the gradient of 1.bias (and of 1 other parameters)")
    for parameter in model.parameters():
        parameter.grad = torch.full_like(parameter, 1e19)
    model[1].weight.grad *= 10
    assert broken_gradient(model) == ("the gradient is too large for a norm, largest in 1.weight")


@pytest.mark.holds(STOPS)
def test_a_gradient_scaler_leaves_steps_out_until_its_scale_is_used_up():
    trainer, model, _ = build()
    trainer.grad_scaler = torch.amp.GradScaler("cpu", init_scale=4.0)
    spoil(model[3].weight, float("inf"), after=1)
    before = [w.clone() for w in model.parameters()]
    scales, weights = [], []
    trainer.reset_data_loader(lambda: Batches(0))
    change = trainer.change_weights

    def remember():
        change()
        scales.append(trainer.grad_scaler.get_scale())
        weights.append([w.clone() for w in model.parameters()])

    trainer.change_weights = remember
    with pytest.raises(FloatingPointError, match=r"iteration 3: the gradient of 3\.weight"):
        trainer.train(0, 9)
    assert scales == [4.0, 2.0, 1.0]  # a step and two that were left out
    assert not torch.equal(weights[0][0], before[0])
    torch.testing.assert_close(weights[2], weights[0], atol=0, rtol=0)
    assert all(w.isfinite().all() for w in model.parameters())


@pytest.mark.holds("13.2 --resume goes on from the last good checkpoint")
def test_a_run_that_was_stopped_resumes_to_the_same_weights(tmp_path, monkeypatch):
    (tmp_path / "whole").mkdir()
    (tmp_path / "cut").mkdir()
    whole = run(tmp_path / "whole", stop=10)
    spoilt = build

    def with_a_fault(**options):
        trainer, model, optimizer = spoilt(**options)
        spoil(model[0].weight, float("nan"), after=7)
        return trainer, model, optimizer

    monkeypatch.setattr("test_loop.build", with_a_fault)
    with pytest.raises(FloatingPointError, match=r"iteration 7: the gradient of 0\.weight"):
        run(tmp_path / "cut", stop=10)
    monkeypatch.undo()
    assert (tmp_path / "cut" / "last_checkpoint").read_text() == "model_5.pth"
    resumed = run(tmp_path / "cut", stop=10, resume=True)
    torch.testing.assert_close(resumed, whole, atol=0, rtol=0)


def stop_in_both(folder: Path) -> None:
    """One process has a gradient that is not finite; each notes how it ended."""
    trainer, model, _ = build()
    before = [w.clone() for w in model.parameters()]
    if comm.get_rank() == 1:
        spoil(model[3].bias, float("nan"))
    trainer.model = distribute(model)
    trainer.reset_data_loader(lambda: Batches(comm.get_rank()))
    try:
        trainer.train(0, 3)
    except FloatingPointError as error:
        same = all(torch.equal(a, b) for a, b in zip(before, model.parameters(), strict=True))
        (folder / str(comm.get_rank())).write_text(f"{same} {error}")


@pytest.mark.slow
@pytest.mark.holds(STOPS)
def test_all_processes_stop_at_the_gradient_of_one(tmp_path):
    run_in_processes(stop_in_both, (tmp_path,), processes=2)
    for rank in "01":
        said = (tmp_path / rank).read_text()
        assert said.startswith("True iteration 0: the gradient of 3.bias is NaN")


@pytest.mark.holds(KEPT)
@pytest.mark.parametrize("place", ["0.weight", "1.running_var", "average.module.1.running_mean"])
def test_a_checkpoint_with_such_numbers_is_neither_written_nor_loaded(tmp_path, place):
    model = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2))
    average = WeightAverage(model, 0.9).average
    checkpointer = AtomicCheckpointer(model, str(tmp_path), average=average)
    checkpointer.save("model_0000001")
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    part = average if place.startswith("average") else model
    part.state_dict()[place.removeprefix("average.")].view(-1)[0] = float("nan")
    with pytest.raises(FloatingPointError, match=rf"model_0000002\.pth, .*numbers in .*{place}$"):
        checkpointer.save("model_0000002")
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before
    content = {"model": model.state_dict(), "average": average.state_dict()}
    torch.save(content, tmp_path / "model_0000003.pth")  # as earlier versions did
    with pytest.raises(
        InputError, match=rf"model_0000003\.pth: .*{place}; write the name of an earlier"
    ):
        checkpointer.load(str(tmp_path / "model_0000003.pth"))


class Named:
    """A task that runs a model on batches."""

    def outputs(self, model, batch):
        return model(batch)


@pytest.mark.holds(KEPT)
def test_measured_norms_are_finite():
    model = nn.Sequential(nn.BatchNorm1d(2), nn.Identity())
    model.unused = nn.BatchNorm1d(2)  # in testing nothing goes through it
    model.forward = lambda x: model[1](model[0](x))
    batches = [torch.randn(4, 2) + 3 for _ in range(3)]
    measure_statistics(model, Named(), batches, 3)
    torch.testing.assert_close(model[0].running_mean, torch.cat(batches).mean(0))
    assert torch.equal(model.unused.running_var, torch.ones(2))
    with pytest.raises(FloatingPointError, match=r"batch norms measured .* numbers in 0$"):
        measure_statistics(model, Named(), [torch.full((4, 2), float("inf"))], 1)


def test_a_few_names_of_many():
    with pytest.raises(FloatingPointError, match=r"^x: NaN .* in a\.0, a\.1, a\.2 and 2 others$"):
        check_finite({"a": [torch.tensor(float("inf"))] * 5, "b": torch.tensor(3)}, "x")
