"""Residual networks over one or two pathways, assembled stage by stage.

Blocks have the numbers that PyTorchVideo gives them, so that parameters have its names.
"""

from collections.abc import Callable, Mapping, Sequence

from pytorchvideo.models.slowfast import FastToSlowFusionBuilder, create_slowfast
from pytorchvideo.models.stem import create_res_basic_stem
from pytorchvideo.models.weight_init import init_net_weights
from torch import nn

from ava_det.formats.nearest import meant
from ava_det.model.backbones import Backbone
from ava_det.model.blocks import NonLocalStage, Triple, bottleneck_stage, csn_stage
from ava_det.model.pathways import SplitPathways

DEPTHS = {  # blocks of res2 to res5; 18 is PyTorchVideo's SlowFast, not ResNet-18
    18: (1, 1, 1, 1),
    34: (3, 4, 6, 3),
    50: (3, 4, 6, 3),
    101: (3, 4, 23, 3),
    152: (3, 8, 36, 3),
}
STRIDES = (1, 2, 2, 2)  # in space, of res2 to res5
RES2 = 1  # index of res2 among the blocks of a backbone

# PyTorchVideo annotates its triples as tuples of one.
_create_stem: Callable[..., nn.Module] = create_res_basic_stem
_create_slowfast: Callable[..., nn.Module] = create_slowfast
_fusion_builder: Callable[..., FastToSlowFusionBuilder] = FastToSlowFusionBuilder

Places = Mapping[str, Sequence[int]]  # "res4" -> the blocks that a non-local block follows


def resnet(
    temporal_kernels: Sequence[Sequence[int]],
    stem_kernel: int = 1,
    stage: Callable[[int, int, Sequence[int], int], nn.Module] = bottleneck_stage,
    widths: Sequence[int] = (256, 512, 1024, 2048),
    pool: bool = False,
    non_local: Places | None = None,
    instantiation: str = "softmax",
    pool_last: bool = False,
    early_strides: tuple[int, int] = (1, 1),
) -> Backbone:
    """Build a network of one pathway: SlowOnly, I3D, C2D.

    Args:
        temporal_kernels: Temporal kernels of the blocks of every stage. Their number is the depth.
        stem_kernel: Temporal kernel of the stem.
        stage: Makes a stage of (input channels, output channels, temporal kernels, stride).
        widths: Output channels of the stages.
        pool: Halve the frames after res2.
        non_local: Places of non-local blocks.
        instantiation: Kind of the non-local blocks (`NonLocalStage`).
        pool_last: How keys and values of non-local blocks are pooled (`NonLocalStage`).
        early_strides: Strides in time of the convolution and the pooling of the stem.
    """
    stages: list[nn.Module] = []
    dim_in = 64
    for dim_out, kernels, stride in zip(widths, temporal_kernels, STRIDES, strict=True):
        stages.append(stage(dim_in, dim_out, kernels, stride))
        dim_in = dim_out
    for name, places in (non_local or {}).items():
        k = stage_index(name)
        stages[k] = NonLocalStage(stages[k], places, widths[k], instantiation, (1, 2, 2), pool_last)
    if pool:
        stages.insert(RES2, nn.MaxPool3d((2, 1, 1)))
    return _finish([stem(stem_kernel, strides=early_strides), *stages], dim_in)


def csn(depth: int, preserved: bool, norm_eps: float) -> Backbone:
    """Build a channel-separated network, CSN (Tran et al., arXiv 1904.02811).

    Args:
        depth: Key of `DEPTHS`.
        preserved: Interaction-preserved (ip-CSN), else interaction-reduced (ir-CSN).
        norm_eps: Epsilon of all norms.
    """
    blocks: list[nn.Module] = [stem(3, norm_eps)]
    dim_in = 64
    for k, count in enumerate(DEPTHS[depth]):
        dim_out = 256 * 2**k
        stride = STRIDES[k], STRIDES[k], STRIDES[k]  # time is halved with space
        blocks.append(csn_stage(dim_in, dim_out, count, stride, preserved, norm_eps))
        dim_in = dim_out
    return _finish(blocks, dim_in)


def stem(
    temporal_kernel: int, norm_eps: float = 1e-5, strides: tuple[int, int] = (1, 1)
) -> nn.Module:
    """Build a stem: T x 7 x 7 convolution of stride 2, norm, ReLU, 3 x 3 max pooling of stride 2.

    Args:
        temporal_kernel: T.
        norm_eps: Epsilon of the norm.
        strides: Strides in time of the convolution and the pooling.
    """
    return _create_stem(
        in_channels=3,
        out_channels=64,
        conv_kernel_size=(temporal_kernel, 7, 7),
        conv_stride=(strides[0], 2, 2),
        conv_padding=(temporal_kernel // 2, 3, 3),
        pool_stride=(strides[1], 2, 2),
        norm_eps=norm_eps,
    )


def _finish(blocks: Sequence[nn.Module], out_channels: int) -> Backbone:
    backbone = Backbone(SplitPathways(1), blocks, (out_channels,), stride=32)
    init_net_weights(backbone)
    return backbone


def slowfast(
    depth: int,
    alpha: int,
    fusion_kernel: int,
    width: int = 64,
    temporal_blocks: Sequence[int] | None = None,
    fusion_norm: bool = True,
    slow_from_first: bool = False,
    non_local: Places | None = None,
    instantiation: str = "dot_product",
    non_local_pool: Triple = (1, 2, 2),
) -> Backbone:
    """Build SlowFast (Feichtenhofer et al., arXiv 1812.03982).

    Args:
        depth: Key of `DEPTHS`.
        alpha: Fast frames to a slow frame.
        fusion_kernel: Frames that the connection from fast to slow looks at.
        width: Channels of the slow stem. The fast stem has an eighth of them.
        temporal_blocks: Number of (slow, fast) blocks of res4 that convolve in time; None means
            all.
        fusion_norm: Put a norm and a ReLU on the connection. MMAction2 has neither.
        slow_from_first: How the clip is split (`SplitPathways`).
        non_local: Places of non-local blocks in the slow pathway.
        instantiation: Kind of the non-local blocks (`NonLocalStage`).
        non_local_pool: Factors (time, height, width) by which the keys and values of non-local
            blocks are pooled.
    """
    beta = 8  # slow channels to a fast one
    fusion = _fusion_builder(
        slowfast_channel_reduction_ratio=beta,
        conv_fusion_channel_ratio=2,
        conv_kernel_size=(fusion_kernel, 1, 1),
        conv_stride=(alpha, 1, 1),
        norm=nn.BatchNorm3d if fusion_norm else None,
        activation=nn.ReLU if fusion_norm else None,
    )
    net = _create_slowfast(
        model_depth=depth,
        slowfast_channel_reduction_ratio=(beta,),
        fusion_builder=fusion.create_module,
        stem_dim_outs=(width, width // beta),
        stage_conv_a_kernel_sizes=_slowfast_kernels(DEPTHS[depth][2], temporal_blocks),
        head=None,
    )
    blocks = stages_of(net)
    for name, places in (non_local or {}).items():
        k = stage_index(name)
        pathways = blocks[RES2 + k].get_submodule("multipathway_blocks")
        stage = NonLocalStage(
            pathways.get_submodule("0"), places, width * 4 * 2**k, instantiation, non_local_pool
        )
        pathways.register_module("0", stage)
    split = SplitPathways(alpha, slow_from_first)
    return Backbone(split, blocks, (width * 32, width * 32 // beta), stride=32)


def _slowfast_kernels(
    depth_res4: int, temporal_blocks: Sequence[int] | None
) -> tuple[tuple[list[Triple], ...], ...]:
    """Kernels of the first convolutions, by pathway, stage and block.

    A stage whose blocks have one kernel has a list of one.
    """
    slow, fast = temporal_blocks or (depth_res4, depth_res4)
    pathways = []
    for temporal, early in ((slow, (1, 1, 1)), (fast, (3, 1, 1))):
        res4 = [(3, 1, 1)] * temporal + [(1, 1, 1)] * (depth_res4 - temporal)
        pathways.append(([early], [early], res4, [(3, 1, 1)]))
    return tuple(pathways)


def stages_of(net: nn.Module) -> list[nn.Module]:
    """Stem and four stages of a PyTorchVideo model, without its pooling and head."""
    return list(net.get_submodule("blocks").children())[:5]


def stage_index(name: str) -> int:
    """Index of a stage: 0 for "res2" to 3 for "res5".

    Raises:
        ValueError: No stage has the name.
    """
    names = ["res2", "res3", "res4", "res5"]
    if name not in names:
        raise ValueError(f"no stage {name!r}; known: {', '.join(names)}{meant(name, names)}")
    return names.index(name)
