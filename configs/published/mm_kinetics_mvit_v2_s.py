"""MViTv2-S of Kinetics-400: MMAction2 `mvit-small-p244`, which has PySlowFast's pixels."""

from ..common.published import kinetics as model

model.architecture = "mvit_v2_s"
model.arguments = dict(class_token=True)
clip = dict(frames=16, stride=4, rate=30.0, short_side=224)
