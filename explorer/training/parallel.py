"""Data-parallel training: each process takes part of the batch, and gradients are averaged.

Processes are started by `torchrun`, which sets `RANK`, `LOCAL_RANK`, `WORLD_SIZE`, `MASTER_ADDR` and `MASTER_PORT`.
On CUDA each process uses the GPU of its `LOCAL_RANK`, which `cuda` then refers to.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from datetime import timedelta

import torch
import torch.distributed as dist
from torch import Tensor, nn

from explorer.errors import UsageError

__all__ = ["Group"]

_PATIENCE = timedelta(days=1)  # the others wait while the main process renders the data


class Group:
    """The processes of a run; with a single process every method is a no-op."""

    def __init__(self, device: str) -> None:
        self.rank = int(os.environ.get("RANK", "0"))
        self.size = int(os.environ.get("WORLD_SIZE", "1"))
        if self.size > 1 and not dist.is_initialized():
            _join(device)

    @property
    def is_main_process(self) -> bool:
        """Whether this process writes the files."""
        return self.rank == 0

    def local_batch(self, batch: int) -> int:
        """Return how many pictures of `batch` each process takes.

        Raises:
            UsageError: The batch cannot be divided evenly.
        """
        if batch % self.size:
            raise UsageError(
                f"A batch of {batch} cannot be divided among {self.size} processes.",
                f"Choose a --batch that is a multiple of {self.size}.",
            )
        return batch // self.size

    def wait(self) -> None:
        """Block until every process has reached this call."""
        if self.size > 1:
            dist.barrier()

    def close(self) -> None:
        """Leave the group; every process must call this.

        This also ends its threads: one that still released a tensor during interpreter shutdown would abort the
        process.
        """
        if self.size > 1 and dist.is_initialized():
            dist.destroy_process_group()

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
        """Average the running statistics of `model`, which each process computes on its part of the batch."""
        self.average(buffer for buffer in model.buffers() if buffer.is_floating_point())

    def any(self, flag: bool, device: str) -> bool:
        """Return whether `flag` is set in any process."""
        if self.size == 1:
            return flag
        total = torch.tensor([float(flag)], device=device)
        dist.all_reduce(total)
        return bool(total.item() > 0)


def _join(device: str) -> None:
    # Must be imported before there is a group: its functions hold the group, and its threads, of import time.
    import torch.distributed.nn

    if device.startswith("cuda"):
        own = torch.device("cuda", int(os.environ.get("LOCAL_RANK", "0")))
        torch.cuda.set_device(own)
        dist.init_process_group("nccl", timeout=_PATIENCE, device_id=own)
    else:
        dist.init_process_group("gloo", timeout=_PATIENCE)
