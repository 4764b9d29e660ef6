"""Check that the weight gradients of a model's convolutions are right in reduced precision.

On some CPUs torch 2.14.1 (oneDNN) computes a wrong bfloat16 weight gradient of a 3-D convolution if
a clip has fewer frames than the kernel: it reads uninitialised memory. Loss and accuracy hardly
show the error, so each run checks the gradients before the first step.

Shapes: N clips, C channels, T frames, H W pixels.
"""

import math
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ava_det.structures import InputError

# Rounding to bfloat16 gives an error of 0.002 to 0.006, the fault an error of 0.5 and more. The
# limit is ten times away from both.
LARGEST_ERROR = 0.05
REDUCED = torch.bfloat16, torch.float16
Triple = tuple[int, ...]

_SIDES = 4, 2  # pixels; few are enough because the fault is in time; 2 if 4 take too long
_MACS = 1 << 29  # multiplications of all convolutions; they take less than a second
_POISON = 1e4


@dataclass(frozen=True)
class Convolution:
    """The properties of a 3-D convolution and the input that the gradient may depend on.

    Attributes:
        size: The shape (N, C, T, H, W) of the input.
        weight: The shape (C', C / groups, T, H, W) of the kernel.
        channels_last: Whether the memory layout of the weight is channels last.
        dtype: The type of the computation.
    """

    size: Triple
    weight: Triple
    stride: Triple
    padding: Triple | str
    dilation: Triple
    groups: int
    channels_last: bool
    dtype: torch.dtype
    device: torch.device

    def small(self, macs: int) -> "Convolution":
        """Return the convolution with fewer clips and pixels, at most about `macs` multiplications.

        A clip that is longer than the kernel is shortened, so that it still has the same borders.
        """
        clips, channels, frames, *sides = self.size
        frames = min(frames, self.weight[2] + self.stride[0])
        for side in _SIDES:
            spans = [min(own, max(side, k)) for own, k in zip(sides, self.weight[3:], strict=True)]
            most = macs // (math.prod(self.weight) * frames * math.prod(spans))
            if most:
                break
        return replace(self, size=(min(clips, max(1, most)), channels, frames, *spans))


WeightGradient = Callable[[Convolution, Tensor, Tensor, torch.dtype], Tensor]


@contextmanager
def noted_convolutions(model: nn.Module) -> Generator[dict[Convolution, str]]:
    """Record the temporal convolutions of a model that run in reduced precision within the block.

    Returns:
        One convolution of each kind, with the name of the first module of that kind. The block
        fills the dictionary.
    """
    noted: dict[Convolution, str] = {}

    def note(name: str, module: nn.Conv3d, inputs: tuple[Tensor], output: Tensor) -> None:
        weight = module.weight
        if output.dtype in REDUCED and weight.requires_grad and weight.shape[2] > 1:
            last = weight.is_contiguous(memory_format=torch.channels_last_3d)
            convolution = Convolution(
                tuple(inputs[0].shape),
                tuple(weight.shape),
                module.stride,
                module.padding,
                module.dilation,
                module.groups,
                last and not weight.is_contiguous(),
                output.dtype,
                weight.device,
            )
            noted.setdefault(convolution, name)

    hooks = [
        module.register_forward_hook(partial(note, name))
        for name, module in model.named_modules()
        if isinstance(module, nn.Conv3d)
    ]
    try:
        yield noted
    finally:
        for hook in hooks:
            hook.remove()


def weight_gradient(
    convolution: Convolution, clip: Tensor, above: Tensor, dtype: torch.dtype
) -> Tensor:
    """Compute the gradient of a convolution's weight as training does.

    Args:
        convolution: The stride, padding and so on.
        clip: (N, C, T, H, W) The input.
        above: (N, C', T', H', W') The gradient of the output.
        dtype: The type of the computation.
    """
    layout = torch.channels_last_3d if convolution.channels_last else torch.contiguous_format
    clip, above = (x.to(dtype).contiguous(memory_format=layout) for x in (clip, above))
    # The gradient does not depend on the weight.
    weight = torch.zeros(convolution.weight, dtype=dtype, device=clip.device)
    weight = weight.contiguous(memory_format=layout).requires_grad_()
    with torch.enable_grad(), torch.autocast(clip.device.type, enabled=False):
        output = F.conv3d(clip, weight, None, *_settings(convolution))
    # Fill free memory with large numbers, so that a read of uninitialised memory shows.
    largest = max(weight.numel(), clip.numel(), output.numel()).bit_length()
    sizes = [1 << k for k in range(6, largest + 1)] * 3
    junk = [torch.full((size,), _POISON, device=clip.device) for size in sizes]
    del junk
    return torch.autograd.grad(output, weight, above)[0]


def gradient_error(
    convolution: Convolution, weight_gradient: WeightGradient = weight_gradient
) -> float:
    """Return the largest relative error of the weight gradient over temporal taps, against float32.

    Args:
        convolution: A convolution in reduced precision.
        weight_gradient: Computes the gradient.
    """
    generator = torch.Generator().manual_seed(0)  # keeps the random numbers of the run
    draw = partial(torch.randn, generator=generator)
    clip = draw(convolution.size)
    weight = torch.empty(convolution.weight, device="meta")
    size = F.conv3d(clip.to("meta"), weight, None, *_settings(convolution)).shape
    clip, above = (x.to(convolution.device, convolution.dtype) for x in (clip, draw(size)))
    tried, right = (
        weight_gradient(convolution, clip, above, dtype).float().movedim(2, 0).flatten(1)
        for dtype in (convolution.dtype, torch.float32)
    )
    # A tap that only covers padding has a zero gradient.
    scale = right.norm(dim=1).clamp(min=1e-3 * float(right.norm()))
    return float(((tried - right).norm(dim=1) / scale).nan_to_num(math.inf).max())


def check_gradients(
    convolutions: Mapping[Convolution, str], weight_gradient: WeightGradient = weight_gradient
) -> None:
    """Refuse to train if the gradient of a convolution is wrong in the precision of the run.

    Args:
        convolutions: The convolutions with names, from `noted_convolutions`.
        weight_gradient: Computes the gradient.

    Raises:
        InputError: A gradient is wrong. The message names the convolution, the clip, the error and
            a remedy.
    """
    # Check one of each kind; convolutions of a kind differ only in clips and pixels.
    kinds: dict[Convolution, str] = {}
    for convolution, name in convolutions.items():
        kinds.setdefault(convolution.small(_MACS // (4 * len(convolutions))), name)
    errors = {kind: gradient_error(kind, weight_gradient) for kind in kinds}
    wrong = [kind for kind in kinds if errors[kind] > LARGEST_ERROR]
    if not wrong:
        return
    worst = max(wrong, key=lambda kind: errors[kind])
    others = f" ({len(wrong) - 1} other kinds of convolution are wrong, too)" if wrong[1:] else ""
    precision = str(worst.dtype).removeprefix("torch.")
    raise InputError(
        f"{kinds[worst]}: this {worst.device.type} computes the weight gradient of this convolution"
        f" wrongly in {precision}: {worst.size[2]} frames, kernel of {worst.weight[2]} frames,"
        f" relative error {errors[worst]:.2g}, but rounding gives less than {LARGEST_ERROR}"
        f"{others}; train in float32 (train.amp=False) or with longer clips (clip.frames)"
    )


@contextmanager
def checked_gradients(model: nn.Module) -> Generator[None]:
    """Check the gradients of the convolutions that run in the block; see `check_gradients`."""
    with noted_convolutions(model) as noted:
        yield
    check_gradients(noted)


def _settings(convolution: Convolution) -> tuple[Triple, Triple | str, Triple, int]:
    """Return the last arguments of torch's `conv3d`."""
    c = convolution
    return c.stride, c.padding, c.dilation, c.groups
