"""X3D-S under the RoI head; for PyTorchVideo's backbone."""

from ..common.published import ava as model

model.architecture = "x3d_s"
clip = dict(frames=13, stride=6, rate=30.0, short_side=160)
