"""Devices: which there are, which is best, what they can compute in, and what their errors mean."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Literal

import torch

from explorer.errors import UsageError
from explorer.ops.backend import fastest_dtype
from explorer.ops.memory import lacks_memory

__all__ = [
    "Device",
    "DeviceErrorKind",
    "best_device",
    "cache_budget",
    "check_settings",
    "classify_error",
    "device_named",
    "devices",
    "fastest_precision",
]

DeviceErrorKind = Literal["memory", "lost", "other"]

MIB = 1 << 20

# What drivers say when a device is gone or broken: nothing works on it until the process ends.
_LOST_PHRASES = (
    "device-side assert",
    "illegal memory access",
    "unspecified launch failure",
    "driver shutting down",
    "no cuda-capable device",
    "device is lost",
    "device lost",
    "gpu is lost",
    "cuda error",
    "ecc error",
)


@dataclass(frozen=True, slots=True)
class Device:
    """A device by the name torch takes, as people call it, and the precisions it can compute in."""

    name: str
    label: str
    dtypes: tuple[str, ...]


def devices() -> tuple[Device, ...]:
    """Return all usable devices, the fastest kind first; the CPU is always the last."""
    found = []
    if torch.cuda.is_available():
        for i in range(torch.cuda.device_count()):
            found.append(Device(f"cuda:{i}", torch.cuda.get_device_name(i), ("float32", "bfloat16", "float16")))
    if torch.backends.mps.is_available():
        found.append(Device("mps", "Apple GPU", ("float32",)))
    # float16 on a CPU is thousands of times slower, so it is not among them.
    found.append(Device("cpu", "CPU", ("float32", "bfloat16")))
    return tuple(found)


def best_device() -> str:
    """Return the name of the device to begin with."""
    return devices()[0].name


def device_named(name: str) -> str:
    """Return the device that a user means by `auto` (the best one), `cuda` (the first one) or a name of `devices`."""
    return best_device() if name == "auto" else "cuda:0" if name == "cuda" else name


def fastest_precision(device: str) -> str:
    """Return the precision to begin with on a device; measured once on a CPU."""
    return str(fastest_dtype(torch.device(device).type)).removeprefix("torch.")


def check_settings(device: str, dtype: str) -> None:
    """Raise `UsageError` if that device or precision is not to be had here."""
    known = {d.name: d for d in devices()}
    name = "cuda:0" if device == "cuda" else device
    if name not in known:
        raise UsageError(f"There is no device {device!r} here.", f"Choose one of: {', '.join(known)}.")
    if dtype not in known[name].dtypes:
        raise UsageError(
            f"{known[name].label} does not compute in {dtype} here.",
            f"Choose one of: {', '.join(known[name].dtypes)}.",
        )


def cache_budget(device: str) -> int:
    """Return bytes for kept stages: a tenth of the device's memory, at most 512 MB."""
    total = total_memory(device)
    return min(512 * MIB, max(64 * MIB, total // 10))


def total_memory(device: str) -> int:
    """Return bytes of memory of the device (for the CPU and Apple GPUs: of the machine)."""
    if device.startswith("cuda"):
        return int(torch.cuda.get_device_properties(device).total_memory)
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):  # Windows has no sysconf
        return 8 << 30


def classify_error(error: BaseException) -> DeviceErrorKind:
    """Return what an error says about its device: out of memory, lost, or nothing."""
    if isinstance(error, torch.cuda.OutOfMemoryError) or lacks_memory(error):
        return "memory"
    if isinstance(error, RuntimeError) and any(phrase in str(error).lower() for phrase in _LOST_PHRASES):
        return "lost"
    return "other"
