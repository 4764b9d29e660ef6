"""Batch norms that do not learn, folded into the convolutions before them; the layout in memory."""

import copy
from itertools import chain, pairwise

import torch
from detectron2.layers import Conv2d
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval


def fold_norms(module: nn.Module) -> nn.Module:
    """A copy in evaluation mode that computes the same with fewer passes over the features.

    Folded are the 2-D batch norms that follow a convolution in an `nn.Sequential`, and those that
    are part of a `Conv2d` of detectron2.

    Args:
        module: with the statistics that are to be folded; it is left as it is.
    """
    folded = copy.deepcopy(module).eval()
    for parent in list(folded.modules()):
        for name, conv in list(parent.named_children()):
            if isinstance(conv, Conv2d) and isinstance(conv.norm, nn.BatchNorm2d):
                setattr(parent, name, fuse_conv_bn_eval(conv, conv.norm))
                getattr(parent, name).norm = None
        if isinstance(parent, nn.Sequential):  # elsewhere the order says nothing
            for (first, conv), (second, norm) in pairwise(list(parent.named_children())):
                if isinstance(conv, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d):
                    setattr(parent, first, fuse_conv_bn_eval(conv, norm))
                    setattr(parent, second, nn.Identity())
    return folded


def channels_last(model: nn.Module) -> nn.Module:
    """The model itself, its 2-D and 3-D convolutions with channels last in memory."""
    formats = {4: torch.channels_last, 5: torch.channels_last_3d}
    for tensor in chain(model.parameters(), model.buffers()):
        if tensor.dim() in formats:
            tensor.data = tensor.data.contiguous(memory_format=formats[tensor.dim()])
    return model
