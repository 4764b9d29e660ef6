"""Make a trained model run faster: fold its norms into convolutions, change its memory layout."""

import copy
from collections import Counter
from itertools import chain, pairwise
from typing import Any, TypeGuard

import torch
from detectron2.layers import Conv2d, FrozenBatchNorm2d
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from ava_det.model.efficientnet import ConvNorm


def fold_norms(module: nn.Module) -> nn.Module:
    """Copy a module in evaluation mode, with batch norms folded into convolutions.

    The copy computes the same with fewer passes over the features. A 2-D batch norm is folded if it
    follows a convolution in an `nn.Sequential` or a `ConvNorm`, or is part of a `Conv2d` of
    detectron2.

    Args:
        module: A module whose norms have statistics. It is not changed.
    """
    folded = copy.deepcopy(module).eval()
    uses = Counter(child for parent in folded.modules() for child in parent._modules.values())
    replaced: dict[nn.Module | None, nn.Module] = {}
    for parent in list(folded.modules()):
        for conv in parent.children():
            if isinstance(conv, Conv2d) and _is_fixed_norm(conv.norm):
                fused: Any = fuse_conv_bn_eval(conv, conv.norm)
                fused.norm, replaced[conv] = None, fused
        if isinstance(parent, nn.Sequential | ConvNorm):  # their children run in this order
            # `children` would leave out the second place of a shared module.
            for conv, norm in pairwise(parent._modules.values()):
                alone = uses[conv] == uses[norm] == 1  # else they run in another order, too
                if alone and isinstance(conv, nn.Conv2d) and _is_fixed_norm(norm):
                    replaced[conv] = fuse_conv_bn_eval(conv, norm)
                    replaced[norm] = nn.Identity()
    for parent in list(folded.modules()):
        _replace(parent, replaced)
    return folded


def _is_fixed_norm(norm: nn.Module | None) -> TypeGuard[nn.BatchNorm2d]:
    """Return whether a module is a 2-D batch norm with statistics of its own."""
    return isinstance(norm, nn.BatchNorm2d | FrozenBatchNorm2d) and norm.running_mean is not None


def _replace(parent: nn.Module, replaced: dict[nn.Module | None, nn.Module]) -> None:
    """Replace children of a module, also in plain lists.

    detectron2's FPN keeps its convolutions twice: as children, and in lists that it computes with.
    """
    for name, child in parent._modules.items():
        if child in replaced:
            parent._modules[name] = replaced[child]
    for value in vars(parent).values():
        if isinstance(value, list):
            value[:] = [replaced.get(x, x) if isinstance(x, nn.Module) else x for x in value]


def channels_last(model: nn.Module) -> nn.Module:
    """Lay out the weights of 2-D and 3-D convolutions with channels last; return the same model."""
    formats = {4: torch.channels_last, 5: torch.channels_last_3d}
    for tensor in chain(model.parameters(), model.buffers()):
        if tensor.dim() in formats:
            tensor.data = tensor.data.contiguous(memory_format=formats[tensor.dim()])
    return model
