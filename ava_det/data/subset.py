"""Select a part of a classification set, to measure accuracy over the amount of data."""

import hashlib
from collections import defaultdict

from ava_det.data.sets.labelled_videos import LabelledVideos


def stratified_part(videos: LabelledVideos, fraction: float, fraction_seed: int) -> LabelledVideos:
    """Select a fraction of every class, at least one video each, in the order of the set.

    A hash of the seed and the name ranks the videos of a class. So the choice does not depend on
    the order of the list, and a larger fraction contains the smaller ones of the same seed.

    Args:
        videos: The data set.
        fraction: The fraction to keep: above 0, at most 1.
        fraction_seed: The seed of the choice.
    """
    if not 0 < fraction <= 1:
        raise ValueError(f"a fraction of {fraction} of a data set is not in (0, 1]")
    ranked: dict[int, list[tuple[bytes, int]]] = defaultdict(list)
    for place, item in enumerate(videos):
        rank = hashlib.sha256(f"{fraction_seed}/{item.video}".encode()).digest()
        ranked[item.label].append((rank, place))
    kept: set[int] = set()
    for members in ranked.values():
        count = max(1, int(fraction * len(members) + 0.5))
        kept.update(place for _, place in sorted(members)[:count])
    return LabelledVideos([item for place, item in enumerate(videos) if place in kept])
