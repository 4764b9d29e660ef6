"""Runs a model on clips of an npz file, to compare its logits with those of another codebase."""

import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ava_det.formats.regular import require_regular
from ava_det.model.classifier import Classifier
from ava_det.model.detector import ActionDetector
from ava_det.structures import InputError
from ava_det.weights.torch_files import ArchiveFile

_CLIPS = (
    ("clip",),
    ("slow",),
    ("slow", "fast"),
)  # the names of clips that a file may have together

_MOST_BYTES = 1 << 29  # of all arrays, unpacked

_FARTHEST = 1e6  # pixels; no clip is so large


@dataclass(frozen=True)
class Inputs:
    """The inputs of a model.

    Attributes:
        path: The file that the inputs come from.
        clips: (N, 3, T, H, W), or a list of pathways, slow first; uint8 or normalised floats.
        boxes: (R, 5): the index of the clip, then xyxy in pixels of the clip; None for a
            classifier.
    """

    path: Path
    clips: Tensor | list[Tensor]
    boxes: Tensor | None


def read_inputs(path: Path) -> Inputs:
    """Read an npz with `clip`, or with `slow` and optionally `fast`, and optionally `boxes`.

    Raises:
        InputError: The file has other arrays, or an array does not hold clips or boxes.
    """
    require_regular(path)
    try:
        with ArchiveFile(path) as file, zipfile.ZipFile(file) as archive:
            size = sum(member.file_size for member in archive.infolist())
        if size > _MOST_BYTES:
            raise ValueError(f"{size:,} bytes unpacked")
        with ArchiveFile(path) as source, np.load(source, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
        if other := [name for name, array in arrays.items() if not isinstance(array, np.ndarray)]:
            raise ValueError(f"{other[0]!a} is no array")  # numpy gives its bytes
    except MemoryError as error:
        raise InputError(f"{path}: its arrays do not fit into memory") from error
    except Exception as error:  # numpy and zipfile raise whatever the broken bytes lead them to
        words = " ".join(str(error).split()) or type(error).__name__
        raise InputError(f"{path}: not an npz file of arrays ({words:.200})") from error
    boxes = arrays.pop("boxes", None)
    names = next((known for known in _CLIPS if set(known) == arrays.keys()), None)
    if names is None:
        given = ", ".join(n if n.isprintable() else repr(n) for n in arrays) or "none"
        words = f"its clips must be `clip`, or `slow` and `fast`, not {given:.200}"
        raise InputError(f"{path}: {words}")
    clips = [_clip(path, name, arrays[name]) for name in names]
    if len({(*clip.shape[:2], *clip.shape[3:]) for clip in clips}) > 1:
        raise InputError(f"{path}: `slow` and `fast` are of different sizes")
    rows = None if boxes is None else _boxes(path, boxes, len(clips[0]))
    return Inputs(path, clips[0] if names == ("clip",) else clips, rows)


def _clip(path: Path, name: str, array: np.ndarray) -> Tensor:
    if array.ndim != 5 or array.shape[1] != 3 or not array.size:
        raise InputError(f"{path}: `{name}` has shape {array.shape}, not N x 3 x T x H x W")
    if array.dtype == np.uint8:
        return torch.from_numpy(array)
    if array.dtype.kind != "f":
        raise InputError(f"{path}: `{name}` is {array.dtype}, neither uint8 nor float")
    with np.errstate(over="ignore"):
        floats = array.astype(np.float32)
    if not np.isfinite(floats).all():
        raise InputError(f"{path}: `{name}` has NaN or infinite numbers")
    return torch.from_numpy(floats)


def _boxes(path: Path, array: np.ndarray, count: int) -> Tensor:
    if array.ndim != 2 or array.shape[1] != 5 or array.dtype.kind not in "fiu":
        raise InputError(f"{path}: `boxes` has shape {array.shape}, not R x 5")
    boxes = torch.from_numpy(array.astype(np.float32))
    clip = boxes[:, 0]
    strange = (clip != clip.round()) | (clip < 0) | (clip >= count)
    if strange.any():
        row = int(strange.nonzero()[0])
        raise InputError(f"{path}: `boxes` row {row}: no clip {clip[row]:g} among {count}")
    x1, y1, x2, y2 = boxes[:, 1:].unbind(1)
    strange = ~((boxes.abs() < _FARTHEST).all(1) & (x1 <= x2) & (y1 <= y2))
    if strange.any():
        row = int(strange.nonzero()[0])
        words = " ".join(f"{value:g}" for value in boxes[row, 1:].tolist())
        raise InputError(f"{path}: `boxes` row {row}: no box x1 y1 x2 y2: {words}")
    return boxes


def logits(model: Classifier | ActionDetector, inputs: Inputs) -> np.ndarray:
    """Return the logits (N, K) of a classifier, or (R, K) of a detector in the order of the boxes.

    Args:
        model: A model in evaluation mode.
        inputs: The clips and boxes.

    Raises:
        InputError: The model does not take these clips or boxes.
    """
    clips, boxes = inputs.clips, inputs.boxes
    if isinstance(model, ActionDetector) and boxes is None:
        raise InputError(f"{inputs.path}: boxes are missing, which a detector needs")
    if isinstance(model, Classifier) and boxes is not None:
        raise InputError(f"{inputs.path}: boxes for a classifier")
    pathways = len(model.backbone.out_channels)
    if isinstance(clips, list) and len(clips) != pathways:
        given = "`slow` and `fast`" if len(clips) > 1 else "`slow` alone"
        raise InputError(f"{inputs.path}: {given} for a model of {pathways} pathway(s)")
    try:
        with torch.inference_mode():
            if boxes is None:
                return model(clips).numpy()
            clip = boxes[:, 0].long()
            count = len(clips[0] if isinstance(clips, list) else clips)
            rows = model(clips, [boxes[clip == n, 1:] for n in range(count)])
    except (RuntimeError, ValueError, IndexError) as error:
        raise InputError(f"{inputs.path}: the model does not take it: {error}") from error
    return rows[clip.argsort(stable=True).argsort()].numpy()
