"""Devices: which are available, which is best, their precisions, and what their errors mean."""

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

# Messages of drivers for a lost or broken device, which cannot be used again in this process.
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
    """A device: its torch name, its display name, and the precisions it supports."""

    name: str
    label: str
    dtypes: tuple[str, ...]


def devices() -> tuple[Device, ...]:
    """Return all usable devices, the fastest kind first; the CPU is always the last."""
    found = []
    if torch.cuda.is_available():
        formats = ("float32", "bfloat16", "float16")
        numbers = range(torch.cuda.device_count())
        found += [Device(f"cuda:{i}", torch.cuda.get_device_name(i), formats) for i in numbers]
    if torch.backends.mps.is_available():
        found.append(Device("mps", "Apple GPU", ("float32",)))
    # float16 is excluded because it is thousands of times slower on a CPU.
    found.append(Device("cpu", "CPU", ("float32", "bfloat16")))
    return tuple(found)


def best_device() -> str:
    """Return the name of the default device."""
    return devices()[0].name


def device_named(name: str) -> str:
    """Resolve `auto` (the best device), `cuda` (the first one), or a name in `devices`."""
    return best_device() if name == "auto" else "cuda:0" if name == "cuda" else name


def fastest_precision(device: str) -> str:
    """Return the default precision of a device; measured once on a CPU."""
    return str(fastest_dtype(torch.device(device).type)).removeprefix("torch.")


def check_settings(device: str, dtype: str) -> None:
    """Raise `UsageError` if the device or precision is not available."""
    known = {d.name: d for d in devices()}
    name = "cuda:0" if device == "cuda" else device
    if name not in known:
        raise UsageError(f"There is no device {device!r} here.", f"Choose one of: {', '.join(known)}.")
    if dtype not in known[name].dtypes:
        raise UsageError(
            f"{known[name].label} does not support {dtype}.",
            f"Choose one of: {', '.join(known[name].dtypes)}.",
        )


def cache_budget(device: str) -> int:
    """Return the bytes for cached stages: a tenth of the device's memory, at most 512 MB."""
    total = total_memory(device)
    return min(512 * MIB, max(64 * MIB, total // 10))


def total_memory(device: str) -> int:
    """Return the bytes of memory of the device (for the CPU and Apple GPUs: of the machine)."""
    if device.startswith("cuda"):
        return int(torch.cuda.get_device_properties(device).total_memory)
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):  # Windows lacks sysconf
        return 8 << 30


def classify_error(error: BaseException) -> DeviceErrorKind:
    """Return whether an error means that its device is out of memory, lost, or neither."""
    if isinstance(error, torch.cuda.OutOfMemoryError) or lacks_memory(error):
        return "memory"
    if isinstance(error, RuntimeError) and any(phrase in str(error).lower() for phrase in _LOST_PHRASES):
        return "lost"
    return "other"
