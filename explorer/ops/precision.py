"""The number formats by name, and which of them the operators accept on which device."""

from __future__ import annotations

import torch

__all__ = ["DTYPES", "check_dtype"]

DTYPES: dict[str, torch.dtype] = {
    "float32": torch.float32,
    "bfloat16": torch.bfloat16,
    "float16": torch.float16,
}
"""Precisions by name. float16 is for GPUs alone: on a CPU it is thousands of times slower."""


def check_dtype(x: torch.Tensor) -> None:
    """Refuse float16 on the CPU, where torch falls to a path thousands of times slower than float32.

    Raises:
        TypeError: If `x` is a float16 tensor on the CPU.
    """
    if x.dtype == torch.float16 and x.device.type == "cpu":
        raise TypeError("float16 is not supported on the CPU; use float32 or bfloat16")
