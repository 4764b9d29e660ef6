"""Our own file: everything goes round, damage of any byte is noticed, old files are read."""

import hashlib
import json
from dataclasses import replace

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file

from ava_det.model.zoo import build_classifier, build_detector
from ava_det.structures import ClipShape, InputError
from ava_det.weights.card import ModelCard, read_card
from ava_det.weights.load import load_weights
from ava_det.weights.native import (
    load_model,
    read_weights,
    save_weights,
)

ARGUMENTS = {"architecture": "slowfast_tiny", "num_classes": 5, "arguments": {"width": 8}}
CARD = ModelCard(
    "classifier",
    ARGUMENTS,
    tuple((k, f"class é {k}", "pose" if k < 3 else "") for k in range(1, 6)),
    ClipShape(16, 2, 25.0, 112),
)
CLIP = {"frames": 16, "stride": 2, "rate": 25.0, "short_side": 112}
FIELDS = {
    "task": "classifier",
    "arguments": ARGUMENTS,
    "classes": CARD.classes,
    "clip": CLIP,
}


@pytest.fixture
def file(small, tmp_path):
    path = tmp_path / "model.safetensors"
    save_weights(path, small(0).state_dict(), CARD)
    return path


def header_and_tensors(path):
    with safe_open(path, framework="pt") as opened:
        return opened.metadata(), {name: opened.get_tensor(name) for name in opened.keys()}  # noqa: SIM118


def test_weights_and_card_go_round(small, file):
    model, card = load_model(file)
    assert card == CARD == read_card(file, "classifier")
    assert not model.training
    for name, weight in small(0).state_dict().items():
        assert torch.equal(weight, model.state_dict()[name])
    assert [path.name for path in file.parent.iterdir()] == [file.name]


def test_numbers_of_every_kind_go_round(tmp_path):
    tensors = {
        "a": torch.randn(3).bfloat16(),
        "b": torch.tensor(7),
        "c": torch.zeros(0, 4),
        "d": torch.randn(4, 3).t(),
    }
    save_weights(tmp_path / "a.safetensors", tensors, CARD)
    found, _ = read_weights(tmp_path / "a.safetensors")
    assert all(torch.equal(w, found[n]) and w.dtype == found[n].dtype for n, w in tensors.items())


def test_half_a_file_is_a_model_in_float32(small, tmp_path):
    path, weights = tmp_path / "half.safetensors", small(0).state_dict()
    save_weights(path, weights, CARD, half=True)
    model, _ = load_model(path)
    for name, weight in weights.items():
        found = model.state_dict()[name]
        assert found.dtype == weight.dtype
        assert torch.equal(found, weight.half().float() if weight.is_floating_point() else weight)
    with pytest.raises(ValueError, match="beyond float16: a"):
        save_weights(tmp_path / "a.safetensors", {"a": torch.tensor([7e4])}, CARD, half=True)


@pytest.mark.holds("13.11 equal weights give equal bytes")
def test_equal_weights_are_equal_bytes(small, tmp_path):
    """Whatever the order of keys, the layout in memory and, tried eight times, of hash maps."""
    weights = small(0).state_dict()
    turned = {name: weights[name].clone() for name in reversed(weights)}
    for name, weight in turned.items():
        if weight.dim() == 5:
            turned[name] = weight.contiguous(memory_format=torch.channels_last_3d)
    arguments = {name: ARGUMENTS[name] for name in reversed(ARGUMENTS)}
    card = replace(CARD, arguments=arguments)
    files = set()
    for k in range(8):
        path = tmp_path / f"{k}.safetensors"
        save_weights(path, *((turned, card) if k % 2 else (weights, CARD)))
        files.add(path.read_bytes())
    assert len(files) == 1
    model, found = load_model(path)
    assert found == CARD
    assert torch.equal(model.head.projection.weight, weights["head.projection.weight"])


def save_as_at_first(path, tensors, fields):
    """Write a file as the first runs did: without the hash of the header."""
    tensors = dict(sorted(tensors.items()))
    digest = hashlib.sha256()
    for name, weight in tensors.items():
        digest.update(name.encode() + weight.contiguous().numpy().tobytes())
    header = {"format": "ava_det 1", "card": json.dumps(fields), "sha256": digest.hexdigest()}
    save_file(tensors, path, metadata=header)


def test_the_first_files_are_read(small, tmp_path):
    weights = small(0).state_dict()
    save_as_at_first(tmp_path / "old.safetensors", weights, FIELDS)
    model, card = load_model(tmp_path / "old.safetensors")
    assert card == CARD
    assert torch.equal(model.head.projection.bias, weights["head.projection.bias"])


@pytest.mark.slow
def test_a_flipped_bit_anywhere_is_noticed(file):
    data = file.read_bytes()
    length = int.from_bytes(data[:8], "little")
    places = [*range(0, 8), *range(8, 8 + length, 97), *range(8 + length, len(data), 9973)]
    damaged = file.with_name("damaged.safetensors")
    for place in [*places, len(data) - 1]:
        damaged.write_bytes(data[:place] + bytes([data[place] ^ 16]) + data[place + 1 :])
        with pytest.raises(InputError, match=r"damaged\.safetensors: "):
            read_weights(damaged)


@pytest.mark.parametrize("length", [0, 4, 8, 9, 1000, -1])
def test_a_file_that_ends_early_is_refused(file, length):
    file.write_bytes(file.read_bytes()[:length])
    with pytest.raises(InputError, match=r"model\.safetensors: "):
        read_weights(file)


@pytest.mark.parametrize("key", ["card", "pixels", "checksum", "format"])
def test_a_header_that_was_edited_is_refused(file, key):
    header, tensors = header_and_tensors(file)
    for value in (None, header[key].replace("0", "1").replace("a", "b")):
        edited = {k: v for k, v in {**header, key: value}.items() if v is not None}
        save_file(tensors, file.with_name("b.safetensors"), metadata=edited)
        with pytest.raises(InputError, match=r"b\.safetensors: "):
            read_weights(file.with_name("b.safetensors"))


def test_numbers_of_another_kind_or_shape_are_noticed(file):
    header, tensors = header_and_tensors(file)
    name = "head.projection.weight"
    for changed in (tensors[name].view(torch.int32), tensors[name].t().contiguous()):
        save_file({**tensors, name: changed}, file, metadata=header)
        with pytest.raises(InputError, match="damaged"):
            read_weights(file)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"task": "os.system"}, "unknown task"),
        ({"arguments": {**ARGUMENTS, "architecture": "os.system"}}, "unknown architecture"),
        ({"arguments": {**ARGUMENTS, "arguments": {"_target_": "os.system"}}}, "no argument"),
        ({"arguments": {**ARGUMENTS, "num_classes": 10**12}}, "num_classes is 1000000000000"),
        ({"arguments": {**ARGUMENTS, "num_classes": 60000}}, "5 classes for a model of 60000"),
        ({"arguments": {**ARGUMENTS, "num_classes": -5}}, "num_classes is -5"),
        ({"arguments": {**ARGUMENTS, "num_classes": "x"}}, "num_classes is 'x'"),
        ({"arguments": {**ARGUMENTS, "num_classes": True}}, "num_classes is True"),
        ({"arguments": {**ARGUMENTS, "num_classes": 5.0}}, r"num_classes is 5\.0"),
        ({"arguments": {**ARGUMENTS, "num_classes": 10**400}}, "integer of more than 64 bits"),
        ({"arguments": {**ARGUMENTS, "dilation": 0}}, "dilation is 0"),
        ({"arguments": {**ARGUMENTS, "dilation": 65536}}, "dilation is 65536"),
        ({"arguments": {**ARGUMENTS, "window": 0}}, "window is 0"),
        ({"arguments": {**ARGUMENTS, "window": -3}}, "window is -3"),
        ({"arguments": {**ARGUMENTS, "dropout": 1.5}}, r"dropout is 1\.5"),
        ({"arguments": {**ARGUMENTS, "dropout": float("nan")}}, "dropout is nan"),
        ({"arguments": {**ARGUMENTS, "arguments": {"width": 65000}}}, "width is 65000"),
        ({"arguments": {**ARGUMENTS, "arguments": {"change": "yes"}}}, "change is 'yes'"),
        ({"arguments": {**ARGUMENTS, "arguments": {"alpha": 0}}}, "alpha is 0"),
        ({"arguments": {**ARGUMENTS, "arguments": [1]}}, r"arguments is \[1\]"),
        ({"arguments": {**ARGUMENTS, "mean": [1, "x", None]}}, "mean is "),
        ({"arguments": {**ARGUMENTS, "mean": [0.4]}}, "mean is "),
        ({"arguments": {**ARGUMENTS, "std": [0.2, 0.2, 0]}}, "std is "),
        ({"arguments": {**ARGUMENTS, "exclusive": [0]}}, "no argument 'exclusive'"),
        ({"arguments": {}}, "missing"),
        ({"arguments": [1]}, ""),
        ({"task": ["classifier"]}, ""),
        ({"task": "detector", "arguments": {**ARGUMENTS, "exclusive": [5]}}, "exclusive is"),
        ({"task": "detector", "arguments": {**ARGUMENTS, "resolution": 10**4}}, "resolution is"),
        ({"classes": ((1, "a"),)}, ""),
        ({"classes": CARD.classes[:3]}, "3 classes for a model of 5"),
        ({"classes": (*CARD.classes[:4], (1, "x", ""))}, "two classes of one id"),
        ({"classes": (*CARD.classes[:4], (9, "class é 1", ""))}, "two classes of one id"),
        (
            {"classes": (*CARD.classes[:4], (10**400, "x", ""))},
            "class ids that are not whole numbers",
        ),
        ({"classes": (*CARD.classes[:4], (True, "x", ""))}, "class ids that are not whole numbers"),
        ({"classes": (*CARD.classes[:4], (9, "a\x1b[2J", ""))}, "cannot be printed"),
        ({"clip": {**CLIP, "frames": 10**12}}, "a clip of 1000000000000 x"),
        ({"clip": {**CLIP, "rate": float("inf")}}, "a clip at inf"),
        ({"clip": {**CLIP, "rate": float("nan")}}, "a clip at nan"),
        ({"clip": {**CLIP, "rate": True}}, "a clip at True"),
        ({"clip": {**CLIP, "stride": 10**400}}, "a clip of 16 x 1000"),
        ({"clip": {"frames": 0, "stride": 1, "rate": None, "short_side": 1}}, "a clip of 0"),
        ({"clip": {"frames": 8, "stride": 1, "rate": -1, "short_side": 1}}, "frames a second"),
        ({"clip": {"frames": 8}}, ""),
        ({"clip": {"frames": 8, "stride": 1, "rate": 1, "short_side": 1, "more": 1}}, ""),
    ],
)
def test_a_hostile_card_is_refused_although_its_hash_is_right(small, tmp_path, changes, words):
    path = tmp_path / "a.safetensors"
    save_as_at_first(path, small(0).state_dict(), {**FIELDS, **changes})
    with pytest.raises(InputError, match=rf"a\.safetensors: .*{words}") as caught:
        load_model(path)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 500 + len(str(path))


def test_weights_of_another_normalisation_are_refused(small, file, tmp_path):
    other = build_classifier("slowfast_tiny", 5, {"width": 8}, mean=(0.5, 0.5, 0.5))
    with pytest.raises(InputError, match=r"mean 0\.45/0\.45/0\.45 there, 0\.5/0\.5/0\.5 here"):
        load_weights(file, other)


def test_a_detector_takes_over_a_classifiers_file(file):
    detector = build_detector("slowfast_tiny", 7, {"width": 8})
    report = load_weights(file, detector, fresh=("head.",))
    assert set(report.fresh) == {"head.projection.weight", "head.projection.bias"}
    assert not any(name.startswith("backbone.") for name in report.dropped)


@pytest.mark.parametrize("change", [lambda w: w * float("nan"), lambda w: w.to(torch.int32)])
def test_numbers_that_make_no_model_are_refused(small, file, change):
    state = small(0).state_dict()
    save_weights(
        file, state | {"head.projection.bias": change(state["head.projection.bias"])}, CARD
    )
    with pytest.raises(InputError, match=r"NaN or infinite|not those of the architecture"):
        load_model(file)


def test_a_file_can_be_read_by_whom_the_folder_says(file):
    other = file.with_name("other")
    other.touch()
    assert file.stat().st_mode == other.stat().st_mode


def test_a_card_is_of_the_task_that_is_asked_for(file):
    words = rf"{file.name}: weights of task 'classifier', not of a person detector"
    with pytest.raises(InputError, match=words):
        read_card(file, "persons")
