"""Heads against formulas, loops and torchvision's own ROIAlign."""

import pytest
import torch
from torch.nn import functional as F
from torchvision.ops import roi_align

from ava_det.model.heads import PoolHead, RoIHead, X3DHead, exclusive_logits

ROIS = torch.tensor([[0, 4.0, 8, 60, 90], [1, 0, 0, 96, 96], [1, 33, 20, 40, 40]])


@pytest.fixture
def maps():
    generator = torch.Generator().manual_seed(0)
    slow = torch.randn(2, 6, 2, 6, 6, generator=generator)
    return [slow, torch.randn(2, 3, 8, 6, 6, generator=generator)]


def randomized(head):
    torch.manual_seed(1)
    for parameter in head.parameters():
        torch.nn.init.normal_(parameter)
    return head.eval()


def project(head, features):
    return features @ head.projection.weight.T + head.projection.bias


def test_pool_head_is_a_mean_and_a_linear_layer(maps):
    head = randomized(PoolHead([6, 3], num_classes=4))
    mean = torch.cat([x.flatten(2).mean(2) for x in maps], dim=1)
    torch.testing.assert_close(head(maps), project(head, mean))


def test_pool_head_with_a_window_averages_probabilities_of_its_places(maps):
    head = randomized(PoolHead([6, 3], num_classes=4, window=5))
    places = [(y, x) for y in range(2) for x in range(2)]  # of 5 x 5 cells among 6 x 6
    scores = [
        project(
            head, torch.cat([m[..., y : y + 5, x : x + 5].mean((2, 3, 4)) for m in maps], dim=1)
        ).softmax(1)
        for y, x in places
    ]
    torch.testing.assert_close(head(maps).softmax(1), torch.stack(scores).mean(0))


@pytest.mark.parametrize("window", [6, 7])
def test_a_window_of_the_whole_map_changes_nothing(maps, window):
    plain = randomized(PoolHead([6, 3], num_classes=4))
    windowed = randomized(PoolHead([6, 3], num_classes=4, window=window))
    torch.testing.assert_close(windowed(maps), plain(maps))


def test_a_window_is_for_testing(maps):
    head = randomized(PoolHead([6, 3], num_classes=4, dropout=0.0, window=2)).train()
    mean = torch.cat([x.mean((2, 3, 4)) for x in maps], dim=1)
    torch.testing.assert_close(head(maps), project(head, mean))


def test_x3d_head_widens_before_and_after_pooling():
    head = randomized(X3DHead(num_classes=4))
    x = torch.randn(2, 192, 3, 2, 2)
    before = torch.einsum("nithw,oi->nothw", x, head.pre_conv.weight[:, :, 0, 0, 0])
    scale = head.pre_norm.weight / (1 + 1e-5) ** 0.5  # running statistics are 0 and 1
    before = before * scale[:, None, None, None] + head.pre_norm.bias[:, None, None, None]
    pooled = before.relu().mean((2, 3, 4))
    after = (pooled @ head.post_conv.weight[:, :, 0, 0, 0].T).relu()
    torch.testing.assert_close(head([x]), project(head, after), rtol=1e-4, atol=1e-2)


def pool_boxes(maps, resolution=7, stride=16, aligned=True):
    return torch.cat(
        [roi_align(x, ROIS, resolution, 1 / stride, 0, aligned).amax((2, 3)) for x in maps], dim=1
    )


@pytest.mark.parametrize("aligned", [True, False])
@pytest.mark.parametrize(("resolution", "stride"), [(7, 16), (8, 32)])
def test_roi_head_is_mean_over_time_then_max_over_a_box(maps, aligned, resolution, stride):
    head = RoIHead([6, 3], 4, stride=stride, resolution=resolution, aligned=aligned)
    expected = pool_boxes([x.mean(2) for x in maps], resolution, stride, aligned)
    torch.testing.assert_close(randomized(head)(maps, ROIS), project(head, expected))


def test_alignment_matters(maps):
    heads = [randomized(RoIHead([6, 3], 4, aligned=aligned)) for aligned in (True, False)]
    assert not torch.allclose(heads[0](maps, ROIS), heads[1](maps, ROIS))


def test_max_over_time(maps):
    head = randomized(RoIHead([6, 3], 4, temporal_max=True))
    expected = pool_boxes([x.amax(2) for x in maps])
    torch.testing.assert_close(head(maps, ROIS), project(head, expected))


def test_context_puts_the_clip_beside_each_of_its_people(maps):
    head = randomized(RoIHead([6, 3], 4, resolution=3, context=True))
    means = [x.mean(2) for x in maps]
    # 6 x 6 cells to 3 x 3: means of 2 x 2, of which the largest is taken.
    clip = torch.cat(
        [x.unfold(2, 2, 2).unfold(3, 2, 2).mean((4, 5)).amax((2, 3)) for x in means], dim=1
    )
    expected = torch.cat([pool_boxes(means, 3), clip[[0, 1, 1]]], dim=1)
    torch.testing.assert_close(head(maps, ROIS), project(head, expected))


def test_exclusive_columns_have_the_scores_of_a_softmax(maps):
    plain = randomized(RoIHead([6, 3], 5))
    head = randomized(RoIHead([6, 3], 5, exclusive=[1, 2, 4]))
    z, scores = plain(maps, ROIS), head(maps, ROIS).sigmoid()
    torch.testing.assert_close(scores[:, [1, 2, 4]], z[:, [1, 2, 4]].softmax(1))
    torch.testing.assert_close(scores[:, [0, 3]], z[:, [0, 3]].sigmoid())


def test_exclusive_logits_hold_far_out_and_have_gradients():
    z = torch.tensor([[90.0, -90.0, 5.0]], requires_grad=True)
    out = exclusive_logits(z, [0, 1])
    torch.testing.assert_close(out.detach(), torch.tensor([[180.0, -180.0, 5.0]]))
    F.softplus(out).sum().backward()
    assert z.grad.isfinite().all()


@pytest.mark.parametrize("options", [{}, {"context": True}, {"exclusive": [0, 1]}])
def test_clips_without_people_give_no_rows(maps, options):
    head = RoIHead([6, 3], 4, **options)
    assert head(maps, torch.zeros(0, 5)).shape == (0, 4)


def test_dropout_is_for_training(maps):
    head = randomized(RoIHead([6, 3], 4, dropout=0.9))
    torch.testing.assert_close(head(maps, ROIS), head(maps, ROIS))
    head.train()
    assert not torch.allclose(head(maps, ROIS), head(maps, ROIS))


@pytest.mark.parametrize("make", [PoolHead, RoIHead])
def test_under_autocast_boxes_and_logits_keep_their_digits(make, maps):
    head = randomized(make([6, 3], num_classes=4))
    maps = [x.bfloat16() for x in maps]
    rois = ROIS + torch.tensor([0, 0.3, 0.3, 0.3, 0.3])  # nothing that bfloat16 has
    rest = (rois,) if make is RoIHead else ()
    with torch.autocast("cpu", torch.bfloat16):
        logits = head(maps, *rest)
    means = [x.mean(2, keepdim=True).float() for x in maps]
    if make is PoolHead:
        means = [x.mean((2, 3, 4), keepdim=True).float() for x in maps]
    torch.testing.assert_close(logits, head(means, *rest))
