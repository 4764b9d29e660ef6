"""The weights that come with the package are found by name, and find people."""

from pathlib import Path

import pytest

from ava_det.data.sets import jhmdb
from ava_det.detect.load import load_persons
from ava_det.detect.proposals import propose
from ava_det.evaluation.person_boxes import person_ap, person_recall
from ava_det.structures import FRAME_CLOCK
from ava_det.video.video import VideoReader
from ava_det.weights.shipped import PERSONS, person_weights


def test_a_name_is_a_file_of_the_package_and_a_path_is_itself():
    assert person_weights("runs/light/model.safetensors") == Path("runs/light/model.safetensors")
    for name, file in PERSONS.items():
        path = person_weights(name)
        assert path.name == file
        assert path.is_file()
        assert path.stat().st_size < 10e6


@pytest.mark.parametrize("name", PERSONS)
def test_actors_of_clips_that_it_was_not_trained_on_are_found(shared, name):
    records = jhmdb.load_keyframes(shared / "data" / "jhmdb", 1, "test")[::450]
    detector = load_persons(person_weights(name))
    people = [found for found, _ in propose(detector, records, VideoReader(), FRAME_CLOCK)]
    truth = {record.people.keyframe: record.people for record in records}
    found = {group.keyframe: group for group in people}
    assert len(truth) > 15
    assert person_recall(truth, found) > 0.75
    assert person_ap(truth, found)["AP50"] > 0.6
