"""Checks whether this machine can render a picture of a model, before the first one is rendered."""

from __future__ import annotations

from collections.abc import Mapping

import torch

from explorer.errors import CostlyModelError
from explorer.generators import registry
from explorer.generators.cost import PictureCost, picture_cost
from explorer.ops import backend, native
from explorer.util.free_memory import free_memory

__all__ = ["SECONDS", "check_affordable"]

SECONDS = 10.0
"""Longest time of a picture that does not need the user's consent."""

_MEMORY_FRACTION = 0.9  # maximum fraction of free memory for a picture
_SLOW = 1e10  # operations per second of any processor of the last ten years
_GPU = 2e12  # operations per second of a modest graphics card


def check_affordable(name: str, family: str, config: Mapping[str, object], device: str = "cpu") -> None:
    """Raise CostlyModelError if a picture of the model would take too much memory or time on this machine.

    Args:
        name: Name of the file, for the message.
        family: Family of its generator.
        config: Its checked settings.
        device: Device to render on.

    Raises:
        CostlyModelError: A picture takes more than the free memory, or more than `SECONDS`.
    """
    is_gpu = device.startswith("cuda")
    cost = picture_cost(registry.read_config(family, config), kernels=is_gpu or _has_kernels())
    free = _free(device)
    if free is not None and cost.nbytes > _MEMORY_FRACTION * free:
        raise _costly(name, cost, f"about {_size(cost.nbytes)} of memory, and {_size(free)} are free")
    if cost.seconds(_GPU if is_gpu else _SLOW) <= SECONDS:
        return  # without measuring
    seconds = cost.seconds(_GPU if is_gpu else backend.operations_per_second())
    if seconds > SECONDS:
        raise _costly(name, cost, f"about {_time(seconds)} on this machine, and {_size(cost.nbytes)} of memory")


def _costly(name: str, cost: PictureCost, what: str) -> CostlyModelError:
    return CostlyModelError(
        f"One picture of {name} takes {what} (most of it in layer {cost.layer}).",
        "Open a smaller model, or render it anyway.",
    )


def _has_kernels() -> bool:
    """Return whether the native kernels are available or being built."""
    return native.kernels() is not None or native.status().state == "building"


def _free(device: str) -> int | None:
    if device.startswith("cuda"):
        return int(torch.cuda.mem_get_info(device)[0])
    return free_memory()


def _size(nbytes: int) -> str:
    return f"{nbytes / 1e9:,.1f} GB" if nbytes >= 1e9 else f"{nbytes / 1e6:,.0f} MB"


def _time(seconds: float) -> str:
    return f"{seconds:,.0f} s" if seconds < 120 else f"{seconds / 60:,.0f} minutes"
