"""X3D-M of Kinetics-400: PyTorchVideo `x3d_m`."""

from ..common.published import kinetics as model

model.architecture = "x3d_m"
clip = dict(frames=16, stride=5, rate=30.0, short_side=224)
