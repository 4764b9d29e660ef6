"""ip-CSN-152 32x2 of Kinetics-400: MMAction2 `ipcsn_ig65m-pretrained-r152-bnfrozen_32x2x1`."""

from ..common.published import clip_32x2 as clip
from ..common.published import mm_kinetics as model

model.architecture = "ip_csn_r152"
