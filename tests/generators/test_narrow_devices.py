"""What a device without float64, such as Apple's, is asked for: run on the device that computes shapes alone."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from explorer.generators.base import NoiseSpec
from explorer.ops import backend

from .configs import SMALL, small_generator


class _Watch(TorchDispatchMode):
    """Notes the formats of everything that is computed on the device."""

    def __init__(self) -> None:
        super().__init__()
        self.formats: dict[torch.dtype, set[str]] = {}

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if func is torch.ops.aten._to_copy.default and kwargs.get("device") == torch.device("cpu"):
            # What goes back to the processor (filters) holds numbers on a real device.
            return torch.ones(args[0].shape, dtype=kwargs.get("dtype") or args[0].dtype)
        result = func(*args, **kwargs)
        for value in result if isinstance(result, tuple | list) else [result]:
            if isinstance(value, torch.Tensor) and value.device.type == "meta":
                self.formats.setdefault(value.dtype, set()).add(str(func))
        return result


@pytest.mark.parametrize("name", list(SMALL))
def test_nothing_wider_than_float32_is_asked_for(name: str) -> None:
    generator = small_generator(name).to("meta")
    info = generator.info
    z, c = torch.empty(2, info.z_dim, device="meta"), torch.empty(2, info.c_dim, device="meta")
    with torch.no_grad(), _Watch() as watch, backend.use_backend("auto", torch.float32):
        ws = generator.broadcast(generator.mapping(z, c) if info.c_dim else generator.mapping(z))
        picture = generator.synthesis(ws, noise=NoiseSpec("random", seed=1))
    assert picture.shape == (2, info.img_channels, *info.img_size)
    assert picture.device.type == "meta"
    wide = {torch.float64, torch.complex64, torch.complex128}
    assert torch.float32 in watch.formats
    assert {dtype: ops for dtype, ops in watch.formats.items() if dtype in wide} == {}
