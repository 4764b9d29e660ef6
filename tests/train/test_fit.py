"""Fitting the linear layers of a head to features of a frozen backbone."""

import json
import signal
from dataclasses import replace

import numpy as np
import pytest
import torch
from made_sets import registered
from scipy.optimize import minimize

from ava_det.batch import PeopleBatch
from ava_det.data.sets import jhmdb
from ava_det.model.criterion import ExclusiveCrossEntropy
from ava_det.model.efficientnet import MEAN, STD
from ava_det.model.slowfast_lite import TubeHead
from ava_det.model.zoo import build_detector, slowfast_lite
from ava_det.structures import InputError, Keyframe, PersonBoxes
from ava_det.train.config import load_config
from ava_det.train.fit import KEPT, TARGETS, describe_people, fit_streams
from ava_det.train.run import train

K, L2 = 3, 0.02


@pytest.fixture(scope="module")
def head():
    return TubeHead(K, slowfast_lite(), exclusive=range(K))


def people_of(head: TubeHead, count: int, seed: int = 0) -> dict[str, torch.Tensor]:
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, K, count)
    found = {TARGETS: torch.eye(K)[labels]}
    for number, (name, stream) in enumerate(head.streams.items()):
        size = stream.projection.in_features
        x = rng.normal(size=(count, size)) * (1 + number)
        x[:, 0] += 3 * labels  # the only column that tells the action
        found[name] = torch.from_numpy(x).float()
    return found


def test_each_stream_finds_the_minimum_that_scipy_finds():
    """On few features, against another optimizer in double precision."""
    head = TubeHead(K, slowfast_lite(), exclusive=range(K), streams=["pose"])
    rng = np.random.default_rng(1)
    labels = rng.integers(0, K, 60)
    small = rng.normal(size=(60, 4)) + labels[:, None] * [1.0, 0.5, 0, 0]
    size = head.streams["pose"].projection.in_features
    x = np.zeros((60, size))
    x[:, :4] = small
    people = {"pose": torch.from_numpy(x).float(), TARGETS: torch.eye(K)[labels]}
    fit_streams(head, people, ExclusiveCrossEntropy(list(range(K))), L2)
    standard = (small - small.mean(0)) / np.sqrt(small.var(0) + 1e-5)

    def loss(flat):
        weight, bias = flat[: 4 * K].reshape(K, 4), flat[4 * K :]
        logits = standard @ weight.T + bias
        entropy = np.log(np.exp(logits).sum(1)) - logits[np.arange(60), labels]
        return entropy.mean() * 1 + L2 * (weight**2).sum()

    wanted = minimize(loss, np.zeros(5 * K), method="BFGS").x[: 4 * K].reshape(K, 4)
    found = head.streams["pose"].projection.weight.detach().numpy()
    np.testing.assert_allclose(found[:, :4], wanted, atol=5e-3)
    assert np.abs(found[:, 4:]).max() < 1e-6


def test_what_is_fitted_is_what_the_head_computes(head):
    people = people_of(head, 90)
    fit_streams(head, people, ExclusiveCrossEntropy(list(range(K))), L2)
    head.eval()
    for name, stream in head.streams.items():
        hit = (stream(people[name]).argmax(1) == people[TARGETS].argmax(1)).float().mean()
        assert hit > 0.9, name
        torch.testing.assert_close(stream.norm.running_mean, people[name].mean(0))


class Clips:
    """A loader of drawn clips, numbered, which may break off."""

    def __init__(self, stop_at: int = 10**6):
        self.number, self.stop_at, self.read = 0, stop_at, 0

    def skip(self, batches: int) -> None:
        self.number += batches

    def __iter__(self):
        while True:
            if self.number == self.stop_at:
                raise KeyboardInterrupt
            rng = np.random.default_rng(self.number)
            self.number, self.read = self.number + 1, self.read + 1
            clip = torch.from_numpy(rng.integers(0, 255, (1, 3, 10, 32, 48), dtype=np.uint8))
            box = torch.tensor([[4.0, 2.0, 30.0, 30.0]])
            nobody = PersonBoxes.nobody(Keyframe("film", self.number))
            yield PeopleBatch(clip, [(32, 48)], [box], [torch.eye(K)[:1]], [nobody])


def test_a_stopped_run_continues_with_the_same_people(tmp_path):
    torch.manual_seed(0)
    model = build_detector("slowfast_lite", K, mean=MEAN, std=STD)
    whole = describe_people(model, Clips(), KEPT + 3, tmp_path / "whole")
    assert whole[TARGETS].shape == (KEPT + 3, K)
    with pytest.raises(KeyboardInterrupt):
        describe_people(model, Clips(KEPT + 1), KEPT + 3, tmp_path / "stopped")
    rest = Clips()
    resumed = describe_people(model, rest, KEPT + 3, tmp_path / "stopped")
    assert rest.read == 3
    for name, values in whole.items():
        assert torch.equal(values, resumed[name]), name


def test_other_heads_are_refused(tmp_path):
    model = build_detector("slowfast_tiny", K)
    with pytest.raises(InputError, match=r"train\.fit: fits heads that follow tubes"):
        describe_people(model, Clips(), 1, tmp_path)


@pytest.mark.slow
def test_a_whole_run(shared, tmp_path):
    """From the config that comes with the package, to weights and a figure in the log."""
    sets = {dataset.name: dataset for dataset in jhmdb.datasets(shared / "data" / "jhmdb")}
    both = [replace(sets[f"jhmdb_split1_{part}"], name=f"fit_{part}") for part in ("train", "test")]
    settings = [
        f"reader.folder={tmp_path / 'cache'}",
        "train.fit.samples=8",
        "train.init_pose=''",
        "dataloader.train.batch_size=4",
        "dataloader.train.num_workers=0",
        "test.loader.num_workers=0",
        "test.loader.records.every=4000",
        "clip.short_side=64",
        "dataloader.train.mapper.transform.lowest=60",
        "dataloader.train.mapper.transform.highest=70",
    ]
    settings += ["data.train=fit_train", "data.test=fit_test"]
    handlers = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    stale = tmp_path / "run" / "features" / "features_0_000000.safetensors"
    stale.parent.mkdir(parents=True)
    stale.write_bytes(b"of other settings")
    with registered(*both):
        cfg = load_config("configs/finetune/jhmdb_slowfast_lite.py", settings)
        weights = train(cfg, tmp_path / "run")
    assert weights.is_file()
    assert handlers == [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    figures = json.loads((tmp_path / "run" / "metrics.json").read_text().splitlines()[-1])
    assert 0 <= figures["detection/frame_mAP_uncapped"] <= 100
