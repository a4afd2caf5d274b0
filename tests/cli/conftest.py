"""Small models on disk for the command line: two families and a conditional one, saved in our own format."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from explorer.checkpoints import Checkpoint, save_native
from explorer.generators import registry

SMALL: dict[str, tuple[str, dict[str, Any]]] = {
    "tiny": ("tiny", {}),
    "tiny-classes": ("tiny", {"c_dim": 3, "class_names": ["cat", "dog", "fox"]}),
    "starganv2": (
        "starganv2",
        {
            "img_resolution": 32, "style_dim": 8, "latent_dim": 4, "num_domains": 2, "w_hpf": 1, "channels": 4,
            "max_conv_dim": 8, "hidden_dim": 8, "class_names": ["cat", "dog"],
        },
    ),
    "odd": ("tiny", {"img_resolution": 17}),
    "stylegan2": (
        "stylegan2",
        {
            "z_dim": 16, "w_dim": 16, "img_resolution": 16, "channel_base": 128, "channel_max": 8,
            "mapping_layers": 2,
        },
    ),
}  # fmt: skip


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Paths of the small models by name."""
    folder = tmp_path_factory.mktemp("models")
    paths: dict[str, str] = {}
    for name, (family, config) in SMALL.items():
        torch.manual_seed(5)
        generator = registry.build(family, config)
        path = folder / f"{name}.safetensors"
        names = tuple(config.get("class_names", ()))
        plain = {key: value for key, value in config.items() if key != "class_names"}
        save_native(path, Checkpoint(family, plain, generator.state_dict(), name, "MIT", class_names=names))
        paths[name] = str(path)
    return paths


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """A fresh folder for results."""
    return tmp_path
