"""MViTv2-S under the RoI head; for torchvision's backbone. It keeps its stride of 32."""

from ..common.published import ava as model

model.architecture = "mvit_v2_s"
model.dilation = None
clip = dict(frames=16, stride=4, rate=30.0, short_side=224)
