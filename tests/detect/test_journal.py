"""A run that is killed anywhere goes on as if nothing had happened."""

import numpy as np
import pytest

from ava_det.detect.journal import Journal
from ava_det.structures import AnnotatedKeyframe, Keyframe, PersonBoxes

FILMS = "aaabbc"
RECORDS = [
    AnnotatedKeyframe(f"{name}.mp4", PersonBoxes.nobody(Keyframe(name, tick)))
    for tick, name in enumerate(FILMS)
]
RUN = {"weights": "x"}


def people(place: int) -> PersonBoxes:
    count = place % 3
    return PersonBoxes(
        RECORDS[place].people.keyframe,
        np.full((count, 4), place / 7),
        ((),) * count,
        np.full(count, place / 9),
        np.full(count, -1),
    )


def problem(place: int) -> str:
    return 'b.mp4: "broken"' if FILMS[place] == "b" else ""


def fill(path, upto=6):
    with Journal(path, RUN, RECORDS) as journal:
        start = journal.done
        for place in range(start, upto):
            journal.add(people(place), problem(place))
        return start, list(journal.read())


@pytest.mark.parametrize(("noted", "done"), [(0, 0), (1, 0), (3, 3), (4, 3), (5, 5), (6, 6)])
@pytest.mark.parametrize("torn", [False, True])
def test_whole_videos_are_kept(tmp_path, noted, done, torn):
    path = tmp_path / "boxes.csv.part"
    fill(path, noted)
    if torn:
        with path.open("a") as file:
            file.write("[[[0.1, 0.")
    start, found = fill(path)
    assert start == done
    whole = tmp_path / "whole"
    assert fill(whole)[0] == 0
    assert path.read_text() == whole.read_text()
    for place, (group, said) in enumerate(found):
        assert said == problem(place)
        assert group.keyframe == RECORDS[place].people.keyframe
        np.testing.assert_array_equal(group.boxes, people(place).boxes)
        np.testing.assert_array_equal(group.scores, people(place).scores)


def test_another_run_begins_anew(tmp_path):
    path = tmp_path / "part"
    fill(path)
    with Journal(path, {"weights": "y"}, RECORDS) as journal:
        assert journal.done == 0


def test_other_keyframes_begin_anew(tmp_path):
    path = tmp_path / "part"
    fill(path)
    with Journal(path, RUN, RECORDS[1:]) as journal:
        assert journal.done == 0


def test_a_journal_without_problems_goes_on(tmp_path):
    """As it was written before problems were noted."""
    path = tmp_path / "part"
    fill(path, 0)
    with path.open("a") as file:
        file.write("[[], []]\n" * 3)
    start, found = fill(path)
    assert start == 3
    assert [said for _, said in found] == [
        problem(place) if place > 2 else "" for place in range(6)
    ]
