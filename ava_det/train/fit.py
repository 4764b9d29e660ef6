"""Fit the linear layers of a `TubeHead` to the features of a frozen backbone, until they are best.

The loss of a linear layer has one minimum. L-BFGS finds it in seconds, once the features of the
people are known. Steps on small batches, each of which computes features anew, come near it after
hours. So the backbone runs once over some samples of the training loader, and then each stream
learns from all of them.
"""

from collections.abc import Iterable
from itertools import islice
from pathlib import Path
from typing import Any

import torch
from detectron2.utils import comm
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from tqdm import tqdm

from ava_det.batch import PeopleBatch
from ava_det.formats.atomic import atomic_path
from ava_det.model.classifier import prepare
from ava_det.model.detector import ActionDetector, as_rois
from ava_det.model.slowfast_lite import Stream, TubeHead
from ava_det.structures import InputError
from ava_det.train.loop import autocast
from ava_det.train.processes import device_of
from ava_det.train.tasks import Criterion

TARGETS = "targets"
KEPT = 16  # batches in a file of features; a stopped run loses at most so many
STEPS = 60  # of L-BFGS


def describe_people(
    model: ActionDetector,
    loader: Iterable[PeopleBatch],
    batches: int,
    folder: Path,
    amp: bool | str = False,
) -> dict[str, Tensor]:
    """Return the features of the people of some batches, and their targets.

    Args:
        model: A detector with a `TubeHead`.
        loader: The loader of the training; it has a method `skip`.
        batches: The number of batches of this process.
        folder: Keeps the features, so that a stopped run continues. It is made.
        amp: The precision of the backbone, as `train.amp`.

    Returns:
        For each stream (R, C) float32, and "targets" (R, K), of the people of all processes.
    """
    head = _head_of(model)
    folder.mkdir(parents=True, exist_ok=True)
    rank, done = comm.get_rank(), 0
    files = []
    while (file := _file(folder, rank, done)).is_file() and done < batches:
        files.append(file)
        done = min(done + KEPT, batches)
    loader.skip(done)  # pyrefly: ignore[missing-attribute]
    bar = tqdm(total=batches, initial=done, unit="batch", disable=rank > 0)
    rest = iter(loader)
    model.eval()
    while done < batches:
        parts = []
        for batch in islice(rest, min(KEPT, batches - done)):
            if len(batch):
                with autocast(device_of(model), amp):
                    parts.append(_describe(model, head, batch))
            bar.update()
        if not parts:
            raise InputError(f"{folder}: no person can be read")
        joined = {name: torch.cat([part[name] for part in parts]) for name in parts[0]}
        files.append(_file(folder, rank, done))
        with atomic_path(files[-1]) as partial:
            save_file(joined, partial)
        done = min(done + KEPT, batches)
    bar.close()
    parts = [load_file(file) for file in files]
    mine = {name: torch.cat([part[name] for part in parts]).float() for name in parts[0]}
    everybody: Any = comm.all_gather(mine)
    return {name: torch.cat([part[name] for part in everybody]) for name in mine}


def _file(folder: Path, rank: int, first: int) -> Path:
    return folder / f"features_{rank}_{first:06d}.safetensors"


def _head_of(model: nn.Module) -> TubeHead:
    head = getattr(model, "head", None)
    if not isinstance(head, TubeHead):
        raise InputError(
            "train.fit: fits heads that follow tubes: model.architecture=slowfast_lite"
        )
    return head


@torch.no_grad()
def _describe(model: ActionDetector, head: TubeHead, batch: PeopleBatch) -> dict[str, Tensor]:
    """Return the features of the people of a batch, in half precision on the CPU."""
    batch = batch.to(device_of(model))
    maps = model.backbone(prepare(batch.clips, model.normalize))
    described = head.describe(maps, as_rois(batch.boxes), batch.sizes)
    found = {name: described[name] for name in head.streams}
    found[TARGETS] = torch.cat(list(batch.targets))
    return {name: x.half().cpu().contiguous() for name, x in found.items()}


def fit_streams(head: TubeHead, people: dict[str, Tensor], criterion: Criterion, l2: float) -> None:
    """Fit each stream of a head to the features of people, alone.

    Args:
        head: Its norms get the statistics of the features, its layers the best weights.
        people: As `describe_people` returns them.
        criterion: Computes losses of logits (R, K) and targets (R, K).
        l2: The factor of the sum of squared weights in the loss, of standardised features.
    """
    for name, stream in head.streams.items():
        assert isinstance(stream, Stream)
        _fit(stream, people[name], people[TARGETS], head, criterion, l2)


def _fit(
    stream: Stream,
    features: Tensor,
    targets: Tensor,
    head: TubeHead,
    criterion: Criterion,
    l2: float,
) -> None:
    norm, layer = stream.norm, stream.projection
    assert norm.running_mean is not None
    assert norm.running_var is not None
    mean, spread = features.mean(0), features.var(0, correction=0)
    x = (features - mean) / (spread + norm.eps).sqrt()
    weight = torch.zeros(layer.weight.shape, requires_grad=True)
    bias = torch.zeros(layer.bias.shape, requires_grad=True)
    optimizer = torch.optim.LBFGS([weight, bias], max_iter=STEPS, line_search_fn="strong_wolfe")

    def closure() -> Tensor:
        optimizer.zero_grad()
        found = criterion(head.finish(x @ weight.T + bias), targets)
        loss = torch.stack(list(found.values())).sum() + l2 * weight.square().sum()
        loss.backward()
        return loss

    optimizer.step(closure)  # pyrefly: ignore[bad-argument-type]
    with torch.no_grad():
        norm.running_mean.copy_(mean)
        norm.running_var.copy_(spread)
        layer.weight.copy_(weight)
        layer.bias.copy_(bias)
