"""StyleGAN (2019) against what the original computed, inner layers included, and what is particular to it."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from explorer.directions.sefa import sefa, style_matrix
from explorer.errors import MismatchError
from explorer.generators import registry
from explorer.generators.base import Activation, Generator, Inputs, NoiseSpec, fold
from explorer.generators.ws_groups import by_resolution
from explorer.ops import backend, native
from tests.generators.configs import small_generator
from tests.generators.stylegan_fixture import FIXTURES, fixture_generator
from tests.goldens import Golden, assert_close, load_net, stored_crop


def _ws(generator: Generator, golden: Golden, case: dict[str, Any]) -> tuple[Tensor | None, Tensor]:
    if case["inputs"] == ["wplus"]:
        return None, golden.array("wplus")
    w = generator.mapping(golden.array("z"), golden.tensor("c") if "c" in golden.arrays else None)
    call = case["call"]
    return w, generator.truncate(generator.broadcast(w), call["trunc_psi"], call["trunc_layers"])


def _traced(generator: Generator, ws: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
    """The picture, and the outputs of the normalisations and their styles under the fixture's names."""
    tensors: dict[str, Tensor] = {}

    def keep(i: int, activation: Activation) -> None:
        layer = generator.layers[i]
        if layer.info.ws_index is not None:
            tensors[f"synthesis.layer{layer.info.ws_index}:0"] = activation.x
            tensors[f"synthesis.layer{layer.info.ws_index}:1"] = layer.style(ws[:, layer.info.ws_index])
        elif layer.info.is_rgb and activation.img is not None:
            tensors[f"synthesis.output{layer.info.resolution.bit_length() - 3}"] = activation.img

    inputs = Inputs(ws)
    return generator.rgb(fold(generator.layers, generator.begin(inputs), inputs, after=keep)), tensors


@pytest.mark.parametrize("name", FIXTURES)
@pytest.mark.parametrize("used", ["reference", "torch", "auto"])
def test_fixtures(name: str, used: backend.Backend) -> None:
    native.build()
    golden, generator = load_net(name), fixture_generator(name)
    compared: set[str] = set()
    for case_name, case in golden.meta["cases"].items():
        with torch.no_grad(), backend.use_backend(used):
            w, ws = _ws(generator, golden, case)
            image, tensors = _traced(generator, ws)
        stored = {f"{case_name}/ws": ws, f"{case_name}/image": image}
        stored[f"{case_name}/image.stride4"] = image[:, :, ::4, ::4]
        stored[f"{case_name}/image.window"] = image[:, :, 40:72, 96:128]
        if w is not None:
            stored[f"{case_name}/w"] = w
        for key, tensor in tensors.items():
            for kind in ("full", "crop", "corner", "tail"):
                if f"{case_name}/layers/{key}/{kind}" in golden.arrays:
                    stored[f"{case_name}/layers/{key}/{kind}"] = stored_crop(tensor, kind)
        for key, actual in stored.items():
            if key in golden.arrays:
                name_of_tensor = key.split("/")[-2] if "/layers/" in key else key.split("/")[1].split(".")[0]
                assert_close(actual, golden.array(key), case["tensors"][name_of_tensor]["atol"], key)
                compared.add(key)
    skipped = {k for k in golden.arrays if "/" in k and k not in compared and not k.endswith(("/stats", "/shape"))}
    assert {k for k in skipped if "/layers/mapping." not in k} == set()


def test_the_taps_lie_before_and_after_the_normalisation() -> None:
    generator = small_generator("stylegan")
    inputs = Inputs(torch.randn(2, generator.info.num_ws, generator.info.w_dim))
    states: dict[str, Tensor] = {}
    with torch.no_grad():
        fold(
            generator.layers, generator.begin(inputs), inputs,
            after=lambda i, a: states.update({generator.layers[i].info.name: a.x}),
        )  # fmt: skip
    for layer in generator.layers:
        if layer.info.ws_index is None:
            continue
        names = list(states)
        before, after = states[names[names.index(layer.info.name) - 1]], states[layer.info.name]
        scale, shift = layer.style(inputs.ws[:, layer.info.ws_index]).chunk(2, dim=1)
        torch.testing.assert_close(after.mean(dim=(2, 3)), shift, atol=1e-4, rtol=1e-4)
        spread = before.std(dim=(2, 3), correction=0)
        is_flat = spread < 1e-3
        found = after.std(dim=(2, 3), correction=0)
        torch.testing.assert_close(found[~is_flat], (scale + 1).abs()[~is_flat], atol=1e-3, rtol=1e-3)
        assert float((before.mean(dim=(2, 3)).abs()).max()) > 0.05  # it was not normal before


def test_groups_and_what_a_view_starts_with() -> None:
    info = registry.build("stylegan", {"img_resolution": 128, "channel_base": 128, "w_dim": 4, "z_dim": 4}).info
    groups = [by_resolution(info, i) for i in range(info.num_ws)]
    assert groups == ["coarse"] * 4 + ["middle"] * 4 + ["fine"] * 4
    start = registry.family("stylegan").start
    assert (start.psi, start.cutoff) == (0.7, 8)


def test_sefa_takes_the_rows_of_scales_and_shifts() -> None:
    generator = small_generator("stylegan")
    expected = []
    for layer in generator.layers:
        if layer.info.ws_index is not None:
            weight = layer.get_parameter("affine.weight").detach().double()
            found = style_matrix(layer.style, generator.info.w_dim, generator.device)
            torch.testing.assert_close(found, weight / weight.shape[1] ** 0.5, atol=1e-5, rtol=1e-4)
            expected.append(weight / weight.norm(dim=1, keepdim=True))
    assert sum(len(a) for a in expected) == sum(layer.style_dim for layer in generator.info.styled_layers)
    _, vectors = torch.linalg.eigh(sum(a.T @ a for a in expected))
    directions = torch.from_numpy(sefa(generator).vectors.copy()).double()
    torch.testing.assert_close((directions @ vectors.flip(1)).abs(), torch.eye(16).double(), atol=1e-3, rtol=0)


def test_noise_has_a_strength_for_each_channel() -> None:
    generator = small_generator("stylegan")
    layer = next(layer for layer in generator.layers if layer.info.name == "b8.conv1")
    x = torch.randn(1, 12, 8, 8)
    noise = layer.noise(NoiseSpec("const"), 1)
    with torch.no_grad():
        strength = layer.get_parameter("noise_strength")
        strength.copy_(torch.arange(12.0))
        quiet, loud = (layer.run(Activation(x), x[:, :0, 0, 0], n).x for n in (None, noise))
        # Undo the leaky ReLU, which has one inverse.
        undone = [torch.where(y < 0, y * 5, y) for y in (quiet, loud)]
    assert noise is not None
    torch.testing.assert_close(undone[1] - undone[0], strength[None, :, None, None] * noise, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"img_resolution": 12}, "power of two"),
        ({"lod": 4}, "no layers"),
        ({"blur_filter": [1, 1]}, "odd number"),
        ({"blur_filter": [1, -2, 1]}, "blur_filter"),
        ({"channel_base": 8}, "no channels"),
        ({"fused_scale": "maybe"}, "fused_scale"),
    ],
)
def test_settings_that_cannot_be(change: dict[str, Any], message: str) -> None:
    with pytest.raises(MismatchError, match=message):
        registry.read_config("stylegan", {"img_resolution": 16, **change})
