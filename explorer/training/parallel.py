"""Several processes that train one generator: each takes its share of the batch, gradients are averaged.

Started as `torchrun` starts processes: `RANK`, `WORLD_SIZE`, `MASTER_ADDR` and `MASTER_PORT` in the environment.
"""

from __future__ import annotations

import os
from collections.abc import Iterable

import torch
import torch.distributed as dist
from torch import Tensor, nn

__all__ = ["Group"]


class Group:
    """The processes of a run; alone, every method is free."""

    def __init__(self, device: str) -> None:
        self.rank = int(os.environ.get("RANK", "0"))
        self.size = int(os.environ.get("WORLD_SIZE", "1"))
        if self.size > 1 and not dist.is_initialized():
            dist.init_process_group("nccl" if device.startswith("cuda") else "gloo")

    @property
    def leads(self) -> bool:
        """Whether this process writes the files."""
        return self.rank == 0

    def average(self, tensors: Iterable[Tensor | None]) -> None:
        """Replace each tensor by its mean over the processes, in place."""
        if self.size == 1:
            return
        present = [tensor for tensor in tensors if tensor is not None]
        flat = torch.cat([tensor.reshape(-1) for tensor in present])
        dist.all_reduce(flat)
        flat /= self.size
        position = 0
        for tensor in present:
            tensor.copy_(flat[position : position + tensor.numel()].reshape(tensor.shape))
            position += tensor.numel()

    def average_buffers(self, model: nn.Module) -> None:
        """Average the running statistics of `model`, which each process keeps of its own share."""
        self.average(buffer for buffer in model.buffers() if buffer.is_floating_point())

    def any(self, flag: bool, device: str) -> bool:
        """Whether `flag` is set in any process."""
        if self.size == 1:
            return flag
        total = torch.tensor([float(flag)], device=device)
        dist.all_reduce(total)
        return bool(total.item() > 0)
