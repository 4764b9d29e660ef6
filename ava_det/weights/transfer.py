"""Loads weights into a model by name, all or nothing, and reports every weight."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest

import torch
from torch import Tensor, nn

_COUNT = ".num_batches_tracked"  # of a norm; Caffe2 and early versions of torch keep none
_LISTED = 12  # names in a line


@dataclass(frozen=True)
class TransferReport:
    """The names of all weights, by what happened to them.

    Attributes:
        loaded: The weights that were loaded.
        dropped: The weights of the file that were not loaded.
        fresh: The weights of the model that stay as initialised.
        notes: Further lines about the file.
    """

    loaded: tuple[str, ...]
    dropped: tuple[str, ...]
    fresh: tuple[str, ...]
    notes: tuple[str, ...] = ()

    def __str__(self) -> str:
        parts = [
            f"{len(self.loaded)} loaded",
            f"{len(self.dropped)} dropped{_listing(self.dropped)}",
            f"{len(self.fresh)} fresh{_listing(self.fresh)}",
        ]
        return "weights: " + "; ".join([*parts, *self.notes])


def _listing(names: Sequence[str]) -> str:
    """List the names after a colon, only the first ones of many; empty without names."""
    words = [name for name in names if not name.endswith(_COUNT)]
    counts = len(names) - len(words)
    words, more = words[:_LISTED], len(words) - _LISTED
    words += [f"{more} more"] if more > 0 else []
    words += [f"{counts} counts of batches"] if counts else []
    return f": {', '.join(words)}" if words else ""


def transfer(
    model: nn.Module, weights: Mapping[str, Tensor], fresh: Sequence[str] = ()
) -> TransferReport:
    """Load `weights` into `model` in place.

    Args:
        model: The model to fill.
        weights: From a name to a tensor. The batch counters of norms may be missing, because
            nothing here depends on them.
        fresh: The prefixes of names to leave as initialised, such as "head.".

    Raises:
        ValueError: A name, a shape or a kind of number differs outside the prefixes. Then nothing
            is loaded.
    """
    report = match(model.state_dict(), weights, fresh)
    model.load_state_dict({name: weights[name] for name in report.loaded}, strict=False)
    return report


def match(
    own: Mapping[str, Tensor], weights: Mapping[str, Tensor], fresh: Sequence[str] = ()
) -> TransferReport:
    """Return the report of `transfer` for a model with the `state_dict` `own`.

    Raises the same errors.
    """
    prefixes = tuple(fresh)
    missing = [
        f"{n} is not in the file"
        for n in own
        if n not in weights and not n.startswith(prefixes) and not n.endswith(_COUNT)
    ]
    strange = [
        f"{n} is not in the model" for n in weights if n not in own and not n.startswith(prefixes)
    ]
    loaded = [n for n in weights if n in own and not n.startswith(prefixes)]
    others = [line for n in loaded if (line := _misfit(n, weights[n], own[n]))]
    # The first of each kind comes first, for one kind often explains the rest.
    problems = [p for row in zip_longest(missing, strange, others) for p in row if p]
    if problems:
        more = f" (+{len(problems) - 3} more)" if len(problems) > 3 else ""
        raise ValueError("the weights do not fit: " + "; ".join(problems[:3]) + more)
    taken = set(loaded)
    return TransferReport(
        loaded=tuple(loaded),
        dropped=tuple(n for n in weights if n not in taken),
        fresh=tuple(n for n in own if n not in taken),
    )


def not_finite(weights: Mapping[str, Tensor]) -> list[str]:
    """Return the names of weights with NaN or infinite numbers, as after diverged training."""
    return [
        name
        for name, weight in weights.items()
        if weight.is_floating_point()
        # A sum takes a third of the time, and is not finite if a number is not.
        and not weight.sum(dtype=torch.float32).isfinite()
        and not weight.isfinite().all()
    ]


def _misfit(name: str, weight: Tensor, own: Tensor) -> str:
    """Return why a weight cannot take the place of `own`; empty if it can."""
    if weight.shape != own.shape:
        theirs, ours = tuple(weight.shape), tuple(own.shape)
        return f"{name} has shape {theirs} in the file and {ours} in the model"
    if weight.is_floating_point() != own.is_floating_point() or weight.is_complex():
        return f"{name} is {weight.dtype} in the file and {own.dtype} in the model"
    return ""
