"""X3D-S of Kinetics-400, PySlowFast's weights under MMAction2's names: `x3d_s`."""

from ..common.published import kinetics as model

model.architecture = "x3d_s"
model.arguments = dict(shortcut_norm=True)
clip = dict(frames=13, stride=6, rate=30.0, short_side=160)
