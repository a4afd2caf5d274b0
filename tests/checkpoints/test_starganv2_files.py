"""StarGAN v2's checkpoints as they travel, and damaged ones, each with an error of its own."""

from __future__ import annotations

import os
from collections import OrderedDict
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from explorer.checkpoints import build_generator, inspect, load
from explorer.errors import CheckpointError, LatentwalkError
from explorer.generators import registry

NETWORKS = ("generator", "mapping_network", "style_encoder")
SIZES = {"img_resolution": 256, "style_dim": 12, "latent_dim": 6, "num_domains": 3, "max_conv_dim": 64}

Tables = dict[str, OrderedDict[str, Tensor]]


@cache
def tensors(w_hpf: float) -> dict[str, Tensor]:
    torch.manual_seed(3)
    state = registry.build("starganv2", SIZES | {"w_hpf": w_hpf, "hidden_dim": 24}).state_dict()
    return {key: value for key, value in state.items() if key != "style_avg"}


def tables(w_hpf: float = 0, prefix: str = "") -> Tables:
    """The networks as the original saves them."""
    split: Tables = {name: OrderedDict() for name in NETWORKS}
    for key, value in tensors(w_hpf).items():
        network, _, rest = key.partition(".")
        split[network][prefix + rest] = value
    return split


def kernel(divisor: float) -> Tensor:
    ones = torch.full((3, 3), -1.0)
    ones[1, 1] = 8
    return ones / divisor


def saved(folder: Path, value: Any) -> Path:
    path = folder / "100000_nets_ema.ckpt"
    torch.save(value, path)
    return path


@pytest.mark.parametrize("prefix", ["", "module."])
@pytest.mark.parametrize("w_hpf", [0, 1])
def test_settings_and_weights_come_from_the_tensors(tmp_path: Path, w_hpf: int, prefix: str) -> None:
    checkpoint = load(saved(tmp_path, tables(w_hpf, prefix)))
    assert checkpoint.family == "starganv2"
    assert {**checkpoint.config, "w_hpf": w_hpf} == {**SIZES, "w_hpf": w_hpf, "hidden_dim": 24}
    for key, value in tensors(w_hpf).items():
        assert torch.equal(checkpoint.tensors[key], value), key
    generator = build_generator(checkpoint)
    assert generator.info.num_masks == 2 * w_hpf
    assert float(generator.w_avg.abs().max()) > 0
    assert "10,000" in " ".join(checkpoint.notes)


def test_the_filters_divisor_is_read_where_it_is_stored(tmp_path: Path) -> None:
    value = tables(1)
    value["generator"]["hpf.filter"] = kernel(2.5)
    assert load(saved(tmp_path, value)).config["w_hpf"] == pytest.approx(2.5)


def test_other_networks_are_skipped_and_named(tmp_path: Path) -> None:
    value = {
        **tables(1),
        "fan": {"conv1.conv.weight": torch.zeros(2)},
        "discriminator": {"main.0.bias": torch.zeros(2)},
    }
    told = inspect(saved(tmp_path, value))
    assert told["family"] == "starganv2"
    assert "discriminator, fan" in str(told["notes"])


def without(network: str, key: str = "") -> Any:
    def change(value: Tables) -> None:
        if key:
            del value[network][key]
        else:
            del value[network]

    return change


def put(network: str, key: str, tensor: Tensor) -> Any:
    def change(value: Tables) -> None:
        value[network][key] = tensor

    return change


DAMAGED: dict[str, tuple[Any, str]] = {
    "no mapping": (without("mapping_network"), "mapping_network"),
    "no style encoder": (without("style_encoder"), "style_encoder"),
    "a missing key": (without("generator", "decode.1.norm1.fc.weight"), r"decode\.1\.norm1\.fc\.weight"),
    "a wrong shape": (put("generator", "to_rgb.2.weight", torch.zeros(3, 5, 1, 1)), r"to_rgb\.2\.weight"),
    "a domain less": (without("style_encoder", "unshared.1.weight"), r"unshared\.1\.weight"),
    "an odd width": (put("generator", "from_rgb.weight", torch.zeros(63, 3, 3, 3)), "63 channels"),
    "half an encoder": (without("generator", "encode.5.conv1.weight"), "5 encoder blocks|encode"),
    "not finite": (put("generator", "to_rgb.2.bias", torch.full((3,), float("nan"))), "finite|not a number|NaN"),
    "no filter": (put("generator", "hpf.filter", torch.ones(3, 3)), "no high-pass filter"),
    "a filter of another size": (put("generator", "hpf.filter", torch.ones(5, 5)), r"\[5, 5\]"),
}


@pytest.mark.parametrize("name", DAMAGED)
def test_damage_is_told(tmp_path: Path, name: str) -> None:
    change, said = DAMAGED[name]
    value = tables(1 if "filter" in name else 0)
    change(value)
    path = saved(tmp_path, value)
    with pytest.raises(LatentwalkError, match=said) as raised:
        build_generator(load(path))
    assert path.name in raised.value.message


def test_half_a_file_is_told(tmp_path: Path) -> None:
    path = saved(tmp_path, tables())
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(CheckpointError, match=r"100000_nets_ema\.ckpt"):
        load(path)


def test_a_prefix_written_twice_is_told(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError):
        load(saved(tmp_path, tables(0, "module.module.")))


class Hostile:
    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, (f"touch {self.marker}",)


def test_nothing_is_executed(tmp_path: Path) -> None:
    marker = tmp_path / "executed"
    with pytest.raises(CheckpointError, match="system"):
        load(saved(tmp_path, {**tables(), "fan": Hostile(marker)}))
    assert not marker.exists()
