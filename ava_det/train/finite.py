"""NaN and infinite numbers end a run before they are in its weights, averages or checkpoints."""

from collections.abc import Iterator, Mapping
from typing import Any

from torch import Tensor, nn

from ava_det.weights.transfer import not_finite


def named_tensors(content: Any, name: str = "") -> Iterator[tuple[str, Tensor]]:
    """The tensors of nested dictionaries and lists, with their keys joined by dots."""
    if isinstance(content, Tensor):
        yield name, content
    elif isinstance(content, Mapping | list | tuple):
        items = content.items() if isinstance(content, Mapping) else enumerate(content)
        for key, value in items:
            yield from named_tensors(value, f"{name}.{key}" if name else str(key))


def check_finite(content: Any, what: str) -> None:
    """Refuse weights and the like with a number that is none.

    Args:
        content: tensors in nested dictionaries and lists.
        what: they are, for the message.

    Raises:
        FloatingPointError: NaN or infinite numbers; the names of the first tensors with any.
    """
    if broken := not_finite(dict(named_tensors(content))):
        others = f" and {len(broken) - 3} others" if broken[3:] else ""
        raise FloatingPointError(
            f"{what}: NaN or infinite numbers in {', '.join(broken[:3])}{others}"
        )


def broken_gradient(model: nn.Module) -> str:
    """What to say of a model whose gradient has no finite norm.

    Where one parameter's gradient is broken, so are often those of all before it: the last one,
    nearest to the loss, says where it began.
    """
    gradients = {n: p.grad for n, p in model.named_parameters() if p.grad is not None}
    broken = not_finite(gradients)
    if not broken:  # each number is finite, their squares are not
        largest = max(gradients, key=lambda name: float(gradients[name].abs().max()))
        return f"the gradient is too large for a norm, largest in {largest}"
    others = f" (and of {len(broken) - 1} other parameters)" if broken[1:] else ""
    return f"the gradient of {broken[-1]}{others} is NaN or infinite"
