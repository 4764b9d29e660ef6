"""SlowFast-lite: what the pathways see, what is pooled from a tube, and how the head learns."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ava_det.batch import boxes_for
from ava_det.model.detector import as_rois
from ava_det.model.efficientnet import MEAN, STD
from ava_det.model.slowfast_lite import Stream, TubeHead
from ava_det.model.zoo import build_classifier, build_detector, slowfast_lite
from ava_det.structures import ClipShape
from ava_det.train.norms import CpuSyncBatchNorm, measure_statistics, synchronize_norms
from ava_det.weights.card import ModelCard
from ava_det.weights.native import load_model, save_weights

FRAMES = 20


@pytest.fixture(scope="module")
def detector():
    torch.manual_seed(0)
    model = build_detector("slowfast_lite", 4, mean=MEAN, std=STD).eval()
    for stream in model.head.streams.values():
        torch.nn.init.normal_(stream.projection.weight, std=0.01)
    return model


def random_clips(seed: int = 0, count: int = 2) -> torch.Tensor:
    rng = np.random.default_rng(seed)
    coarse = torch.from_numpy(rng.integers(0, 256, (count, 3, FRAMES, 14, 20), dtype=np.uint8))
    return coarse.repeat_interleave(8, 3).repeat_interleave(8, 4)


def boxes_of(*corners: tuple[float, ...]) -> torch.Tensor:
    return torch.tensor(corners).reshape(-1, 4)


def test_shapes(detector):
    clips = random_clips()
    maps = detector.backbone(detector.normalize(clips))
    assert [tuple(x.shape) for x in maps] == [
        (2, 112, 4, 7, 10),
        (2, 320, 4, 3, 5),
        (2, 35, 9, 20, 29),
        (2, 34, 4, 28, 40),
        (2, 17, 4, 28, 40),
    ]
    assert detector.backbone.out_channels == (112, 320, 35, 34, 17)
    people = [boxes_of((10, 10, 60, 90), (50, 20, 150, 100)), torch.zeros(0, 4)]
    assert detector(clips, people).shape == (2, 4)
    assert detector(clips, [torch.zeros(0, 4)] * 2).shape == (0, 4)
    classifier = build_classifier("slowfast_lite", 5, mean=MEAN, std=STD)
    assert classifier(clips).shape == (2, 5)
    with pytest.raises(ValueError, match="set dilation to None"):
        detector.backbone.keep_resolution(2)


def test_split_pathways_give_the_same_maps(detector):
    clip = detector.normalize(random_clips(1, 1))
    slow, fast = clip[:, :, ::5], clip[:, :, ::2]
    for whole, split in zip(detector.backbone(clip), detector.backbone([slow, fast]), strict=True):
        assert torch.equal(whole, split)


def test_a_frame_has_the_same_features_in_every_clip(detector):
    """A stream computes the features of a frame, and the motion between two, once."""
    clip = detector.normalize(random_clips(2, 1))
    middle, last, motion, _, _ = detector.backbone(clip)
    for t in range(4):
        alone = detector.backbone.slow(clip[:, :, 5 * t])
        torch.testing.assert_close(alone[0], middle[:, :, t], rtol=1e-4, atol=1e-4)
        torch.testing.assert_close(alone[1], last[:, :, t], rtol=1e-4, atol=1e-4)
    for t in range(9):
        pair = detector.backbone.fast(clip[:, :, 2 * t : 2 * t + 3 : 2])
        torch.testing.assert_close(pair[:, :, 0], motion[:, :, t], rtol=1e-4, atol=1e-4)


def test_the_detector_asks_for_tubes(detector):
    boxes = [torch.zeros(2, FRAMES, 4)]
    assert boxes_for(detector, boxes)[0].shape == (2, FRAMES, 4)
    assert boxes_for(build_detector("slowfast_tiny", 4), boxes)[0].shape == (2, 4)


def test_a_box_is_a_tube_that_stands_still(detector):
    clips = random_clips(3)
    people = [boxes_of((10, 10, 60, 90)), boxes_of((30, 20, 150, 100), (0, 0, 40, 40))]
    tubes = [boxes[:, None].expand(-1, FRAMES, -1) for boxes in people]
    torch.testing.assert_close(detector(clips, tubes), detector(clips, people))


def test_a_person_depends_on_the_own_clip_and_tube_alone(detector):
    clips = random_clips(4)
    people = [boxes_of((10, 10, 60, 90)), boxes_of((30, 20, 150, 100), (0, 0, 40, 40))]
    together = detector(clips, people)
    alone = detector(clips[1:], [people[1][1:]])
    torch.testing.assert_close(together[2:], alone, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(("step", "first", "frames"), [(5, 0, 4), (2, 1, 9)])
def test_each_map_is_pooled_in_the_box_of_its_own_frame(step, first, frames):
    """Maps that are 1 in one cell only: a tube sees it where its box lies at that frame."""
    head = TubeHead(4, slowfast_lite())
    x = torch.zeros(1, 1, frames, 8, 8)
    tube = torch.zeros(1, FRAMES, 5)
    for t in range(frames):
        x[0, 0, t, t % 8, 7 - t % 8] = 1  # a mark that moves
        row, column = t % 8, 7 - t % 8
        tube[0, first + step * t, 1:] = torch.tensor([column, row, column + 1, row + 1]) * 16.0
    pooled = head.pooled(x, head.align[0], tube, step, first)
    assert pooled.shape == (1, frames, 1, 3, 3)
    assert pooled[..., 1, 1].min() > 0.8  # the middle of the cell
    still = head.pooled(x, head.align[0], tube[:, first], step, first)
    assert still[0, 0, 0, 1, 1] > 0.8
    assert still[0, 1:8, 0, 1, 1].max() < 0.1  # the mark comes back at frame 8


@given(seed=st.integers(0, 10_000))
@settings(max_examples=20, deadline=None)
def test_pooling_is_the_mean_of_cells(seed):
    """Of a box that covers whole cells, as many as the pooling has: each value is one cell."""
    rng = np.random.default_rng(seed)
    head = TubeHead(4, slowfast_lite())
    x = torch.from_numpy(rng.normal(size=(2, 3, 4, 9, 9))).float()
    n, row, column = rng.integers(0, 2), rng.integers(0, 7), rng.integers(0, 7)
    roi = torch.tensor([[n, 16 * column, 16 * row, 16 * (column + 3), 16 * (row + 3)]]).float()
    pooled = head.pooled(x, head.align[0], roi, 5)
    # Two samples on each side of a cell's middle weigh the neighbours by 1/8 each.
    near = torch.nn.functional.pad(x[n], (1, 1, 1, 1), mode="replicate")
    kernel = torch.tensor([1.0, 6.0, 1.0]) / 8
    smooth = torch.nn.functional.conv2d(
        near.flatten(0, 1)[:, None], (kernel[:, None] * kernel)[None, None]
    ).reshape(3, 4, 9, 9)
    expected = smooth[:, :, row : row + 3, column : column + 3].transpose(0, 1)
    torch.testing.assert_close(pooled[0], expected, rtol=1e-4, atol=1e-4)


def test_padding_is_no_context(detector):
    clip = random_clips(5, 1)
    padded = torch.nn.functional.pad(clip, (0, 32, 0, 64), value=115)
    x = detector.backbone(detector.normalize(padded))[1]
    assert detector.head.context(x, [(112, 160)]).shape == (1, 4, 320)
    inside = x[:, :, :, :3, :5].mean((3, 4)).transpose(1, 2)
    torch.testing.assert_close(detector.head.context(x, [(112, 160)]), inside)


def test_motion_is_worth_its_place():
    """Two classes that differ in the direction of the motion only are learnt from motion alone."""
    torch.manual_seed(0)
    backbone = slowfast_lite()
    head = TubeHead(2, backbone, dropout=0.0)
    right, left = torch.zeros(1, 35, 9, 20, 29), torch.zeros(1, 35, 9, 20, 29)
    right[:, 0], left[:, 4] = 2.0, 2.0
    still = [torch.zeros(4, 112, 4, 7, 10), torch.zeros(4, 320, 4, 3, 5)]
    moving = torch.cat([right, left, right, left]) + 0.01 * torch.rand(4, 35, 9, 20, 29)
    maps = [*still, moving, torch.zeros(4, 34, 4, 28, 40), torch.full((4, 17, 4, 28, 40), -9.0)]
    rois = torch.tensor([[n, 20.0, 20, 90, 90] for n in range(4)])
    targets = torch.tensor([0, 1, 0, 1])
    optimizer = torch.optim.AdamW(head.parameters(), 1e-2)
    for _ in range(60):
        loss = torch.nn.functional.cross_entropy(head(maps, rois), targets)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert loss < 0.05
    head.eval()
    assert torch.equal(head(maps, rois).argmax(1), targets)
    one = head.train()(maps, rois[:1])  # a batch of one person has no statistics of its own
    assert torch.isfinite(one).all()


def test_statistics_of_the_head_are_measured_and_shared():
    """Precise-BN reaches the norms of the head, and so do several processes."""
    people = torch.tensor([[1.0, 4.0], [3.0, 8.0], [5.0, 0.0]])
    stream = Stream(2, 2, dropout=0.0)
    measure_statistics(stream, SimpleNamespace(outputs=lambda model, x: model(x)), [people], 1)
    torch.testing.assert_close(stream.norm.running_mean, torch.tensor([3.0, 4.0]))
    torch.testing.assert_close(stream.norm.running_var, torch.tensor([8 / 3, 32 / 3]))
    synchronised = synchronize_norms(stream).train()
    assert isinstance(synchronised.norm, CpuSyncBatchNorm)
    assert torch.isfinite(synchronised(people)).all()


def test_the_slow_frames_are_those_of_the_split(detector):
    split = detector.backbone.split
    clip = torch.arange(FRAMES).reshape(1, 1, FRAMES, 1, 1)
    assert (
        split(clip)[0].flatten().tolist() == split.slow_indices(FRAMES).tolist() == [0, 5, 10, 15]
    )


def test_logits_of_exclusive_classes_are_a_softmax(detector):
    clips, people = random_clips(6), [boxes_of((10, 10, 60, 90)), boxes_of((0, 0, 40, 40))]
    model = build_detector("slowfast_lite", 4, mean=MEAN, std=STD, exclusive=[0, 1, 2, 3]).eval()
    model.load_state_dict(detector.state_dict())
    probabilities = model(clips, people).sigmoid()
    torch.testing.assert_close(probabilities, detector(clips, people).softmax(1))


@pytest.mark.parametrize("settings", [{}, {"alpha": 5, "beta": 2, "frozen": 0}])
def test_a_weight_file_makes_the_same_model(detector, tmp_path, settings):
    arguments = {"architecture": "slowfast_lite", "num_classes": 4, "mean": MEAN, "std": STD}
    arguments["arguments"] = settings
    classes = tuple((k, f"action {k}", "") for k in range(1, 5))
    card = ModelCard("detector", arguments, classes, ClipShape(FRAMES, 1, 25.0, 112))
    save_weights(tmp_path / "lite.safetensors", detector.state_dict(), card)
    model, _ = load_model(tmp_path / "lite.safetensors", "detector")
    clips, people = random_clips(7), [boxes_of((10, 10, 60, 90)), torch.zeros(0, 4)]
    assert torch.equal(model.eval()(clips, people), detector(clips, people))
    assert as_rois(people).shape == (1, 5)
