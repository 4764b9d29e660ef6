"""What every run has: length, seed, precision, how often it looks at itself."""

train = dict(
    max_iter=1000,  # steps of the optimizer
    seed=0,
    device="cpu",  # "cuda" where there is one
    amp=False,
    accumulate=1,  # batches to a step
    clip_norm=None,
    ema=None,  # decay of the weight average that is tested and kept; None keeps the weights
    eval_period=500,
    checkpoint_period=250,
    log_period=20,
    init="",  # a weight file of ours to start from
    init_fresh=("head.",),  # what is not taken over from it
)
