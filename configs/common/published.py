"""What published models share: PySlowFast's and PyTorchVideo's, and with `mm_`, MMAction2's.

AVA's models have a column for each of its 80 classes, which MMAction2 puts a class 0 before; it is
dropped on loading. Frames are counted at 30 a second.
"""

from detectron2.config import LazyCall as L

from ava_det.model.zoo import IMAGENET_MEAN, IMAGENET_STD, build_classifier, build_detector

kinetics = L(build_classifier)(architecture="", arguments={}, num_classes=400)
ssv2 = L(build_classifier)(architecture="", arguments={}, num_classes=174)
charades = L(build_classifier)(architecture="", arguments={}, num_classes=157)
ava = L(build_detector)(architecture="", arguments={}, num_classes=80, aligned=True)
ava_unaligned = L(build_detector)(architecture="", arguments={}, num_classes=80, aligned=False)

mm_kinetics = L(build_classifier)(
    architecture="", arguments={}, num_classes=400, mean=IMAGENET_MEAN, std=IMAGENET_STD
)
mm_ava = L(build_detector)(
    architecture="",
    arguments={},
    num_classes=80,
    mean=IMAGENET_MEAN,
    std=IMAGENET_STD,
    dilation=1,
    resolution=8,
)
mm_slowfast = dict(fusion_norm=False, slow_from_first=True)

mm_non_local = dict(
    non_local=dict(res3=[0, 2], res4=[0, 2, 4]), instantiation="softmax", pool_last=True
)

r50_non_local = dict(res3=[1, 3], res4=[1, 3, 5])
r101_non_local = dict(res4=[6, 13, 20])

clip_4x16 = dict(frames=4, stride=16, rate=30.0, short_side=256)
clip_8x8 = dict(frames=8, stride=8, rate=30.0, short_side=256)
clip_32x2 = dict(frames=32, stride=2, rate=30.0, short_side=256)
clip_64x2 = dict(frames=64, stride=2, rate=30.0, short_side=256)
