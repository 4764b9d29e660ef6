"""Files as other codebases write them, from the modules that their sources build.

The names are made from the structure of each codebase's network (stages, blocks, layers, in its own
numbering), not from the tables under test.
"""

import pickle
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

TORCH = ("weight", "bias", "running_mean", "running_var", "num_batches_tracked")
CAFFE2 = ("s", "b", "rm", "riv")  # of a norm; Caffe2 counts no batches


def mmaction2_names(depths: Sequence[int], pathways: int) -> Iterator[tuple[str, str]]:
    """(MMAction2's, PySlowFast's) names of SlowOnly or SlowFast with normed lateral connections."""
    places = ["backbone"] if pathways == 1 else ["backbone.slow_path", "backbone.fast_path"]

    def conv_module(ours: str, conv: str, bn: str) -> Iterator[tuple[str, str]]:
        yield f"{ours}.conv.weight", f"{conv}.weight"
        yield from ((f"{ours}.bn.{p}", f"{bn}.{p}") for p in TORCH)

    for pathway, place in enumerate(places):
        stem = f"s1.pathway{pathway}_stem"
        yield from conv_module(f"{place}.conv1", f"{stem}.conv", f"{stem}.bn")
        for layer, depth in enumerate(depths, start=1):
            for block in range(depth):
                here = f"{place}.layer{layer}.{block}"
                there = f"s{layer + 1}.pathway{pathway}_res{block}"
                for number, letter in enumerate("abc", start=1):
                    branch = f"{there}.branch2.{letter}"
                    yield from conv_module(f"{here}.conv{number}", branch, f"{branch}_bn")
                if block == 0:
                    branch = f"{there}.branch1"
                    yield from conv_module(f"{here}.downsample", branch, f"{branch}_bn")
    if pathways == 2:
        slow = places[0]
        laterals = ["conv1_lateral", "layer1_lateral", "layer2_lateral", "layer3_lateral"]
        for stage, lateral in enumerate(laterals, start=1):
            fuse = f"s{stage}_fuse"
            yield from conv_module(f"{slow}.{lateral}", f"{fuse}.conv_f2s", f"{fuse}.bn")


def caffe2_names(depths: Sequence[int], pathways: int) -> Iterator[tuple[str, str]]:
    """(Caffe2's, PySlowFast's) names of a network of the model zoo."""

    def affine(blob: str, bn: str) -> Iterator[tuple[str, str]]:
        yield from ((f"{blob}_{c}", f"{bn}.{t}") for c, t in zip(CAFFE2, TORCH[:4], strict=True))

    for pathway in range(pathways):
        t = "t_" * pathway
        yield f"{t}conv1_w", f"s1.pathway{pathway}_stem.conv.weight"
        yield from affine(f"{t}res_conv1_bn", f"s1.pathway{pathway}_stem.bn")
        for stage, depth in enumerate(depths, start=2):
            for block in range(depth):
                there = f"s{stage}.pathway{pathway}_res{block}"
                for letter in "abc":
                    blob = f"{t}res{stage}_{block}_branch2{letter}"
                    yield f"{blob}_w", f"{there}.branch2.{letter}.weight"
                    yield from affine(f"{blob}_bn", f"{there}.branch2.{letter}_bn")
                if block == 0:
                    blob = f"{t}res{stage}_{block}_branch1"
                    yield f"{blob}_w", f"{there}.branch1.weight"
                    yield from affine(f"{blob}_bn", f"{there}.branch1_bn")
    if pathways == 2:
        lasts = [f"t_res{s}_{depth - 1}_branch2c_bn" for s, depth in enumerate(depths[:3], 2)]
        for stage, blob in enumerate(["t_pool1", *lasts], start=1):
            yield f"{blob}_subsample_w", f"s{stage}_fuse.conv_f2s.weight"
            yield from affine(f"{blob}_subsample_bn", f"s{stage}_fuse.bn")
    yield "pred_w", "head.projection.weight"
    yield "pred_b", "head.projection.bias"


def write_mmaction2(
    path: Path, weights: Mapping[str, Tensor], depths: Sequence[int], head: str
) -> None:
    """Write PySlowFast's `weights` as MMAction2 would; `head` is "cls_head" or "roi_head"."""
    pathways = 2 if "s1_fuse.conv_f2s.weight" in weights else 1
    state = OrderedDict((m, weights[p]) for m, p in mmaction2_names(depths, pathways))
    last, bias = (weights[f"head.projection.{part}"] for part in ("weight", "bias"))
    if head == "cls_head":
        if pathways == 2:  # its head concatenates the fast pathway first
            slow = 2 * last.shape[1] // 18 * 8
            last = torch.cat([last[:, slow:], last[:, :slow]], dim=1)
        state |= {"cls_head.fc_cls.weight": last, "cls_head.fc_cls.bias": bias}
    else:  # class 0 is the background
        name = "roi_head.bbox_head.fc_cls"
        state[f"{name}.weight"] = torch.cat([torch.full_like(last[:1], 9.0), last])
        state[f"{name}.bias"] = torch.cat([torch.full_like(bias[:1], 9.0), bias])
    torch.save({"meta": {"epoch": 20, "dataset_meta": {}}, "state_dict": state}, path)


def write_caffe2(path: Path, weights: Mapping[str, Tensor], depths: Sequence[int]) -> None:
    """Write PySlowFast's `weights` as the Caffe2 zoo has them, momenta included."""
    pathways = 2 if "s1_fuse.conv_f2s.weight" in weights else 1
    blobs: dict[str, np.ndarray] = {}
    for blob, name in caffe2_names(depths, pathways):
        blobs[blob] = weights[name].numpy()
        if not blob.endswith(("_rm", "_riv")):
            blobs[f"{blob}_momentum"] = np.zeros_like(blobs[blob])
    blobs |= {"lr": np.float32([0.01]), "model_iter": np.int64([7])}
    path.write_bytes(pickle.dumps({"blobs": blobs}, protocol=2))
