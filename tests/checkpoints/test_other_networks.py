"""Networks that are refused by name: each with a reason, a remedy, and no part of a supported one among them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from explorer.checkpoints import inspect, load
from explorer.checkpoints.other_networks import other_network
from explorer.errors import UnsupportedModelError
from explorer.generators import registry
from tests.checkpoints.stylegan2_ports import basicsr, rosinality


def _small() -> Any:
    torch.manual_seed(1)
    return registry.build("stylegan2", {"img_resolution": 8, "z_dim": 8, "w_dim": 8, "channel_max": 8,
                                        "channel_base": 64, "mapping_layers": 2}).requires_grad_(False)  # fmt: skip


def _tensors(*keys: str) -> dict[str, Tensor]:
    return {key: torch.zeros(2, 2) for key in keys}


def _under(prefix: str, state: dict[str, Tensor]) -> dict[str, Tensor]:
    return {f"{prefix}{key}": tensor for key, tensor in state.items()}


def _clean() -> dict[str, Tensor]:
    state = {key.replace("activate.bias", "bias"): tensor for key, tensor in basicsr.state(_small()).items()}
    return {key: tensor for key, tensor in state.items() if not key.startswith("noises.")}


_ENCODER = ("input_layer.0.weight", "body.0.res_layer.1.weight", "styles.0.linear.weight")
# name -> (value of the file, part of the message, part of the hint)
FILES: dict[str, tuple[Any, str, str]] = {
    "dualstylegan": (
        {"g_ema": {**_under("generator.", rosinality.state(_small())), **_tensors("res.0.conv.0.weight")}},
        "DualStyleGAN",
        "fine-tuned from",
    ),
    "dualstylegan with fusion": (
        {"g_ema": {**_under("generator.", rosinality.state(_small())), **_tensors("fusion_out.0.conv.weight")}},
        "DualStyleGAN",
        "fine-tuned from",
    ),
    "vtoonify": (
        {"g_ema": {**_under("generator.generator.", rosinality.state(_small())), **_tensors("encoder.0.weight")}},
        "VToonify",
        "made from",
    ),
    "gfpgan": (
        {
            "params_ema": {
                **_under("stylegan_decoder.", basicsr.state(_small())),
                **_tensors("conv_body_first.0.weight"),
            }
        },
        "GFPGAN",
        "trained from",
    ),
    "clean": ({"params_ema": _clean()}, "clean form", "original form"),
    "lucidrains": (
        {
            "GAN": _tensors("S.net.0.weight", "G.initial_block", "G.blocks.0.to_style1.weight", "GE.blocks.0.x"),
            "version": "1.8.9",
        },
        "lucidrains",
        "NVIDIA or rosinality",
    ),
    "r3gan": (
        {"G_ema": _tensors("Model.MainLayers.0.Layers.0.Basis", "Model.AggregationLayer.Layer.weight")},
        "R3GAN",
        "no latent w",
    ),
    "fastgan": (
        {"g": _tensors("module.init.init.0.weight_orig", "module.feat_8.1.weight_orig"), "d": {}},
        "FastGAN",
        "no latent w",
    ),
    "fastgan list": (
        {"g_ema": [torch.zeros(2)], "g": _tensors("init.init.0.weight_orig", "feat_8.1.weight_orig")},
        "FastGAN",
        "no latent w",
    ),
    "encoder": (
        {"state_dict": _tensors(*(f"encoder.{key}" for key in _ENCODER)), "opts": {}},
        "encoder",
        "decoder",
    ),
    "encoder alone": (_tensors(*_ENCODER), "encoder", "decoder"),
    "rosinality's discriminator": (
        {"d": _tensors("convs.0.0.weight", "convs.1.conv1.0.weight", "final_linear.0.weight")},
        "discriminator",
        "generator",
    ),
    "basicsr's discriminator": (
        {"params": _tensors("conv_body.0.0.weight", "final_conv.0.weight", "final_linear.0.weight")},
        "discriminator",
        "generator",
    ),
    "mmgeneration's discriminator": (
        {
            "state_dict": _tensors(
                "discriminator.convs.0.conv.weight_orig",
                "discriminator.convs.1.conv1.conv.weight_orig",
                "discriminator.final_linear.0.linear.weight_orig",
            )
        },
        "discriminator",
        "generator",
    ),
    "nvidia's discriminator": (
        _tensors("b8.fromrgb.weight", "b8.conv0.weight", "b4.out.weight"),
        "discriminator",
        "gen",
    ),
    "stable diffusion": (
        {"state_dict": _tensors("model.diffusion_model.input_blocks.0.0.weight", "first_stage_model.x.weight")},
        "diffusion",
        "style-based",
    ),
    "guided diffusion": (_tensors("time_embed.0.weight", "input_blocks.0.0.weight"), "diffusion", "style-based"),
    "diffusers": (_tensors("time_embedding.linear_1.weight", "conv_in.weight"), "diffusion", "style-based"),
    "a lora": (_tensors("lora_unet_down_blocks_0.lora_up.weight"), "diffusion", "style-based"),
}


@pytest.mark.parametrize("name", FILES)
def test_other_networks_are_refused_by_name(tmp_path: Path, name: str) -> None:
    value, message, hint = FILES[name]
    for legacy in (False, True):
        torch.save(value, tmp_path / "net.pt", _use_new_zipfile_serialization=not legacy)
        for step in (load, inspect):
            with pytest.raises(UnsupportedModelError, match=rf"net\.pt is .*{message}") as caught:
                step(tmp_path / "net.pt")
            assert hint in caught.value.hint


@pytest.mark.parametrize("name", ["encoder alone", "diffusers", "a lora", "nvidia's discriminator"])
def test_other_networks_as_safetensors(tmp_path: Path, name: str) -> None:
    value, message, _ = FILES[name]
    save_file(value, tmp_path / "net.safetensors")
    with pytest.raises(UnsupportedModelError, match=message):
        load(tmp_path / "net.safetensors")


class _Block(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.Basis = nn.Parameter(torch.zeros(2, 4, 4))


def test_r3gan_as_a_pickled_module(tmp_path: Path) -> None:
    network = nn.Module()
    network.Model = nn.Module()
    network.Model.MainLayers = nn.ModuleList([nn.Module()])
    network.Model.MainLayers[0].Layers = nn.ModuleList([_Block()])
    torch.save({"G_ema": network}, tmp_path / "net.pt")
    with pytest.raises(UnsupportedModelError, match="R3GAN"):
        load(tmp_path / "net.pt")


def test_a_generator_beside_them_opens(tmp_path: Path) -> None:
    state = rosinality.state(_small())
    judge, encoder = FILES["rosinality's discriminator"][0], FILES["encoder"][0]["state_dict"]
    other = FILES["basicsr's discriminator"][0]["params"]
    values: list[Any] = [
        {"g_ema": state, **judge},
        {"state_dict": {**_under("decoder.", state), **encoder}},
        {"g_ema": _under("generator.", state), "d": {}},
        {"params_ema": basicsr.state(_small()), "net_d": other},
    ]
    for value in values:
        torch.save(value, tmp_path / "net.pt")
        assert load(tmp_path / "net.pt").config["img_resolution"] == 8


def test_strange_values_have_no_name() -> None:
    endless: dict[str, Any] = {"x": {}}
    endless["x"]["y"] = endless
    deep: Any = {}
    for _ in range(5000):
        deep = {"x": deep}
    values: tuple[Any, ...] = (None, 1, "text", [], {}, {1: 2}, endless, deep)
    for value in values:
        assert other_network(value) is None
