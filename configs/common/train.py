"""Settings of every run: length, seed, precision, and the periods of tests and checkpoints."""

train = dict(
    epochs=None,  # over the training set; see ava_det/train/schedule.py
    max_iter=None,  # steps of the optimizer; None: computed from epochs
    reference_batch=None,  # the batch size for optimizer.lr; None: no scaling
    seed=0,
    device="cpu",  # or "cuda"
    amp=False,  # True, or bfloat16 or float16 by name
    channels_last=False,  # the layout of the weights in memory
    sync_norm=False,  # batch norm over the batch of all processes
    precise_bn=0,  # training batches to measure batch norm before a test; 0: running averages
    accumulate=1,  # batches per step
    clip_norm=None,
    ema=None,  # decay of the weight average to test and save; None: no average
    eval_period=500,
    checkpoint_period=250,
    log_period=20,
    init="",  # a weight file to start from
    init_fresh=("head.",),  # names of weights that the file does not initialise
    init_pose="",  # the person detector with keypoints that becomes `model.backbone.pose`
    fit=None,  # dict(samples, l2): fit a linear head to so many samples, without steps
)
