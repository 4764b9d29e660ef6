"""X3D-S of Kinetics-400: PyTorchVideo `x3d_s`."""

from ..common.published import kinetics as model

model.architecture = "x3d_s"
clip = dict(frames=13, stride=6, rate=30.0, short_side=160)
