"""Whether boxes that were drawn on frames of one size fit a video of another."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ava_det.formats.frame_sizes import misfit, read_sizes, require_fit, write_sizes
from ava_det.structures import InputError

FRAMES = pytest.mark.holds("13.7 pixels: frames of another shape than the video's")


@FRAMES
@pytest.mark.parametrize(
    ("drawn", "shown", "expected"),
    [
        ((1920, 1080), [(1920, 1080)], ""),
        ((853, 480), [(1920, 1080)], ""),  # scaled and rounded
        ((30, 17), [(1920, 1080)], ""),  # a thumbnail
        ((1920, 1088), [(1920, 1080)], ""),  # a codec's padding
        ((640, 368), [(640, 360)], ""),
        ((720, 576), [(720, 576), (1024, 576)], ""),  # as stored
        ((1024, 576), [(720, 576), (1024, 576)], ""),  # its pixels made square
        ((512, 288), [(720, 576), (1024, 576)], ""),
        ((192, 144), [(144, 192)], "swapped"),
        ((1920, 1080), [(720, 1280)], "swapped"),  # and scaled
        ((640, 640), [(1920, 1080)], "aspect"),
        ((1920, 1080), [(1440, 1080)], "aspect"),
        ((64, 48), [(64, 36)], "aspect"),
    ],
)
def test_shapes_are_compared_but_for_scale_rounding_and_padding(drawn, shown, expected):
    assert misfit(drawn, shown) == expected
    if not expected:
        require_fit("x.xml", drawn, "film.mp4", shown)
        return
    with pytest.raises(InputError, match=r"^x\.xml: boxes were drawn on .*film\.mp4 shows as") as e:
        require_fit("x.xml", drawn, "film.mp4", shown)
    assert ("swapped" in str(e.value)) == (expected == "swapped")


side = st.integers(8, 5000)


@FRAMES
@given(side, side, st.integers(1, 8))
def test_a_whole_multiple_fits_in_both_directions(width, height, times):
    large = width * times, height * times
    assert misfit((width, height), [large]) == misfit(large, [(width, height)]) == ""
    assert misfit((height, width), [large]) in ("", "swapped")


def test_sizes_are_read_as_they_are_written(tmp_path):
    sizes = {"a/film": (1920, 1080), 'b, "c"': (7, 9)}
    write_sizes(tmp_path / "sizes.csv", sizes)
    assert read_sizes(tmp_path / "sizes.csv") == sizes
    (tmp_path / "bare.csv").write_text("film,64,48\n\n")
    assert read_sizes(tmp_path / "bare.csv") == {"film": (64, 48)}


@pytest.mark.holds("13.9 bounds: sides of thousands of digits")
@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"film,64\n", r"sizes\.csv: row 1: not video,width,height"),
        (b"film,64,48\nhall,0,48\n", r"sizes\.csv: row 2: a side of 0 pixels"),
        (b"film,64," + b"9" * 5000, r"sizes\.csv: row 1: not video,width,height"),
        (b"film,\xff,48", r"sizes\.csv: not a text file"),
    ],
)
def test_a_row_that_is_no_size_is_told(tmp_path, content, message):
    (tmp_path / "sizes.csv").write_bytes(content)
    with pytest.raises(InputError, match=message):
        read_sizes(tmp_path / "sizes.csv")
