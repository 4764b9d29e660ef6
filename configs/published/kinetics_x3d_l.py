"""X3D-L of Kinetics-400: PyTorchVideo `x3d_l`."""

from ..common.published import kinetics as model

model.architecture = "x3d_l"
clip = dict(frames=16, stride=5, rate=30.0, short_side=312)
