"""PySlowFast: recorded logits, what its configs say, and files that go back to it."""

import numpy as np
import pytest
import torch
import yaml

from ava_det.model.zoo import build_classifier, build_detector
from ava_det.structures import InputError
from ava_det.weights.codebases.pyslowfast import PYSLOWFAST, export
from ava_det.weights.describe import describe
from ava_det.weights.load import HEAD, load_weights, read_file
from ava_det.weights.torch_files import save_torch_file

DETECTS = {"DETECTION": {"ENABLE": True}}
CASES = [
    ("ava_slow_r50_8x8", build_detector, "slow_r50", 80),
    ("ava_slowfast_r50_8x8", build_detector, "slowfast_r50", 80),
    ("kinetics_i3d_r50_8x8", build_classifier, "i3d_r50", 400),
    ("kinetics_slow_r50_8x8", build_classifier, "slow_r50", 400),
    ("kinetics_slowfast_r50_8x8", build_classifier, "slowfast_r50", 400),
]


@pytest.mark.parametrize(("name", "build", "architecture", "classes"), CASES)
def test_logits_are_those_that_pyslowfast_recorded(
    case, tmp_path, name, build, architecture, classes
):
    weights, clips, boxes, expected = case(name)
    file = tmp_path / "checkpoint.pyth"
    torch.save({"epoch": 3, "model_state": weights, "optimizer_state": {}}, file)
    model = build(architecture, classes).eval()
    report = load_weights(file, model)
    assert not report.dropped
    assert not report.fresh
    assert len(report.loaded) == len(weights)
    with torch.inference_mode():
        logits = model(clips) if boxes is None else model(clips, [boxes[:, 1:]])
    assert np.abs(logits.numpy() - expected).max() < 1e-3


@pytest.fixture
def checkpoint(small):
    """The content of a `.pyth` of a small model."""
    return export(small(0))


def with_config(checkpoint, **sections):
    return {**checkpoint, "cfg": yaml.safe_dump(sections)}


def same(a, b):
    return all(torch.equal(weight, b[name]) for name, weight in a.items())


@pytest.mark.parametrize("zipped", [True, False])
def test_our_models_go_to_pyslowfast_and_back(small, tmp_path, zipped):
    model, other = small(0), small(1)
    file = tmp_path / "any.name"
    torch.save(export(model), file, _use_new_zipfile_serialization=zipped)
    report = load_weights(file, other)
    assert same(model.state_dict(), other.state_dict())
    assert "names of PySlowFast" in str(report)


def test_what_ddp_puts_in_front_of_names_is_no_obstacle(small, tmp_path):
    model, other = small(0), small(1)
    state = {f"module.{name}": w for name, w in export(model)["model_state"].items()}
    torch.save(state, tmp_path / "ddp.pth")
    load_weights(tmp_path / "ddp.pth", other)
    assert same(model.state_dict(), other.state_dict())


def test_a_detector_takes_a_classifiers_backbone_if_told_to_leave_the_head(checkpoint, tmp_path):
    save_torch_file(tmp_path / "a.pyth", checkpoint)
    detector = build_detector("slowfast_tiny", 7, {"width": 8})
    with pytest.raises(InputError, match=r"a\.pyth: .*head\.projection\.weight has shape \(5, 288"):
        load_weights(tmp_path / "a.pyth", detector)
    head = detector.head.projection.weight.clone()
    report = load_weights(tmp_path / "a.pyth", detector, fresh=HEAD)
    assert set(report.fresh) == {"head.projection.weight", "head.projection.bias"}
    assert set(report.dropped) == set(report.fresh)
    assert torch.equal(detector.head.projection.weight, head)
    stem = "s1.pathway1_stem.conv.weight"
    loaded = detector.backbone.blocks[0].multipathway_blocks[1].conv.weight
    assert torch.equal(loaded, checkpoint["model_state"][stem])


@pytest.mark.parametrize("missing", [True, False])
def test_nothing_is_loaded_when_a_name_is_missing_or_strange(small, checkpoint, tmp_path, missing):
    state = checkpoint["model_state"]
    weight = state.pop("s3_fuse.conv_f2s.weight")
    if not missing:
        state |= {"s3_fuse.conv_f2s.weight": weight, "s3_fuse.conv_s2f.weight": weight}
    save_torch_file(tmp_path / "a.pyth", checkpoint)
    model = small(1)
    before = {name: weight.clone() for name, weight in model.state_dict().items()}
    ours = r"backbone\.blocks\.2\.multipathway_fusion\.conv_fast_to_slow\.weight"
    where = f"{ours} is not in the file" if missing else r"s3_fuse\.conv_s2f.* is not in the model"
    with pytest.raises(InputError, match=where):
        load_weights(tmp_path / "a.pyth", model)
    assert same(before, model.state_dict())


def test_counts_of_batches_may_be_missing(small, checkpoint, tmp_path):
    state = checkpoint["model_state"]
    for name in [name for name in state if name.endswith("num_batches_tracked")]:
        del state[name]
    save_torch_file(tmp_path / "a.pyth", checkpoint)
    report = load_weights(tmp_path / "a.pyth", small(1))
    assert report.fresh
    assert all(name.endswith("num_batches_tracked") for name in report.fresh)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_weights_that_are_no_numbers_are_refused_by_name(small, checkpoint, tmp_path, value):
    checkpoint["model_state"]["s1_fuse.conv_f2s.weight"][0, 0, 3] = value
    save_torch_file(tmp_path / "a.pyth", checkpoint)
    words = (
        r"NaN or infinite numbers in backbone\.blocks\.0\.multipathway_fusion\.conv_fast_to_slow"
    )
    with pytest.raises(InputError, match=rf"a\.pyth: {words}"):
        load_weights(tmp_path / "a.pyth", small(1))
    assert "note: NaN or infinite" in str(load_weights(tmp_path / "a.pyth", small(1), check=False))
    assert "NaN or infinite numbers in 1: s1_fuse" in "".join(
        describe(read_file(tmp_path / "a.pyth"))
    )


def test_large_weights_are_no_infinite_ones(small, checkpoint, tmp_path):
    checkpoint["model_state"]["s1_fuse.conv_f2s.weight"].fill_(3e38)
    save_torch_file(tmp_path / "a.pyth", checkpoint)
    load_weights(tmp_path / "a.pyth", small(1))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_weights_of_other_precision_and_saved_parameters_are_read(
    small, checkpoint, tmp_path, dtype
):
    state = checkpoint["model_state"]
    state |= {n: torch.nn.Parameter(w.to(dtype)) for n, w in state.items() if w.is_floating_point()}
    save_torch_file(tmp_path / "a.pyth", checkpoint)
    model, other = small(0), small(1)
    load_weights(tmp_path / "a.pyth", other)
    expected = {n: w.to(dtype).to(w.dtype) if w.dim() else w for n, w in model.state_dict().items()}
    assert same(expected, other.state_dict())


@pytest.mark.parametrize(
    "change",
    [
        lambda w: w.to(torch.float8_e4m3fn),
        lambda w: w.to(torch.uint16),
        lambda w: torch.quantize_per_tensor(w, 0.1, 0, torch.qint8),
        lambda w: w.to_sparse(),
        lambda w: w.to(torch.complex64),
        lambda w: w.to("meta"),
    ],
)
def test_tensors_of_other_kinds_are_refused(small, checkpoint, tmp_path, change):
    name = "head.projection.weight"
    checkpoint["model_state"][name] = change(checkpoint["model_state"][name])
    save_torch_file(tmp_path / "a.pyth", checkpoint)
    with pytest.raises(InputError, match=r"a\.pyth: .*") as caught:
        load_weights(tmp_path / "a.pyth", small(1))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("sections", "bgr"),
    [
        ({"DATA": {"REVERSE_INPUT_CHANNEL": True}}, True),  # Charades, Something-Something
        ({"DATA": {"REVERSE_INPUT_CHANNEL": False}}, False),  # Kinetics
        ({"DETECTION": {"ENABLE": True}, "AVA": {"BGR": True}}, True),
        ({"DETECTION": {"ENABLE": True}, "AVA": {"BGR": False}}, False),
        ({"DETECTION": {"ENABLE": False}, "AVA": {"BGR": True}}, False),
    ],
)
def test_bgr_weights_are_turned_round(small, checkpoint, tmp_path, sections, bgr):
    save_torch_file(tmp_path / "a.pyth", with_config(checkpoint, **sections))
    model, other = small(0).eval(), small(1).eval()
    report = load_weights(tmp_path / "a.pyth", other)
    clip = torch.rand(1, 3, 8, 32, 32)
    torch.testing.assert_close(other(clip.flip(1) if bgr else clip), model(clip))
    assert ("BGR" in str(report)) == bgr


def test_means_of_bgr_are_those_of_bgr():
    content = with_config({}, DATA={"REVERSE_INPUT_CHANNEL": True, "MEAN": [0.1, 0.2, 0.3]})
    assert PYSLOWFAST.origin(content, {}).mean == (0.3, 0.2, 0.1)


def test_a_file_that_says_that_its_pixels_are_others_is_refused(small, checkpoint, tmp_path):
    file = tmp_path / "a.pyth"
    save_torch_file(file, with_config(checkpoint, DATA={"MEAN": [0.485, 0.456, 0.406]}))
    with pytest.raises(
        InputError, match=r"mean 0\.485/0\.456/0\.406 there, 0\.45/0\.45/0\.45 here"
    ):
        load_weights(file, small(1))
    assert "0.485/0.456/0.406" in str(load_weights(file, small(1), check=False))


@pytest.mark.parametrize(
    ("sections", "words"),
    [
        ({"DETECTION": {"ENABLE": True, "ALIGNED": False}}, "aligned is False there, True here"),
        (
            {"MODEL": {"ARCH": "slowfast"}, "SLOWFAST": {"ALPHA": 8}},
            "alpha is 8 there, 4 here",
        ),
        (
            {"RESNET": {"SPATIAL_STRIDES": [[1, 1], [2, 2], [2, 2], [2, 2]]}, **DETECTS},
            "spatial_scale is 0.03125 there, 0.0625 here",
        ),
        (
            {"RESNET": {"SPATIAL_DILATIONS": [[1, 1], [1, 1], [1, 1], [1, 1]]}, **DETECTS},
            "backbone.dilation is 1 there, 2 here",
        ),
        (
            {"DETECTION": {"ENABLE": True, "ROI_XFORM_RESOLUTION": 14}},
            r"output_size is \(14, 14\) there, \(7, 7\) here",
        ),
    ],
)
def test_a_file_that_says_that_its_model_is_wired_otherwise_is_refused(tmp_path, sections, words):
    detector = build_detector("slowfast_tiny", 5, {"width": 8})
    save_torch_file(tmp_path / "a.pyth", with_config(export(detector), **sections))
    with pytest.raises(InputError, match=words):
        load_weights(tmp_path / "a.pyth", detector)
    if "SLOWFAST" not in sections:  # a head that is left behind may be what it was
        load_weights(tmp_path / "a.pyth", detector, fresh=HEAD)


@pytest.mark.parametrize(
    "text",
    [
        "a: [",
        "a: &a {k: v}\nb: {<<: [*a, *a]}",
        "DATA: {MEAN: x}",
        "DATA: {STD: [[]]}",
    ],
)
def test_a_config_that_is_none_is_refused(small, checkpoint, tmp_path, text):
    save_torch_file(tmp_path / "a.pyth", {**checkpoint, "cfg": text})
    with pytest.raises(InputError, match=r"a\.pyth: .*"):
        load_weights(tmp_path / "a.pyth", small(1))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "- a",
        "1",
        "DATA: 1",
        "DATA: {}",
        "RESNET: {SPATIAL_STRIDES: 2, SPATIAL_DILATIONS: [1, 2]}",
        "RESNET: {SPATIAL_STRIDES: [[1], [2], [2], [[]]], SPATIAL_DILATIONS: [[], [], [], [7]]}",
        "{MODEL: {ARCH: x3d}, RESNET: {SPATIAL_STRIDES: [[1], [2], [2], [1]]}}",
    ],
)
def test_a_config_that_says_nothing_is_taken_as_such(small, checkpoint, tmp_path, text):
    save_torch_file(tmp_path / "a.pyth", {**checkpoint, "cfg": text})
    load_weights(tmp_path / "a.pyth", small(1))


def test_the_optimizer_is_kept_beside_the_weights(checkpoint, tmp_path):
    state = {"state": {0: {"momentum_buffer": torch.ones(3)}}, "param_groups": []}
    save_torch_file(tmp_path / "a.pyth", {**checkpoint, "optimizer_state": state})
    kept = read_file(tmp_path / "a.pyth").optimizer
    assert torch.equal(kept["state"][0]["momentum_buffer"], torch.ones(3))


def test_a_model_that_pyslowfast_does_not_have_is_not_exported():
    with torch.device("meta"):
        csn = build_classifier("ip_csn_r50", 4)
    with pytest.raises(ValueError, match="PySlowFast has no name for"):
        export(csn)
