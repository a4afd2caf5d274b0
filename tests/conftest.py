"""What every test has in common: one thread a kernel, and one thread in which what is left over is collected."""

import explorer  # before torch, because it says how OpenMP's threads wait

__all__ = ["explorer"]

import gc
from collections.abc import Iterator

import pytest
import torch

torch.set_num_threads(1)  # so that times do not depend on who else uses the cores


@pytest.fixture(autouse=True)
def collected_between_tests() -> Iterator[None]:
    """As in the program: a render thread never collects what is left of Qt objects, which could lock both threads.

    Collecting after every test would take minutes; what happens between two tests happens in their thread.
    """
    gc.disable()
    yield
    gc.enable()
