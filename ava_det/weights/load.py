"""Loads a weight file of any known format into a model. The content of a file decides its format.

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
from ava_det.formats.regular import require_regular
from ava_det.model.published import published_model
from ava_det.structures import InputError
from ava_det.weights import native, torch_files
from ava_det.weights.card import ModelCard
from ava_det.weights.codebases import pyslowfast, pytorchvideo
from ava_det.weights.codebases.caffe2 import CAFFE2
from ava_det.weights.codebases.detectron2 import DETECTRON2
from ava_det.weights.codebases.efficientnet import EFFICIENTNET
from ava_det.weights.codebases.imagenet import IMAGENET, inflate
from ava_det.weights.codebases.mmaction2 import MMACTION2, MMACTION2_MVIT
from ava_det.weights.codebases.mobilenet import MOBILENET
from ava_det.weights.codebases.torchvision import TORCHVISION
from ava_det.weights.foreign import Format, Origin
from ava_det.weights.names import common_names_of_ours
from ava_det.weights.transfer import TransferReport, match, not_finite
from ava_det.weights.wrappers import Found, find_weights

HEAD = ("head.",)  # for `fresh`, if the classes differ

OURS = Format(
    title="ava_det",
    mark=re.compile(r"backbone\.(blocks\.\d|conv_proj\.)"),
    common_names=common_names_of_ours,
    origin=lambda _, __: Origin(),
)
FORMATS = (
    MMACTION2_MVIT,  # before ours: its blocks match our mark as well
    OURS,
    pyslowfast.PYSLOWFAST,
    pytorchvideo.PYTORCHVIDEO,
    MMACTION2,
    CAFFE2,
    IMAGENET,
    pyslowfast.PYSLOWFAST_MVIT,
    TORCHVISION,
    MOBILENET,
    EFFICIENTNET,
    DETECTRON2,
)
_FIRST = ("s1.", "backbone.conv_proj.")  # common names of the layers that see pixels
_EXPORTS = {  # the formats that can be written
    "pyslowfast": (pyslowfast.PYSLOWFAST, pyslowfast.export),
    "pytorchvideo": (pytorchvideo.PYTORCHVIDEO, pytorchvideo.export),
}
_OF_CONTENT = ValueError, TypeError, LookupError, ArithmeticError, AttributeError, RuntimeError
_MOST_BYTES = 1 << 32  # of a checkpoint with the state of its optimizer
_NO_WEIGHTS = {  # the results of failed downloads, and how they begin
    "a web page": (b"<!doctype", b"<html", b"<?xml"),
    "a pointer of Git LFS": (b"version https://git-lfs",),
}
_OPTIMIZERS = ("optimizer_state", "optimizer", "optimizer_state_dict")


@dataclass(frozen=True)
class WeightFile:
    """The content of a weight file, in the names of the file.

    Attributes:
        path: The file.
        format: The format of the names.
        weights: From a name to a tensor. Tensors of torch's zip files stay on the disk until they
            are used.
        origin: The model that the weights were trained with, if known.
        optimizer: The unchanged state of the optimizer; empty if the file has none.
        card: The card of an ava_det weight file.
        left: The keys of running averages of the weights in the file, which are not used.
    """

    path: Path
    format: Format
    weights: dict[str, Tensor]
    origin: Origin = field(default_factory=Origin)
    optimizer: Mapping[str, Any] = field(default_factory=dict)
    card: ModelCard | None = None
    left: tuple[str, ...] = ()

    def renamed(self, shapes: Mapping[str, tuple[int, ...]] | None = None) -> dict[str, Tensor]:
        """Return the weights by common names (`names`). Unknown names are kept.

        Args:
            shapes: The shapes of a model by common names. Some formats fit their heads to them.

        Raises:
            InputError: Two weights have one name, or the format does not know the shape of a
                weight.
        """
        common = self.format.common_names(self.weights)
        wanted = {n: shapes[c] for n, c in common.items() if shapes and c in shapes}
        try:
            weights = self.format.adjust(self.weights, wanted)
        except _OF_CONTENT as error:
            words = f"shapes that {self.format.title} never writes ({error!s:.100})"
            raise InputError(f"{self.path}: it has weights of {words}") from error
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
    """Load a weight file of any known format into a model. If an error occurs, nothing is loaded.

    Args:
        path: An ava_det weight file, PySlowFast's `.pyth` or `.pkl`, or a file of PyTorchVideo,
            MMAction2 or torchvision.
        model: A model of `ava_det.model.zoo`.
        fresh: The prefixes of our names of the parts that stay as initialised. Give `HEAD` if the
            classes differ.
        check: Whether to refuse a file that states other pixels or another wiring than those of
            `model`, and a file with NaN or infinite weights. False turns each of these errors into
            a note of the report.

    Returns:
        A report that names every weight as loaded, dropped or left as initialised.

    Raises:
        InputError: The file is damaged, hostile, of no known format, or of another model.
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
        raise InputError(f"{path}: made for another model: {'; '.join(differences):.500}")
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
    notes += [f"note: the averaged weights in {key!r} are not used" for key in file.left]
    return TransferReport(report.loaded, report.dropped, report.fresh, tuple(notes))


def load_model(model: str | Path, weights: str | Path | None = None) -> nn.Module:
    """Build a published model, or the model of an ava_det weight file, ready for use.

    >>> from ava_det import load_model
    >>> load_model("kinetics_x3d_xs").training  # its architecture, with random weights
    False
    >>> detector = load_model("action.safetensors")
    >>> clips = torch.zeros(1, 3, 8, 32, 48, dtype=torch.uint8)
    >>> detector(clips, [torch.tensor([[4.0, 0.0, 30.0, 32.0]])]).shape  # one person, 3 classes
    torch.Size([1, 3])

    Args:
        model: A name of `ava_det.model.published`, or an ava_det weight file, which names its
            model.
        weights: A weight file of any known codebase for a published model. None leaves the model
            with random weights.

    Returns:
        The model in evaluation mode, in float32 on the CPU. Classifiers and action detectors take
        clips (N, 3, T, H, W), uint8 RGB. Detectors also take N tensors of boxes (R_n, 4), xyxy in
        pixels of the clip. Both return logits, (N, K) or (R, K).

    Raises:
        InputError: The name is unknown, or a file is missing, damaged, hostile, or of another
            model.
        ValueError: `weights` was given together with an ava_det file, which already holds weights.
    """
    if str(model).endswith(".safetensors"):
        if weights is not None:
            raise ValueError(f"{model}: has its own weights; give {weights} alone")
        return native.load_model(Path(model))[0]
    built = published_model(str(model)).build()
    if weights is not None:
        load_weights(Path(weights), built)
    return built.eval()


def export(model: nn.Module, to: str) -> tuple[dict[str, Any], list[str]]:
    """Return the content of a weight file that another codebase loads.

    Args:
        model: One of our models.
        to: "pyslowfast" or "pytorchvideo".

    Returns:
        The content for `torch_files.save_torch_file`, and one line for each difference between this
        model and the published models of the codebase.

    Raises:
        ValueError: The codebase does not have such a model.
    """
    format_, content_of = _EXPORTS[to]
    content = content_of(model)
    return content, format_.origin(content, content["model_state"]).differences(model)


def read_file(path: Path) -> WeightFile:
    """Read a weight file and recognise its format.

    Raises:
        InputError: The file is damaged, hostile or of no known format.
    """
    require_regular(path, _MOST_BYTES)
    with path.open("rb") as file:
        start = file.read(32)
    for kind, beginnings in _NO_WEIGHTS.items():
        if start.lstrip().lower().startswith(beginnings):
            raise InputError(f"{path}: {kind}, not weights")
    if not start:
        raise InputError(f"{path}: an empty file")
    if start[8:9] == b"{":
        weights, card = native.read_weights(path)
        _check_names(path, weights)
        weights = {name: _tensor(path, name, weight) for name, weight in weights.items()}
        return WeightFile(path, OURS, weights, native.origin_of(card), card=card)
    if start.startswith((torch_files.ZIP, torch_files.LEGACY)):
        return _recognise(path, torch_files.read_torch_file(path))
    return _recognise(path, read_plain_pickle(path))


def _recognise(path: Path, content: Any) -> WeightFile:
    if not isinstance(content, dict):
        raise InputError(f"{path}: it holds a {type(content).__name__}, not weights by name")
    try:
        found = find_weights(content, FORMATS)
    except ValueError as error:
        raise InputError(f"{path}: {error}") from error
    _check_names(path, found.state)
    if (format_ := found.format) is None:
        raise InputError(f"{path}: its names are of no known codebase ({_what_is_in(found)})")
    logged = {
        n: v for n, v in found.state.items() if format_.logged and format_.logged.fullmatch(n)
    }
    weights = {n: _tensor(path, n, v) for n, v in found.state.items() if n not in logged}
    _check_size(path, weights)
    beside = found.beside
    optimizers = (beside[key] for key in _OPTIMIZERS if isinstance(beside.get(key), dict))
    try:
        origin = format_.origin(beside, weights)
    except (*_OF_CONTENT, RecursionError) as error:
        words = " ".join(str(error).split())
        raise InputError(f"{path}: {words:.300}") from error
    return WeightFile(path, format_, weights, origin, next(optimizers, logged), left=found.left)


def _what_is_in(found: Found) -> str:
    """Return the first names of a file of an unknown codebase, and the keys beside them."""
    first = ", ".join(list(found.state)[:3]) or "none"
    if not found.where:
        return first[:300]
    outer = [key for key in found.beside if isinstance(key, str) and key.isprintable()]
    beside = ", ".join(key for key in outer if key not in found.where.split(".")) or "nothing"
    return f"in {found.where!r}: {first:.150}; beside it: {beside:.100}"


def _check_names(path: Path, names: Iterable[Any]) -> None:
    """Refuse names that would make a message unreadable or longer than a line."""
    if not all(isinstance(n, str) and n.isprintable() and len(n) < 200 for n in names):
        raise InputError(f"{path}: it has weights whose names are no plain words")


def _tensor(path: Path, name: str, value: Any) -> Tensor:
    if isinstance(value, np.ndarray):
        value = torch.from_numpy(value.astype(value.dtype.newbyteorder("="), copy=False))
    plain = isinstance(value, Tensor) and value.layout == torch.strided
    if not plain or value.is_quantized or value.is_nested or value.device.type != "cpu":
        raise InputError(f"{path}: {name} is not a plain tensor"[:300])
    if value.is_floating_point() and value.element_size() == 1:  # such numbers need a scale
        raise InputError(f"{path}: {name} is {value.dtype}, which has too few bits"[:300])
    return value.detach()  # where a parameter was saved


def _check_size(path: Path, weights: Mapping[str, Tensor]) -> None:
    """Refuse tensors that are far larger than the file.

    A tensor may repeat one number of the file 10^12 times, and many tensors may share numbers.
    """
    size = path.stat().st_size
    if sum(w.numel() * w.element_size() for w in weights.values()) > 16 * size:
        raise InputError(f"{path}: its tensors are larger than a file of {size:,} bytes can hold")


def _fit(weight: Tensor, shape: tuple[int, ...]) -> Tensor:
    """Add the axes that a codebase leaves out, if no number changes."""
    if weight.shape == shape:
        return weight
    if (*weight.shape, *[1] * (len(shape) - weight.dim())) == shape:
        return weight.reshape(shape)  # a linear layer as a convolution of one cell
    return inflate(weight, shape)
