"""Loads torchvision's ResNets of ImageNet. Loading repeats their filters in time."""

import re

from torch import Tensor

from ava_det.structures import IMAGENET_MEAN, IMAGENET_STD
from ava_det.weights.foreign import Format, Origin, by_table
from ava_det.weights.names import Row, name_table

BLOCK = {
    "downsample.0": "branch1",
    "downsample.1": "branch1_bn",
    "conv1": "branch2.a",
    "bn1": "branch2.a_bn",
    "conv2": "branch2.b",
    "bn2": "branch2.b_bn",
    "conv3": "branch2.c",
    "bn3": "branch2.c_bn",
}
ROWS = (
    Row("layer{s-1}.{b}", "s{s}.pathway0_res{b}", BLOCK),
    Row("", "s1.pathway0_stem", {"conv1": "conv", "bn1": "bn"}),
    Row("", "head", {"fc": "projection"}),
)

IMAGENET = Format(
    title="torchvision (images)",
    mark=re.compile(r"layer1\.0\.conv1\.weight"),
    common_names=by_table(name_table(ROWS)),
    origin=lambda _, __: Origin(IMAGENET_MEAN, IMAGENET_STD),
)


def inflate(weight: Tensor, shape: tuple[int, ...]) -> Tensor:
    """Repeat a filter of images (C', C, H, W) T times in time and divide it by T.

    A still clip then gives what the image gave (Carreira and Zisserman, arXiv 1705.07750).

    Args:
        weight: A filter of the image model.
        shape: The shape (C', C, T, H, W) of the same filter of a clip model. With any other shape,
            the weight is returned unchanged.
    """
    if len(shape) != 5 or weight.shape != (*shape[:2], *shape[3:]):
        return weight
    return weight[:, :, None].expand(shape) / shape[2]
