"""Boxes follow their clips, and all frames of a clip share one draw."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torchvision.transforms import v2

from ava_det.augment import pyslowfast, spatial
from ava_det.train.views import mirror


def painted(height: int, width: int, box: tuple[int, int, int, int]) -> torch.Tensor:
    """(4, 3, H, W) uint8 video, black but for a white box."""
    video = torch.zeros(4, 3, height, width, dtype=torch.uint8)
    x1, y1, x2, y2 = box
    video[:, :, y1:y2, x1:x2] = 255
    return video


@pytest.mark.parametrize(
    "transform",
    [
        spatial.short_side(60),
        spatial.jitter_crop(64, 96, 64),
        spatial.jitter_crop(100, 140, 90, color=0.1),
        spatial.random_resized_crop(72, smallest_area=0.5),
        spatial.center_crop(50),
    ],
)
@pytest.mark.parametrize("seed", range(8))
def test_the_box_stays_on_what_it_surrounds(transform, seed):
    torch.manual_seed(seed)
    box = (40, 30, 100, 90)
    video, boxes = transform(painted(120, 160, box), torch.tensor([box]).float())
    assert (video == video[:1]).all(), "one draw for all frames"
    rows, columns = torch.nonzero(video[0, 0] > 60, as_tuple=True)
    assert len(rows), "the crop must keep some of the box at these settings"
    seen = torch.stack([columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]).float()
    torch.testing.assert_close(boxes[0], seen, atol=1.6, rtol=0)


def test_short_side_keeps_the_aspect_and_takes_no_box():
    video, boxes = spatial.short_side(112)(painted(240, 320, (0, 0, 1, 1)), torch.zeros(0, 4))
    assert video.shape == (4, 3, 112, 149)
    assert boxes.shape == (0, 4)


def test_boxes_are_cut_at_the_borders():
    """Those of detectors that do not cut reach over them a little."""
    beyond = torch.tensor([[-3.0, -2, 165, 125]])
    _, boxes = spatial.short_side(60)(painted(120, 160, (0, 0, 1, 1)), beyond)
    assert boxes.tolist() == [[0, 0, 80, 60]]


def test_a_box_that_is_cut_away_becomes_degenerate():
    video = painted(100, 300, (0, 0, 10, 10))
    _, boxes = spatial.center_crop(100)(video, torch.tensor([[0.0, 0, 10, 10]]))
    assert (boxes[0, 2:] - boxes[0, :2]).min() <= 0


@given(
    st.integers(40, 90),
    st.integers(40, 90),
    st.lists(st.tuples(*[st.floats(0, 0.98)] * 2), max_size=3),
    st.integers(0, 99),
)
def test_a_crop_keeps_a_person(height, width, corners, seed):
    """Whoever is there, somebody's centre stays; a crop that holds one anyway is not moved."""
    sides = torch.tensor([width, height]).repeat(2)
    boxes = torch.tensor([[x, y, x + 0.02, y + 0.02] for x, y in corners]).reshape(-1, 4) * sides
    video = torch.arange(height * width).reshape(1, 1, height, width).to(torch.int32)
    crops = {}
    for kind in (v2.RandomCrop, spatial.PersonCrop):
        torch.manual_seed(seed)
        clip, _ = spatial.Joint(kind(32))(video, boxes)
        assert clip.shape[-2:] == (32, 32)
        top, left = divmod(int(clip[0, 0, 0, 0]), width)
        centres = (boxes[:, :2] + boxes[:, 2:]) / 2 - torch.tensor([left, top])
        held = bool(((centres >= 0) & (centres < 32)).all(1).any())
        crops[kind] = (top, left), held
    (place, lucky), (moved, held) = crops.values()
    assert held or not corners
    if lucky or not corners:
        assert moved == place


def test_the_move_is_the_shortest():
    """People in two corners: the crop of 20 ends up with one of their centres on its border."""
    video = torch.zeros(1, 3, 100, 100, dtype=torch.uint8)
    boxes = torch.tensor([[0.0, 0, 10, 10], [90, 90, 100, 100]])
    seen = set()
    for seed in range(40):
        torch.manual_seed(seed)
        _, cut = spatial.jitter_crop(100, 100, 20, flip=False, keep_person=True)(video, boxes)
        sizes = (cut[:, 2:] - cut[:, :2]).clamp(min=0)
        areas = sizes.prod(1)
        seen.add(int(areas.argmax()))
        assert areas.max() >= 20, "a half of each side, to the pixel"
    assert seen == {0, 1}


@st.composite
def tubes(draw, frames, height, width):
    """Up to three tubes (R, T, 4) inside of a picture."""
    corner = st.tuples(st.floats(0, width - 1), st.floats(0, height - 1))
    rows = draw(st.lists(st.lists(corner, min_size=frames, max_size=frames), max_size=3))
    corners = torch.tensor(rows).reshape(-1, frames, 2)
    return torch.cat([corners, (corners + 20).minimum(torch.tensor([width, height]))], dim=-1)


FLIPS = {
    "spatial": spatial.Joint(v2.RandomHorizontalFlip(1.0)),
    "views": lambda video, boxes: (video.flip(-1), mirror(boxes, video.shape[-1])),
}


@pytest.mark.parametrize("flip", FLIPS.values(), ids=FLIPS)
@given(boxes=tubes(3, 40, 60), seed=st.integers(0, 99))
def test_a_flip_of_a_video_and_its_tubes_commutes_with_a_resize(flip, boxes, seed):
    video = torch.randint(256, (3, 3, 40, 60), generator=torch.Generator().manual_seed(seed)).byte()
    half = spatial.short_side(20)
    clip, moved = half(*flip(video, boxes))
    other_clip, other = flip(*half(video, boxes))
    assert clip.shape == (3, 3, 20, 30)
    assert (clip.int() - other_clip.int()).abs().max() <= 1
    torch.testing.assert_close(moved, other, atol=1e-4, rtol=0)
    torch.testing.assert_close(flip(*flip(video, boxes))[1], boxes, atol=1e-4, rtol=0)


@pytest.mark.parametrize(
    "transform",
    [
        spatial.short_side(30),
        spatial.jitter_crop(30, 40, 24, color=0.1),
        spatial.random_resized_crop(24),
        spatial.center_crop(20),
        spatial.scale_jitter(30, 40),
        pyslowfast.ShortSide(30),
        pyslowfast.JitterCrop(30, 40, 24),
        FLIPS["spatial"],
    ],
)
@given(boxes=tubes(3, 40, 60), seed=st.integers(0, 99))
def test_each_box_of_a_tube_is_transformed_as_a_plain_box(transform, boxes, seed):
    video = torch.zeros(3, 3, 40, 60, dtype=torch.uint8)
    torch.manual_seed(seed)
    clip, moved = transform(video, boxes)
    assert moved.shape == boxes.shape
    for frame in range(3):
        torch.manual_seed(seed)
        same, plain = transform(video, boxes[:, frame])
        assert same.shape == clip.shape
        assert torch.equal(moved[:, frame], plain)


@pytest.mark.parametrize("size", [(60, 80), (80, 60), (50, 120)])
def test_scale_jitter_refers_to_the_size_that_fits(size):
    """At scale 1, a frame of any shape just fits into the crop."""
    video, boxes = (
        torch.zeros(1, 3, *size, dtype=torch.uint8),
        torch.tensor([[0.0, 0, *size[::-1]]]),
    )
    clip, moved = spatial.scale_jitter(45, 90, 1.0, 1.0, flip=False)(video, boxes)
    assert clip.shape[-2:] == (45, 90)
    scale = min(45 / size[0], 90 / size[1])
    sides = moved[0, 2:] - moved[0, :2]
    torch.testing.assert_close(sides, scale * torch.tensor(size[::-1]), atol=1.0, rtol=0)
