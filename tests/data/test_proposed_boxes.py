"""Predicted people beside annotated ones, against the rule written out box by box."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_sets import of_keyframes

from ava_det.data.proposals import add_predicted, people_to_test, people_to_train_on
from ava_det.formats.class_map import ClassMap
from ava_det.structures import AnnotatedKeyframe, InputError, Keyframe, PersonBoxes

coordinate = st.integers(0, 8).map(lambda n: n / 8)


@st.composite
def people(draw, labelled):
    """Up to four people on a coarse grid, so that boxes often meet."""
    corners = draw(st.lists(st.tuples(*[coordinate] * 4), max_size=4))
    boxes = np.array(
        [[min(a, c), min(b, d), max(a, c) + 0.125, max(b, d) + 0.125] for a, b, c, d in corners]
    ).reshape(-1, 4)
    actions = tuple((k + 1,) if labelled else () for k in range(len(boxes)))
    scores = np.ones(len(boxes)) if labelled else np.linspace(0.8, 0.9, len(boxes))
    return PersonBoxes(Keyframe("v", 1), boxes, actions, scores, np.arange(len(boxes)))


def overlap(a, b):
    width = max(0.0, min(a[2], b[2]) - max(a[0], b[0]))
    height = max(0.0, min(a[3], b[3]) - max(a[1], b[1]))
    areas = [(c[2] - c[0]) * (c[3] - c[1]) for c in (a, b)]
    return width * height / (sum(areas) - width * height)


@given(people(True), people(False), st.sampled_from([0.3, 0.9]), st.booleans())
def test_labels_go_to_boxes_that_meet_well(annotated, predicted, least_iou, negatives):
    boxes, actions = annotated.boxes.tolist(), list(annotated.actions)
    for box in predicted.boxes.tolist():
        overlaps = [overlap(box, other) for other in annotated.boxes.tolist()]
        best = max(range(len(overlaps)), key=overlaps.__getitem__, default=None)
        if box in annotated.boxes.tolist():
            continue  # the same person, who has these labels
        if best is not None and overlaps[best] >= least_iou:
            boxes.append(box)
            actions.append(annotated.actions[best])
        elif negatives:
            boxes.append(box)
            actions.append(())
    found = add_predicted(annotated, predicted, least_iou, negatives)
    assert found.boxes.tolist() == boxes
    assert list(found.actions) == actions
    assert len(found.scores) == len(found.person_ids) == len(boxes)


def test_a_list_may_bring_its_own_labels():
    """A box that is annotated to the last digit is that person; labels add up."""
    annotated = keyframe(1, [[0, 0, 0.5, 1], [0.5, 0, 1, 1]], ((1,), ()))
    predicted = keyframe(
        1, [[0, 0, 0.5, 1], [0, 0, 0.5, 0.99], [0.5, 0, 1, 0.99]], ((1, 2), (3,), ())
    )
    found = add_predicted(annotated, predicted, None, negatives=False)
    assert found.boxes.tolist() == [[0, 0, 0.5, 1], [0.5, 0, 1, 1], [0, 0, 0.5, 0.99]]
    assert found.actions == ((1, 2), (), (3,))
    assert add_predicted(annotated, predicted, None, negatives=True).actions == (
        (1, 2),
        (),
        (3,),
        (),
    )


def keyframe(tick, boxes, actions):
    count = len(boxes)
    ones, ids = np.ones(count), np.full(count, -1)
    boxes = np.array(boxes, float).reshape(count, 4)
    return PersonBoxes(Keyframe("v", tick), boxes, actions, ones, ids)


def test_training_is_on_both(tmp_path):
    known = [AnnotatedKeyframe("v.mp4", keyframe(t, [[0, 0, 0.5, 1]], ((3,),))) for t in (1, 2)]
    dataset = of_keyframes("training_boxes", known, ClassMap({3: "sit"}))
    boxes = tmp_path / "boxes.csv"
    boxes.write_text("v,1,0,0,0.5,0.99,,0.85\nv,2,0.6,0,1,1,,0.85\nv,2,0,0,0.5,1,,0.7\n")
    for negatives, expected in ((False, {1: 2, 2: 1}), (True, {1: 2, 2: 2})):
        records = people_to_train_on(dataset, str(boxes), negatives=negatives)
        people = [record.people for record in records]
        assert {p.keyframe.tick: len(p.boxes) for p in people} == expected
        assert {p.keyframe.tick: p.actions for p in people}[1] == ((3,), (3,))
        assert records.files() == {"v.mp4"}
        owner, actions = records.occurrences()
        assert (owner.tolist(), actions.tolist()) == ([0, 1], [3, 3]), "annotated ones"


@pytest.mark.holds("13.12 a score threshold is from 0 to 1, in a config, too")
@pytest.mark.parametrize("score", [30, -0.1, float("nan")])
def test_a_least_score_that_is_no_score_is_refused(score):
    known = [AnnotatedKeyframe("v.mp4", keyframe(1, [[0, 0, 0.5, 1]], ((3,),)))]
    dataset = of_keyframes("scored", known, ClassMap({3: "sit"}))
    with pytest.raises(InputError, match=r"threshold=.*: scores are from 0 to 1"):
        people_to_test(dataset, threshold=score)
    with pytest.raises(InputError, match=r"threshold=.*: scores are from 0 to 1"):
        people_to_train_on(dataset, predicted_score=score)
