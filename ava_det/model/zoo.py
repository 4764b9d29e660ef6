"""Named architectures: plain functions that build a backbone, and the models around one.

A weight file of ours names one of `ARCHITECTURES` and its arguments; nothing else can be built from
a file. `dilated=True` is the detection form: the last stage keeps its resolution (stride 1) and
looks as wide by dilation 2; the parameters have the same names and shapes either way.
"""

from collections.abc import Callable, Mapping, Sequence

from pytorchvideo.models.slowfast import create_slowfast
from torch import nn

from ava_det.model.backbones import Backbone
from ava_det.model.classifier import Classifier
from ava_det.model.detector import ActionDetector
from ava_det.model.heads import PoolHead, RoIHead
from ava_det.model.named import build_named
from ava_det.model.pathways import Normalize, SplitPathways
from ava_det.model.persons import build_person_detector

GREY_MEAN, GREY_STD = (0.45,) * 3, (0.225,) * 3  # PySlowFast's and PyTorchVideo's


def slowfast_tiny(width: int = 32, alpha: int = 4, dilated: bool = False) -> Backbone:
    """SlowFast with one bottleneck a stage; 2.8 M parameters at width 32.

    Args:
        width: channels of the slow stem; the fast one has an eighth.
        alpha: fast frames to a slow frame; 16 frames at alpha 4 give a slow pathway of 4.
        dilated: the detection form.
    """
    return _slowfast(depth=18, width=width, alpha=alpha, dilated=dilated)


def slowfast_r50(alpha: int = 4, dilated: bool = False) -> Backbone:
    """SlowFast-50: 8x8 takes 32 frames at stride 2 with alpha 4, 4x16 with alpha 8.

    Args:
        alpha: fast frames to a slow frame.
        dilated: the detection form.
    """
    return _slowfast(depth=50, width=64, alpha=alpha, dilated=dilated)


def _slowfast(depth: int, width: int, alpha: int, dilated: bool) -> Backbone:
    beta = 8  # slow channels to a fast one
    last_stride, last_dilation = (1, 2) if dilated else (2, 1)
    strides = (1, 2, 2, last_stride)
    dilations = ((1, 1, 1),) * 3 + ((1, last_dilation, last_dilation),)
    net = create_slowfast(
        model_depth=depth,
        slowfast_channel_reduction_ratio=(beta,),
        slowfast_fusion_conv_kernel_size=(7 if alpha == 4 else 5, 1, 1),
        slowfast_fusion_conv_stride=(alpha, 1, 1),
        stem_dim_outs=(width, width // beta),
        stage_spatial_strides=(strides, strides),
        stage_conv_b_dilations=(dilations, dilations),
        head=None,
    )
    stages = list(net.blocks)[:5]  # without the pooling of PyTorchVideo's classifier
    _init_convolutions(stages)
    out = width * 32
    return Backbone(SplitPathways(alpha), stages, (out, out // beta), 16 if dilated else 32)


def _init_convolutions(stages: list[nn.Module]) -> None:
    """Kaiming's normal, fan out (PySlowFast `init_weights`)."""
    for module in nn.ModuleList(stages).modules():
        if isinstance(module, nn.Conv3d):
            nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")


ARCHITECTURES: dict[str, Callable[..., Backbone]] = {
    f.__name__: f for f in (slowfast_tiny, slowfast_r50)
}


def build_backbone(name: str, arguments: Mapping[str, int], dilated: bool) -> Backbone:
    """Build the architecture `name` with `arguments`, both checked.

    Raises:
        ValueError: an unknown name, or arguments that its function does not take.
    """
    return build_named(ARCHITECTURES, name, {**arguments, "dilated": dilated})


def build_classifier(
    architecture: str,
    num_classes: int,
    arguments: Mapping[str, int] | None = None,
    dropout: float = 0.5,
    mean: Sequence[float] = GREY_MEAN,
    std: Sequence[float] = GREY_STD,
) -> Classifier:
    """A model of recognition.

    Args:
        architecture: a name of `ARCHITECTURES`.
        num_classes: K.
        arguments: of the architecture's function.
        dropout: before the last layer.
        mean: of the pixels / 255, a value a channel.
        std: of the pixels / 255, a value a channel.
    """
    backbone = build_backbone(architecture, arguments or {}, dilated=False)
    head = PoolHead(backbone.out_channels, num_classes, dropout)
    return Classifier(backbone, head, Normalize(mean, std))


def build_detector(
    architecture: str,
    num_classes: int,
    arguments: Mapping[str, int] | None = None,
    dropout: float = 0.5,
    mean: Sequence[float] = GREY_MEAN,
    std: Sequence[float] = GREY_STD,
) -> ActionDetector:
    """A model of action detection, in the dilated form; arguments as for `build_classifier`."""
    backbone = build_backbone(architecture, arguments or {}, dilated=True)
    head = RoIHead(backbone.out_channels, num_classes, backbone.stride, dropout=dropout)
    return ActionDetector(backbone, head, Normalize(mean, std))


TASKS: dict[str, Callable[..., nn.Module]] = {
    "classifier": build_classifier,
    "detector": build_detector,
    "persons": build_person_detector,
}
