"""I3D-50 32x2 of Kinetics-400: MMAction2 `i3d_imagenet-pretrained-r50`."""

from ..common.published import clip_32x2 as clip
from ..common.published import mm_kinetics as model

model.architecture = "i3d_r50"
model.arguments = dict(early_strides=[2, 2])
