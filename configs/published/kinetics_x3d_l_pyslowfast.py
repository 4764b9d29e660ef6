"""X3D-L of Kinetics-400: PySlowFast `X3D_L`."""

from ..common.published import kinetics as model

model.architecture = "x3d_l"
model.arguments = dict(shortcut_norm=True)
clip = dict(frames=16, stride=5, rate=30.0, short_side=312)
