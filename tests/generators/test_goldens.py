"""StyleGAN2 and StyleGAN3 against what the original implementations computed, inner layers included."""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest
import torch
from torch import Tensor

from explorer.generators import registry
from explorer.generators.base import Activation, Generator, Inputs, NoiseSpec
from explorer.generators.stylegan2 import StyleGAN2ToRGB
from explorer.generators.stylegan3 import StyleGAN3Generator
from explorer.ops import backend, native
from tests.generators.configs import golden_config
from tests.goldens import Golden, assert_close, load_net, stored_crop, weights

SG2 = ("sg2_clamp_u32", "sg2_orig_u32", "sg2_resnet_u32", "sg2_skip_c3_32", "sg2_skip_u64", "sg2ada_c3_u32")
SG3 = ("sg3r_u256_L14", "sg3r_u64", "sg3t_c3_u32", "sg3t_u256_L14", "sg3t_u64")


@cache
def _generator(name: str) -> Generator:
    golden = load_net(name)
    config = golden_config(golden.meta["init"])
    family = "stylegan2"
    if golden.meta["family"] == "stylegan3":
        family = "stylegan3-r" if config.get("use_radial_filters") else "stylegan3-t"
    generator = registry.build(family, config)
    generator.load_state_dict(weights(name), strict=True)
    return generator


def _traced(generator: Generator, ws: Tensor, transform: Tensor | None, noises: dict[str, Tensor] | None) -> Any:
    """The image, and every tensor a fixture may store, under the fixture's names."""
    tensors: dict[str, Tensor] = {}
    activation = generator.begin(Inputs(ws, transform))
    if isinstance(generator, StyleGAN3Generator):
        tensors["synthesis.input"] = activation.x
    for layer in generator.layers:
        name = f"synthesis.{layer.info.name}"
        style = layer.style(ws[:, layer.info.ws_index])
        noise = layer.noise(NoiseSpec(), ws.shape[0])
        if noises is not None:
            noise = noises.get(name)
        before, activation = activation, layer.run(activation, style, noise)
        tensors[name] = activation.x
        if isinstance(layer, StyleGAN2ToRGB):
            tensors[name] = layer.picture(before.x, style)
        elif before.skip is not None:  # fixtures hold conv1 before the residual branch joins
            tensors[name] = layer.run(Activation(before.x), style, noise).x
        block = name.rsplit(".", 1)[0]
        if activation.skip is not None:
            tensors[f"{block}.skip"] = activation.skip
        tensors[f"{block}:0"] = activation.x
        if activation.img is not None:
            tensors[f"{block}:1"] = activation.img
    return generator.rgb(activation), tensors


def _mapped(generator: Generator, golden: Golden, case: dict[str, Any]) -> tuple[Tensor, dict[str, Tensor]]:
    """`ws`, and the outputs of the mapping network's layers."""
    tensors: dict[str, Tensor] = {}
    if case["inputs"] == ["wplus"]:
        return golden.array("wplus"), tensors
    hooks = [
        module.register_forward_hook(lambda _, __, output, key=f"mapping.{key}": tensors.update({key: output}))
        for key, module in generator._modules["mapping"].named_children()  # type: ignore[union-attr]
    ]
    w = generator.mapping(golden.array("z"), golden.tensor("c") if "c" in golden.arrays else None)
    for hook in hooks:
        hook.remove()
    call = case["call"]["mapping"]
    return generator.truncate(generator.broadcast(w), call["truncation_psi"], call["truncation_cutoff"]), tensors


def _noises(golden: Golden, name: str, case: dict[str, Any]) -> dict[str, Tensor] | None:
    """None for the stored noise, nothing for `none`, the fixture's own draws for `random`."""
    mode = case["call"]["synthesis"].get("noise_mode", "const")
    if mode == "const":
        return None
    if mode == "none":
        return {}
    prefix = f"{name}/noise/"
    return {k[len(prefix) :]: golden.array(k) for k in golden.arrays if k.startswith(prefix)}


def _check(name: str, used: backend.Backend) -> None:
    if used == "auto":
        native.build()  # so that it is the native kernels that are compared, where there is a compiler
    golden, generator = load_net(name), _generator(name)
    compared: set[str] = set()
    for case_name, case in golden.meta["cases"].items():
        forward = case["call"].get("transform_forward")
        transform = None if forward is None else torch.tensor(forward, dtype=torch.float64)
        with torch.no_grad(), backend.use_backend(used):
            ws, tensors = _mapped(generator, golden, case)
            image, inner = _traced(generator, ws, transform, _noises(golden, case_name, case))
        tensors |= inner
        stored = {f"{case_name}/ws": ws, f"{case_name}/image": image}
        stored[f"{case_name}/image.stride4"] = image[:, :, ::4, ::4]
        stored[f"{case_name}/image.window"] = image[:, :, 40:72, 96:128]
        for key in case["tensors"]:
            for kind in ("full", "crop", "corner", "tail"):
                if f"{case_name}/layers/{key}/{kind}" in golden.arrays:
                    stored[f"{case_name}/layers/{key}/{kind}"] = stored_crop(tensors[key], kind)
        for key, actual in stored.items():
            if key in golden.arrays:
                name_of_tensor = key.split("/")[-2] if "/layers/" in key else key.split("/")[1].split(".")[0]
                atol = case["tensors"][name_of_tensor]["atol"]
                assert_close(actual, golden.array(key), atol, key)
                compared.add(key)
    skipped = {k for k in golden.arrays if k not in compared and not k.endswith(("/stats", "/shape"))}
    assert {k for k in skipped if "/" in k and "/noise/" not in k} == set()


@pytest.mark.parametrize("name", SG2)
@pytest.mark.parametrize("used", ["reference", "torch", "auto"])
def test_stylegan2(name: str, used: backend.Backend) -> None:
    _check(name, used)


@pytest.mark.parametrize("name", SG3)
@pytest.mark.parametrize("used", ["reference", "torch", "auto"])
def test_stylegan3(name: str, used: backend.Backend) -> None:
    _check(name, used)
