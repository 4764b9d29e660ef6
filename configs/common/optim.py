"""SGD and AdamW, no weight decay of norms and biases; cosine and step schedules with warm-up."""

import torch
from detectron2.config import LazyCall as L
from detectron2.solver.build import get_default_optimizer_params
from fvcore.common.param_scheduler import CosineParamScheduler, MultiStepParamScheduler

from ava_det.train.schedule import warmed_up

sgd = L(torch.optim.SGD)(
    params=L(get_default_optimizer_params)(
        weight_decay_norm=0.0, weight_decay_bias=0.0
    ),  # the run fills in the model
    lr=0.1,
    momentum=0.9,
    nesterov=True,
    weight_decay=1e-4,
)

adamw = L(torch.optim.AdamW)(
    params=L(get_default_optimizer_params)(weight_decay_norm=0.0, weight_decay_bias=0.0),
    lr=1e-3,
    weight_decay=0.05,
    fused=True,
)

cosine = L(warmed_up)(
    scheduler=L(CosineParamScheduler)(start_value=1.0, end_value=0.0),
    epochs="${train.epochs}",
    warmup_epochs=None,  # a tenth of the run
    warmup_factor=0.01,
)

steps = L(warmed_up)(
    scheduler=L(MultiStepParamScheduler)(
        values=[1.0, 0.1, 0.01], milestones=[10, 15], num_updates=20
    ),
    epochs=20,
    warmup_epochs=5,
    warmup_factor=0.00125,
)
