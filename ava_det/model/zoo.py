"""Named architectures: plain functions that build a backbone, and the models around one.

A weight file of ours names one of `ARCHITECTURES` and its arguments; nothing else can be built from
a file. Frames and their stride are the clip's, not the architecture's: SlowOnly 4x16 and 8x8 are
one network.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from pytorchvideo.models.x3d import create_x3d
from torch import nn
from torchvision.models.video import mvit_v2_s as torchvision_mvit_v2_s

from ava_det.model import resnets
from ava_det.model.backbones import Backbone
from ava_det.model.blocks import Triple, basic_stage
from ava_det.model.classifier import Classifier
from ava_det.model.detector import ActionDetector
from ava_det.model.faster_rcnn import build_person_detector
from ava_det.model.heads import PoolHead, RoIHead, X3DHead
from ava_det.model.mvit import TokenBackbone
from ava_det.model.named import build_named
from ava_det.model.pathways import Normalize, SplitPathways
from ava_det.model.resnets import DEPTHS, RES2, Places, stages_of

GREY_MEAN, GREY_STD = (0.45,) * 3, (0.225,) * 3  # PySlowFast's and PyTorchVideo's
IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # MMAction2's, RGB


def slowfast_tiny(width: int = 32, alpha: int = 4, change: bool = False) -> Backbone:
    """SlowFast with one bottleneck a stage; 2.8 M parameters at width 32.

    Args:
        width: channels of the slow stem; the fast one has an eighth.
        alpha: fast frames to a slow frame; 16 frames at alpha 4 give a slow pathway of 4.
        change: the fast pathway sees what changes only (`SplitPathways`), for training from
            random weights on little data.
    """
    backbone = resnets.slowfast(18, alpha, fusion_kernel=7 if alpha == 4 else 5, width=width)
    backbone.split = SplitPathways(alpha, change=change)
    return backbone


def slowfast_r50(
    alpha: int = 4,
    fusion_kernel: int | None = None,
    fusion_norm: bool = True,
    slow_from_first: bool = False,
    non_local: Places | None = None,
) -> Backbone:
    """SlowFast-50: 8x8 takes 32 frames at stride 2 with alpha 4, 4x16 with alpha 8.

    Args:
        alpha: fast frames to a slow frame.
        fusion_kernel: frames that the connection from fast to slow looks at; by default 7 at
            alpha 4 and 5 otherwise, as in all published models without non-local blocks.
        fusion_norm: norm and ReLU on that connection; False for MMAction2's weights.
        slow_from_first: how a clip is split (`SplitPathways`); True for MMAction2's weights.
        non_local: places of non-local blocks, such as {"res3": [1, 3], "res4": [1, 3, 5]}.
    """
    return resnets.slowfast(
        50,
        alpha,
        fusion_kernel=fusion_kernel or (7 if alpha == 4 else 5),
        fusion_norm=fusion_norm,
        slow_from_first=slow_from_first,
        non_local=non_local,
    )


def slowfast_r101(
    alpha: int = 4,
    fusion_kernel: int = 5,
    temporal_blocks: Sequence[int] = (23, 23),
    fusion_norm: bool = True,
    slow_from_first: bool = False,
    non_local: Places | None = None,
    non_local_pool: Triple = (2, 2, 2),
) -> Backbone:
    """SlowFast-101.

    Args:
        alpha: fast frames to a slow frame.
        fusion_kernel: frames that the connection from fast to slow looks at.
        temporal_blocks: (slow, fast) blocks of res4 that convolve in time: (23, 23) is PySlowFast's
            "101_101", (6, 6) its "50_50" and (6, 23) its "50_101".
        fusion_norm: as for `slowfast_r50`.
        slow_from_first: as for `slowfast_r50`.
        non_local: places of non-local blocks; {"res4": [6, 13, 20]} in the models of AVA.
        non_local_pool: (time, height, width) that their keys and values are pooled by.
    """
    return resnets.slowfast(
        101,
        alpha,
        fusion_kernel=fusion_kernel,
        temporal_blocks=temporal_blocks,
        fusion_norm=fusion_norm,
        slow_from_first=slow_from_first,
        non_local=non_local,
        non_local_pool=non_local_pool,
    )


def slow_r34() -> Backbone:
    """SlowOnly-34, of basic blocks, as in VideoMix's ablations."""
    return resnets.resnet(_slow_kernels(34), stage=basic_stage, widths=(64, 128, 256, 512))


def slow_r50(
    non_local: Places | None = None,
    instantiation: str = "dot_product",
    pool_last: bool = False,
) -> Backbone:
    """SlowOnly-50: 4x16 takes 4 frames at stride 16, 8x8 takes 8 at stride 8.

    Args:
        non_local: places of non-local blocks (`slowfast_r50`).
        instantiation: their kind (`NonLocalStage`); "softmax" for MMAction2's weights.
        pool_last: how their keys and values are pooled; True for MMAction2's weights.
    """
    return resnets.resnet(
        _slow_kernels(50),
        non_local=non_local,
        instantiation=instantiation,
        pool_last=pool_last,
    )


def slow_r101() -> Backbone:
    """SlowOnly-101."""
    return resnets.resnet(_slow_kernels(101))


def c2d_r50(pool: bool = True, non_local: Places | None = None) -> Backbone:
    """ResNet-50 without convolutions in time.

    Args:
        pool: halve the frames after res2; the model of the Caffe2 zoo does not.
        non_local: places of non-local blocks (`slowfast_r50`).
    """
    return resnets.resnet([[1] * depth for depth in DEPTHS[50]], pool=pool, non_local=non_local)


def i3d_r50(
    non_local: Places | None = None,
    instantiation: str = "softmax",
    pool_last: bool = False,
    early_strides: tuple[int, int] = (1, 1),
) -> Backbone:
    """I3D-50: convolutions in time in every other block, and half of the frames from res3 on.

    Args:
        non_local: places of non-local blocks (`slowfast_r50`).
        instantiation: their kind (`NonLocalStage`).
        pool_last: how their keys and values are pooled; True for MMAction2's weights.
        early_strides: in time, of the stem's convolution and pooling; (2, 2) for MMAction2's
            weights, which take 32 frames.
    """
    return resnets.resnet(
        _i3d_kernels(50),
        stem_kernel=5,
        pool=True,
        non_local=non_local,
        instantiation=instantiation,
        pool_last=pool_last,
        early_strides=early_strides,
    )


def i3d_r101(non_local: Places | None = None) -> Backbone:
    """I3D-101; its argument as for `i3d_r50`."""
    return resnets.resnet(_i3d_kernels(101), stem_kernel=5, pool=True, non_local=non_local)


def _i3d_kernels(depth: int) -> list[list[int]]:
    """Temporal kernels of I3D: every other block has one of 3."""
    res2, res3, res4, res5 = DEPTHS[depth]
    return [[3] * res2, _alternate(3, 1, res3), _alternate(3, 1, res4), _alternate(1, 3, res5)]


def _alternate(first: int, second: int, count: int) -> list[int]:
    return [second if index % 2 else first for index in range(count)]


def ip_csn_r50(norm_eps: float = 1e-3) -> Backbone:
    """ip-CSN-50, interaction-preserved.

    Args:
        norm_eps: epsilon of all norms; the default is that of the authors' models (VMZ), which
            MMAction2 keeps.
    """
    return resnets.csn(50, preserved=True, norm_eps=norm_eps)


def ip_csn_r152(norm_eps: float = 1e-3) -> Backbone:
    """ip-CSN-152; its argument as for `ip_csn_r50`."""
    return resnets.csn(152, preserved=True, norm_eps=norm_eps)


def ir_csn_r50(norm_eps: float = 1e-3) -> Backbone:
    """ir-CSN-50, interaction-reduced; its argument as for `ip_csn_r50`."""
    return resnets.csn(50, preserved=False, norm_eps=norm_eps)


def ir_csn_r152(norm_eps: float = 1e-3) -> Backbone:
    """ir-CSN-152; its argument as for `ip_csn_r50`."""
    return resnets.csn(152, preserved=False, norm_eps=norm_eps)


def ir_csn_r101(norm_eps: float = 1e-5) -> Backbone:
    """ir-CSN-101, interaction-reduced, as PyTorchVideo has it (`csn_r101`).

    Args:
        norm_eps: epsilon of all norms.
    """
    return resnets.csn(101, preserved=False, norm_eps=norm_eps)


def x3d_s(shortcut_norm: bool = False) -> Backbone:
    """X3D-S, which takes 13 frames at stride 6 of 160 pixels.

    Args:
        shortcut_norm: a norm on the shortcut of res2, which PySlowFast has, PyTorchVideo not.
    """
    return _x3d(2.2, shortcut_norm)


def x3d_m(shortcut_norm: bool = False) -> Backbone:
    """X3D-M, which takes 16 frames at stride 5 of 224 pixels; the layers are those of `x3d_s`."""
    return _x3d(2.2, shortcut_norm)


def x3d_l(shortcut_norm: bool = False) -> Backbone:
    """X3D-L, which takes 16 frames at stride 5 of 312 pixels; its argument as for `x3d_s`."""
    return _x3d(5.0, shortcut_norm)


def _x3d(depth_factor: float, shortcut_norm: bool) -> Backbone:
    # PyTorchVideo's own Swish has no gradient in today's torch.
    stages = stages_of(create_x3d(depth_factor=depth_factor, inner_act=nn.SiLU))
    if shortcut_norm:
        stages[RES2].get_submodule("res_blocks.0").branch1_norm = nn.BatchNorm3d(24)
    return Backbone(SplitPathways(1), stages, (X3DHead.IN_CHANNELS,), stride=32)


def mvit_v2_s(class_token: bool = False) -> Backbone:
    """torchvision's MViTv2-S, pretrained on 16 frames at stride 4 of 224 pixels.

    Args:
        class_token: as torchvision classifies; see `TokenBackbone`.
    """
    return TokenBackbone(torchvision_mvit_v2_s(), channels=768, class_token=class_token)


def _slow_kernels(depth: int) -> list[list[int]]:
    """Temporal kernels of SlowOnly: 3 in the blocks of res4 and res5."""
    return [[t] * n for t, n in zip((1, 1, 3, 3), DEPTHS[depth], strict=True)]


ARCHITECTURES: dict[str, Callable[..., Backbone]] = {
    f.__name__: f
    for f in (
        slowfast_tiny,
        slowfast_r50,
        slowfast_r101,
        slow_r34,
        slow_r50,
        slow_r101,
        c2d_r50,
        i3d_r50,
        i3d_r101,
        ip_csn_r50,
        ip_csn_r152,
        ir_csn_r50,
        ir_csn_r101,
        ir_csn_r152,
        x3d_s,
        x3d_m,
        x3d_l,
        mvit_v2_s,
    )
}


def build_backbone(
    name: str, arguments: Mapping[str, Any] | None = None, dilation: int | None = None
) -> Backbone:
    """Build the architecture `name` with `arguments`, both checked.

    Args:
        name: a name of `ARCHITECTURES`.
        arguments: of its function.
        dilation: of the last stage, which then keeps its resolution; None leaves its stride.

    Raises:
        ValueError: an unknown name, or arguments that its function does not take.
    """
    backbone = build_named(ARCHITECTURES, name, arguments or {})
    if dilation is not None:
        backbone.keep_resolution(dilation)
    return backbone


def build_classifier(
    architecture: str,
    num_classes: int,
    arguments: Mapping[str, Any] | None = None,
    dropout: float = 0.5,
    mean: Sequence[float] = GREY_MEAN,
    std: Sequence[float] = GREY_STD,
    dilation: int | None = None,
    window: int | None = None,
) -> Classifier:
    """A model of recognition.

    Args:
        architecture: a name of `ARCHITECTURES`.
        num_classes: K.
        arguments: of the architecture's function.
        dropout: before the last layer.
        mean: of the pixels / 255, a value a channel.
        std: of the pixels / 255, a value a channel.
        dilation: of the last stage, which then keeps its resolution; None leaves its stride.
        window: how larger maps than the training crops' are tested (`PoolHead`).
    """
    backbone = build_backbone(architecture, arguments, dilation)
    if architecture.startswith("x3d"):
        head = X3DHead(num_classes, dropout, window)
    else:
        head = PoolHead(backbone.out_channels, num_classes, dropout, window)
    return Classifier(backbone, head, Normalize(mean, std))


def build_detector(
    architecture: str,
    num_classes: int,
    arguments: Mapping[str, Any] | None = None,
    dropout: float = 0.5,
    mean: Sequence[float] = GREY_MEAN,
    std: Sequence[float] = GREY_STD,
    dilation: int | None = 2,
    aligned: bool = True,
    resolution: int = 7,
    temporal_max: bool = False,
    context: bool = False,
    exclusive: Sequence[int] = (),
) -> ActionDetector:
    """A model of action detection.

    Args:
        architecture: a name of `ARCHITECTURES`.
        num_classes: K.
        arguments: of the architecture's function.
        dropout: before the last layer.
        mean: of the pixels / 255, a value a channel.
        std: of the pixels / 255, a value a channel.
        dilation: of the last stage, which then keeps its resolution: 16 pixels a cell; None leaves
            its stride: 32 pixels a cell.
        aligned: half-pixel correction of ROIAlign.
        resolution: cells of a box's side.
        temporal_max: max over time in place of the mean.
        context: a feature of the whole clip beside each person's.
        exclusive: columns of which a person has exactly one.
    """
    backbone = build_backbone(architecture, arguments, dilation)
    head = RoIHead(
        backbone.out_channels,
        num_classes,
        backbone.stride,
        resolution,
        dropout,
        aligned,
        temporal_max,
        context,
        exclusive,
    )
    return ActionDetector(backbone, head, Normalize(mean, std))


TASKS: dict[str, Callable[..., nn.Module]] = {
    "classifier": build_classifier,
    "detector": build_detector,
    "persons": build_person_detector,
}
