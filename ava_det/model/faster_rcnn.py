"""Person detectors: Faster R-CNN with one class, assembled from detectron2's parts.

As in `zoo.py`, a weight file names one of the functions in `PERSON_DETECTORS` and its arguments.
All detectors take RGB frames of 0 to 255, while detectron2's COCO models take BGR. They start from
random weights, unless `train.init` names a file, and their batch norms train. Nothing is
downloaded.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from detectron2.config import LazyCall as L
from detectron2.config import instantiate
from detectron2.layers import ShapeSpec
from detectron2.modeling import FPN, GeneralizedRCNN, ResNet
from detectron2.modeling.anchor_generator import DefaultAnchorGenerator
from detectron2.modeling.backbone import BasicStem
from detectron2.modeling.backbone.fpn import LastLevelMaxPool
from detectron2.modeling.backbone.resnet import BasicBlock, BottleneckBlock
from detectron2.modeling.box_regression import Box2BoxTransform
from detectron2.modeling.matcher import Matcher
from detectron2.modeling.poolers import ROIPooler
from detectron2.modeling.proposal_generator import RPN, StandardRPNHead
from detectron2.modeling.roi_heads import (
    FastRCNNConvFCHead,
    FastRCNNOutputLayers,
    StandardROIHeads,
)
from detectron2.structures import Instances
from omegaconf import DictConfig

from ava_det.boxes import clip_relative, to_relative
from ava_det.formats.class_map import ClassMap
from ava_det.model.center_pose import CenterPose, center_pose_lite
from ava_det.model.mobilenet import MobileNetV2
from ava_det.model.named import build_named
from ava_det.structures import IMAGENET_MEAN, IMAGENET_STD, Keyframe, PersonBoxes


def faster_rcnn_tiny(width: int = 32) -> GeneralizedRCNN:
    """Faster R-CNN on a narrow ResNet-18 with FPN, for frames of a short side of 128 to 240.

    3.8 M parameters at width 32. Anchors are 1 to 3 times as high as wide, because people are. The
    FPN has no finest level (stride 4), which would cost most and find little.

    Args:
        width: Channels of the stem and the first stage. Each further stage doubles them.
    """
    stages = [
        L(ResNet.make_stage)(
            block_class=BasicBlock,
            num_blocks=2,
            stride_per_block=[1 if k == 0 else 2, 1],
            in_channels=width * 2 ** max(k - 1, 0),
            out_channels=width * 2**k,
            norm="BN",
        )
        for k in range(4)
    ]
    backbone = _fpn(width, stages, ["res3", "res4", "res5"], 2 * width)
    topk = (500, 200), (200, 50)
    return _small_rcnn(backbone, 2 * width, [1.0, 2.0, 3.0], topk, person=112)


def faster_rcnn_r50(norm: str = "BN") -> GeneralizedRCNN:
    """Faster R-CNN on ResNet-50 with FPN and the settings of detectron2; for a GPU.

    Args:
        norm: Norm of the ResNet: "BN", or "FrozenBN" for weights of detectron2's model zoo.
    """
    stages = L(ResNet.make_default_stages)(depth=50, stride_in_1x1=True, norm=norm)
    return _coco_rcnn(stages, norm)


def _coco_rcnn(stages: DictConfig | list[DictConfig], norm: str) -> GeneralizedRCNN:
    """Assemble detectron2's COCO model around the stages of a ResNet."""
    if norm not in ("BN", "FrozenBN"):
        raise ValueError(f"norm {norm!r} is neither BN nor FrozenBN")
    backbone = _fpn(64, stages, ["res2", "res3", "res4", "res5"], 256, norm)
    anchors = L(DefaultAnchorGenerator)(
        sizes=[[32], [64], [128], [256], [512]],
        aspect_ratios=[[0.5, 1.0, 2.0]],
        strides=[4, 8, 16, 32, 64],
    )
    levels = ["p2", "p3", "p4", "p5", "p6"]
    rpn = _rpn(levels, 256, anchors, 3, batch=256, topk=((2000, 1000), (1000, 1000)))
    pooler = L(ROIPooler)(
        output_size=7,
        scales=[1 / 4, 1 / 8, 1 / 16, 1 / 32],
        sampling_ratio=0,
        pooler_type="ROIAlignV2",
    )
    heads = _roi_heads(levels[:4], 256, pooler, fc_dim=1024, batch=512)
    return _rcnn(backbone, rpn, heads)


def faster_rcnn_x101(norm: str = "BN") -> GeneralizedRCNN:
    """Faster R-CNN on ResNeXt-101-32x8d with FPN, the person detector of the paper; for a GPU.

    It has 105 M parameters and is otherwise as `faster_rcnn_r50`.

    Args:
        norm: Norm of the ResNeXt: "BN", or "FrozenBN" for weights of detectron2's model zoo.
    """
    stages = [
        L(ResNet.make_stage)(
            block_class=BottleneckBlock,
            num_blocks=blocks,
            stride_per_block=[1 if k == 0 else 2, *[1] * (blocks - 1)],
            in_channels=64 if k == 0 else 128 * 2**k,
            out_channels=256 * 2**k,
            bottleneck_channels=256 * 2**k,
            num_groups=32,
            stride_in_1x1=False,
            norm=norm,
        )
        for k, blocks in enumerate((3, 4, 23, 3))
    ]
    return _coco_rcnn(stages, norm)


def faster_rcnn_mobilenet(channels: int = 64, frozen: int = 0) -> GeneralizedRCNN:
    """Faster R-CNN on MobileNetV2 with FPN, for frames of a short side of 160 to 240.

    It has 2.9 M parameters. MobileNetV2 may start from weights of ImageNet (`train.init`).

    Args:
        channels: Channels of the pyramid.
        frozen: Number of first blocks that do not learn (`MobileNetV2`).
    """
    features = ["res3", "res4", "res5"]
    backbone = L(FPN)(
        bottom_up=L(MobileNetV2)(out_features=features, frozen=frozen),
        in_features=features,
        out_channels=channels,
        norm="BN",
        top_block=L(LastLevelMaxPool)(),
    )
    ratios, topk = [0.7, 1.6, 3.0], ((200, 100), (100, 40))
    return _small_rcnn(backbone, channels, ratios, topk, person=160, sampling_ratio=2, sampled=32)


def _small_rcnn(
    backbone: DictConfig,
    channels: int,
    aspect_ratios: list[float],
    topk: tuple[tuple[int, int], tuple[int, int]],
    person: int,
    sampling_ratio: int = 0,
    sampled: int = 64,
) -> GeneralizedRCNN:
    """Build a detector for small frames and a CPU around a pyramid with the levels p3 to p6.

    Args:
        backbone: The pyramid.
        channels: Channels of the levels.
        aspect_ratios: Three ratios of height to width of the anchors.
        topk: Numbers of proposals that are kept, as for `_rpn`.
        person: Side in pixels of the boxes that level p4 is for.
        sampling_ratio: Sampling ratio of ROIAlign.
        sampled: Number of proposals of a picture that the second stage learns from.
    """
    anchors = L(DefaultAnchorGenerator)(
        sizes=[[16, 24], [32, 48], [64, 96], [128, 192]],
        aspect_ratios=[aspect_ratios],
        strides=[8, 16, 32, 64],
    )
    levels = ["p3", "p4", "p5", "p6"]
    rpn = _rpn(levels, channels, anchors, 6, batch=128, topk=topk)
    pooler = L(ROIPooler)(
        output_size=7,
        scales=[1 / 8, 1 / 16, 1 / 32],
        sampling_ratio=sampling_ratio,
        pooler_type="ROIAlignV2",
        canonical_box_size=person,
    )
    heads = _roi_heads(levels[:3], channels, pooler, fc_dim=256, batch=sampled)
    return _rcnn(backbone, rpn, heads)


PERSON_DETECTORS: dict[str, Callable[..., GeneralizedRCNN | CenterPose]] = {
    f.__name__: f
    for f in (
        faster_rcnn_tiny,
        faster_rcnn_mobilenet,
        faster_rcnn_r50,
        faster_rcnn_x101,
        center_pose_lite,
    )
}


def build_person_detector(
    architecture: str, arguments: Mapping[str, Any] | None = None
) -> GeneralizedRCNN | CenterPose:
    """Build the person detector `architecture` with `arguments`, both checked.

    Raises:
        ValueError: The name is unknown, or the function does not take the arguments.
    """
    return build_named(PERSON_DETECTORS, architecture, arguments or {})


def person_class() -> ClassMap:
    """Return the class map of a person detector, which has one class."""
    return ClassMap({1: "person"})


def relative_boxes(instances: Instances) -> tuple[np.ndarray, np.ndarray]:
    """Return the detections on a frame, best first.

    Returns:
        (R, 4) float64 boxes relative to the frame, and (R,) float64 scores.
    """
    instances = instances.to("cpu")
    height, width = instances.image_size
    boxes = to_relative(instances.pred_boxes.tensor.float().numpy(), height, width)
    return clip_relative(boxes), instances.scores.float().numpy().astype(np.float64)


def relative_people(keyframe: Keyframe, instances: Instances) -> PersonBoxes:
    """Return the detections on a keyframe in the form of `relative_boxes`."""
    return PersonBoxes.found(keyframe, *relative_boxes(instances))


def _fpn(
    stem: int,
    stages: DictConfig | list[DictConfig],
    features: list[str],
    channels: int,
    norm: str = "BN",
) -> DictConfig:
    """Build a ResNet with a pyramid of `channels` channels on the stages that `features` names."""
    bottom_up = L(ResNet)(
        stem=L(BasicStem)(in_channels=3, out_channels=stem, norm=norm),
        stages=stages,
        out_features=features,
    )
    return L(FPN)(
        bottom_up=bottom_up,
        in_features=features,
        out_channels=channels,
        top_block=L(LastLevelMaxPool)(),
    )


def _rpn(
    levels: Sequence[str],
    channels: int,
    anchors: DictConfig,
    num_anchors: int,
    batch: int,
    topk: tuple[tuple[int, int], tuple[int, int]],
) -> DictConfig:
    """Build a region proposal network.

    `topk` has two pairs, for training and for testing: proposals that are kept before and after
    non-maximum suppression.
    """
    (before_train, after_train), (before_test, after_test) = topk
    return L(RPN)(
        in_features=levels,
        head=L(StandardRPNHead)(in_channels=channels, num_anchors=num_anchors),
        anchor_generator=anchors,
        anchor_matcher=L(Matcher)(
            thresholds=[0.3, 0.7], labels=[0, -1, 1], allow_low_quality_matches=True
        ),
        box2box_transform=L(Box2BoxTransform)(weights=[1.0, 1.0, 1.0, 1.0]),
        batch_size_per_image=batch,
        positive_fraction=0.5,
        pre_nms_topk=(before_train, before_test),
        post_nms_topk=(after_train, after_test),
        nms_thresh=0.7,
    )


def _roi_heads(
    levels: Sequence[str], channels: int, pooler: DictConfig, fc_dim: int, batch: int
) -> DictConfig:
    """Build the second stage, which tells people from background and refines boxes."""
    return L(StandardROIHeads)(
        num_classes=1,
        batch_size_per_image=batch,
        positive_fraction=0.25,
        proposal_matcher=L(Matcher)(
            thresholds=[0.5], labels=[0, 1], allow_low_quality_matches=False
        ),
        box_in_features=levels,
        box_pooler=pooler,
        box_head=L(FastRCNNConvFCHead)(
            input_shape=L(ShapeSpec)(channels=channels, height=7, width=7),
            conv_dims=[],
            fc_dims=[fc_dim, fc_dim],
        ),
        box_predictor=L(FastRCNNOutputLayers)(
            input_shape=L(ShapeSpec)(channels=fc_dim),
            box2box_transform=L(Box2BoxTransform)(weights=[10.0, 10.0, 5.0, 5.0]),
            num_classes=1,
            test_score_thresh=0.05,
            test_nms_thresh=0.5,
            test_topk_per_image=50,
        ),
    )


def _rcnn(backbone: DictConfig, rpn: DictConfig, heads: DictConfig) -> GeneralizedRCNN:
    return instantiate(
        L(GeneralizedRCNN)(
            backbone=backbone,
            proposal_generator=rpn,
            roi_heads=heads,
            pixel_mean=[255 * x for x in IMAGENET_MEAN],
            pixel_std=[255 * x for x in IMAGENET_STD],
            input_format="RGB",
        )
    )
