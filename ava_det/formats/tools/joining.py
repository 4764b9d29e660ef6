"""Join files of annotations, and report what was used of them."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace

from ava_det.formats.frame_sizes import Size
from ava_det.formats.json_file import brief
from ava_det.formats.nearest import meant
from ava_det.formats.tools.choice import LABEL, Choice
from ava_det.formats.tools.shapes import Annotations, Shape
from ava_det.structures import InputError

MOST_SHOWN = 20  # names, or lines


def join(parts: Sequence[tuple[str, Annotations]]) -> Annotations:
    """Join several files, given with their names.

    Raises:
        InputError: Two files have boxes on one keyframe. The message names both.
    """
    owner: dict[tuple[str, int], int] = {}
    free: Counter[str] = Counter()  # video to the first free number of a person
    shapes: list[Shape] = []
    left_out: Counter[str] = Counter()
    sizes: dict[tuple[str, Size], str] = {}
    for place, (path, part) in enumerate(parts):
        for video, tick in dict.fromkeys((shape.video, shape.tick) for shape in part.shapes):
            other = owner.setdefault((video, tick), place)
            if other != place:
                raise InputError(
                    f"{path}: has boxes on tick {tick} of {brief(video)!r}, and so has "
                    f"{parts[other][0]}: two videos of one name (--video tells them apart), or one "
                    "annotated twice"
                )
        taken = Counter(free) if part.own_people else Counter()
        for shape in part.shapes:
            shapes.append(_renumbered(shape, taken[shape.video]))
            free[shape.video] = max(free[shape.video], shapes[-1].person + 1)
        left_out.update(part.left_out)
        sizes = {**part.sizes, **sizes}
    lists = [
        tuple(dict.fromkeys(name for _, part in parts for name in getattr(part, which)))
        for which in ("actions", "labels", "attributes")
    ]
    return Annotations(tuple(shapes), *lists, left_out=left_out, sizes=sizes)


def _renumbered(shape: Shape, shift: int) -> Shape:
    moved = shift and shape.person >= 0
    return replace(shape, person=shape.person + shift) if moved else shape


def require_chosen(where: str, found: Annotations, choice: Choice) -> None:
    """Refuse annotations without a box or an action, and a choice that names what they lack.

    Raises:
        InputError: The message lists what can be chosen.
    """
    labels = {label.casefold() for label in found.labels}
    for name in choice.labels:
        if name.casefold() not in labels:
            hint = meant(name, found.labels)
            raise InputError(f"{where}: has no label {name!r}; it has {_list(found.labels)}{hint}")
    for name in choice.attributes:
        if name not in found.attributes:
            raise InputError(
                f"{where}: has no attribute {name!r}; it has {_list(found.attributes)}"
                f"{meant(name, found.attributes)}"
            )
    if not found.shapes:
        left = "".join(f"; {line}" for line in left_out_lines(found))
        raise InputError(f"{where}: has no box to convert{left}")
    if not found.actions:
        where = f"{where}: names no action"
        if choice.actions_from == LABEL or not found.attributes:
            raise InputError(f"{where}; --actions says where they stand")
        raise InputError(f"{where}; of {_list(found.attributes)} --attribute says which do")


def _list(names: Iterable[str]) -> str:
    shown = [repr(brief(name)) for name in names]
    more = [f"{len(shown) - MOST_SHOWN} more"] * (len(shown) > MOST_SHOWN)
    return ", ".join([*shown[:MOST_SHOWN], *more]) or "none"


def left_out_lines(found: Annotations) -> list[str]:
    """Write a line for each kind of annotation that was left out.

    >>> left_out_lines(Annotations((), (), left_out={"tracks labelled 'car'": 2}))
    ["left out tracks labelled 'car': 2"]
    """
    lines = [f"left out {what}: {count}" for what, count in found.left_out.items() if count]
    more = [f"left out {len(lines) - MOST_SHOWN} kinds more"] * (len(lines) > MOST_SHOWN)
    return lines[:MOST_SHOWN] + more


def idle_tracks(shapes: Iterable[Shape]) -> tuple[int, int]:
    """Count the people with a track id who never do an action, and all people with a track id.

    >>> box = (0.0, 0.0, 1.0, 1.0)
    >>> idle_tracks([Shape("film", 0, box, ("sit",), 1), Shape("film", 0, box, (), 2)])
    (1, 2)
    """
    acts: dict[tuple[str, int], bool] = {}
    for shape in shapes:
        if shape.person >= 0:
            key = shape.video, shape.person
            acts[key] = acts.get(key, False) or bool(shape.actions)
    return sum(not acting for acting in acts.values()), len(acts)
