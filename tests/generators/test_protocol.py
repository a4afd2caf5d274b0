"""What every family of the registry must keep: tables, resuming, noise streams, truncation, training."""

from __future__ import annotations

import copy

import pytest
import torch

from explorer.errors import MismatchError, RequestError, UnsupportedModelError
from explorer.generators import registry
from explorer.generators.base import Generator, Inputs, NoiseSpec, fold
from tests.generators.configs import SMALL, small_generator

names = pytest.mark.parametrize("name", list(SMALL))


def _ws(generator: Generator, batch: int = 2, seed: int = 1) -> torch.Tensor:
    torch.manual_seed(seed)
    info = generator.info
    with torch.no_grad():
        c = torch.eye(info.c_dim)[torch.arange(batch) % info.c_dim] if info.c_dim else None
        ws = generator.broadcast(generator.mapping(torch.randn(batch, info.z_dim), c))
        return ws + 0.1 * torch.randn_like(ws)


def test_every_family_has_a_small_configuration() -> None:
    assert {family for family, _ in SMALL.values()} == set(registry.families())


@names
def test_info_describes_the_layers(name: str) -> None:
    generator = small_generator(name)
    info = generator.info
    assert info.family == SMALL[name][0]
    assert tuple(layer.info for layer in generator.layers) == info.layers
    assert len({layer.name for layer in info.layers}) == len(info.layers)
    assert {layer.ws_index for layer in info.layers} <= set(range(info.num_ws))
    ws = _ws(generator)
    activation = generator.begin(Inputs(ws))
    for layer in generator.layers:
        facts = layer.info
        noise = layer.noise(NoiseSpec("random"), 2)
        assert (noise is not None) == facts.has_noise
        style = layer.style(ws[:, facts.ws_index])
        assert tuple(style.shape) == (2, facts.style_dim)
        activation = layer.run(activation, style, noise)
        picture = generator.preview(activation) if facts.is_rgb else None
        out = activation.x if picture is None else picture
        assert tuple(out.shape) == (2, facts.channels, facts.height, facts.width), facts.name
        assert noise is None or tuple(noise.shape) == (2, 1, facts.height, facts.width)
    image = generator.rgb(activation)
    assert tuple(image.shape) == (2, info.img_channels, *info.img_size)
    assert image.dtype == torch.float32
    assert bool(torch.isfinite(image).all())


@names
@pytest.mark.parametrize("mode", ["none", "const", "random"])
def test_resuming_anywhere_is_bitwise_equal(name: str, mode: str) -> None:
    generator = small_generator(name)
    ws = _ws(generator)
    spec = NoiseSpec(mode, seed=7, strength=0.8)  # type: ignore[arg-type]
    transform = torch.tensor([[0.9, 0.2, 0.1], [-0.2, 0.9, 0.0], [0, 0, 1]])
    with torch.inference_mode():
        inputs = Inputs(ws, transform, noise=spec)
        activations = [generator.begin(inputs)]
        fold(generator.layers, activations[0], inputs, after=lambda _, activation: activations.append(activation))
        full = generator.rgb(activations[-1])
        assert torch.equal(full, generator.synthesis(ws, transform=transform, noise=spec))
        kept = [a.map(torch.clone) for a in activations]
        for start in range(len(generator.layers)):
            resumed = fold(generator.layers, kept[start], inputs, start=start)
            assert torch.equal(generator.rgb(resumed), full), f"resumed at {start}"
        for before, after in zip(kept, activations, strict=True):
            pairs = zip(before.tensors(), after.tensors(), strict=True)
            assert all(torch.equal(a, b) for a, b in pairs), "a layer wrote into its input"


@names
def test_noise_streams(name: str) -> None:
    generator = small_generator(name)
    noisy = [layer for layer in generator.layers if layer.info.has_noise]
    assert bool(noisy) == generator.info.has_noise
    for layer in generator.layers:
        assert layer.noise(NoiseSpec("none"), 1) is None
        if not layer.info.has_noise:
            assert layer.noise(NoiseSpec("random"), 1) is None
            continue
        first = layer.noise(NoiseSpec("random", seed=3), 3)
        again = layer.noise(NoiseSpec("random", seed=3), 1)
        other = layer.noise(NoiseSpec("random", seed=4), 3)
        assert first is not None
        assert again is not None
        assert other is not None
        assert torch.equal(first[:1], again), "the first sample's noise depends on the batch"
        assert not torch.equal(first[0], first[1])
        assert not torch.equal(first, other)
        muted = NoiseSpec("const", layer_strengths={layer.info.name: 0.0})
        assert layer.noise(muted, 1) is None
    if len(noisy) > 1 and noisy[0].info.height == noisy[1].info.height:
        pair = [layer.noise(NoiseSpec("random"), 1) for layer in noisy[:2]]
        assert not torch.equal(pair[0], pair[1])  # type: ignore[arg-type]


@names
def test_truncation(name: str) -> None:
    generator = small_generator(name)
    ws = _ws(generator)
    half = generator.truncate(ws, 0.5)
    torch.testing.assert_close(half, generator.w_avg + 0.5 * (ws - generator.w_avg))
    cut = generator.truncate(ws, 0.5, 2)
    assert torch.equal(cut[:, :2], half[:, :2])
    assert torch.equal(cut[:, 2:], ws[:, 2:])
    assert torch.equal(generator.truncate(ws, 0.5, 0), ws)
    assert generator.truncate(ws, 1.0) is ws


@names
def test_batches_do_not_mix(name: str) -> None:
    generator = small_generator(name)
    ws = _ws(generator, batch=3)
    with torch.no_grad():
        together = generator.synthesis(ws)
        alone = torch.cat([generator.synthesis(w[None]) for w in ws])
    torch.testing.assert_close(together, alone, rtol=1e-4, atol=1e-4)


@names
def test_the_transform_moves_the_picture(name: str) -> None:
    generator = small_generator(name)
    ws = _ws(generator, batch=1)
    shift = torch.eye(3)
    shift[0, 2] = 0.25
    with torch.no_grad():
        still = generator.synthesis(ws)
        identity = generator.synthesis(ws, transform=torch.eye(3))
        moved = generator.synthesis(ws, transform=shift[None])
    torch.testing.assert_close(identity, still)
    assert float((moved - still).abs().max()) > 1e-3
    with pytest.raises(RequestError):
        generator.begin(Inputs(ws, torch.zeros(3, 3)))


@names
def test_state_dict_round_trip_and_copies(name: str) -> None:
    generator, other = small_generator(name), small_generator(name, seed=5)
    ws = _ws(generator)
    with torch.no_grad():
        image = generator.synthesis(ws)
        if name != "tiny":
            assert not torch.allclose(other.synthesis(ws), image)
        other.load_state_dict(generator.state_dict(), strict=True)
        assert torch.equal(other.synthesis(ws), image)
        assert torch.equal(copy.deepcopy(generator).synthesis(ws), image)


@names
def test_every_parameter_gets_a_gradient(name: str) -> None:
    generator = small_generator(name).train()
    info = generator.info
    c = torch.eye(info.c_dim)[[0, -1, 1]] if info.c_dim else None
    ws = generator.broadcast(generator.mapping(torch.randn(3, info.z_dim), c))
    generator.synthesis(ws, noise=NoiseSpec("random"), update_emas=True).square().mean().backward()
    without = [k for k, p in generator.named_parameters() if p.grad is None or not bool(p.grad.abs().max() > 0)]
    assert without == []


@names
def test_second_derivatives_exist(name: str) -> None:
    """Path-length regularisation differentiates a gradient."""
    generator = small_generator(name)
    ws = _ws(generator).requires_grad_()
    image = generator.synthesis(ws)
    (slope,) = torch.autograd.grad((image * torch.randn_like(image)).sum(), ws, create_graph=True)
    slope.square().sum().backward()
    grads = [p.grad for p in generator.parameters() if p.grad is not None]
    assert grads
    assert all(bool(torch.isfinite(g).all()) for g in grads)


def test_moving_averages_move() -> None:
    generator = small_generator("stylegan3-t")
    ws = _ws(generator)
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
