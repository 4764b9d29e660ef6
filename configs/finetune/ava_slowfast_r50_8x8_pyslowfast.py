"""SlowFast-50 8x8 on AVA v2.2: PySlowFast's `SLOWFAST_32x2_R50_SHORT`."""

from .ava_slow_r50_4x16_pyslowfast import (
    class_map,
    clip,
    data,
    dataloader,
    lr_multiplier,
    model,
    optimizer,
    reader,
    task,
    test,
    train,
)

model.update(architecture="slowfast_r50", arguments=dict(alpha=4))
clip.update(frames=32, stride=2, short_side=224)  # short side of the test
dataloader.train.records.predicted_score = 0.8
test.loader.records.threshold = 0.8
