"""The weights that come with the package are found by name, and find people."""

import csv
from pathlib import Path

import numpy as np
import pytest

from ava_det.boxes import iou
from ava_det.data.video import VideoReader
from ava_det.detect.persons import load_persons
from ava_det.detect.shipped import PERSONS, person_weights
from ava_det.structures import Keyframe

HELD_OUT = {  # of JHMDB split 1's test clips
    "golf/Golf_Hacks_-_Putting_Tips_golf_f_cm_np1_ri_goo_1": 0.5,
}


def test_a_name_is_a_file_of_the_package_and_a_path_is_itself():
    assert person_weights("runs/light") == Path("runs/light")
    for name, file in PERSONS.items():
        path = person_weights(name)
        assert path.name == file
        assert path.is_file()
        assert path.stat().st_size < 10e6
