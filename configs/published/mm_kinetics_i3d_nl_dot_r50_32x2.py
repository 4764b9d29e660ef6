"""I3D-50 32x2, non-local: MMAction2 `i3d_imagenet-pretrained-r50-nl-dot-product`."""

from ..common.published import clip_32x2 as clip
from ..common.published import mm_kinetics as model
from ..common.published import r50_non_local

model.architecture = "i3d_r50"
model.arguments = dict(
    early_strides=[2, 2],
    non_local=r50_non_local,
    instantiation="dot_product",
    pool_last=True,
)
