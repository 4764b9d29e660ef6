"""Finds the device that a model runs on, by the name that a user gives."""

import difflib
import re
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch

from ava_det.structures import InputError

_KINDS = ("cpu", "cuda", "mps", "xpu")
_NAME = re.compile(rf"({'|'.join(_KINDS)})(:\d{{1,3}})?")


def usable_device(name: str, setting: str = "--device ") -> torch.device:
    """Find a device and try it.

    Args:
        name: "cpu", "cuda", "cuda:1", "mps" or "xpu".
        setting: The text that the user writes before the name, such as "train.device=", for the
            message.

    Raises:
        InputError: The name is unknown, or this machine lacks the device.
    """
    remedy = f"{setting}cpu uses the CPU"
    if not _NAME.fullmatch(name):
        alike = difflib.get_close_matches(name.partition(":")[0].lower(), (*_KINDS, "gpu"), 1)
        meant = f" (did you mean {alike[0].replace('gpu', 'cuda')}?)" if alike else ""
        known = f"{', '.join(_KINDS)} or one with a number, such as cuda:0"
        raise InputError(f"{setting}{name!r:.40}: is none of {known}{meant}; {remedy}")
    try:
        torch.zeros(1, device=name).cpu()
    except (RuntimeError, AssertionError) as error:  # torch raises either
        raise InputError(f"{setting}{name}: {_reason(name, error)}; {remedy}") from error
    return torch.device(name)


def _reason(name: str, error: Exception) -> str:
    """Return why a device cannot be used, in a few words."""
    kind, _, number = name.partition(":")
    devices = torch.get_device_module(kind)
    if not devices.is_available():
        return f"this machine has no GPU that torch can use as {kind}"
    if number and int(number) >= devices.device_count():
        return f"this machine has {devices.device_count()} GPU(s), numbered from 0"
    first = str(error).strip().partition("\n")[0]
    return f"torch cannot use it ({first:.150})"


def full_precision(device: torch.device) -> AbstractContextManager[Any]:
    """Return a context without autocast on a device."""
    known = torch.amp.is_autocast_available(device.type)  # "meta", which traces shapes, has none
    return torch.autocast(device.type, enabled=False) if known else nullcontext()
