"""What every run has: length, seed, precision, how often it looks at itself."""

train = dict(
    epochs=None,  # over the training set; see ava_det/train/schedule.py
    max_iter=None,  # steps of the optimizer; None: as many as the epochs are
    reference_batch=None,  # the batch that optimizer.lr is for; None leaves it as it is
    seed=0,
    device="cpu",  # "cuda" where there is one
    amp=False,  # True, or bfloat16 or float16 by name
    channels_last=False,  # the layout of the weights in memory
    sync_norm=False,  # batch norm over the batch of all processes
    precise_bn=0,  # training batches to measure batch norm by before each test; 0: running averages
    accumulate=1,  # batches to a step
    clip_norm=None,
    ema=None,  # decay of the weight average that is tested and kept; None keeps the weights
    eval_period=500,
    checkpoint_period=250,
    log_period=20,
    init="",  # a weight file of ours to start from
    init_fresh=("head.",),  # what is not taken over from it
)
