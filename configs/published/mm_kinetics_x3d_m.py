"""X3D-M of Kinetics-400, PySlowFast's weights under MMAction2's names: `x3d_m`."""

from ..common.published import kinetics as model

model.architecture = "x3d_m"
model.arguments = dict(shortcut_norm=True)
clip = dict(frames=16, stride=5, rate=30.0, short_side=224)
