"""SGD without weight decay on norms, and warm-up into cosine or steps."""

import torch
from detectron2.config import LazyCall as L
from detectron2.solver import WarmupParamScheduler
from detectron2.solver.build import get_default_optimizer_params
from fvcore.common.param_scheduler import CosineParamScheduler, MultiStepParamScheduler

sgd = L(torch.optim.SGD)(
    params=L(get_default_optimizer_params)(weight_decay_norm=0.0),  # the model is filled in
    lr=0.1,
    momentum=0.9,
    nesterov=True,
    weight_decay=1e-4,
)

adamw = L(torch.optim.AdamW)(
    params=L(get_default_optimizer_params)(weight_decay_norm=0.0),
    lr=1e-3,
    weight_decay=0.05,
)

cosine = L(WarmupParamScheduler)(
    scheduler=L(CosineParamScheduler)(start_value=1.0, end_value=0.0),
    warmup_length=0.1,  # of the run
    warmup_factor=0.01,
)

steps = L(WarmupParamScheduler)(
    scheduler=L(MultiStepParamScheduler)(
        values=[1.0, 0.1, 0.01], milestones=[10, 15], num_updates=20
    ),
    warmup_length=0.25,
    warmup_factor=0.00125,
)
