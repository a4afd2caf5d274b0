"""StyleGAN3's derived layer tables and filters, for full-size and small configurations."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import pytest
import torch

from explorer.generators.base import Activation
from explorer.generators.stylegan3 import StyleGAN3Layer
from explorer.generators.stylegan3_layers import LayerSpec, StyleGAN3Config, layer_table
from explorer.ops.filter_design import design_lowpass_filter
from tests.generators.configs import golden_config
from tests.goldens import assert_close, load_net

SMALL = ("sg3t_c3_u32", "sg3r_u64", "sg3t_u64", "sg3r_u256_L14", "sg3t_u256_L14")
FULL = ("t256", "r256", "t1024", "r1024")


def _check(init: dict[str, Any], table: dict[str, Any]) -> tuple[LayerSpec, ...]:
    config = StyleGAN3Config.from_mapping(golden_config(init))
    first, layers = layer_table(config)
    assert config.num_layers + 2 == table["num_ws"]
    expected = table["input"]
    assert (first.channels, [first.size] * 2) == (expected["channels"], expected["size"])
    assert (first.sampling_rate, first.bandwidth) == (expected["sampling_rate"], expected["bandwidth"])
    assert len(layers) == len(table["layers"])
    for layer, row in zip(layers, table["layers"], strict=True):
        for field in fields(LayerSpec):
            actual, wanted = getattr(layer, field.name), row[field.name]
            if field.name.endswith(("cutoff", "half_width")):
                assert actual == pytest.approx(wanted, rel=1e-9), (layer.name, field.name)
            else:
                assert (list(actual) if field.name == "padding" else actual) == wanted, (layer.name, field.name)
    return layers


@pytest.mark.parametrize("name", SMALL)
def test_small_tables(name: str) -> None:
    meta = load_net(name).meta
    _check(meta["init"], meta["layer_table"])


@pytest.mark.parametrize("name", FULL)
def test_full_size_tables_and_filters(name: str) -> None:
    golden = load_net("sg3_layer_tables")
    table = golden.meta["configs"][name]
    for spec in _check(table["init"], table):
        rate = spec.tmp_sampling_rate
        up = design_lowpass_filter(spec.up_taps, spec.in_cutoff, spec.in_half_width * 2, rate)
        down = design_lowpass_filter(
            spec.down_taps, spec.out_cutoff, spec.out_half_width * 2, rate, spec.down_radial
        )
        for kind, taps in (("up_filter", up), ("down_filter", down)):
            key = f"{name}/{spec.name}/{kind}"
            assert (key in golden.arrays) == (taps is not None)
            if taps is not None:
                assert_close(taps, golden.array(key), 2e-7, key)


@pytest.mark.parametrize(("margin", "filter_size", "upsampling"), [(0, 6, 2), (4, 4, 2), (7, 5, 1), (10, 6, 4)])
def test_every_layer_delivers_the_size_its_table_promises(margin: int, filter_size: int, upsampling: int) -> None:
    config = StyleGAN3Config(
        img_resolution=32, channel_base=64, channel_max=4, num_layers=5, w_dim=4,
        margin_size=margin, filter_size=filter_size, lrelu_upsampling=upsampling,
    )  # fmt: skip
    for index, spec in enumerate(layer_table(config)[1]):
        layer = StyleGAN3Layer(spec, index, config)
        x = torch.randn(1, spec.in_channels, spec.in_size, spec.in_size)
        out = layer.run(Activation(x), layer.style(torch.randn(1, 4))).x
        assert tuple(out.shape) == (1, spec.out_channels, spec.out_size, spec.out_size)
