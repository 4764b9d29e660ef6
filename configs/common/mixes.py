"""VideoMix and other augmentations by name; choose one with `recipe.mix=cutout`, for example.

Change settings of a mix by name: `recipe.mix=s_videomix mixes.s_videomix.alpha=0.2`. An override
of `task.mix` is merged with the current mix, but `recipe.mix` replaces the mix.
"""

from detectron2.config import LazyCall as L

from ava_det.augment.mixes import Cutout, Mixup, RandAugment, Stack
from ava_det.augment.videomix import VideoMix

recipe = dict(mix="s_videomix")  # the paper's VideoMix
mixes = dict(
    vanilla=None,
    s_videomix=L(VideoMix)(variant="spatial", alpha=1.0, probability=1.0, videos=2),
    t_videomix=L(VideoMix)(variant="temporal", alpha=1.0, probability=1.0),
    st_videomix=L(VideoMix)(variant="spatiotemporal", alpha=1.0, probability=1.0),
    cutmix=L(VideoMix)(variant="spatiotemporal", alpha=1.0, probability=1.0),  # the paper's name
    per_frame=L(VideoMix)(variant="per_frame", alpha=1.0, probability=1.0),
    mixup=L(Mixup)(alpha=1.0, probability=1.0),
    cutout=L(Cutout)(share=[1.0, 0.5, 0.5]),  # 112 x 112 of 224 x 224 pixels, in all frames
    randaugment=L(RandAugment)(num_ops=2, magnitude=9),
    videomix_cutout=L(Stack)(mixes=["${mixes.cutout}", "${mixes.s_videomix}"]),
    videomix_randaugment=L(Stack)(mixes=["${mixes.randaugment}", "${mixes.s_videomix}"]),
    videomix_cutout_randaugment=L(Stack)(
        mixes=["${mixes.randaugment}", "${mixes.cutout}", "${mixes.s_videomix}"]
    ),
)
