"""Residual stages that PyTorchVideo's builders do not offer, assembled from its layers.

A stage maps (N, C, T, H, W) to (N, C', T', H', W'). Parameters have the names that PyTorchVideo
gives them: `res_blocks.B.branch1_conv`, `res_blocks.B.branch2.conv_a` and so on.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from pytorchvideo.layers.nonlocal_net import create_nonlocal
from pytorchvideo.models.resnet import create_bottleneck_block, create_res_stage
from pytorchvideo.models.weight_init import init_net_weights
from torch import Tensor, nn
from torch.nn import functional as F

Triple = tuple[int, int, int]  # time, height, width

# PyTorchVideo annotates its triples as tuples of one.
_create_res_stage: Callable[..., nn.Module] = create_res_stage
_create_nonlocal: Callable[..., nn.Module] = create_nonlocal


def bottleneck_stage(
    dim_in: int, dim_out: int, temporal_kernels: Sequence[int], stride: int
) -> nn.Module:
    """Build a stage of bottlenecks: T x 1 x 1, 1 x 3 x 3, 1 x 1 x 1.

    Args:
        dim_in: Input channels.
        dim_out: Output channels.
        temporal_kernels: T of every block.
        stride: Stride in space of the middle convolution of the first block.
    """
    return _create_res_stage(
        depth=len(temporal_kernels),
        dim_in=dim_in,
        dim_inner=dim_out // 4,
        dim_out=dim_out,
        bottleneck=create_bottleneck_block,
        conv_a_kernel_size=[(t, 1, 1) for t in temporal_kernels],
        conv_a_padding=[(t // 2, 0, 0) for t in temporal_kernels],
        conv_a_stride=(1, 1, 1),
        conv_b_stride=(1, stride, stride),
    )


def basic_stage(
    dim_in: int, dim_out: int, temporal_kernels: Sequence[int], stride: int
) -> nn.Module:
    """Build a stage of the basic blocks of ResNet-34: T x 3 x 3, 1 x 3 x 3.

    The blocks are PySlowFast's `BasicTransform`.

    Args:
        dim_in: Input channels.
        dim_out: Output channels.
        temporal_kernels: T of every block.
        stride: Stride in space of the first convolution of the first block.
    """
    return _create_res_stage(
        depth=len(temporal_kernels),
        dim_in=dim_in,
        dim_inner=dim_out,
        dim_out=dim_out,
        bottleneck=_basic_block,
        conv_a_kernel_size=[(t, 3, 3) for t in temporal_kernels],
        conv_a_padding=[(t // 2, 1, 1) for t in temporal_kernels],
        conv_a_stride=(1, stride, stride),
        conv_b_stride=(1, 1, 1),
    )


def csn_stage(
    dim_in: int, dim_out: int, depth: int, stride: Triple, preserved: bool, norm_eps: float
) -> nn.Module:
    """Build a stage of CSN: the middle convolution of each bottleneck works within each channel.

    Args:
        dim_in: Input channels.
        dim_out: Output channels.
        depth: Number of blocks.
        stride: Stride of the middle convolution of the first block.
        preserved: Mix the channels by one more convolution before the middle one (ip-CSN). Without
            it only the first and the last convolution of a block mix channels (ir-CSN).
        norm_eps: Epsilon of all norms of the stage.
    """
    preserving = partial(_interaction_preserved, norm_eps=norm_eps)
    return _create_res_stage(
        depth=depth,
        dim_in=dim_in,
        dim_inner=dim_out // 4,
        dim_out=dim_out,
        bottleneck=create_bottleneck_block,
        conv_a_kernel_size=(1, 1, 1),
        conv_a_padding=(0, 0, 0),
        conv_a_stride=(1, 1, 1),
        conv_b_kernel_size=(3, 3, 3),
        conv_b_padding=(1, 1, 1),
        conv_b_stride=stride,
        conv_b_num_groups=dim_out // 4,
        conv_b=preserving if preserved else nn.Conv3d,
        norm_eps=norm_eps,
    )


class BasicBlock(nn.Module):
    """The branch of a ResNet-34 block, without the shortcut: two convolutions with their norms."""

    def __init__(
        self,
        conv_a: nn.Module,
        norm_a: nn.Module,
        act_a: nn.Module,
        conv_b: nn.Module,
        norm_b: nn.Module,
    ):
        super().__init__()
        self.conv_a, self.norm_a, self.act_a = conv_a, norm_a, act_a
        self.conv_b, self.norm_b = conv_b, norm_b

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, C, T, H, W) to (N, C', T, H', W')."""
        return self.norm_b(self.conv_b(self.act_a(self.norm_a(self.conv_a(x)))))


def _basic_block(
    *,
    dim_in: int,
    dim_out: int,
    conv_a_kernel_size: Triple,
    conv_a_stride: Triple,
    conv_a_padding: Triple,
    norm_eps: float,
    norm_momentum: float,
    **_bottleneck_only: Any,  # arguments for bottlenecks, which `create_res_stage` passes too
) -> BasicBlock:
    """Build the branch of one block; called by `create_res_stage`."""
    norm = partial(nn.BatchNorm3d, dim_out, norm_eps, norm_momentum)
    block = BasicBlock(
        conv_a=nn.Conv3d(
            dim_in,
            dim_out,
            conv_a_kernel_size,
            conv_a_stride,
            conv_a_padding,
            bias=False,
        ),
        norm_a=norm(),
        act_a=nn.ReLU(),
        conv_b=nn.Conv3d(dim_out, dim_out, (1, 3, 3), padding=(0, 1, 1), bias=False),
        norm_b=norm(),
    )
    mark_final_norm(block.norm_b)
    return block


def _interaction_preserved(
    *, in_channels: int, out_channels: int, bias: bool, norm_eps: float, **depthwise: Any
) -> nn.Sequential:
    """Build a 1 x 1 x 1 convolution across channels, a norm, and a 3 x 3 x 3 one within channels.

    This is the "interaction-preserved" block of Tran et al., arXiv 1904.02811, section 3.2. There
    is no activation between the convolutions, as in the code of the authors (VMZ) and MMAction2.
    """
    return nn.Sequential(
        nn.Conv3d(in_channels, out_channels, 1, bias=bias),
        nn.BatchNorm3d(out_channels, norm_eps),
        nn.Conv3d(out_channels, out_channels, bias=bias, **depthwise),
    )


def mark_final_norm(norm: nn.Module) -> None:
    """Mark the last norm of a residual branch, whose weight `init_net_weights` then sets to 0."""
    norm.__dict__["block_final_bn"] = True


class PooledConv(nn.Conv3d):
    """A convolution whose output is max-pooled, as in the non-local blocks of MMAction2.

    PySlowFast and PyTorchVideo pool the input of the convolution, which gives other results.
    """

    def __init__(self, dim_in: int, dim_out: int, pool: Triple):
        super().__init__(dim_in, dim_out, 1)
        self.pool = pool

    def forward(self, input: Tensor) -> Tensor:
        """Map (N, C, T, H, W) to (N, C', T / pool, H / pool, W / pool)."""
        return F.max_pool3d(super().forward(input), self.pool)


class NonLocalStage(nn.Module):
    """A residual stage with a non-local block after some of its residual blocks.

    The residual blocks keep their names. The non-local block after block B is `nonlocal_blocks.B`.

    Args:
        stage: The residual blocks.
        places: 0-based indexes of the residual blocks that a non-local block follows.
        channels: Channels of the output of the stage.
        instantiation: "softmax" or "dot_product" (Wang et al., arXiv 1711.07971, section 3.2).
        pool: Factors (time, height, width) by which keys and values are max-pooled.
        pool_last: Build MMAction2's blocks: pool keys and values after their convolutions
            (`PooledConv`) instead of before, and leave out the bias of the last convolution.
    """

    def __init__(
        self,
        stage: nn.Module,
        places: Sequence[int],
        channels: int,
        instantiation: str,
        pool: Triple,
        pool_last: bool = False,
    ):
        super().__init__()
        self.res_blocks = nn.ModuleList(stage.get_submodule("res_blocks").children())
        beyond = [place for place in places if not 0 <= place < len(self.res_blocks)]
        if beyond:
            raise ValueError(f"no block {beyond[0]} in a stage of {len(self.res_blocks)}")
        self.nonlocal_blocks = nn.ModuleDict(
            {
                str(place): _create_nonlocal(
                    dim_in=channels,
                    dim_inner=channels // 2,
                    pool_size=None if pool_last else tuple(pool),
                    instantiation=instantiation,
                )
                for place in places
            }
        )
        for block in self.nonlocal_blocks.values():
            mark_final_norm(block.get_submodule("norm"))
            if pool_last:
                for name in ("conv_phi", "conv_g"):
                    block.register_module(name, PooledConv(channels, channels // 2, pool))
                block.get_submodule("conv_out").register_parameter("bias", None)
        init_net_weights(self.nonlocal_blocks)

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, C, T, H, W) to (N, C', T', H', W')."""
        for index, block in enumerate(self.res_blocks):
            x = block(x)
            if str(index) in self.nonlocal_blocks:
                x = self.nonlocal_blocks[str(index)](x)
        return x
