"""Any weight file into a model, by one call; what kind it is, its content tells.

report = load_weights(Path("SLOWFAST_8x8_R50.pkl"), model)
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from ava_det.formats.plain_pickle import read_plain_pickle
from ava_det.model.weights import native, pyslowfast, pytorchvideo, torch_files
from ava_det.model.weights.caffe2 import CAFFE2
from ava_det.model.weights.detectron2 import DETECTRON2
from ava_det.model.weights.foreign import Format, Origin
from ava_det.model.weights.imagenet import IMAGENET, inflate
from ava_det.model.weights.mmaction2 import MMACTION2, MMACTION2_MVIT
from ava_det.model.weights.mobilenet import MOBILENET
from ava_det.model.weights.names import common_names_of_ours
from ava_det.model.weights.torchvision import TORCHVISION
from ava_det.model.weights.transfer import TransferReport, match, not_finite
from ava_det.structures import InputError

HEAD = ("head.",)  # give it as `fresh` where the classes are others

OURS = Format(
    title="ava_det",
    mark=re.compile(r"backbone\.(blocks\.\d|conv_proj\.)"),
    common_names=common_names_of_ours,
    origin=lambda _, __: Origin(),
)
FORMATS = (
    MMACTION2_MVIT,  # before ours, whose mark its blocks bear too
    OURS,
    pyslowfast.PYSLOWFAST,
    pytorchvideo.PYTORCHVIDEO,
    MMACTION2,
    CAFFE2,
    IMAGENET,
    pyslowfast.PYSLOWFAST_MVIT,
    TORCHVISION,
    MOBILENET,
    DETECTRON2,
)
_FIRST = ("s1.", "backbone.conv_proj.")  # common names of the layers that see pixels
_EXPORTS = {  # the formats that can be written
    "pyslowfast": (pyslowfast.PYSLOWFAST, pyslowfast.export),
    "pytorchvideo": (pytorchvideo.PYTORCHVIDEO, pytorchvideo.export),
}
_STATES = ("model_state", "state_dict", "model", "blobs")  # where a file keeps its weights
_NO_WEIGHTS = {  # what a failed download leaves, to how it begins
    "a web page": (b"<!doctype", b"<html", b"<?xml"),
    "a pointer of Git LFS": (b"version https://git-lfs",),
}
_OPTIMIZERS = ("optimizer_state", "optimizer")


@dataclass(frozen=True)
class WeightFile:
    """What a weight file holds, in the file's own names.

    Attributes:
        path: of the file.
        format: whose names they are.
        weights: name to tensor; those of today's torch files stay on the disk until they are used.
        origin: the model that they were trained in, as far as it is known.
        optimizer: the optimizer's state, as it stands in the file; empty if there is none.
        card: of a file of ours.
    """

    path: Path
    format: Format
    weights: dict[str, Tensor]
    origin: Origin = field(default_factory=Origin)
    optimizer: Mapping[str, Any] = field(default_factory=dict)
    card: native.ModelCard | None = None

    def renamed(self, shapes: Mapping[str, tuple[int, ...]] | None = None) -> dict[str, Tensor]:
        """The weights by common names (`names`); those that the format does not know keep theirs.

        Args:
            shapes: what a model wants, by common names; some formats fit their heads to it.

        Raises:
            InputError: two weights of one name.
        """
        common = self.format.common_names(self.weights)
        wanted = {n: shapes[c] for n, c in common.items() if shapes and c in shapes}
        weights = self.format.adjust(self.weights, wanted)
        found = {common.get(name, name): weight for name, weight in weights.items()}
        if len(found) < len(weights):
            raise InputError(f"{self.path}: it has two weights for one place")
        if self.origin.bgr:
            first = {n: w for n, w in found.items() if n.startswith(_FIRST) and w.dim() == 5}
            found |= {n: w.flip(1) for n, w in first.items() if w.shape[1] == 3}
        return found


def load_weights(
    path: Path, model: nn.Module, *, fresh: Sequence[str] = (), check: bool = True
) -> TransferReport:
    """Load a weight file of any known format into a model, all or nothing.

    Args:
        path: a file of ours, PySlowFast's `.pyth` or `.pkl`, PyTorchVideo's, MMAction2's or
            torchvision's.
        model: of `ava_det.model.zoo`.
        fresh: prefixes of our names that are left as initialised; `HEAD` where the classes differ.
        check: refuse a file that says that its model saw other pixels, or was wired otherwise,
            than `model`, and one with NaN or infinite weights; False makes that a note of the
            report.

    Returns:
        Every weight that was loaded, dropped or left fresh.

    Raises:
        InputError: a file that is damaged, hostile, of no known format, or of another model.
    """
    file = read_file(path)
    own = model.state_dict()
    ours = {common: name for name, common in common_names_of_ours(own).items()}
    found = file.renamed({common: tuple(own[name].shape) for common, name in ours.items()})
    weights = {ours.get(common, common): weight for common, weight in found.items()}
    kept = [n for n in weights if n in own and not n.startswith(tuple(fresh))]
    inflated = [n for n in kept if own[n].dim() == 5 and weights[n].dim() == 4]
    weights |= {n: _fit(weights[n], tuple(own[n].shape)) for n in kept}
    differences = file.origin.differences(model, fresh)
    if differences and check and file.origin.stated:
        raise InputError(f"{path}: made for another model: {'; '.join(differences)}")
    try:
        report = match(own, weights, fresh)
    except ValueError as error:
        raise InputError(f"{path}: {error}") from error
    taken = {name: weights[name] for name in report.loaded}
    if broken := not_finite(taken):
        more = f" (+{len(broken) - 3} more)" if len(broken) > 3 else ""
        words = f"NaN or infinite numbers in {', '.join(broken[:3])}{more}"
        if check:
            raise InputError(f"{path}: {words}")
        differences.append(words)
    model.load_state_dict(taken, strict=False)
    notes = [f"names of {file.format.title}"]
    notes += [f"{len(inflated)} inflated in time"] if inflated else []
    notes += ["BGR turned to RGB"] if file.origin.bgr else []
    notes += [f"note: {line}" for line in differences]
    return TransferReport(report.loaded, report.dropped, report.fresh, tuple(notes))


def export(model: nn.Module, to: str) -> tuple[dict[str, Any], list[str]]:
    """The content of a file that another codebase loads.

    Args:
        model: of ours.
        to: "pyslowfast" or "pytorchvideo".

    Returns:
        What `torch_files.save_torch_file` takes, and lines on what that codebase's published models
        do otherwise than this one.

    Raises:
        ValueError: a model that the codebase does not have.
    """
    format_, content_of = _EXPORTS[to]
    content = content_of(model)
    return content, format_.origin(content, content["model_state"]).differences(model)


def read_file(path: Path) -> WeightFile:
    """Read a weight file and recognise its format.

    Raises:
        InputError: a file that is damaged, hostile or of no known format.
    """
    if path.exists() and not (path.is_file() or path.is_dir()):
        raise InputError(f"{path}: not a regular file")  # a pipe would be waited on for ever
    try:
        with path.open("rb") as file:
            start = file.read(32)
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}") from error
    for kind, beginnings in _NO_WEIGHTS.items():
        if start.lstrip().lower().startswith(beginnings):
            raise InputError(f"{path}: {kind}, not weights")
    if not start:
        raise InputError(f"{path}: an empty file")
    if start[8:9] == b"{":
        weights, card = native.read_weights(path)
        _check_names(path, weights)
        return WeightFile(path, OURS, weights, native.origin_of(card), card=card)
    if start.startswith((torch_files.ZIP, torch_files.LEGACY)):
        return _recognise(path, torch_files.read_torch_file(path))
    return _recognise(path, read_plain_pickle(path))


def _recognise(path: Path, content: Any) -> WeightFile:
    if not isinstance(content, dict):
        raise InputError(f"{path}: it holds a {type(content).__name__}, not weights by name")
    states = (content[key] for key in _STATES if isinstance(content.get(key), dict))
    state = next(states, content)
    _check_names(path, state)
    # DistributedDataParallel puts `module.` in front of all names.
    found = {name.removeprefix("module."): value for name, value in state.items()}
    if len(found) < len(state):
        raise InputError(f"{path}: it has two weights of one name")
    format_ = next((f for f in FORMATS if any(f.mark.match(name) for name in found)), None)
    if format_ is None:
        first = ", ".join(list(found)[:3]) or "none"
        raise InputError(f"{path}: its names are of no known codebase ({first})"[:300])
    logged = {n: v for n, v in found.items() if format_.logged and format_.logged.fullmatch(n)}
    weights = {n: _tensor(path, n, v) for n, v in found.items() if n not in logged}
    optimizers = (content[key] for key in _OPTIMIZERS if isinstance(content.get(key), dict))
    try:
        origin = format_.origin(content, weights)
    except (ValueError, TypeError) as error:
        raise InputError(f"{path}: {error}") from error
    return WeightFile(path, format_, weights, origin, next(optimizers, logged))


def _check_names(path: Path, names: Iterable[Any]) -> None:
    """Refuse names that would make a message of more than a line, or none that can be read."""
    if not all(isinstance(n, str) and n.isprintable() and len(n) < 200 for n in names):
        raise InputError(f"{path}: it has weights whose names are no plain words")


def _tensor(path: Path, name: str, value: Any) -> Tensor:
    if isinstance(value, np.ndarray):
        value = torch.from_numpy(value.astype(value.dtype.newbyteorder("="), copy=False))
    plain = isinstance(value, Tensor) and value.layout == torch.strided
    if not plain or value.is_quantized or value.device.type != "cpu":
        raise InputError(f"{path}: {name} is not a plain tensor"[:300])
    if value.is_floating_point() and value.element_size() == 1:  # which mean nothing unscaled
        raise InputError(f"{path}: {name} is {value.dtype}, which has too few bits"[:300])
    return value.detach()  # where a parameter was saved


def _fit(weight: Tensor, shape: tuple[int, ...]) -> Tensor:
    """Give a weight the axes that its codebase leaves out, where that changes no number."""
    if weight.shape == shape:
        return weight
    if (*weight.shape, *[1] * (len(shape) - weight.dim())) == shape:
        return weight.reshape(shape)  # a linear layer as a convolution of one cell
    return inflate(weight, shape)
