"""Maps of motion on drawn clips whose motion is known."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ava_det.augment.videomix import VideoMix
from ava_det.model.motion import DIRECTIONS, MotionMaps

FLOW, STILL, BORDERS = slice(0, DIRECTIONS), DIRECTIONS, slice(DIRECTIONS + 1, 3 * DIRECTIONS + 1)


@pytest.fixture
def maps():
    return MotionMaps(mean=0.5, std=0.5, shrink=1.0)


def textured(height: int, width: int, seed: int = 0) -> np.ndarray:
    """A smooth random texture, in [0, 1], that flow can follow."""
    rng = np.random.default_rng(seed)
    coarse = torch.from_numpy(rng.random((1, 1, height // 4, width // 4)))
    fine = torch.nn.functional.interpolate(coarse, (height, width), mode="bicubic")
    return fine[0, 0].clamp(0, 1).numpy()


def clip_of(frames: list[np.ndarray]) -> torch.Tensor:
    """Grey frames in [0, 1] as a clip (1, 3, T, H, W), normalised with mean and deviation 0.5."""
    return (
        torch.from_numpy(np.stack(frames))
        .float()
        .mul(2)
        .sub(1)[None, None]
        .expand(1, 3, -1, -1, -1)
    )


def moving(dx: int, dy: int, count: int = 3, seed: int = 0) -> torch.Tensor:
    """A textured square that moves over a textured ground, by (dx, dy) pixels a frame."""
    ground, square = textured(96, 128, seed), textured(40, 40, seed + 1)
    frames = []
    for t in range(count):
        frame = ground.copy()
        frame[30 + dy * t : 70 + dy * t, 44 + dx * t : 84 + dx * t] = square
        frames.append(frame)
    return clip_of(frames)


@pytest.mark.parametrize(
    ("dx", "dy", "direction"),
    [(3, 0, 0), (3, 3, 1), (0, 3, 2), (-3, 3, 3), (-3, 0, 4), (-3, -3, 5), (0, -3, 6), (3, -3, 7)],
)
def test_flow_has_the_direction_of_the_square(maps, dx, dy, direction):
    """The length is OpenCV's, which is fast and too short on a small square."""
    inside = maps(moving(dx, dy))[0, :, 0, 20:30, 28:36].mean((1, 2))
    assert inside[FLOW].argmax() == direction
    assert 0.4 < inside[direction].item() / np.hypot(dx, dy) < 1.1
    others = [k for k in range(DIRECTIONS) if k != direction]
    assert inside[others].max() < inside[direction] / 4


def test_known_flow_gives_known_maps(maps):
    """A patch moves by (2, 0) and becomes 32 grey levels brighter; borders are where it ends."""
    flow, change = torch.zeros(1, 2, 12, 16), torch.zeros(1, 12, 16)
    flow[0, 0, 4:8, 4:10] = 2.0
    change[0, 4:8, 4:10] = 2.0
    made = maps.maps(flow, change)[0]
    patch = torch.zeros(6, 8)
    patch[2:4, 2:5] = 1
    torch.testing.assert_close(made[0], 2 * patch)
    torch.testing.assert_close(made[STILL], (1 - patch) / 2)
    assert made[1:DIRECTIONS].abs().max() < 1e-5
    brighter, darker = made[3 * DIRECTIONS + 1], made[3 * DIRECTIONS + 2]
    torch.testing.assert_close(brighter, 2 * patch)
    assert darker.abs().max() == 0
    # Of the horizontal flow, the left border rises to the right (direction 0).
    left = made[DIRECTIONS + 1]
    assert left[2:4, 1:3].min() == pytest.approx(0.5, abs=0.26)
    assert left[:, 4:].abs().max() < 1e-5
    assert made[2 * DIRECTIONS + 1 : 3 * DIRECTIONS + 1].abs().max() < 1e-5


def test_what_stands_still_and_a_camera_that_moves(maps):
    big = textured(96, 160)
    still = maps(clip_of([big[:, :128]] * 3))
    assert still.shape == (1, MotionMaps.CHANNELS, 2, 48, 64)
    assert torch.equal(still[:, STILL], torch.full((1, 2, 48, 64), 0.5))
    assert still.sum() == still[:, STILL].sum()
    panned = maps(clip_of([big[:, 3 * t : 3 * t + 128] for t in range(3)]))[..., 8:-8, 8:-8]
    assert panned[:, FLOW].mean() < 0.05
    assert panned[:, BORDERS].mean() < 0.05


@given(seed=st.integers(0, 1000), dx=st.integers(-3, 3), dy=st.integers(-3, 3))
@settings(max_examples=15, deadline=None)
def test_a_mirrored_flow_has_mirrored_maps(seed, dx, dy):
    maps = MotionMaps(0.5, 0.5)
    rng = np.random.default_rng(seed)
    flow = torch.from_numpy(rng.normal((dx, dy), 1.0, (12, 16, 2))).permute(2, 0, 1)[None].float()
    change = torch.from_numpy(rng.normal(size=(1, 12, 16))).float()
    mirror = torch.tensor([-1.0, 1.0])[:, None, None]
    here = maps.maps(flow, change)
    there = maps.maps((flow * mirror).flip(3), change.flip(2)).flip(3)
    across = [(DIRECTIONS // 2 - k) % DIRECTIONS for k in range(DIRECTIONS)]  # angle a to pi - a
    turned = [-k % DIRECTIONS for k in range(DIRECTIONS)]  # u(-x) with its sign: a to -a
    order = [*across, DIRECTIONS]
    order += [DIRECTIONS + 1 + k for k in turned] + [2 * DIRECTIONS + 1 + k for k in across]
    order += [3 * DIRECTIONS + 1, 3 * DIRECTIONS + 2]
    order += [3 * DIRECTIONS + 3 + k for k in across]
    torch.testing.assert_close(there, here[:, order], rtol=1e-4, atol=1e-4)


def test_directions_add_up_to_the_length():
    """A vector halfway between two directions counts for both of them, and for no other."""
    maps = MotionMaps(0.5, 0.5)
    angles = torch.linspace(0, 6.28, 50)
    flow = torch.stack([angles.cos(), angles.sin()])[None, :, None, :] * 2
    parts = maps.by_direction(flow)
    assert ((parts > 1e-4).sum(1) <= 2).all()
    assert parts.amax(1).min() > 0.7
    assert parts.amax(1).max() == pytest.approx(2.0, rel=1e-3)


def test_a_mix_is_made_before_the_flow(maps):
    """Each part of a mixed clip has the motion of the clip that the part comes from."""
    clips = torch.cat([moving(3, 0), moving(-3, 0, seed=7)])
    mixed, targets = VideoMix(variant="spatial", alpha=1.0, probability=1.0)(
        clips.clone(),
        torch.eye(2),
        np.random.default_rng(4),
        numbers=[0, 1],
        overwrite=False,
    )
    assert 0.1 < targets[0, 0] < 0.9
    of_mixed, of_sources = maps(mixed)[0], maps(clips)
    from_first = (mixed[0] == clips[0]).all(0).all(0)
    cells = torch.nn.functional.avg_pool2d(from_first[None].float(), 2)[0]
    # A border of 6 cells next to the other part is left out: flow is smooth.
    grown = torch.nn.functional.max_pool2d(1 - cells[None], 13, 1, 6)[0]
    inside = grown == 0
    assert inside.sum() > 100
    first, second = (maps_of[FLOW].sum(0)[:, inside] for maps_of in of_sources)
    found = of_mixed[FLOW].sum(0)[:, inside]
    assert (found - first).abs().mean() < (found - second).abs().mean() / 4


def test_shapes_are_known_without_numbers(maps):
    with torch.device("meta"):
        assert MotionMaps(0.5, 0.5)(torch.zeros(2, 3, 20, 168, 224)).shape == (2, 35, 19, 30, 40)
