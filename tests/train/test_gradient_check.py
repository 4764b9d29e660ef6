"""Wrong gradients of short clips are refused; the fault is simulated, for few machines have it."""

import itertools

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from ava_det.structures import InputError
from ava_det.train.config import load_config
from ava_det.train.gradient_check import (
    LARGEST_ERROR,
    check_gradients,
    gradient_error,
    noted_convolutions,
    weight_gradient,
)
from ava_det.train.loop import ClipTrainer
from ava_det.train.run import build_trainer

HOLDS = "13.1 reduced precision is refused where its gradients are wrong"
RIGHT_CONV3D = F.conv3d


def faulty(convolution, clip, above, dtype):
    """As on the CPUs with the fault: wrong in bfloat16 where 2 <= T < k, in one tap at least."""
    gradient = weight_gradient(convolution, clip, above, dtype)
    if dtype != torch.float32 and 2 <= clip.shape[2] < gradient.shape[2]:
        gradient[:, :, gradient.shape[2] // 2] *= 1.5
    return gradient


class Spoilt(torch.autograd.Function):
    """The identity of a weight; its gradient is what the CPUs with the fault make of it."""

    @staticmethod
    def forward(ctx, weight):
        return weight.view_as(weight)

    @staticmethod
    def backward(ctx, gradient):
        gradient = gradient.clone()
        gradient[:, :, gradient.shape[2] // 2] = 1e4
        return gradient


def faulty_conv3d(input, weight, *rest):
    reduced = input.dtype == torch.bfloat16 or torch.is_autocast_enabled("cpu")
    if reduced and 2 <= input.shape[2] < weight.shape[2]:
        weight = Spoilt.apply(weight)
    return RIGHT_CONV3D(input, weight, *rest)


def noted(frames, dtype=torch.bfloat16, **options):
    """A small convolution as a model runs it on a clip of so many frames."""
    model = nn.Sequential(nn.Conv3d(4, 6, **{"kernel_size": (3, 1, 1), **options}))
    with torch.autocast("cpu", dtype), noted_convolutions(model) as seen:
        model(torch.randn(2, 4, frames, 9, 9))
    return seen


CONVOLUTIONS = {
    "in time": {"padding": (1, 0, 0)},
    "of a stem": {"kernel_size": (5, 7, 7), "padding": (2, 3, 3), "stride": (1, 2, 2)},
    "lateral": {"kernel_size": (7, 1, 1), "padding": (3, 0, 0), "stride": (4, 1, 1)},
    "in groups": {"kernel_size": 3, "padding": 1, "groups": 2},
    "dilated": {"padding": (2, 1, 1), "dilation": (2, 1, 1)},
    "by name": {"padding": "same"},
}


@pytest.mark.holds(HOLDS)
@pytest.mark.parametrize("options", CONVOLUTIONS.values(), ids=CONVOLUTIONS.keys())
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
@pytest.mark.parametrize("frames", [1, 2, 4, 9])
def test_rounding_is_far_below_the_bound(frames, dtype, options):
    (convolution,) = noted(frames, dtype, **options)
    assert 0 < gradient_error(convolution) < LARGEST_ERROR / 4


@pytest.mark.holds(HOLDS)
@pytest.mark.parametrize("frames", [2, 4])
def test_the_fault_is_refused_by_name(frames):
    seen = noted(frames, kernel_size=(5, 1, 1), padding=(2, 0, 0))
    check_gradients(seen)  # as this machine has it
    line = (
        rf"^0: .*in bfloat16: {frames} frames, kernel of 5 frames, relative error 0\.5.*amp=False"
    )
    with pytest.raises(InputError, match=line):
        check_gradients(seen, faulty)


@pytest.mark.holds(HOLDS)
@pytest.mark.parametrize("frames", [1, 3, 8])
def test_clips_as_long_as_the_kernel_pass_on_a_machine_with_the_fault(frames):
    check_gradients(noted(frames, padding=(1, 0, 0)), faulty)


@pytest.mark.holds(HOLDS)
def test_memory_that_nobody_wrote_is_refused():
    def unwritten(*arguments):
        gradient = weight_gradient(*arguments)
        return gradient if gradient.dtype == torch.float32 else gradient * float("nan")

    with pytest.raises(InputError, match="relative error inf"):
        check_gradients(noted(2, padding=(1, 0, 0)), unwritten)


def test_float32_frozen_and_spatial_convolutions_are_not_tried():
    assert not noted(2, kernel_size=(1, 3, 3))
    model = nn.Conv3d(4, 6, 3, padding=1)
    with noted_convolutions(model) as seen:
        model(torch.randn(2, 4, 2, 9, 9))
    assert not seen
    model.requires_grad_(False)
    with torch.autocast("cpu"), noted_convolutions(model) as seen:
        model(torch.randn(2, 4, 2, 9, 9))
    assert not seen
    assert not model._forward_hooks


def test_the_check_draws_nothing_from_the_generator_of_a_run():
    seen = noted(2, padding=(1, 0, 0))
    before = torch.get_rng_state()
    check_gradients(seen)
    assert torch.equal(torch.get_rng_state(), before)


def test_a_large_convolution_is_tried_on_little():
    model = nn.Conv3d(512, 256, (3, 1, 1), padding=(1, 0, 0))
    with torch.autocast("cpu"), noted_convolutions(model) as seen:
        model(torch.randn(4, 512, 8, 7, 7))
    (convolution,) = seen
    assert convolution.size == (4, 512, 8, 7, 7)
    assert convolution.small(1 << 25).size == (1, 512, 4, 4, 4)
    assert convolution.small(1 << 20).size == (1, 512, 4, 2, 2)
    assert convolution.small(1 << 40).size == (4, 512, 4, 4, 4)


@pytest.fixture
def grid_recipe(shared, tmp_path):
    """The recipe of the grids, on two small clips."""
    listed = tmp_path / "list.txt"
    videos = sorted((shared / "data" / "jhmdb" / "videos" / "golf").glob("*.mp4"))[:2]
    listed.write_text("".join(f"{path} 0\n" for path in videos))
    data = [f"data.train={listed}"]
    data += [f"{key}.mapper.reader.folder={tmp_path}" for key in ("dataloader.train",)]
    small = ["model.arguments.width=8", "dataloader.train.batch_size=2"]

    def trainer(*overrides) -> ClipTrainer:
        cfg = load_config("configs/ablate/jhmdb_tiny.py", [*data, *small, *overrides])
        _, loader, trainer = build_trainer(cfg)
        batch = next(iter(loader))
        trainer.reset_data_loader(lambda: itertools.repeat(batch))
        return trainer

    return trainer


@pytest.mark.holds("13.1 the old grid's recipe is refused on a machine with the fault")
@pytest.mark.parametrize("layout", ["False", "True"])
def test_the_old_recipe_of_the_grids(grid_recipe, monkeypatch, layout):
    old = grid_recipe("train.amp=bfloat16", f"train.channels_last={layout}", "clip.short_side=32")
    weights = {name: w.clone() for name, w in old.model.named_parameters()}
    monkeypatch.setattr(F, "conv3d", faulty_conv3d)
    with pytest.raises(InputError, match=r"conv_a: .* bfloat16: 2 frames, kernel of 3 frames"):
        old.train(0, 1)
    torch.testing.assert_close(dict(old.model.named_parameters()), weights, atol=0, rtol=0)
    grid_recipe("train.amp=bfloat16", "clip.frames=16", "clip.short_side=32").train(0, 1)


@pytest.mark.holds("13.1 the grids train in float32")
def test_the_recipe_of_the_grids_trains_on_a_machine_with_the_fault(grid_recipe, monkeypatch):
    monkeypatch.setattr(F, "conv3d", faulty_conv3d)
    now = grid_recipe("clip.short_side=32")
    now.train(0, 1)
    assert all(w.isfinite().all() for w in now.model.parameters())
    for name in ("jhmdb_tiny", "jhmdb_detection_tiny", "actors_tiny"):
        cfg = load_config(f"configs/ablate/{name}.py", [])
        assert (cfg.train.amp, cfg.test.amp) == (False, False)
