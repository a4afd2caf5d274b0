"""StarGAN v2 against what the original computed, from its own files; domains, masks, and what is computed again."""

from __future__ import annotations

import lzma
from functools import cache
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from explorer.checkpoints import build_generator, load
from explorer.generators import registry
from explorer.generators.base import Inputs, NoiseSpec
from explorer.generators.starganv2 import DecoderLayer, StarGANv2Generator
from explorer.generators.starganv2_config import StarGANv2Config
from explorer.ops import backend
from explorer.util.steps import run
from tests.generators.configs import small_generator
from tests.goldens import Golden, assert_close, load_net, require, stored_crop

GOLDENS = ("star2_128_hpf0", "star2_256_hpf1")


@cache
def stored(name: str, folder: Path) -> StarGANv2Generator:
    path = folder / f"{name}_nets_ema.ckpt"
    path.write_bytes(lzma.decompress(require(f"checkpoints/{path.name}.xz").read_bytes()))
    generator = build_generator(load(path))
    assert isinstance(generator, StarGANv2Generator)
    return generator


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("starganv2")


def picture_of(golden: Golden, key: str) -> Tensor:
    return golden.array(key).float() / 127.5 - 1


def traced(generator: StarGANv2Generator, inputs: Inputs) -> tuple[Tensor, dict[str, Tensor]]:
    """The picture, and the output of every layer under the fixture's names."""
    tensors: dict[str, Tensor] = {}
    activation = generator.begin(inputs)
    for layer in generator.layers:
        style = layer.style(inputs.ws[:, layer.info.ws_index or 0])
        before, activation = activation, layer.run(activation, style)
        shown = activation.img if layer.info.is_rgb else activation.x
        assert shown is not None
        tensors[f"generator.{layer.info.name}"] = shown
        if isinstance(layer, DecoderLayer):  # fixtures hold it before the source's details are added
            tensors[f"generator.{layer.info.name}"] = layer.block(before.x, style)
    return generator.rgb(activation), tensors


@pytest.mark.parametrize("name", GOLDENS)
@pytest.mark.parametrize("used", ["reference", "torch"])
def test_pictures_styles_and_layers_are_those_of_the_original(
    name: str, used: backend.Backend, folder: Path
) -> None:
    golden, generator = load_net(name), stored(name, folder)
    source, reference = picture_of(golden, "x_src_u8"), picture_of(golden, "x_ref_u8")
    c = torch.nn.functional.one_hot(golden.array("y").long(), generator.info.c_dim).float()
    compared = 0
    for case_name, case in golden.meta["cases"].items():
        masks = tuple(golden.array(key) for key in case["call"]["masks"] or ())
        with torch.no_grad(), backend.use_backend(used):
            latent, encoded = generator.mapping(golden.array("z"), c), generator.encode_style(reference, c)
            every = torch.stack(
                [generator.mapping(golden.array("z"), one.expand_as(c)) for one in torch.eye(c.shape[1])], dim=1
            )
            image, inner = traced(generator, Inputs(generator.broadcast(latent), None, source, masks))
            again, _ = traced(generator, Inputs(generator.broadcast(encoded), None, source, masks))
        inner |= {"s_latent": latent, "s_ref": encoded, "s_latent_all": every}
        inner |= {"image_latent": image, "image_ref": again}
        for key, described in case["tensors"].items():
            if key not in inner:
                continue
            for kind in ("full", "crop", "corner", "tail"):
                if f"{case_name}/layers/{key}/{kind}" in golden.arrays:
                    where = f"{case_name}/layers/{key}/{kind}"
                    assert_close(stored_crop(inner[key], kind), golden.array(where), described["atol"], where)
                    compared += 1
            crops = {"": inner[key]}
            if inner[key].ndim == 4:
                crops |= {".stride4": inner[key][:, :, ::4, ::4], ".window": inner[key][:, :, 40:72, 96:128]}
            for suffix, value in crops.items():
                if (where := f"{case_name}/{key}{suffix}") in golden.arrays:
                    assert_close(value, golden.array(where), described["atol"], where)
                    compared += 1
    assert compared > 20 * len(golden.meta["cases"])


def some(generator: StarGANv2Generator, batch: int = 1) -> Inputs:
    numbers = torch.Generator().manual_seed(5)
    size = generator.info.img_size
    z = torch.randn(batch, generator.info.z_dim, generator=numbers)
    source = torch.rand(batch, 3, *size, generator=numbers) * 2 - 1
    return Inputs(generator.broadcast(generator.mapping(z)), None, source, noise=NoiseSpec("none"))


def test_domains_are_mixed_by_weight() -> None:
    generator = small_generator("starganv2")
    z = torch.randn(2, generator.info.z_dim)
    with torch.no_grad():
        alone = [generator.mapping(z, one.expand(2, -1)) for one in torch.eye(3)]
        half = generator.mapping(z, torch.tensor([[0.5, 0.5, 0.0]]).expand(2, -1))
        scaled = generator.mapping(z, torch.tensor([[3.0, 3.0, 0.0]]).expand(2, -1))
        none = generator.mapping(z)
    torch.testing.assert_close(half, (alone[0] + alone[1]) / 2)
    torch.testing.assert_close(scaled, half)
    torch.testing.assert_close(none, sum(alone) / 3)
    assert not torch.allclose(alone[0], alone[1], atol=1e-4)


def test_a_domain_has_a_centre_of_its_own(folder: Path) -> None:
    """What the file lacks is computed; truncating to 0 gives the domain's mean style."""
    generator = stored(GOLDENS[0], folder)
    c = torch.tensor([[0.0, 1.0]])
    with torch.no_grad():
        z = torch.randn(4000, generator.info.z_dim, generator=torch.Generator().manual_seed(3))
        mean = generator.mapping(z, c.expand(4000, -1)).mean(dim=0)
        ws = generator.broadcast(generator.mapping(z[:1], c))
        cut = generator.truncate(ws, 0.0, c=c)
    torch.testing.assert_close(cut[0, 0], mean, atol=0.1, rtol=0.1)
    assert (generator.w_mean(c)[0] - generator.w_avg).abs().max() > 1e-3


def test_without_masks_the_source_reaches_the_decoder_through_the_bottleneck_alone() -> None:
    generator = small_generator("starganv2-skip")
    assert isinstance(generator, StarGANv2Generator)
    inputs = some(generator)
    blank = Inputs(inputs.ws, None, inputs.source, (torch.zeros(1, 1, 64, 64),) * 2)
    with torch.no_grad():
        torch.testing.assert_close(run(generator.picture_steps(inputs)), run(generator.picture_steps(blank)))


def test_every_parameter_of_the_style_encoder_gets_a_gradient() -> None:
    generator = small_generator("starganv2").train()
    assert isinstance(generator, StarGANv2Generator)
    styles = generator.encode_style(torch.rand(2, 3, 32, 32) * 2 - 1)
    styles.square().sum().backward()
    for name, parameter in generator.style_encoder.named_parameters():
        assert parameter.grad is not None, name
        assert float(parameter.grad.abs().max()) > 0, name


def test_only_the_decoder_depends_on_the_style() -> None:
    generator = small_generator("starganv2")
    unstyled = [layer.name for layer in generator.info.layers if layer.ws_index is None]
    assert unstyled == ["from_rgb", "encode.0", "encode.1", "encode.2", "to_rgb"]


def _count(module: nn.Module) -> int:
    return sum(p.numel() for p in module.parameters())


@pytest.mark.parametrize(
    ("size", "w_hpf", "down", "parameters"), [(256, 1, 5, 43_467_395), (256, 0, 4, 33_892_995)]
)
def test_the_published_sizes(size: int, w_hpf: float, down: int, parameters: int) -> None:
    config = StarGANv2Config(img_resolution=size, w_hpf=w_hpf)
    assert config.halvings == down
    with torch.device("meta"):
        generator = registry.build("starganv2", {"img_resolution": size, "w_hpf": w_hpf})
    assert isinstance(generator, StarGANv2Generator)
    assert _count(generator.generator) == parameters
    assert _count(generator.mapping_network) == 2_438_272
    assert _count(generator.style_encoder) == 20_916_928
