"""Fixtures of the checkpoint tests: an own cache folder, small networks, and hostile canaries."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from explorer.generators import registry
from explorer.testing.nvidia_writer import complete_config, network_bytes, network_value
from explorer.util.control import Control

SMALL: dict[str, dict[str, Any]] = {
    "stylegan2": {"z_dim": 8, "w_dim": 8, "img_resolution": 8, "channel_base": 64, "channel_max": 8, "c_dim": 2,
                  "mapping_layers": 1},
    "stylegan3-t": {"z_dim": 8, "w_dim": 8, "img_resolution": 16, "channel_base": 64, "channel_max": 8,
                    "num_layers": 3, "margin_size": 2},
    "stylegan3-r": {"z_dim": 8, "w_dim": 8, "img_resolution": 16, "channel_base": 64, "channel_max": 8,
                    "num_layers": 3, "margin_size": 2, "conv_kernel": 1, "use_radial_filters": True},
}  # fmt: skip


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Digests are remembered in a folder of the test's own."""
    folder = tmp_path / "cache"
    monkeypatch.setenv("LATENTWALK_CACHE", str(folder))
    return folder


class CancelledAt(Control):
    """Cancels itself at a check, by number; counts its checks."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self._number, self.checks = number, 0

    def check(self) -> None:
        """Count and perhaps cancel."""
        self.checks += 1
        if self.checks == self._number:
            self.cancel()
        super().check()


def small_network(family: str) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """Complete settings and random weights of a tiny network."""
    config = complete_config(family, SMALL[family])
    torch.manual_seed(3)
    generator = registry.build(family, config)
    return config, {key: tensor.detach().clone() for key, tensor in generator.state_dict().items()}


def small_pickle(family: str = "stylegan2", **changes: Tensor | None) -> bytes:
    """A tiny network pickle; `changes` replace tensors (keys with `__` for the dots), None removes them."""
    config, tensors = small_network(family)
    for key, tensor in changes.items():
        key = key.replace("__", ".")
        if tensor is None:
            del tensors[key]
        else:
            tensors[key] = tensor
    return network_bytes(network_value(family, config, tensors))


@pytest.fixture
def pickle_file(tmp_path: Path) -> Path:
    """A tiny StyleGAN2 pickle on disk."""
    path = tmp_path / "tiny.pkl"
    path.write_bytes(small_pickle())
    return path
