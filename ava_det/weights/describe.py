"""Describes a weight file in words, and lists the differences between two files."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import NamedTuple

import torch
from torch import Tensor

from ava_det.weights.load import WeightFile
from ava_det.weights.transfer import not_finite

_BLOCK = re.compile(r"s(\d+)\.pathway(\d+)_res(\d+)\.")


def describe(file: WeightFile, names: bool = False) -> Iterator[str]:
    """Yield lines about a file: codebase, size, network, pixels, optimizer state and classes.

    Args:
        file: The file to describe.
        names: Whether to list the name, the shape and the common name of every weight, too.
    """
    numbers = sum(weight.numel() for weight in file.weights.values())
    types = Counter(str(w.dtype).removeprefix("torch.") for w in file.weights.values())
    kinds = ", ".join(f"{count} {kind}" for kind, count in types.most_common())
    yield f"names of {file.format.title}: {numbers / 1e6:.2f} M numbers in {kinds} tensors"
    weights = file.renamed()
    blocks = Counter((pathway, stage) for stage, pathway, _ in _blocks(weights))
    for pathway in sorted({pathway for pathway, _ in blocks}):
        depths = [str(blocks[pathway, s]) for p, s in sorted(blocks) if p == pathway]
        yield f"pathway {pathway}: {' '.join(depths)} residual blocks"
    last = weights.get("head.projection.weight")
    if last is not None and last.dim() == 2:
        classes, features = last.shape
        yield f"head: {classes} classes from {features} features"
    if file.origin.mean and file.origin.std:
        source = "as it says" if file.origin.stated else "by convention; the file does not say"
        order = "BGR, turned round when loaded" if file.origin.bgr else "RGB"
        mean, std = ("/".join(f"{x:g}" for x in v) for v in (file.origin.mean, file.origin.std))
        yield f"pixels: {order}, mean {mean}, standard deviation {std} ({source})"
    for path, value in file.origin.wiring.items():
        yield f"{path}: {value}"
    if file.optimizer:
        yield f"optimizer state: {', '.join(list(file.optimizer)[:4])}"
    if file.card:
        yield f"card: {file.card.task} {file.card.arguments}, {file.card.clip}"
        yield f"classes: {', '.join(name for _, name, _ in file.card.classes)}"
    if broken := not_finite(file.weights):
        yield f"NaN or infinite numbers in {len(broken)}: {', '.join(broken[:3])}"
    if names:
        common = file.format.common_names(file.weights)
        for name, weight in file.weights.items():
            yield f"  {name}  {tuple(weight.shape)}  {common.get(name, 'unknown')}"


def _blocks(names: Mapping[str, Tensor]) -> set[tuple[int, int, int]]:
    """Return (stage, pathway, block) of every residual block."""
    found = (_BLOCK.match(name) for name in names)
    return {(int(m[1]), int(m[2]), int(m[3])) for m in found if m}


class Difference(NamedTuple):
    """A weight that differs between two files.

    Attributes:
        name: The common name of the weight.
        largest: The largest absolute difference; infinite if the values cannot be compared.
        words: The difference in words.
    """

    name: str
    largest: float
    words: str


def differences(a: WeightFile, b: WeightFile) -> list[Difference]:
    """List the weights that differ between two files of any format, largest differences first."""
    left, right = a.renamed(), b.renamed()
    found = []
    for name in {**left, **right}:
        if name not in left or name not in right:
            missing = a.path if name not in left else b.path
            if not name.endswith("num_batches_tracked"):  # some formats lack it
                found.append(Difference(name, torch.inf, f"not in {missing}"))
            continue
        x, y = left[name], right[name]
        if x.shape != y.shape:
            words = f"shape {tuple(x.shape)} and {tuple(y.shape)}"
            found.append(Difference(name, torch.inf, words))
        elif not torch.equal(x, y):
            largest = (x.double() - y.double()).abs().nan_to_num(nan=torch.inf).max().item()
            scale = max(x.double().abs().max().item(), y.double().abs().max().item())
            found.append(Difference(name, largest, f"{largest:.3g} of values up to {scale:.3g}"))
    return sorted(found, key=lambda difference: -difference.largest)
