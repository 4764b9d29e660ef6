"""Whatever framework wrapped a file's weights, and whatever stands before names, they load."""

import argparse
import collections
import itertools
import pickle
from pathlib import Path

import pytest
import torch
from codebases import caffe2_names, mmaction2_names
from hypothesis import given, settings
from hypothesis import strategies as st
from omegaconf import OmegaConf
from torchvision.models import resnet18

from ava_det.model.zoo import build_classifier, build_detector
from ava_det.structures import InputError
from ava_det.weights.codebases import pyslowfast, pytorchvideo
from ava_det.weights.load import FORMATS, load_weights, read_file
from ava_det.weights.wrappers import AVERAGES, INSERTED, PREFIXES, WRAPPERS, find_weights

holds = pytest.mark.holds("13.8 prefixes and wrappers of weight files")

TINY = (1, 1, 1, 1)
ARGUMENTS = ("slowfast_tiny", 5, {"width": 8})
STACKS = ("module._orig_mod.", "_orig_mod.module.", "model.module.", "net._orig_mod.model.")


def ours(kind: str) -> torch.nn.Module:
    build = build_detector if kind == "detector" else build_classifier
    torch.manual_seed(0)
    return build(*ARGUMENTS)


def states(kind: str) -> dict[str, dict[str, torch.Tensor]]:
    """A small model by the names of every codebase that has such a model."""
    model = ours(kind)
    common = pyslowfast.export(model)["model_state"]
    mmaction2 = {theirs: common[name] for theirs, name in mmaction2_names(TINY, 2)}
    head = "cls_head" if kind == "classifier" else "roi_head.bbox_head"
    for part in ("weight", "bias"):
        weight = common[f"head.projection.{part}"]
        if kind == "classifier" and part == "weight":
            weight = torch.roll(weight, 32, dims=1)  # its head has the fast pathway in front
        mmaction2[f"{head}.fc_cls.{part}"] = weight
    return {
        "ava_det": dict(model.state_dict()),
        "PySlowFast": common,
        "PyTorchVideo": pytorchvideo.export(model)["model_state"],
        "MMAction2": mmaction2,
        "Caffe2": {theirs: common[name] for theirs, name in caffe2_names(TINY, 2)},
    }


STATES = {kind: states(kind) for kind in ("classifier", "detector")}
CASES = [(kind, codebase) for kind, of in STATES.items() for codebase in of]


def prefixed(state: dict, prefix: str) -> dict:
    return {prefix + name: weight for name, weight in state.items()}


def fills(kind: str, path: Path) -> None:
    """Check that a file gives the model of its kind, weight by weight."""
    torch.manual_seed(1)
    build = build_detector if kind == "detector" else build_classifier
    model, expected = build(*ARGUMENTS), ours(kind).state_dict()
    report = load_weights(path, model, check=False)  # MMAction2's pixels are others
    assert not report.dropped
    for name, weight in model.state_dict().items():
        if "num_batches" not in name:
            assert torch.equal(weight, expected[name]), name


def finds(content: dict, codebase: str, kind: str) -> str:
    """Check that the very tensors of a model are found in a content, by the right names; where."""
    state = STATES[kind][codebase]
    found = find_weights(content, FORMATS)
    assert found.format is find_weights(state, FORMATS).format
    common, expected = found.format.common_names(found.state), found.format.common_names(state)
    assert {common[n]: id(w) for n, w in found.state.items()} == {
        expected[n]: id(w) for n, w in state.items()
    }
    return found.where


@holds
@pytest.mark.parametrize("prefix", ["", *(f"{p}." for p in (*PREFIXES, *INSERTED)), *STACKS])
@pytest.mark.parametrize(("kind", "codebase"), CASES)
def test_every_prefix_under_every_key(kind, codebase, prefix):
    state = prefixed(STATES[kind][codebase], prefix)
    for key in (*WRAPPERS, *AVERAGES):
        content = {"epoch": 3, "optimizer": {"state": {}}, "arch": "slowfast", key: state}
        assert finds(content, codebase, kind) == key


@holds
@settings(max_examples=30)
@given(
    case=st.sampled_from(CASES),
    words=st.lists(st.sampled_from((*PREFIXES, *INSERTED)), max_size=5),
    keys=st.lists(st.sampled_from((*WRAPPERS, *AVERAGES)), max_size=3),
)
def test_words_and_keys_in_any_order(case, words, keys):
    kind, codebase = case
    content = prefixed(STATES[kind][codebase], "".join(f"{word}." for word in words))
    for key in reversed(keys):
        content = {key: content, "epoch": 1}
    assert finds(content, codebase, kind) == ".".join(keys)


@holds
@pytest.mark.parametrize(("case", "prefix"), [*zip(CASES, itertools.cycle(STACKS))])
def test_a_wrapped_file_fills_a_model(tmp_path, case, prefix):
    kind, codebase = case
    torch.save({"net": prefixed(STATES[kind][codebase], prefix)}, tmp_path / "a.pth")
    fills(kind, tmp_path / "a.pth")


@holds
def test_a_file_of_lightning(tmp_path):
    """Hyperparameters, callbacks, loops and states of optimizers stand beside the weights."""
    content = {
        "epoch": 4,
        "global_step": 100,
        "pytorch-lightning_version": "2.4.0",
        "state_dict": prefixed(STATES["classifier"]["PyTorchVideo"], "net._orig_mod."),
        "loops": {"fit_loop": {"state_dict": {}, "epoch_progress": {"total": {"ready": 5}}}},
        "callbacks": {
            "ModelCheckpoint{'monitor': 'val'}": {
                "best_model_score": torch.tensor(0.5),
                "dirpath": Path("runs"),
            }
        },
        "optimizer_states": [{"state": {0: {"step": torch.tensor(1.0)}}, "param_groups": []}],
        "lr_schedulers": [],
        "hparams_name": "kwargs",
        "hyper_parameters": collections.defaultdict(
            list, options=argparse.Namespace(lr=0.1), net=OmegaConf.create({"a": [1, {"b": None}]})
        ),
    }
    torch.save(content, tmp_path / "last.ckpt")
    fills("classifier", tmp_path / "last.ckpt")


@holds
def test_a_file_of_pyslowfast_says_its_pixels_from_outside_of_the_weights(tmp_path):
    content = pyslowfast.export(ours("classifier"))
    content["model_state"] = prefixed(content["model_state"], "module.")
    torch.save({"model": content}, tmp_path / "a.pyth")
    file = read_file(tmp_path / "a.pyth")
    assert file.origin.stated
    assert file.origin.mean == (0.45,) * 3


@holds
def test_what_torch_itself_puts_around_a_model(tmp_path):
    """A compiled part within a compiled model, and torch's running average of it."""
    state = {
        name.replace("backbone.blocks.1.", "backbone.blocks.1._orig_mod."): weight
        for name, weight in STATES["detector"]["ava_det"].items()
    }
    assert len([name for name in state if "._orig_mod." in name]) > 10
    average = {"n_averaged": torch.tensor(7), **prefixed(state, "module._orig_mod.")}
    torch.save(average, tmp_path / "a.pth")
    fills("detector", tmp_path / "a.pth")


@holds
def test_plain_weights_go_before_their_average_which_is_named(tmp_path):
    state = STATES["classifier"]["PySlowFast"]
    average = {name: torch.zeros_like(weight) for name, weight in state.items()}
    for content in (
        {"ema": {"module": average, "decay": 0.9}, "net": state},
        {"model": state, "state_dict_ema": prefixed(average, "module.")},
    ):
        torch.save(content, tmp_path / "a.pth")
        fills("classifier", tmp_path / "a.pth")
        note = str(load_weights(tmp_path / "a.pth", ours("classifier"), check=False))
        key = next(key for key in content if "ema" in key)
        assert note.endswith(f"note: the averaged weights in '{key}' are not used")


@holds
def test_an_image_network_and_a_caffe2_pickle_too(tmp_path):
    state = resnet18().state_dict()
    torch.save({"net": prefixed(state, "module.model.")}, tmp_path / "a.pth")
    assert read_file(tmp_path / "a.pth").weights.keys() == state.keys()
    blobs = {name: weight.numpy() for name, weight in STATES["classifier"]["Caffe2"].items()}
    (tmp_path / "a.pkl").write_bytes(pickle.dumps({"model": {"blobs": prefixed(blobs, "net.")}}))
    fills("classifier", tmp_path / "a.pkl")


@holds
def test_a_codebases_own_model_stays():
    """PyTorchVideo's detectors keep their network under `model`, beside their head."""
    own = STATES["detector"]["PyTorchVideo"]
    assert {name.partition(".")[0] for name in own} == {"model", "detection_head"}
    for prefix in ("", "model.", "module.model."):
        assert find_weights(prefixed(own, prefix), FORMATS).state.keys() == own.keys()


@holds
def test_a_loss_beside_the_network_is_refused_by_name_or_left_behind(tmp_path):
    state = prefixed(STATES["classifier"]["PySlowFast"], "model.")
    torch.save({"state_dict": {**state, "loss.pos_weight": torch.ones(5)}}, tmp_path / "a.ckpt")
    with pytest.raises(InputError, match=r"loss\.pos_weight is not in the model"):
        load_weights(tmp_path / "a.ckpt", ours("classifier"))
    report = load_weights(tmp_path / "a.ckpt", ours("classifier"), fresh=["loss."])
    assert report.dropped == ("loss.pos_weight",)


@holds
@pytest.mark.parametrize(
    ("content", "words"),
    [
        ({"state_dict": {"a.b": torch.ones(1)}, "epoch": 1}, "(in 'state_dict': a.b; beside it: "),
        ({"ema": {"shadow": {"x": torch.ones(1)}}}, "(in 'ema.shadow': x; beside it: nothing)"),
        ({"epoch": 3, "lr": 0.1}, "(epoch, lr)"),
        ({"module.model.x": torch.ones(1)}, "(module.model.x)"),
        ({}, "(none)"),
    ],
)
def test_an_unknown_file_is_one_line_on_what_was_found(tmp_path, content, words):
    torch.save(content, tmp_path / "a.pth")
    with pytest.raises(InputError) as caught:
        read_file(tmp_path / "a.pth")
    line = str(caught.value)
    assert line.startswith(f"{tmp_path / 'a.pth'}: its names are of no known codebase (")
    assert words in line
    assert "\n" not in line


def test_one_dict_in_thousands_of_places_is_looked_at_once():
    """Every wrapper within every other, all of them one: 20 to the power of any depth."""
    node: dict = {}
    for key in (*WRAPPERS, *AVERAGES):
        node[key] = node
    node["s1.pathway0_x"] = torch.ones(1)
    assert find_weights(node, FORMATS).format.title == "PySlowFast"
