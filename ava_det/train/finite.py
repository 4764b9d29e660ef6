"""Stop a run when NaN or infinite numbers occur, before they reach weights or checkpoints."""

from collections.abc import Iterator, Mapping
from typing import Any

from torch import Tensor, nn

from ava_det.weights.transfer import not_finite


def named_tensors(content: Any, name: str = "") -> Iterator[tuple[str, Tensor]]:
    """Yield the tensors of nested dictionaries and lists, with keys joined by dots."""
    if isinstance(content, Tensor):
        yield name, content
    elif isinstance(content, Mapping | list | tuple):
        items = content.items() if isinstance(content, Mapping) else enumerate(content)
        for key, value in items:
            yield from named_tensors(value, f"{name}.{key}" if name else str(key))


def check_finite(content: Any, what: str) -> None:
    """Require that all numbers are finite.

    Args:
        content: Tensors in nested dictionaries and lists.
        what: A description of the content, for the message.

    Raises:
        FloatingPointError: A number is NaN or infinite; the message names the first such tensors.
    """
    if broken := not_finite(dict(named_tensors(content))):
        others = f" and {len(broken) - 3} others" if broken[3:] else ""
        raise FloatingPointError(
            f"{what}: NaN or infinite numbers in {', '.join(broken[:3])}{others}"
        )


def broken_gradient(model: nn.Module) -> str:
    """Describe which gradient of a model is not finite.

    A broken gradient often breaks the gradients of all earlier layers. The message names the last
    broken parameter, which is nearest to the loss.
    """
    gradients = {n: p.grad for n, p in model.named_parameters() if p.grad is not None}
    broken = not_finite(gradients)
    if not broken:  # the numbers are finite, but their squares are not
        largest = max(gradients, key=lambda name: float(gradients[name].abs().max()))
        return f"the gradient is too large for a norm, largest in {largest}"
    others = f" (and of {len(broken) - 1} other parameters)" if broken[1:] else ""
    return f"the gradient of {broken[-1]}{others} is NaN or infinite"
