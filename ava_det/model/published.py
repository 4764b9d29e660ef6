"""The published models in one table: the architecture, arguments and clip of each name.

Models of PySlowFast and PyTorchVideo have plain names; names of MMAction2's models begin with
`mm_`. A model of AVA has a column for each of AVA's 80 classes. MMAction2 puts a class 0 before
them; loading drops the weights of that class. Frames are counted at 30 a second. `docs/models.md`
lists the cost of each model.

>>> model = published_model("kinetics_slowfast_r50_8x8")
>>> model.architecture, model.arguments["num_classes"], model.clip.frames
('slowfast_r50', 400, 32)
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from torch import nn

from ava_det.formats.nearest import meant
from ava_det.model.zoo import build_classifier, build_detector
from ava_det.structures import IMAGENET_MEAN, IMAGENET_STD, ClipShape, InputError


@dataclass(frozen=True)
class Published:
    """A model that somebody published, or that somebody's code names.

    Attributes:
        about: The network, and the names under which its weights are published.
        builder: `build_classifier` or `build_detector`.
        arguments: Arguments of the builder, `architecture` and `num_classes` among them.
        clip: The clip that the model takes.
    """

    about: str
    builder: Callable[..., nn.Module]
    arguments: Mapping[str, Any]
    clip: ClipShape

    @property
    def architecture(self) -> str:
        """Return the name of one of `zoo.ARCHITECTURES`."""
        return self.arguments["architecture"]

    def build(self, **changes: Any) -> nn.Module:
        """Build the model with random weights; `changes` replace arguments of the builder."""
        return self.builder(**{**self.arguments, **changes})


def _published(
    builder: Callable[..., nn.Module],
    num_classes: int,
    common: Mapping[str, Any],
    architecture: str,
    clip: ClipShape,
    about: str,
    head: Mapping[str, Any] | None = None,
    **arguments: Any,
) -> Published:
    named = dict(architecture=architecture, arguments=arguments, num_classes=num_classes)
    return Published(about, builder, {**named, **common, **(head or {})}, clip)


CLIP_4X16 = ClipShape(4, 16, 30.0, 256)
CLIP_4X12_160 = ClipShape(4, 12, 30.0, 160)
CLIP_8X8 = ClipShape(8, 8, 30.0, 256)
CLIP_13X6_160 = ClipShape(13, 6, 30.0, 160)
CLIP_16X4_224 = ClipShape(16, 4, 30.0, 224)
CLIP_16X5 = ClipShape(16, 5, 30.0, 256)
CLIP_16X5_312 = ClipShape(16, 5, 30.0, 312)
CLIP_16X5_224 = ClipShape(16, 5, 30.0, 224)
CLIP_32X2 = ClipShape(32, 2, 30.0, 256)
CLIP_64X2 = ClipShape(64, 2, 30.0, 256)

NON_LOCAL_50 = {"res3": (1, 3), "res4": (1, 3, 5)}
NON_LOCAL_101 = {"res4": (6, 13, 20)}
MM_NON_LOCAL = {
    "non_local": {"res3": (0, 2), "res4": (0, 2, 4)},
    "instantiation": "softmax",
    "pool_last": True,
}
MM_SLOWFAST = {"fusion_norm": False, "slow_from_first": True}
_MM_PIXELS = {"mean": IMAGENET_MEAN, "std": IMAGENET_STD}
_MM_HEAD = {**_MM_PIXELS, "dilation": 1, "resolution": 8}

_kinetics = partial(_published, build_classifier, 400, {})
_ssv2 = partial(_published, build_classifier, 174, {})
_charades = partial(_published, build_classifier, 157, {})
_ava = partial(_published, build_detector, 80, {"aligned": True})
_ava_unaligned = partial(_published, build_detector, 80, {"aligned": False})
_mm_kinetics = partial(_published, build_classifier, 400, _MM_PIXELS)
_mm_ava = partial(_published, build_detector, 80, _MM_HEAD)
_mm_multisports = partial(_published, build_detector, 66, _MM_HEAD)

PUBLISHED: dict[str, Published] = {
    "ava_csn_r101_32x2": _ava(
        "ir_csn_r101", CLIP_32X2, "ir-CSN-101 32x2; for PyTorchVideo's backbone"
    ),
    "ava_i3d_r50_8x8": _ava("i3d_r50", CLIP_8X8, "I3D-50 8x8; PySlowFast's names, unpublished"),
    "ava_ip_csn_r50_8x8": _ava("ip_csn_r50", CLIP_8X8, "ip-CSN-50 8x8; unpublished"),
    "ava_mvit_v2_s": _ava(
        "mvit_v2_s",
        CLIP_16X4_224,
        "MViTv2-S; for torchvision's backbone. It keeps its stride of 32",
        head={"dilation": None},
    ),
    "ava_slow_r101_4x16": _ava(
        "slow_r101", CLIP_4X16, "SlowOnly-101 4x16; PySlowFast's names, unpublished"
    ),
    "ava_slow_r101_8x8": _ava(
        "slow_r101", CLIP_8X8, "SlowOnly-101 8x8; PySlowFast's names, unpublished"
    ),
    "ava_slow_r34_4x16": _ava("slow_r34", CLIP_4X16, "SlowOnly-34 4x16; unpublished"),
    "ava_slow_r34_8x8": _ava("slow_r34", CLIP_8X8, "SlowOnly-34 8x8; unpublished"),
    "ava_slow_r50_4x16": _ava(
        "slow_r50",
        CLIP_4X16,
        "SlowOnly-50 4x16: PySlowFast `SLOW_8x8_R50_SHORT`, which is 4x16 in spite of its name",
    ),
    "ava_slow_r50_4x16_unaligned": _ava_unaligned(
        "slow_r50",
        CLIP_4X16,
        "SlowOnly-50 4x16: the Caffe2 zoo's `SLOW_8x8_R50` (file `C2D_8x8_R50.pkl`), "
        "PyTorchVideo `slow_r50_detection`",
    ),
    "ava_slow_r50_8x8": _ava(
        "slow_r50", CLIP_8X8, "SlowOnly-50 8x8, as in the paper; PySlowFast's names, unpublished"
    ),
    "ava_slowfast_r101_16x8": _ava_unaligned(
        "slowfast_r101",
        CLIP_64X2,
        "SlowFast-101 16x8 in the Caffe2 zoo: `SLOWFAST_64x2_R101_50_50`",
        temporal_blocks=(6, 6),
        non_local=NON_LOCAL_101,
    ),
    "ava_slowfast_r101_4x16": _ava(
        "slowfast_r101", CLIP_32X2, "SlowFast-101 4x16; PySlowFast's names, unpublished", alpha=8
    ),
    "ava_slowfast_r101_8x8": _ava_unaligned(
        "slowfast_r101",
        CLIP_32X2,
        "SlowFast-101 8x8 and v2.1 in the Caffe2 zoo: `SLOWFAST_32x2_R101_50_50`",
        temporal_blocks=(6, 6),
        non_local=NON_LOCAL_101,
    ),
    "ava_slowfast_r50_4x16": _ava(
        "slowfast_r50", CLIP_32X2, "SlowFast-50 4x16; PySlowFast's names, unpublished", alpha=8
    ),
    "ava_slowfast_r50_8x8": _ava(
        "slowfast_r50", CLIP_32X2, "SlowFast-50 8x8: PySlowFast `SLOWFAST_32x2_R50_SHORT`", alpha=4
    ),
    "ava_slowfast_r50_8x8_unaligned": _ava_unaligned(
        "slowfast_r50",
        CLIP_32X2,
        "SlowFast-50 8x8: PySlowFast `c2/SLOWFAST_32x2_R50`, PyTorchVideo `slowfast_r50_detection`",
        alpha=4,
    ),
    "ava_x3d_m": _ava("x3d_m", CLIP_16X5, "X3D-M; for PyTorchVideo's backbone"),
    "ava_x3d_s": _ava("x3d_s", CLIP_13X6_160, "X3D-S; for PyTorchVideo's backbone"),
    "charades_slow_r50_8x8": _charades(
        "slow_r50", CLIP_8X8, "SlowOnly-50 8x8: PySlowFast `pytorchvideo/SLOW_8x8_R50`"
    ),
    "charades_slowfast_r50_16x8": _charades(
        "slowfast_r50",
        CLIP_64X2,
        "SlowFast-50 16x8: PySlowFast `SLOWFAST_16x8_R50` and `_multigrid`",
        alpha=4,
    ),
    "charades_slowfast_r50_8x8": _charades(
        "slowfast_r50",
        CLIP_32X2,
        "SlowFast-50 8x8: PySlowFast `pytorchvideo/SLOWFAST_8x8_R50`",
        alpha=4,
    ),
    "kinetics_c2d_nln_r50_8x8": _kinetics(
        "c2d_r50",
        CLIP_8X8,
        "C2D-50 8x8 with non-local blocks: PySlowFast `C2D_NLN_8x8_R50`; unpublished",
        non_local=NON_LOCAL_50,
    ),
    "kinetics_c2d_nopool_r50_8x8": _kinetics(
        "c2d_r50", CLIP_8X8, "C2D-50 8x8 as in the Caffe2 zoo: `C2D_NOPOOL_8x8_R50`", pool=False
    ),
    "kinetics_c2d_r50_8x8": _kinetics(
        "c2d_r50", CLIP_8X8, "C2D-50 8x8: PySlowFast `C2D_8x8_R50`, PyTorchVideo `c2d_r50`"
    ),
    "kinetics_i3d_nln_r101_8x8": _kinetics(
        "i3d_r101",
        CLIP_8X8,
        "I3D-101 8x8 with non-local blocks: PySlowFast `I3D_NLN_8x8_R101`; unpublished",
        non_local=NON_LOCAL_50,
    ),
    "kinetics_i3d_nln_r50_8x8": _kinetics(
        "i3d_r50",
        CLIP_8X8,
        "I3D-50 8x8 with non-local blocks,: PySlowFast `I3D_NLN_8x8_R50`",
        non_local=NON_LOCAL_50,
    ),
    "kinetics_i3d_r101_8x8": _kinetics(
        "i3d_r101", CLIP_8X8, "I3D-101 8x8: PySlowFast `I3D_8x8_R101`; unpublished"
    ),
    "kinetics_i3d_r50_8x8": _kinetics(
        "i3d_r50", CLIP_8X8, "I3D-50 8x8: PySlowFast `I3D_8x8_R50`, PyTorchVideo `i3d_r50`"
    ),
    "kinetics_ip_csn_r50_8x8": _kinetics(
        "ip_csn_r50", CLIP_8X8, "ip-CSN-50 8x8, as in VideoMix; unpublished"
    ),
    "kinetics_ir_csn_r101_32x2": _kinetics(
        "ir_csn_r101", CLIP_32X2, "ir-CSN-101 32x2: PyTorchVideo `csn_r101`"
    ),
    "kinetics_mvit_v2_s": _kinetics(
        "mvit_v2_s", CLIP_16X4_224, "MViTv2-S: torchvision `mvit_v2_s`", class_token=True
    ),
    "kinetics_slow_nln_r50_4x16": _kinetics(
        "slow_r50",
        CLIP_4X16,
        "SlowOnly-50 4x16 with non-local blocks: PySlowFast `SLOW_NLN_4x16_R50`",
        non_local=NON_LOCAL_50,
    ),
    "kinetics_slow_nln_r50_8x8": _kinetics(
        "slow_r50",
        CLIP_8X8,
        "SlowOnly-50 8x8 with non-local blocks: PySlowFast `SLOW_NLN_8x8_R50`",
        non_local=NON_LOCAL_50,
    ),
    "kinetics_slow_r101_4x16": _kinetics(
        "slow_r101",
        CLIP_4X16,
        "SlowOnly-101 4x16; PySlowFast's names and normalisation, unpublished",
    ),
    "kinetics_slow_r101_8x8": _kinetics(
        "slow_r101", CLIP_8X8, "SlowOnly-101 8x8; PySlowFast's names and normalisation, unpublished"
    ),
    "kinetics_slow_r34_4x16": _kinetics("slow_r34", CLIP_4X16, "SlowOnly-34 4x16; unpublished"),
    "kinetics_slow_r34_8x8": _kinetics(
        "slow_r34", CLIP_8X8, "SlowOnly-34 8x8, the backbone of VideoMix's ablations; unpublished"
    ),
    "kinetics_slow_r50_4x16": _kinetics(
        "slow_r50", CLIP_4X16, "SlowOnly-50 4x16: PySlowFast `SLOW_4x16_R50`"
    ),
    "kinetics_slow_r50_8x8": _kinetics(
        "slow_r50", CLIP_8X8, "SlowOnly-50 8x8: PySlowFast `SLOW_8x8_R50`, PyTorchVideo `slow_r50`"
    ),
    "kinetics_slowfast_nln_r101_16x8": _kinetics(
        "slowfast_r101",
        CLIP_64X2,
        "SlowFast-101 16x8 with non-local blocks: PySlowFast `SLOWFAST_NLN_16x8_R101_50_50`",
        temporal_blocks=(6, 6),
        non_local=NON_LOCAL_101,
        non_local_pool=(1, 2, 2),
    ),
    "kinetics_slowfast_nln_r50_4x16": _kinetics(
        "slowfast_r50",
        CLIP_32X2,
        "SlowFast-50 4x16 with non-local blocks: PySlowFast `SLOWFAST_NLN_4x16_R50`",
        alpha=8,
        non_local=NON_LOCAL_50,
    ),
    "kinetics_slowfast_nln_r50_8x8": _kinetics(
        "slowfast_r50",
        CLIP_32X2,
        "SlowFast-50 8x8 with non-local blocks: PySlowFast `SLOWFAST_NLN_8x8_R50`",
        alpha=4,
        fusion_kernel=5,
        non_local=NON_LOCAL_50,
    ),
    "kinetics_slowfast_r101_16x8": _kinetics(
        "slowfast_r101",
        CLIP_64X2,
        "SlowFast-101 16x8: PySlowFast `SLOWFAST_16x8_R101_50_50`, "
        "PyTorchVideo `slowfast_16x8_r101_50_50`",
        temporal_blocks=(6, 6),
    ),
    "kinetics_slowfast_r101_4x16": _kinetics(
        "slowfast_r101", CLIP_32X2, "SlowFast-101 4x16; PySlowFast's names, unpublished", alpha=8
    ),
    "kinetics_slowfast_r101_8x8": _kinetics(
        "slowfast_r101",
        CLIP_32X2,
        "SlowFast-101 8x8: PySlowFast `SLOWFAST_8x8_R101_101_101`, PyTorchVideo `slowfast_r101`",
    ),
    "kinetics_slowfast_r101_8x8_50_101": _kinetics(
        "slowfast_r101",
        CLIP_32X2,
        "SlowFast-101 8x8, six blocks of the slow res4 in time: "
        "PySlowFast `SLOWFAST_8x8_R101_50_101`",
        temporal_blocks=(6, 23),
    ),
    "kinetics_slowfast_r101_8x8_50_50": _kinetics(
        "slowfast_r101",
        CLIP_32X2,
        "SlowFast-101 8x8, six blocks of res4 in time: PySlowFast `SLOWFAST_8x8_R101_50_50`",
        temporal_blocks=(6, 6),
    ),
    "kinetics_slowfast_r50_4x16": _kinetics(
        "slowfast_r50", CLIP_32X2, "SlowFast-50 4x16: PySlowFast `SLOWFAST_4x16_R50`", alpha=8
    ),
    "kinetics_slowfast_r50_8x8": _kinetics(
        "slowfast_r50",
        CLIP_32X2,
        "SlowFast-50 8x8: PySlowFast `SLOWFAST_8x8_R50`, PyTorchVideo `slowfast_r50`",
        alpha=4,
    ),
    "kinetics_x3d_l": _kinetics("x3d_l", CLIP_16X5_312, "X3D-L: PyTorchVideo `x3d_l`"),
    "kinetics_x3d_l_pyslowfast": _kinetics(
        "x3d_l", CLIP_16X5_312, "X3D-L: PySlowFast `X3D_L`", shortcut_norm=True
    ),
    "kinetics_x3d_m": _kinetics("x3d_m", CLIP_16X5_224, "X3D-M: PyTorchVideo `x3d_m`"),
    "kinetics_x3d_m_pyslowfast": _kinetics(
        "x3d_m", CLIP_16X5_224, "X3D-M: PySlowFast `X3D_M`", shortcut_norm=True
    ),
    "kinetics_x3d_s": _kinetics("x3d_s", CLIP_13X6_160, "X3D-S: PyTorchVideo `x3d_s`"),
    "kinetics_x3d_s_pyslowfast": _kinetics(
        "x3d_s", CLIP_13X6_160, "X3D-S: PySlowFast `X3D_S`", shortcut_norm=True
    ),
    "kinetics_x3d_xs": _kinetics(
        "x3d_s", CLIP_4X12_160, "X3D-XS: PyTorchVideo `x3d_xs`; X3D-S on fewer frames"
    ),
    "kinetics_x3d_xs_pyslowfast": _kinetics(
        "x3d_s",
        CLIP_4X12_160,
        "X3D-XS: PySlowFast `X3D_XS`; X3D-S on fewer frames",
        shortcut_norm=True,
    ),
    "mm_ava_slowfast_context_r50_4x16": _mm_ava(
        "slowfast_r50",
        CLIP_32X2,
        "SlowFast-50 4x16 with the clip's context: MMAction2 `slowfast_context r50 4x16x1`",
        head={"context": True},
        alpha=8,
        **MM_SLOWFAST,
    ),
    "mm_ava_slowfast_max_r50_8x8": _mm_ava(
        "slowfast_r50",
        CLIP_32X2,
        "SlowFast-50 8x8, max over time: MMAction2 `slowfast temporal-max`, also `focal`",
        head={"temporal_max": True},
        alpha=4,
        **MM_SLOWFAST,
    ),
    "mm_ava_slowfast_r50_4x16": _mm_ava(
        "slowfast_r50",
        CLIP_32X2,
        "SlowFast-50 4x16: MMAction2 `slowfast_kinetics400-pretrained-r50 4x16x1`",
        alpha=8,
        **MM_SLOWFAST,
    ),
    "mm_ava_slowfast_r50_8x8": _mm_ava(
        "slowfast_r50",
        CLIP_32X2,
        "SlowFast-50 8x8: MMAction2 `slowfast_kinetics400-pretrained-r50 8x8x1`",
        alpha=4,
        **MM_SLOWFAST,
    ),
    "mm_ava_slowonly_context_max_r50_8x8": _mm_ava(
        "slow_r50",
        CLIP_8X8,
        "SlowOnly-50 8x8 of AVA-Kinetics: MMAction2 `slowonly_k700-pre-r50-context-temporal-max`",
        head={"context": True, "temporal_max": True},
    ),
    "mm_ava_slowonly_context_r50_8x8": _mm_ava(
        "slow_r50",
        CLIP_8X8,
        "SlowOnly-50 8x8 of AVA-Kinetics, context: MMAction2 `slowonly_k700-pre-r50-context`",
        head={"context": True},
    ),
    "mm_ava_slowonly_nl_r50_4x16": _mm_ava(
        "slow_r50",
        CLIP_4X16,
        "SlowOnly-50 4x16 non-local: MMAction2 `slowonly_kinetics400-pretrained-r50-nl`",
        **MM_NON_LOCAL,
    ),
    "mm_ava_slowonly_nl_r50_8x8": _mm_ava(
        "slow_r50",
        CLIP_8X8,
        "SlowOnly-50 8x8 non-local: MMAction2 `slowonly_kinetics400-pretrained-r50-nl`",
        **MM_NON_LOCAL,
    ),
    "mm_ava_slowonly_r101_8x8": _mm_ava(
        "slow_r101",
        CLIP_8X8,
        "SlowOnly-101 8x8: MMAction2 `slowonly_kinetics400-pretrained-r101 8x8x1`",
    ),
    "mm_ava_slowonly_r50_4x16": _mm_ava(
        "slow_r50",
        CLIP_4X16,
        "SlowOnly-50 4x16: MMAction2 `slowonly_kinetics400-pretrained-r50 4x16x1`",
    ),
    "mm_ava_slowonly_r50_8x8": _mm_ava(
        "slow_r50",
        CLIP_8X8,
        "SlowOnly-50 8x8 of AVA-Kinetics: MMAction2 `slowonly_k400-pre-r50 8x8x1`, also `k700`",
    ),
    "mm_kinetics_c2d_nopool_r50_8x8": _mm_kinetics(
        "c2d_r50",
        CLIP_8X8,
        "C2D-50 8x8 without pooling in time: MMAction2 `c2d_r50-in1k-pre-nopool`",
        pool=False,
    ),
    "mm_kinetics_i3d_nl_dot_r50_32x2": _mm_kinetics(
        "i3d_r50",
        CLIP_32X2,
        "I3D-50 32x2, non-local: MMAction2 `i3d_imagenet-pretrained-r50-nl-dot-product`",
        early_strides=(2, 2),
        non_local=NON_LOCAL_50,
        instantiation="dot_product",
        pool_last=True,
    ),
    "mm_kinetics_i3d_r50_32x2": _mm_kinetics(
        "i3d_r50",
        CLIP_32X2,
        "I3D-50 32x2: MMAction2 `i3d_imagenet-pretrained-r50`",
        early_strides=(2, 2),
    ),
    "mm_kinetics_ip_csn_r152_32x2": _mm_kinetics(
        "ip_csn_r152",
        CLIP_32X2,
        "ip-CSN-152 32x2: MMAction2 `ipcsn_ig65m-pretrained-r152-bnfrozen_32x2x1`",
    ),
    "mm_kinetics_ir_csn_r152_32x2": _mm_kinetics(
        "ir_csn_r152",
        CLIP_32X2,
        "ir-CSN-152 32x2: MMAction2 `ircsn_ig65m-pretrained-r152` and others",
    ),
    "mm_kinetics_ir_csn_r50_32x2": _mm_kinetics(
        "ir_csn_r50", CLIP_32X2, "ir-CSN-50 32x2: MMAction2 `ircsn_ig65m-pretrained-r50` and others"
    ),
    "mm_kinetics_mvit_v2_s": _kinetics(
        "mvit_v2_s",
        CLIP_16X4_224,
        "MViTv2-S: MMAction2 `mvit-small-p244`, which has PySlowFast's pixels",
        class_token=True,
    ),
    "mm_kinetics_slowfast_r101_8x8": _mm_kinetics(
        "slowfast_r101",
        CLIP_32X2,
        "SlowFast-101 8x8: MMAction2 `slowfast_r101_8x8x1`",
        fusion_kernel=7,
        **MM_SLOWFAST,
    ),
    "mm_kinetics_slowfast_r50_4x16": _mm_kinetics(
        "slowfast_r50",
        CLIP_32X2,
        "SlowFast-50 4x16: MMAction2 `slowfast_r50_4x16x1`",
        alpha=8,
        **MM_SLOWFAST,
    ),
    "mm_kinetics_slowfast_r50_8x8": _mm_kinetics(
        "slowfast_r50",
        CLIP_32X2,
        "SlowFast-50 8x8: MMAction2 `slowfast_r50_8x8x1`",
        alpha=4,
        **MM_SLOWFAST,
    ),
    "mm_kinetics_slowonly_nl_r50_4x16": _mm_kinetics(
        "slow_r50",
        CLIP_4X16,
        "SlowOnly-50 4x16 non-local: MMAction2 `slowonly_r50-in1k-pre-nl-embedded-gaussian`",
        **MM_NON_LOCAL,
    ),
    "mm_kinetics_slowonly_nl_r50_8x8": _mm_kinetics(
        "slow_r50",
        CLIP_8X8,
        "SlowOnly-50 8x8 non-local: MMAction2 `slowonly_r50-in1k-pre-nl-embedded-gaussian`",
        **MM_NON_LOCAL,
    ),
    "mm_kinetics_slowonly_r101_8x8": _mm_kinetics(
        "slow_r101", CLIP_8X8, "SlowOnly-101 8x8: MMAction2 `slowonly_r101_8x8x1`"
    ),
    "mm_kinetics_slowonly_r50_4x16": _mm_kinetics(
        "slow_r50", CLIP_4X16, "SlowOnly-50 4x16: MMAction2 `slowonly_r50_4x16x1`"
    ),
    "mm_kinetics_slowonly_r50_8x8": _mm_kinetics(
        "slow_r50", CLIP_8X8, "SlowOnly-50 8x8: MMAction2 `slowonly_r50_8x8x1`"
    ),
    "mm_kinetics_x3d_m": _kinetics(
        "x3d_m",
        CLIP_16X5_224,
        "X3D-M, PySlowFast's weights under MMAction2's names: `x3d_m`",
        shortcut_norm=True,
    ),
    "mm_kinetics_x3d_s": _kinetics(
        "x3d_s",
        CLIP_13X6_160,
        "X3D-S, PySlowFast's weights under MMAction2's names: `x3d_s`",
        shortcut_norm=True,
    ),
    "mm_multisports_slowfast_r50_4x16": _mm_multisports(
        "slowfast_r50",
        CLIP_32X2,
        "SlowFast-50 4x16: MMAction2 `slowfast_kinetics400-pretrained-r50 multisports`",
        alpha=8,
        **MM_SLOWFAST,
    ),
    "mm_multisports_slowonly_r50_4x16": _mm_multisports(
        "slow_r50",
        CLIP_4X16,
        "SlowOnly-50 4x16: MMAction2 `slowonly_kinetics400-pretrained-r50 multisports`",
    ),
    "ssv2_slow_r50_8x8": _ssv2(
        "slow_r50", CLIP_8X8, "SlowOnly-50 8x8: PySlowFast `pytorchvideo/SLOW_8x8_R50`"
    ),
    "ssv2_slowfast_r50_16x8": _ssv2(
        "slowfast_r50",
        CLIP_64X2,
        "SlowFast-50 16x8: PySlowFast `SLOWFAST_16x8_R50` and `_multigrid`",
        alpha=4,
    ),
    "ssv2_slowfast_r50_8x8": _ssv2(
        "slowfast_r50",
        CLIP_32X2,
        "SlowFast-50 8x8: PySlowFast `pytorchvideo/SLOWFAST_8x8_R50`",
        alpha=4,
    ),
}


def published_model(name: str) -> Published:
    """Look up a model by its name.

    Raises:
        InputError: No model has the name. The message gives the nearest name.
    """
    if name not in PUBLISHED:
        raise InputError(f"unknown model {name!r}{meant(name, PUBLISHED)}; see docs/models.md")
    return PUBLISHED[name]
