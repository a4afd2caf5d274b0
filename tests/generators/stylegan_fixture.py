"""StyleGAN's golden fixtures: their settings, their names of tensors, and a generator with their weights."""

from __future__ import annotations

from functools import cache
from typing import Any

from torch import Tensor

from explorer.generators import registry
from explorer.generators.base import Generator
from tests.goldens import load_net, weights

__all__ = ["FIXTURES", "fixture_generator", "fixture_names"]

FIXTURES = ("sg1_u64", "sg1_c3_128")
_PARTS = {"noise_strength": "apply_noise.weight", "noise_const": "apply_noise.noise"}


def _config(init: dict[str, Any]) -> dict[str, Any]:
    names = {
        "resolution": "img_resolution", "z_space_dim": "z_dim", "w_space_dim": "w_dim", "label_size": "c_dim",
        "mapping_layers": "mapping_layers", "mapping_fmaps": "mapping_features", "fmaps_base": "channel_base",
        "fmaps_max": "channel_max",
    }  # fmt: skip
    return {names[key]: value for key, value in init.items()}


def fixture_names(generator: Generator) -> dict[str, Tensor]:
    """The generator's tensors under the names of the fixtures, in their shapes."""
    made: dict[str, Tensor] = {}
    for key, tensor in generator.state_dict().items():
        first, second, *others = key.split(".")
        if key == "mapping.w_avg":
            made["truncation.w_avg"] = tensor
        elif first == "mapping":
            made[key] = tensor
        else:
            block, (name, part) = int(second.removeprefix("b")).bit_length() - 3, (others[0], others[-1])
            layer = 2 * block + (name in ("conv1", "norm1"))
            if name == "torgb":
                made[f"synthesis.output{block}.{part}"] = tensor
            elif name.startswith("norm"):
                made[f"synthesis.layer{layer}.style.{part}"] = tensor
            else:
                lead = {"const": 1, "noise_const": 2}.get(part, 0)
                made[f"synthesis.layer{layer}.{_PARTS.get(part, part)}"] = tensor[(None,) * lead]
    return made


@cache
def fixture_generator(name: str) -> Generator:
    """A generator with a fixture's weights."""
    generator = registry.build("stylegan", _config(load_net(name).meta["init"])).requires_grad_(False)
    stored = weights(name)
    own = fixture_names(generator)
    for key, tensor in own.items():
        tensor.copy_(stored[key])  # a view of the generator's own
    unused = {key for key in stored if key not in own}
    assert all(key.endswith(("blur.kernel", "lod")) or ".output" in key for key in unused), unused
    return generator
