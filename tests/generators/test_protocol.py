"""What every family of the registry must keep: tables, resuming, noise streams, truncation, training."""

from __future__ import annotations

import copy
import re
from collections.abc import Callable
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from explorer.errors import MismatchError, RequestError, UnsupportedModelError
from explorer.generators import registry
from explorer.generators.base import Activation, Generator, Inputs, NoiseSpec
from explorer.testing import ContractError, family_contract
from explorer.testing.contract import some_inputs, some_ws
from explorer.testing.tiny import TinyConfig, TinyGenerator
from explorer.util.steps import run
from tests.generators.configs import SMALL, small_generator

names = pytest.mark.parametrize("name", list(SMALL))

UNUSED = {  # parameters that do not take part in a picture of a latent
    # Pictures of smaller layers, from which the final one is not made, are trained by themselves.
    "mobilestylegan": r"synthesis\.b[48]\.to_img\.",
    "starganv2": r"style_encoder\.",
    "starganv2-skip": r"style_encoder\.|generator\.decode\.\d+\.conv1x1\.",  # in the files nevertheless
}


def test_every_family_has_a_small_configuration() -> None:
    assert {family for family, _ in SMALL.values()} == set(registry.families())


@names
def test_every_family_keeps_the_contract(name: str) -> None:
    family_contract(*SMALL[name], small_generator(name))


def _with(change: Callable[[TinyGenerator], object]) -> TinyGenerator:
    generator = TinyGenerator(TinyConfig())
    change(generator)
    return generator


def _misnames(generator: TinyGenerator) -> None:
    generator.info = replace(generator.info, family="other")


def _miscounts(generator: TinyGenerator) -> None:
    layer = generator.layers[1]
    layer.info = replace(layer.info, channels=9)
    generator.info = replace(generator.info, layers=tuple(layer.info for layer in generator.layers))


def _claims_noise(generator: TinyGenerator) -> None:
    generator.info = replace(generator.info, has_noise=False)


def _remembers(generator: TinyGenerator) -> None:
    """A layer that gives another result each time it runs."""
    layer = generator.layers[2]
    run = layer.run

    def odd(activation: Activation, w: torch.Tensor, noise: torch.Tensor | None = None) -> Activation:
        result = run(activation, w, noise)
        return Activation(result.x + layer.runs, result.img)

    object.__setattr__(layer, "run", odd)


def _overwrites(generator: TinyGenerator) -> None:
    layer = generator.layers[2]
    run = layer.run

    def odd(activation: Activation, w: torch.Tensor, noise: torch.Tensor | None = None) -> Activation:
        result = run(activation, w, noise)
        activation.x.zero_()
        return result

    object.__setattr__(layer, "run", odd)


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        (_misnames, "name is that of"),
        (_miscounts, "its output is"),
        (_claims_noise, "`has_noise` is true"),
        (_overwrites, "never writes into its input"),
        (_remembers, "bit for bit"),
    ],
)
def test_the_contract_finds_what_breaks_it(change: Callable[[TinyGenerator], object], rule: str) -> None:
    with pytest.raises(ContractError, match=rule):
        family_contract("tiny", {}, _with(change))


def picture(generator: Generator, ws: Tensor, transform: Tensor | None = None) -> Tensor:
    return run(generator.picture_steps(some_inputs(generator, ws, transform)))


@names
def test_the_transform_moves_the_picture(name: str) -> None:
    generator = small_generator(name)
    ws = some_ws(generator, batch=1)
    shift = torch.eye(3)
    shift[0, 2] = 0.25
    with torch.no_grad():
        still, identity, moved = (
            picture(generator, ws, transform) for transform in (None, torch.eye(3), shift[None])
        )
    torch.testing.assert_close(identity, still)
    assert float((moved - still).abs().max()) > 1e-3
    with pytest.raises(RequestError):
        generator.begin(Inputs(ws, torch.zeros(3, 3)))


@names
def test_state_dict_round_trip_and_copies(name: str) -> None:
    generator, other = small_generator(name), small_generator(name, seed=5)
    ws = some_ws(generator)
    with torch.no_grad():
        image = picture(generator, ws)
        if not name.startswith("tiny"):
            assert not torch.allclose(picture(other, ws), image)
        other.load_state_dict(generator.state_dict(), strict=True)
        assert torch.equal(picture(other, ws), image)
        assert torch.equal(picture(copy.deepcopy(generator), ws), image)


@names
def test_every_parameter_gets_a_gradient(name: str) -> None:
    generator = small_generator(name).train()
    info = generator.info
    c = torch.eye(info.c_dim)[[0, -1, 1]] if info.c_dim else None
    ws = generator.broadcast(generator.mapping(torch.randn(3, info.z_dim), c))
    inputs = some_inputs(generator, ws, noise=NoiseSpec("random"))
    run(generator.picture_steps(inputs, update_emas=True)).square().mean().backward()
    without = [k for k, p in generator.named_parameters() if p.grad is None or not bool(p.grad.abs().max() > 0)]
    assert [key for key in without if not re.match(UNUSED.get(name, "$"), key)] == []


@names
def test_second_derivatives_exist(name: str) -> None:
    """Path-length regularisation differentiates a gradient."""
    generator = small_generator(name)
    ws = some_ws(generator).requires_grad_()
    image = picture(generator, ws)
    (slope,) = torch.autograd.grad((image * torch.randn_like(image)).sum(), ws, create_graph=True)
    slope.square().sum().backward()
    grads = [p.grad for p in generator.parameters() if p.grad is not None]
    assert grads
    assert all(bool(torch.isfinite(g).all()) for g in grads)


def test_moving_averages_move() -> None:
    generator = small_generator("stylegan3-t")
    ws = some_ws(generator)
    before = {k: v.clone() for k, v in generator.state_dict().items()}
    with torch.no_grad():
        generator.synthesis(ws)
        assert all(torch.equal(v, before[k]) for k, v in generator.state_dict().items())
        generator.synthesis(ws, update_emas=True)
        generator.update_w_avg(ws[:, 0])
    changed = {k for k, v in generator.state_dict().items() if not torch.equal(v, before[k])}
    magnitudes = {k for k in before if k.endswith("magnitude_ema")}
    assert len(magnitudes) == len(generator.layers)
    assert changed == magnitudes | {"mapping.w_avg"}
    expected = 0.998 * before["mapping.w_avg"] + 0.002 * ws[:, 0].mean(dim=0)
    torch.testing.assert_close(generator.w_avg, expected)


def test_unknown_names_are_refused() -> None:
    with pytest.raises(UnsupportedModelError, match="stylegan9"):
        registry.build("stylegan9", {})
    with pytest.raises(MismatchError, match="wings"):
        registry.build("stylegan2", {"img_resolution": 32, "wings": 2})
    with pytest.raises(MismatchError, match="img_resolution"):
        registry.build("stylegan3-t", {})
    with pytest.raises(MismatchError, match="power of two"):
        registry.build("stylegan2", {"img_resolution": 48})


def test_stylegan2_transform_counterpart_moves_the_constant() -> None:
    generator = small_generator("stylegan2-skip")
    one_pixel = torch.eye(3)
    one_pixel[0, 2] = 0.25  # a quarter of the picture: one pixel of the 4x4 constant, to the right
    w = torch.zeros(1, 16)
    still, moved = (generator.begin(Inputs(w[:, None], t)).x for t in (None, one_pixel))
    torch.testing.assert_close(moved[..., 1:], still[..., :-1])
    torch.testing.assert_close(moved[..., 0], still[..., 0])
