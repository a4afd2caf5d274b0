"""A small generator, and the attribute network that is known for it."""

from __future__ import annotations

from pathlib import Path

import torch

from explorer.analysis.attribute_network import AttributeNetwork, Vocabulary, save
from explorer.checkpoints import Checkpoint, save_native
from tests.generators.configs import SMALL, small_generator

__all__ = ["NAMES", "ORIGIN", "write_models"]

ORIGIN = "trained on test data"
NAMES = ("size", "ear tilt", "species: cat", "species: dog", "species: fox")


def write_models(folder: Path) -> Path:
    """Write the network among the bundled ones of an assets folder, and the generator, whose path is returned."""
    torch.manual_seed(1)
    vocabulary = Vocabulary({"species": ("cat", "dog", "fox")}, {"size": (0.3, 0.1), "ear_tilt": (0.0, 2.0)})
    save(folder / "networks" / "critters-attributes.safetensors", AttributeNetwork(vocabulary), ORIGIN)
    family, config = SMALL["stylegan2-skip"]
    path, tensors = folder / "known.safetensors", small_generator("stylegan2-skip").state_dict()
    save_native(path, Checkpoint(family, dict(config), tensors, "known", "MIT", origin=ORIGIN))
    return path
