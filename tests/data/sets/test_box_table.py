"""Csv files of a box a row."""

from pathlib import Path

import pytest

from ava_det.data.sets.box_table import read_box_table
from ava_det.structures import InputError


@pytest.mark.holds("13.8 a row with more columns than the header is not cut")
@pytest.mark.parametrize("before", ["", "v,0,1,2\n"])
def test_a_row_that_is_too_long_is_refused(tmp_path: Path, before: str) -> None:
    path = tmp_path / "annotations.csv"
    path.write_text(f"video,frame,x1,y1\n{before}v,1,1,2,3\n")
    with pytest.raises(InputError, match=r"annotations\.csv: .*"):
        read_box_table(path, ["video", "frame", "x1", "y1"])
