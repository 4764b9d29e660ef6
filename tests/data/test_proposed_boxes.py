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


def records(*people):
    return [AnnotatedKeyframe("v.mp4", group) for group in people]


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
    found = add_predicted(*records(annotated, predicted), least_iou, negatives).people
    assert found.boxes.tolist() == boxes
    assert list(found.actions) == actions
    assert len(found.scores) == len(found.person_ids) == len(boxes)


def test_a_list_may_bring_its_own_labels():
    """A box that is annotated to the last digit is that person; labels add up."""
    annotated = keyframe(1, [[0, 0, 0.5, 1], [0.5, 0, 1, 1]], ((1,), ()))
    predicted = keyframe(
        1, [[0, 0, 0.5, 1], [0, 0, 0.5, 0.99], [0.5, 0, 1, 0.99]], ((1, 2), (3,), ())
    )
    both = records(annotated, predicted)
    found = add_predicted(*both, None, negatives=False).people
    assert found.boxes.tolist() == [[0, 0, 0.5, 1], [0.5, 0, 1, 1], [0, 0, 0.5, 0.99]]
    assert found.actions == ((1, 2), (), (3,))
    assert add_predicted(*both, None, negatives=True).people.actions == (
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


def tracked(tick, *rows):
    """A keyframe of people with the left side of a box and an id each."""
    boxes = np.array([[left, 0, left + 0.25, 1] for left, _ in rows], float).reshape(-1, 4)
    ids = np.array([person for _, person in rows], np.int64)
    people = PersonBoxes(Keyframe("v", tick), boxes, ((3,),) * len(rows), np.ones(len(rows)), ids)
    return AnnotatedKeyframe("v.mp4", people)


def lefts(record):
    return [dict(zip(t.ticks.tolist(), t.boxes[:, 0].tolist(), strict=True)) for t in record.tracks]


BOXES = "video,tick,x1,y1,x2,y2,action,score,track_id\n"


def test_boxes_with_tracks_are_tested_on_as_tracks(tmp_path):
    known = [tracked(tick, (0.1 * tick, 7)) for tick in range(5)]
    dataset = of_keyframes("tracked", known, ClassMap({3: "sit"}))
    whole = {tick: 0.1 * tick for tick in range(5)}
    assert [lefts(record) for record in people_to_test(dataset, every=2, tracks=True)] == [
        [pytest.approx(whole)]
    ] * 3
    boxes = tmp_path / "boxes.csv"
    rows = [(0, 0.5, 0.9, 4), (1, 0.5, 0.3, 4), (2, 0.25, 0.8, 4), (2, 0.5, 0.6, -1)]
    rows = [f"v,{tick},{x},0,1,1,-1,{score},{track}\n" for tick, x, score, track in rows]
    boxes.write_text(BOXES + "".join(rows) + "v,3\n")
    records = people_to_test(dataset, 2, str(boxes), threshold=0.5, tracks=True)
    assert [lefts(record) for record in records] == [
        [{0: 0.5, 2: 0.25}],
        [{0: 0.5, 2: 0.25}, {2: 0.5}],
        [],
    ]
    assert records[1].people.person_ids.tolist() == [4, -1]
    assert people_to_test(dataset, 2, str(boxes))[1].tracks is None


def test_predicted_people_have_their_own_tracks_beside_the_annotated_ones(tmp_path):
    """The ids of a file of boxes are not those of the annotations."""
    known = [tracked(tick, (0.25, 4)) for tick in range(3)]
    dataset = of_keyframes("both", known, ClassMap({3: "sit"}))
    boxes = tmp_path / "boxes.csv"
    rows = [f"v,{tick},{0.5 + 0.125 * tick},0,1,1,-1,0.9,4\n" for tick in range(3)]
    boxes.write_text(BOXES + "".join(rows) + "v,1,0.25,0,0.5,1,-1,0.9,5\n")
    records = people_to_train_on(dataset, str(boxes), negatives=True, tracks=True)
    annotated = {tick: 0.25 for tick in range(3)}
    predicted = {tick: 0.5 + 0.125 * tick for tick in range(3)}
    assert [lefts(record) for record in records] == [[annotated, predicted]] * 3
    (record, *_) = people_to_train_on(dataset, tracks=True)
    assert lefts(record) == [annotated]
    assert people_to_train_on(dataset, str(boxes))[0].tracks is None


def test_a_track_goes_on_over_keyframes_that_only_the_boxes_list(tmp_path):
    dataset = of_keyframes("listed", [tracked(0, (0.25, 4))], ClassMap({3: "sit"}))
    boxes = tmp_path / "boxes.csv"
    boxes.write_text(BOXES + "v,0,0.5,0,1,1,-1,0.9,4\nv,1,0.25,0,1,1,-1,0.9,4\n")
    records = people_to_test(dataset, proposals=str(boxes), unlisted=True, tracks=True)
    assert [lefts(record) for record in records] == [[{0: 0.5, 1: 0.25}]] * 2
