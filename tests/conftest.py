"""What every test has in common: one thread a kernel, so that times do not depend on who else uses the cores."""

import explorer  # before torch, because it says how OpenMP's threads wait

__all__ = ["explorer"]

import torch

torch.set_num_threads(1)
