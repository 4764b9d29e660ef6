"""X3D-XS of Kinetics-400: PySlowFast `X3D_XS`; X3D-S on fewer frames."""

from ..common.published import kinetics as model

model.architecture = "x3d_s"
model.arguments = dict(shortcut_norm=True)
clip = dict(frames=4, stride=12, rate=30.0, short_side=160)
