"""How a coded picture is laid and stretched to be shown."""

from fractions import Fraction
from pathlib import Path

import made_videos as made
import numpy as np
import pytest

from ava_det.video.facts import file_facts, header_facts
from ava_det.video.orientation import displayed_size
from ava_det.video.video import Video

# How a player turns the picture, as `VideoStream.set_display_rotation` takes it: degrees
# counter-clockwise, then mirrors; and what that is in numpy.
SHOWN = {
    (0, False, False): lambda p: p,
    (0, True, False): np.fliplr,
    (0, False, True): np.flipud,
    (180, False, False): lambda p: np.rot90(p, 2),
    (90, False, False): lambda p: np.rot90(p, 1),
    (-90, False, False): lambda p: np.rot90(p, -1),
    (90, True, False): lambda p: np.fliplr(np.rot90(p, 1)),
    (90, False, True): lambda p: np.flipud(np.rot90(p, 1)),
}


@pytest.mark.holds("13.7 pixels: display matrices that turn and mirror")
@pytest.mark.parametrize("suffix", [".mp4", ".mov"])
@pytest.mark.parametrize("told", SHOWN)
def test_all_eight_display_matrices(
    told: tuple[int, bool, bool], suffix: str, tmp_path: Path
) -> None:
    path = made.encode(tmp_path / f"v{suffix}", count=5, rotation=told[0], mirrors=told[1:])
    stored = list(made.read_through(path))
    expected = [SHOWN[told](picture) for picture in stored]
    with Video(path) as video:
        assert (video.height, video.width) == expected[0].shape[:2]
        np.testing.assert_array_equal(video.frames(video.frame_times), expected)
        np.testing.assert_array_equal([picture for _, picture in video.stream()], expected)
    height, width = expected[0].shape[:2]
    for facts in (file_facts(path), header_facts(path)):
        assert facts.size == facts.displayed == (width, height)


@pytest.mark.holds("13.7 pixels: display matrices that turn and mirror")
def test_the_case_is_mirrored(shared: Path) -> None:
    path = shared / "cases/mirrored_matrix/hflip.mp4"
    with Video(path) as video:
        stored = next(made.read_through(path))
        np.testing.assert_array_equal(video.frames([0.0])[0], np.fliplr(stored))


@pytest.mark.holds("13.7 pixels: the displayed size of pixels that are not square")
@pytest.mark.parametrize(
    ("aspect", "rotation", "size", "displayed"),
    [
        (Fraction(64, 45), 0, (64, 48), (91, 48)),
        (Fraction(64, 45), 90, (48, 64), (48, 91)),
        (Fraction(64, 45), 180, (64, 48), (91, 48)),
        (Fraction(8, 9), 0, (64, 48), (64, 54)),
        (Fraction(8, 9), -90, (48, 64), (54, 64)),
        (Fraction(1), 90, (48, 64), (48, 64)),
    ],
)
@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_displayed_size(
    aspect: Fraction,
    rotation: int,
    size: tuple[int, int],
    displayed: tuple[int, int],
    suffix: str,
    tmp_path: Path,
) -> None:
    path = made.encode(tmp_path / f"v{suffix}", count=3, rotation=rotation, aspect=aspect)
    for facts in (file_facts(path), header_facts(path)):
        assert facts.size == size
        assert facts.displayed == displayed
    with Video(path) as video:
        assert video.displayed == displayed
        assert (video.width, video.height) == size


@pytest.mark.holds("13.7 pixels: the displayed size of pixels that are not square")
def test_the_case_is_displayed_as_a_browser_does(shared: Path) -> None:
    facts = file_facts(shared / "cases/via_nonsquare_pixels/videos/sar.mp4")
    assert (facts.size, facts.displayed) == ((720, 576), (1024, 576))


def test_one_side_grows_and_none_shrinks() -> None:
    assert displayed_size(1440, 1080, Fraction(4, 3)) == (1920, 1080)
    assert displayed_size(1080, 1440, Fraction(3, 4)) == (1080, 1920)
