"""A device that is not there, or has no such name, is one line that says what runs everywhere."""

import pytest
import torch

from ava_det.model.device import usable_device
from ava_det.structures import InputError

holds = pytest.mark.holds("13.10 a missing GPU says --device cpu")


def test_the_cpu_is_always_there():
    assert usable_device("cpu") == torch.device("cpu")


@holds
@pytest.mark.parametrize("name", ["cuda", "cuda:7", "mps", "xpu"])
def test_a_missing_gpu_says_what_to_write(name):
    if torch.get_device_module(name.partition(":")[0]).is_available():
        pytest.skip("this machine has one")
    with pytest.raises(InputError, match=rf"^--device {name}: this machine has no GPU .*; --devi"):
        usable_device(name)
    with pytest.raises(InputError, match=rf"^train\.device={name}: .*; train\.device=cpu uses"):
        usable_device(name, "train.device=")


@holds
@pytest.mark.parametrize(("number", "available"), [(7, True), (0, True), (0, False)])
def test_a_gpu_beyond_the_last_is_counted(monkeypatch, number, available):
    def refuse(*_, **__):
        raise RuntimeError("CUDA error: out of memory\nCompile with TORCH_USE_CUDA_DSA")

    monkeypatch.setattr(torch, "zeros", refuse)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: available)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    words = {
        (7, True): r"has 1 GPU\(s\), numbered from 0",
        (0, True): r"torch cannot use it \(CUDA error: out of memory\)",
        (0, False): "has no GPU that torch can use as cuda",
    }
    with pytest.raises(InputError, match=words[number, available]) as caught:
        usable_device(f"cuda:{number}")
    assert "\n" not in str(caught.value)


@holds
@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("cdua", " (did you mean cuda?)"),
        ("gpu", " (did you mean cuda?)"),
        ("CPU", " (did you mean cpu?)"),
        ("cuda:", " (did you mean cuda?)"),
        ("cuda:99999999", " (did you mean cuda?)"),
        ("meta", ""),
        ("", ""),
        ("x" * 9999, ""),
        ("cpu\n", " (did you mean cpu?)"),
    ],
)
def test_a_name_of_no_device_gets_the_nearest_one(name, meant):
    with pytest.raises(InputError, match="is none of cpu, cuda, mps, xpu") as caught:
        usable_device(name)
    line = str(caught.value)
    assert line.endswith(f"such as cuda:0{meant}; --device cpu uses the CPU")
    assert "\n" not in line
    assert len(line) < 200
