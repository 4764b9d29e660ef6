"""X3D-M under the RoI head; for PyTorchVideo's backbone."""

from ..common.published import ava as model

model.architecture = "x3d_m"
clip = dict(frames=16, stride=5, rate=30.0, short_side=256)
