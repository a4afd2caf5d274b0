"""MobileStyleGAN against what the original computed, and what is its own: lazy heads, folded weights, entries."""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest
import torch
from torch import Tensor

from explorer.checkpoints import build_generator, load
from explorer.generators import registry
from explorer.generators.base import Generator, Inputs, NoiseSpec
from explorer.generators.mobilestylegan import MobileStyleGANGenerator
from explorer.generators.mobilestylegan_layers import MobileConv, WaveletHead
from explorer.latents.groups import group_of, label_of
from explorer.ops import backend, native
from explorer.ops.haar import inverse_haar
from tests.generators.configs import small_generator
from tests.goldens import assert_close, load_net, require, stored_crop

FIXTURE = "mobile_u64"


@cache
def _golden() -> MobileStyleGANGenerator:
    generator = build_generator(load(require(f"checkpoints/{FIXTURE}.ckpt")))
    assert isinstance(generator, MobileStyleGANGenerator)
    return generator


def _original_name(layer: str) -> str:
    block, _, name = layer.partition(".")
    if block == "b4":
        return {"conv1": "conv1", "to_img": "to_img1"}[name]
    return f"layers.{int(block[1:]).bit_length() - 4}.{name}"


def _traced(generator: Generator, ws: Tensor) -> dict[str, Tensor]:
    """The picture, and every tensor of the fixture under its name."""
    golden, tensors = load_net(FIXTURE), {}
    activation = generator.begin(Inputs(ws))
    for layer in generator.layers:
        noise = None
        name = _original_name(layer.info.name)
        index = 0 if name.startswith(("conv", "to")) else int(name.split(".")[1]) + 1
        if layer.info.has_noise:
            noise = golden.array(f"noise/{index}")[int(name.endswith("conv2"))][None].reshape(
                1, 1, layer.info.height, layer.info.width
            )
        style = layer.style(ws[:, layer.info.ws_index])
        activation = layer.run(activation, style, noise)
        if isinstance(layer, WaveletHead):
            tensors[name] = tensors[f"freq{index}"] = layer.coefficients(activation.x, style)
            preview = generator.preview(activation)
            assert preview is not None
            assert_close(preview, inverse_haar(tensors[name]), 1e-4, f"preview of {name}")
        else:
            tensors[name] = activation.x
    tensors["image"] = generator.rgb(activation)
    return tensors


@pytest.mark.parametrize("used", ["reference", "torch", "auto"])
def test_the_originals_pictures_and_layers(used: backend.Backend) -> None:
    if used == "auto":
        native.build()
    golden, generator = load_net(FIXTURE), _golden()
    compared = 0
    for case, details in golden.meta["cases"].items():
        with torch.no_grad(), backend.use_backend(used):
            if case == "wplus":
                ws, w = golden.array("wplus"), None
            else:
                w = generator.mapping(golden.array("z")[: 1 if case == "truncated" else None])
                assert_close(w, golden.array(f"{case}/style"), details["tensors"]["style"]["atol"], case)
                ws = generator.broadcast(w)
            if case == "truncated":
                ws = generator.truncate(ws, 0.5)
                assert_close(ws, golden.array(f"{case}/style_truncated"), 3e-6, case)
            tensors = _traced(generator, ws)
        assert_close(tensors["image"], golden.array(f"{case}/image"), details["tensors"]["image"]["atol"], case)
        for key, about in details["tensors"].items():
            for kind in ("crop", "corner", "tail"):
                if f"{case}/layers/{key}/{kind}" in golden.arrays:
                    expected = golden.array(f"{case}/layers/{key}/{kind}")
                    assert_close(stored_crop(tensors[key], kind), expected, about["atol"], f"{case} {key} {kind}")
                    compared += 1
    assert compared > 100


def test_only_the_last_head_is_computed_unless_another_is_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    generator, made = small_generator("mobilestylegan"), []
    picture = WaveletHead.picture

    def counted(self: WaveletHead, x: Tensor, style: Tensor) -> Tensor:
        made.append(self.info.name)
        return picture(self, x, style)

    monkeypatch.setattr(WaveletHead, "picture", counted)
    with torch.no_grad():
        ws = generator.broadcast(generator.mapping(torch.randn(1, 16)))
        generator.synthesis(ws)
        assert made == ["b16.to_img"]
        activation = generator.begin(Inputs(ws))
        for layer in generator.layers[:5]:
            activation = layer.run(activation, layer.style(ws[:, layer.info.ws_index]))
        assert generator.preview(activation) is None  # the middle of a block
        activation = generator.layers[5].run(activation, generator.layers[5].style(ws[:, 3]))
        shown = generator.preview(activation)
    assert shown is not None
    assert shown.shape == (1, 3, 16, 16)
    assert made == ["b16.to_img", "b8.to_img"]


def test_entries_of_heads_change_their_own_picture_alone() -> None:
    generator = small_generator("mobilestylegan")
    ws = generator.broadcast(generator.mapping(torch.randn(1, 16)))
    with torch.no_grad():
        plain = generator.synthesis(ws)
        for entry, has_effect in enumerate([True, True, True, False, True, True, True, False]):
            changed = ws.clone()
            changed[:, entry] += 1
            assert torch.equal(generator.synthesis(changed), plain) != has_effect, entry
    assert not generator.info.layers_of_ws(generator.info.num_ws - 1)


def test_up_and_the_first_convolution_share_an_entry() -> None:
    infos = {layer.name: layer for layer in small_generator("mobilestylegan").info.layers}
    assert [infos[f"b16.{name}"].ws_index for name in ("up", "conv1", "conv2", "to_img")] == [4, 4, 5, 6]
    assert [infos[f"b4.{name}"].ws_index for name in ("conv1", "to_img")] == [0, 1]


def test_the_published_network_has_its_entries_size_and_parameters() -> None:
    with torch.device("meta"):
        generator = registry.build("mobilestylegan", {"img_resolution": 1024})
    assert (generator.info.num_ws, generator.info.img_size) == (23, (1024, 1024))
    own = [p.numel() for name, p in generator.named_parameters() if name.startswith("synthesis.")]
    assert sum(own) == 8_852_079


@pytest.mark.parametrize("used", ["reference", "auto"])
def test_the_demodulation_follows_weights_that_are_trained(used: backend.Backend) -> None:
    """Folded weights are derived: a step of training must not leave those of before."""
    generator = small_generator("mobilestylegan")
    ws = generator.broadcast(generator.mapping(torch.randn(1, 16)))
    with torch.no_grad(), backend.use_backend(used):
        before = generator.synthesis(ws)
        for layer in generator.layers:
            if isinstance(layer, MobileConv):
                layer.style_inv.mul_(2)
        after = generator.synthesis(ws)
    assert not torch.allclose(before, after, atol=1e-3)


def test_gradients_reach_every_parameter_through_all_heads() -> None:
    generator = small_generator("mobilestylegan")
    ws = generator.broadcast(generator.mapping(torch.randn(2, 16)))
    total: Any = 0
    activation = generator.begin(Inputs(ws))
    for layer in generator.layers:
        style = layer.style(ws[:, layer.info.ws_index])
        activation = layer.run(activation, style, layer.noise(NoiseSpec(), 2))
        if isinstance(layer, WaveletHead):
            total = total + layer.coefficients(activation.x, style).square().mean()
    total.backward()
    without = [name for name, p in generator.named_parameters() if p.grad is None or not bool(p.grad.any())]
    assert without == []


def test_the_entry_that_nothing_reads_is_named_so() -> None:
    info = small_generator("mobilestylegan").info
    assert [group_of(info, i) for i in range(info.num_ws)] == [*["coarse"] * 4, *["middle"] * 4]
    assert [label_of(info, i) for i in (0, 3, 4, 6, 7)] == ["4x4", "8x8 rgb", "16x16", "16x16 rgb", "unused"]
