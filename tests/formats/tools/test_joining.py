"""Several files of annotations as one."""

from collections import Counter
from dataclasses import replace

import pytest

from ava_det.formats.tools.choice import Choice
from ava_det.formats.tools.joining import join, left_out_lines, require_chosen
from ava_det.formats.tools.shapes import Annotations, Shape
from ava_det.structures import InputError

BOX = (0.0, 0.0, 1.0, 1.0)


def part(video, *ticks, person=0, action="sit", **fields):
    shapes = tuple(Shape(video, tick, BOX, (action,), person) for tick in ticks)
    return Annotations(shapes, (action,), **fields)


def test_what_files_hold_is_put_together():
    a = part("a", 1, labels=("person", "car"), left_out={"tracks labelled 'car'": 2})
    b = part("b", 1, action="run", labels=("person",), left_out={"tracks labelled 'car'": 3})
    both = join([("a.xml", a), ("b.xml", b)])
    assert both.shapes == (*a.shapes, *b.shapes)
    assert (both.actions, both.labels) == (("sit", "run"), ("person", "car"))
    assert left_out_lines(both) == ["left out tracks labelled 'car': 5"]


def test_people_of_jobs_of_one_video_stay_apart():
    jobs = [part("a", 1, 2), part("a", 3), part("a", 4, person=-1), part("b", 1)]

    def people(own: bool) -> list[int]:
        parts = [(f"{k}.xml", replace(job, own_people=own)) for k, job in enumerate(jobs)]
        return [shape.person for shape in join(parts).shapes]

    assert people(True) == [0, 0, 1, -1, 0]
    assert people(False) == [0, 0, 0, -1, 0]


def test_one_keyframe_in_two_files_is_refused():
    with pytest.raises(InputError, match=r"2\.xml: has boxes on tick 2 of 'a', and so has 1\.xml"):
        join([("1.xml", part("a", 1, 2)), ("2.xml", part("a", 2, 3))])


@pytest.mark.parametrize(
    ("found", "choice", "message"),
    [
        (
            Annotations((), (), labels=("car",), left_out={"tracks labelled 'car'": 2}),
            Choice(),
            "x: has no box to convert; left out tracks labelled 'car': 2",
        ),
        (
            part("a", 1, labels=("car",)),
            Choice(labels=("dog",)),
            "x: has no label 'dog'; it has 'car'",
        ),
        (part("a", 1), Choice(attributes=("pose",)), "x: has no attribute 'pose'; it has none"),
        (
            Annotations((Shape("a", 0, BOX, ()),), (), attributes=("id", "note")),
            Choice(),
            "x: names no action; of 'id', 'note' --attribute says which do",
        ),
        (
            Annotations((Shape("a", 0, BOX, ()),), ()),
            Choice(),
            "x: names no action; --actions says where they stand",
        ),
    ],
)
def test_a_choice_of_nothing_is_told(found, choice, message):
    with pytest.raises(InputError) as error:
        require_chosen("x", found, choice)
    assert str(error.value) == message


def test_of_very_many_names_the_first_are_shown():
    left_out = Counter({f"tracks labelled '{k}'": 1 for k in range(30_000)})
    found = Annotations((), (), labels=tuple(map(str, range(30_000))), left_out=left_out)
    assert left_out_lines(found)[-1] == "left out 29980 kinds more"
    with pytest.raises(InputError, match=r"no label 'x'; it has '0', .*'19', 29980 more$"):
        require_chosen("f", found, Choice(labels=("x",)))
