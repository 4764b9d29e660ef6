"""Compare S-VideoMix with no mix at 16 frames of 112 pixels: `jhmdb_mixes.py`, but larger."""

import runpy
from pathlib import Path

from ava_det.ablate.grid import Grid

smaller = runpy.run_path(str(Path(__file__).with_name("jhmdb_mixes.py")))
# The same time span, with three times the pixels per frame and twice the frames.
LARGER = ["clip.frames=16", "clip.stride=2", "clip.short_side=112", "reader.short_side=120"]


def commands(arm: str, seed: int, run: Path) -> list[list[str]]:
    """Return the command of `jhmdb_mixes.py` with larger clips."""
    return [[*command, *LARGER] for command in smaller["commands"](arm, seed, run)]


grid = Grid(
    arms=["vanilla", "S-VideoMix"],
    seeds=range(1),
    commands=commands,
    figures=smaller["grid"].figures,
)
