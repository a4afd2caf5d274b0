"""How much arithmetic the steps of long work do: counted, so that no test depends on a clock."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

from torch.utils.flop_counter import FlopCounterMode

__all__ = ["counted"]


def counted(steps: Generator[None, None, Any]) -> list[int]:
    """Multiplications and additions of convolutions and matrix products in each step."""
    counts = []
    while True:
        with FlopCounterMode(display=False) as counter:
            try:
                next(steps)
                is_done = False
            except StopIteration:
                is_done = True
        counts.append(counter.get_total_flops())
        if is_done:
            return counts
