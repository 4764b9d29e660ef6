"""Make the example of the tutorial: three drawn videos, and their annotations as CVAT exports them.

    python docs/examples/make_own_data.py docs/examples/own_data

The people are those of `make demo`, so that nobody's picture is in the example.
"""

import sys
from dataclasses import replace
from pathlib import Path

from ava_det.data.actors.actions import ACTIONS
from ava_det.data.actors.produce import Sizes, scripts, write_video
from ava_det.data.actors.render import Renderer
from ava_det.formats.tools.cvat import write_cvat
from ava_det.formats.tools.shapes import Shape

NAMES = "monday", "tuesday", "wednesday"
KEPT = "freeze", "walk", "wave"
SECONDS, EVERY = 4.0, 5  # length of a video; frames from one annotated frame to the next


def main(folder: Path) -> None:
    """Write FOLDER/videos/NAME.mp4 and FOLDER/NAME.xml."""
    sizes = Sizes(train=3000, seconds=SECONDS)
    names = [action.name for action in ACTIONS]
    fitting = []
    for script in scripts("train", sizes, seed=1):
        actions = [[names[i - 1] for i in actor.action_ids] for actor in script.actors]
        if len(actions) == 2 and {name for some in actions for name in some} <= set(KEPT):
            fitting.append((script, actions))
    (folder / "videos").mkdir(parents=True, exist_ok=True)
    for name, (script, actions) in zip(NAMES, fitting, strict=False):
        path = folder / "videos" / f"{name}.mp4"
        write_video(path, replace(script, video=name), sizes)
        renderer, frames = Renderer(script, sizes.height), round(SECONDS * sizes.rate)
        shapes = []
        for frame in range(0, frames, EVERY):
            boxes, people = renderer.boxes(frame / sizes.rate)
            for box, person in zip(boxes, people, strict=True):
                corners = tuple(round(float(corner), 4) for corner in box)
                shapes.append(Shape(name, frame, corners, tuple(actions[person]), int(person)))
        write_cvat(folder / f"{name}.xml", shapes, list(KEPT), frames, sizes.height, sizes.width)
        print(f"{name}: {script.scene}, {actions}, {path.stat().st_size} bytes")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
