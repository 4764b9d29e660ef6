"""A card of ours whose sizes are each in bounds, and whose product is beyond any machine."""

import json
import resource

import pytest
import torch
from safetensors.torch import save_file

from ava_det.model.zoo import build_classifier, build_detector
from ava_det.structures import MOST_PIXELS, MOST_PIXELS_OF_A_FRAME, InputError
from ava_det.weights.arguments import check_arguments
from ava_det.weights.card import check_pixels, read_card
from ava_det.weights.footprint import check_memory
from ava_det.weights.native import load_model, read_weights

holds = pytest.mark.holds("13.9 weight cards: the product of their sizes is bounded")

CLIP = {"frames": 16, "stride": 2, "rate": None, "short_side": 112}


def write(path, clip=CLIP, tensors=None, task="classifier", **arguments):
    """A file of 1 kB with a card, and a checksum that is right or none."""
    if task == "persons":
        arguments, classes = {"architecture": "faster_rcnn_tiny", **arguments}, [(1, "person", "")]
    else:
        arguments = {"architecture": "slowfast_tiny", "num_classes": 5, **arguments}
        classes = [(k, f"class {k}", "") for k in range(1, arguments["num_classes"] + 1)]
    card = {"task": task, "arguments": arguments, "classes": classes, "clip": {**CLIP, **clip}}
    header = {"format": "ava_det 1", "card": json.dumps(card)}
    save_file(tensors or {"a": torch.ones(1)}, path, metadata=header)


@holds
@pytest.mark.parametrize(
    ("frames", "side", "task"),
    [
        (16384, 16384, "classifier"),
        (1024, 1024, "detector"),
        (16384, 64, "classifier"),
        (1, 4097, "detector"),
        (1, 1449, "persons"),
        (16, 800, "persons"),
    ],
)
def test_a_clip_that_no_model_could_take_is_refused(tmp_path, frames, side, task):
    write(tmp_path / "a.safetensors", {"frames": frames, "short_side": side}, task=task)
    for read in (read_weights, load_model, read_card):
        with pytest.raises(InputError, match=r"a\.safetensors: .*pixels is too large: frames x"):
            read(tmp_path / "a.safetensors")


def test_clips_of_published_models_are_far_from_the_bound():
    for frames, side in ((64, 256), (16, 312), (32, 512), (64, 512), (16, 1024)):
        check_pixels(frames, side)
    check_pixels(1, 1080, MOST_PIXELS_OF_A_FRAME)
    with pytest.raises(ValueError, match="too large"):
        check_pixels(65, 512, MOST_PIXELS)


def on_meta(build, *arguments, **more):
    with torch.device("meta"):
        return build(*arguments, **more).eval()


@holds
@pytest.mark.parametrize(
    ("architecture", "arguments", "frames", "side"),
    [
        ("mvit_v2_s", {}, 64, 512),  # attention grows with the square of the pixels
        ("slow_r50", {"non_local": {"res3": [1, 3]}}, 32, 320),
    ],
)
def test_attention_over_a_large_clip_is_counted_and_refused(architecture, arguments, frames, side):
    classifier = on_meta(build_classifier, architecture, 5, arguments)
    detector = on_meta(build_detector, architecture, 5, arguments, dilation=None)
    for model in (classifier, detector):
        with pytest.raises(ValueError, match=r"makes tensors of \d+\.\d GiB in this model; 4 may"):
            check_memory(model, frames, side)


@pytest.mark.parametrize("frames", [32, 64])
def test_a_convolution_over_the_same_clip_is_let_through(frames):
    check_memory(on_meta(build_classifier, "slow_r50", 5), frames, 320)
    check_memory(on_meta(build_detector, "slowfast_tiny", 5), frames, 320)


@holds
def test_a_model_of_too_many_numbers_is_refused_before_it_is_made():
    with pytest.raises(ValueError, match=r"a model of [\d,]+ numbers is too large"):
        check_memory(on_meta(build_classifier, "slowfast_tiny", 5, {"width": 512}), 8, 64)


@holds
@pytest.mark.parametrize(
    "arguments",
    [
        {"arguments": {"width": 1024}},
        {"num_classes": 60000, "arguments": {"width": 1000}},
        {"arguments": {"width": 256}},
    ],
)
def test_a_small_file_allocates_no_large_model(tmp_path, arguments):
    """Its tensors are not those of the card; what it names would take gigabytes."""
    path = tmp_path / "a.safetensors"
    write(path, **arguments)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(InputError, match="are not those of the architecture that it names"):
        load_model(path)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200e3  # kB


@holds
def test_tensors_without_blocks_on_the_disk_are_not_read(tmp_path):
    """A sparse file may say that it has as many gigabytes of zeros as its card needs."""
    write(tmp_path / "small.safetensors", arguments={"width": 512})
    shapes = on_meta(build_classifier, "slowfast_tiny", 5, {"width": 512}).state_dict()
    with (tmp_path / "small.safetensors").open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        header = {"__metadata__": json.loads(file.read(length))["__metadata__"]}
    end = 0
    for name, weight in shapes.items():
        size = weight.numel() * weight.element_size()
        kind = "F32" if weight.is_floating_point() else "I64"
        offsets = [end, end + size]
        header[name] = {"dtype": kind, "shape": list(weight.shape), "data_offsets": offsets}
        end += size
    text = json.dumps(header).encode()
    path = tmp_path / "sparse.safetensors"
    path.write_bytes(len(text).to_bytes(8, "little") + text)
    with path.open("r+b") as file:
        file.truncate(8 + len(text) + end)
    assert end > 2 << 30
    with pytest.raises(
        InputError, match=r"[\d,]+ bytes; at most 2,147,483,648 are read of such a file"
    ):
        load_model(path)


@holds
@pytest.mark.parametrize("places", [[0] * 65, [0] * 1024])
def test_no_list_is_as_long_as_it_takes_to_build_for_ever(places):
    arguments = {"architecture": "slow_r50", "num_classes": 5}
    with pytest.raises(ValueError, match="non_local is"):
        check_arguments("classifier", {**arguments, "arguments": {"non_local": {"res4": places}}})


@holds
def test_a_header_beyond_any_use_is_not_read(tmp_path):
    path = tmp_path / "a.safetensors"
    for length in (1 << 32, (1 << 24) + 1, (1 << 64) - 1):
        path.write_bytes(length.to_bytes(8, "little") + b'{"a":1}')
        with pytest.raises(InputError, match=r"not a safetensors file \(a header of"):
            read_weights(path)


@holds
@pytest.mark.parametrize("kind", [torch.float8_e4m3fn, torch.int8, torch.bool, torch.complex64])
def test_numbers_of_other_kinds_are_no_weights(tmp_path, kind):
    model = build_classifier("slowfast_tiny", 5, {"width": 8})
    tensors = model.state_dict()
    tensors["head.projection.weight"] = tensors["head.projection.weight"].to(kind)
    write(tmp_path / "a.safetensors", tensors=tensors, arguments={"width": 8})
    with pytest.raises(InputError, match="are not those of the architecture"):
        load_model(tmp_path / "a.safetensors")
