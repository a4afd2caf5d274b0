"""Dtypes by name, and which of them the operators accept on which device."""

from __future__ import annotations

import torch

__all__ = ["DTYPES", "check_dtype"]

DTYPES: dict[str, torch.dtype] = {
    "float32": torch.float32,
    "bfloat16": torch.bfloat16,
    "float16": torch.float16,
}
"""Dtypes by name. float16 is for GPUs only: on a CPU it is thousands of times slower."""


def check_dtype(x: torch.Tensor) -> None:
    """Refuse float16 on the CPU, where torch is thousands of times slower with it than with float32.

    Raises:
        TypeError: If `x` is a float16 tensor on the CPU.
    """
    if x.dtype == torch.float16 and x.device.type == "cpu":
        raise TypeError("float16 is not supported on the CPU; use float32 or bfloat16")
