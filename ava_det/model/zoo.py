"""Named architectures: functions that build a backbone, and the models around a backbone.

A weight file of this project names one of `ARCHITECTURES` and the arguments of its function.
Nothing else can be built from a file. The number of frames and their stride belong to the clip, not
to the architecture: SlowOnly 4x16 and 8x8 are one network.
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
from ava_det.model.slowfast_lite import SlowFastLite, TubeHead
from ava_det.structures import GREY_MEAN, GREY_STD


def slowfast_tiny(width: int = 32, alpha: int = 4, change: bool = False) -> Backbone:
    """SlowFast with one bottleneck a stage; 2.8 M parameters at width 32.

    Args:
        width: Channels of the slow stem. The fast stem has an eighth of them.
        alpha: Fast frames to a slow frame. 16 frames at alpha 4 give a slow pathway of 4.
        change: Show the fast pathway only the changes between frames (`SplitPathways`). This helps
            training from random weights on little data.
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
        alpha: Fast frames to a slow frame.
        fusion_kernel: Frames that the connection from fast to slow looks at. The default is 7 at
            alpha 4 and 5 otherwise, as in all published models without non-local blocks.
        fusion_norm: Put a norm and a ReLU on that connection. False for MMAction2's weights.
        slow_from_first: How a clip is split (`SplitPathways`). True for MMAction2's weights.
        non_local: Places of non-local blocks, such as {"res3": [1, 3], "res4": [1, 3, 5]}.
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
        alpha: Fast frames to a slow frame.
        fusion_kernel: Frames that the connection from fast to slow looks at.
        temporal_blocks: Number of (slow, fast) blocks of res4 that convolve in time. PySlowFast
            calls (23, 23) "101_101", (6, 6) "50_50" and (6, 23) "50_101".
        fusion_norm: As for `slowfast_r50`.
        slow_from_first: As for `slowfast_r50`.
        non_local: Places of non-local blocks; {"res4": [6, 13, 20]} in the models of AVA.
        non_local_pool: Factors (time, height, width) by which the keys and values of non-local
            blocks are pooled.
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


def slowfast_lite(alpha: int = 5, beta: int = 2, frozen: int = 16) -> SlowFastLite:
    """SlowFast-lite: EfficientNet-lite0 on single frames, and optical flow; for a CPU.

    Args:
        alpha: Frames of the clip to a frame of the slow pathway.
        beta: Frames of the clip to a frame of the fast pathway.
        frozen: The number of first blocks of EfficientNet-lite0, of 16, that do not learn.
    """
    return SlowFastLite(alpha, beta, frozen)


def slow_r34() -> Backbone:
    """SlowOnly-34 with basic blocks, as in the ablations of the VideoMix paper."""
    return resnets.resnet(_slow_kernels(34), stage=basic_stage, widths=(64, 128, 256, 512))


def slow_r50(
    non_local: Places | None = None,
    instantiation: str = "dot_product",
    pool_last: bool = False,
) -> Backbone:
    """SlowOnly-50: 4x16 takes 4 frames at stride 16, 8x8 takes 8 at stride 8.

    Args:
        non_local: Places of non-local blocks (`slowfast_r50`).
        instantiation: Kind of the non-local blocks (`NonLocalStage`). "softmax" for MMAction2's
            weights.
        pool_last: How keys and values of non-local blocks are pooled. True for MMAction2's weights.
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
        pool: Halve the frames after res2. False for the model of the Caffe2 zoo.
        non_local: Places of non-local blocks (`slowfast_r50`).
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
        non_local: Places of non-local blocks (`slowfast_r50`).
        instantiation: Kind of the non-local blocks (`NonLocalStage`).
        pool_last: How keys and values of non-local blocks are pooled. True for MMAction2's weights.
        early_strides: Strides in time of the convolution and the pooling of the stem. (2, 2) for
            MMAction2's weights, which take 32 frames.
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
    """I3D-101; `non_local` as for `i3d_r50`."""
    return resnets.resnet(_i3d_kernels(101), stem_kernel=5, pool=True, non_local=non_local)


def _i3d_kernels(depth: int) -> list[list[int]]:
    """Temporal kernels of I3D: 3 in every other block, 1 in the others."""
    res2, res3, res4, res5 = DEPTHS[depth]
    return [[3] * res2, _alternate(3, 1, res3), _alternate(3, 1, res4), _alternate(1, 3, res5)]


def _alternate(first: int, second: int, count: int) -> list[int]:
    return [second if index % 2 else first for index in range(count)]


def csn(depth: int, preserved: bool, default_eps: float) -> Callable[..., Backbone]:
    """Make the function of a CSN architecture.

    Args:
        depth: 50, 101 or 152.
        preserved: Interaction-preserved (ip-CSN), else interaction-reduced (ir-CSN).
        default_eps: Default epsilon of the norms.
    """

    def build(norm_eps: float = default_eps) -> Backbone:
        return resnets.csn(depth, preserved, norm_eps)

    return build


def x3d(depth_factor: float) -> Callable[..., Backbone]:
    """Make the function of an X3D architecture.

    The function takes `shortcut_norm`: put a norm on the shortcut of res2, as PySlowFast does and
    PyTorchVideo does not.

    Args:
        depth_factor: Factor of the number of blocks; 2.2 for X3D-S and X3D-M, 5 for X3D-L.
    """

    def build(shortcut_norm: bool = False) -> Backbone:
        # The Swish of PyTorchVideo has no gradient in today's torch.
        stages = stages_of(create_x3d(depth_factor=depth_factor, inner_act=nn.SiLU))
        if shortcut_norm:
            stages[RES2].get_submodule("res_blocks.0").branch1_norm = nn.BatchNorm3d(24)
        return Backbone(SplitPathways(1), stages, (X3DHead.IN_CHANNELS,), stride=32)

    return build


def mvit_v2_s(class_token: bool = False) -> Backbone:
    """torchvision's MViTv2-S, pretrained on 16 frames at stride 4 of 224 pixels.

    Args:
        class_token: Give the class token, by which torchvision classifies (`TokenBackbone`).
    """
    return TokenBackbone(torchvision_mvit_v2_s(), channels=768, class_token=class_token)


def _slow_kernels(depth: int) -> list[list[int]]:
    """Temporal kernels of SlowOnly: 3 in the blocks of res4 and res5."""
    return [[t] * n for t, n in zip((1, 1, 3, 3), DEPTHS[depth], strict=True)]


x3d_s = x3d(2.2)
VMZ_EPS, TORCH_EPS = 1e-3, 1e-5  # of the authors of CSN and of MMAction2; of PyTorchVideo
ARCHITECTURES: dict[str, Callable[..., Backbone]] = {
    "slowfast_lite": slowfast_lite,
    "slowfast_tiny": slowfast_tiny,
    "slowfast_r50": slowfast_r50,
    "slowfast_r101": slowfast_r101,
    "slow_r34": slow_r34,
    "slow_r50": slow_r50,
    "slow_r101": slow_r101,
    "c2d_r50": c2d_r50,
    "i3d_r50": i3d_r50,
    "i3d_r101": i3d_r101,
    "ip_csn_r50": csn(50, preserved=True, default_eps=VMZ_EPS),
    "ip_csn_r152": csn(152, preserved=True, default_eps=VMZ_EPS),
    "ir_csn_r50": csn(50, preserved=False, default_eps=VMZ_EPS),
    "ir_csn_r101": csn(101, preserved=False, default_eps=TORCH_EPS),
    "ir_csn_r152": csn(152, preserved=False, default_eps=VMZ_EPS),
    "x3d_s": x3d_s,  # 13 frames at stride 6 of 160 pixels
    "x3d_m": x3d_s,  # the layers of X3D-S; 16 frames at stride 5 of 224 pixels
    "x3d_l": x3d(5.0),  # 16 frames at stride 5 of 312 pixels
    "mvit_v2_s": mvit_v2_s,
}


def build_backbone(
    name: str, arguments: Mapping[str, Any] | None = None, dilation: int | None = None
) -> Backbone:
    """Build the architecture `name` with `arguments`, both checked.

    Args:
        name: Name of one of `ARCHITECTURES`.
        arguments: Arguments of the function of that name.
        dilation: Dilation of the last stage, which then keeps the resolution of the stage before.
            None leaves the stride of the last stage.

    Raises:
        ValueError: The name is unknown, or the function does not take the arguments.
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
    """Build a model of recognition.

    Args:
        architecture: Name of one of `ARCHITECTURES`.
        num_classes: K.
        arguments: Arguments of the function of that name.
        dropout: Dropout before the last layer.
        mean: Mean of the pixels / 255, a value a channel.
        std: Standard deviation of the pixels / 255, a value a channel.
        dilation: As for `build_backbone`.
        window: How feature maps larger than those of the training crops are tested (`PoolHead`).
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
    """Build a model of action detection.

    Args:
        architecture: Name of one of `ARCHITECTURES`.
        num_classes: K.
        arguments: Arguments of the function of that name.
        dropout: Dropout before the last layer.
        mean: Mean of the pixels / 255, a value a channel.
        std: Standard deviation of the pixels / 255, a value a channel.
        dilation: As for `build_backbone`: 2 gives cells of 16 pixels, None cells of 32 pixels.
        aligned: Apply the half-pixel correction of ROIAlign.
        resolution: Cells on each side of a box.
        temporal_max: Take the maximum over time in place of the mean.
        context: Add a feature of the whole clip to the feature of each person.
        exclusive: Columns of classes of which a person does exactly one.
    """
    lite = architecture == "slowfast_lite"  # gives maps of both strides anyway
    backbone = build_backbone(architecture, arguments, None if lite else dilation)
    if isinstance(backbone, SlowFastLite):
        tubes = TubeHead(num_classes, backbone, dropout, exclusive)
        return ActionDetector(backbone, tubes, Normalize(mean, std))
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
