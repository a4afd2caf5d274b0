"""A run that starts from a packed generator of fewer pixels goes on from its picture, and its card says so."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from explorer.checkpoints import Checkpoint, save_native
from explorer.errors import UsageError
from explorer.generators.base import Generator, NoiseSpec
from explorer.generators.registry import build
from explorer.generators.stylegan3 import StyleGAN3Generator
from explorer.ops.upfirdn2d import upsample2d
from explorer.training.checks import check
from explorer.training.critters.pack import pack
from explorer.training.datasets import Critters
from explorer.training.loop import run
from explorer.training.pack import export
from explorer.training.recipes import RECIPES, settings_of
from explorer.training.settings import TrainSettings
from explorer.training.start import start_from

from .test_networks import tiny


def made(family: str, seed: int, **changes: Any) -> Generator:
    torch.manual_seed(seed)
    return build(family, tiny(family) | changes)


def packed(folder: Path, family: str, **changes: Any) -> tuple[Path, Generator]:
    """A file of 16 px with its generator."""
    generator = made(family, 0, **changes)
    path = folder / f"{family}.safetensors"
    config = tiny(family) | changes
    save_native(path, Checkpoint(family, config, dict(generator.state_dict()), "old"), dtype="float32")
    return path, generator


def picture(generator: Generator) -> Tensor:
    z = torch.randn(2, 64, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        return generator.synthesis(generator.broadcast(generator.mapping(z)), noise=NoiseSpec(mode="none"))


def likeness(a: Tensor, b: Tensor) -> float:
    """Correlation of two pictures."""
    return float(torch.corrcoef(torch.stack([a.flatten(), b.flatten()]))[0, 1])


@pytest.mark.parametrize("wider", [{}, {"channel_base": 512, "channel_max": 24}])
def test_stylegan2_begins_with_the_old_picture_enlarged(wider: dict[str, int], tmp_path: Path) -> None:
    path, old = packed(tmp_path, "stylegan2")
    new = made("stylegan2", 2, img_resolution=32, **wider)
    started = start_from(path, new)
    enlarged = upsample2d(picture(old), torch.tensor([1.0, 3, 3, 1]).outer(torch.tensor([1.0, 3, 3, 1])) / 64)
    torch.testing.assert_close(picture(new), enlarged, atol=2e-4, rtol=2e-4)
    assert started.fresh == ["b32.conv0", "b32.conv1", "b32.torgb"]
    assert ("b8.conv0" in started.widened) == bool(wider)
    assert torch.equal(new.w_avg, old.w_avg)


def test_new_channels_are_learned(tmp_path: Path) -> None:
    path, _ = packed(tmp_path, "stylegan2")
    new = made("stylegan2", 2, img_resolution=32, channel_base=512, channel_max=24)
    start_from(path, new)
    ws = new.broadcast(new.mapping(torch.randn(2, 64)))
    new.synthesis(ws).square().mean().backward()
    weight = next(layer for layer in new.layers if layer.info.name == "b16.torgb").get_parameter("weight")
    assert weight.grad is not None
    assert weight[:, 8:].abs().max() == 0
    assert weight.grad[:, 8:].abs().min() > 0


def test_stylegan3_t_takes_layers_up_to_where_rates_part(tmp_path: Path) -> None:
    path, old = packed(tmp_path, "stylegan3-t")
    new = made("stylegan3-t", 2, img_resolution=32, num_layers=5)
    assert isinstance(new, StyleGAN3Generator)
    assert isinstance(old, StyleGAN3Generator)
    started = start_from(path, new)
    alike = [
        (a.spec.in_sampling_rate, a.spec.out_sampling_rate) == (b.spec.in_sampling_rate, b.spec.out_sampling_rate)
        for a, b in zip(new.layers, old.layers[:-1], strict=False)
    ]
    taken = alike.index(False)
    names = [layer.info.name for layer in new.layers]
    assert taken > 0
    assert started.whole + started.widened == ["mapping", "input", *names[:taken]]
    assert started.fresh == names[taken:]
    assert torch.equal(new.input.freqs, old.input.freqs)
    first = new.layers[0].get_parameter("weight")
    assert torch.equal(first[:16, :16], old.layers[0].get_parameter("weight"))


def test_stylegan3_r_at_twice_the_rates_draws_the_same_picture(tmp_path: Path) -> None:
    """Its 1x1 convolutions take every layer; only what lies above the old band is new."""
    path, old = packed(tmp_path, "stylegan3-r", first_cutoff=2.0, first_stopband=4.0)
    sizes = {"channel_base": 256, "first_cutoff": 4.0, "first_stopband": 8.0}
    new = made("stylegan3-r", 2, img_resolution=32, **sizes)
    before = picture(new)
    started = start_from(path, new)
    assert started.fresh == started.widened == []
    wanted, found = picture(old), F.avg_pool2d(picture(new), 2)
    assert likeness(found, wanted) > 0.9
    assert abs(likeness(F.avg_pool2d(before, 2), wanted)) < 0.5


@pytest.mark.parametrize("family", ["stylegan2", "stylegan3-t", "stylegan3-r"])
def test_another_stage_begins_with_the_whole_network(family: str, tmp_path: Path) -> None:
    path, old = packed(tmp_path, family)
    new = made(family, 2)
    started = start_from(path, new)
    assert torch.equal(picture(new), picture(old))
    assert started.fresh == started.widened == []
    for name, value in old.state_dict().items():
        assert torch.equal(new.state_dict()[name], value), name


def test_what_does_not_fit_is_refused(tmp_path: Path) -> None:
    path, _ = packed(tmp_path, "stylegan2")
    with pytest.raises(UsageError, match="is a stylegan2, but the run trains a stylegan3-t"):
        start_from(path, made("stylegan3-t", 1, img_resolution=32))
    large, _ = packed(tmp_path, "stylegan2", img_resolution=32)
    with pytest.raises(UsageError, match="has 32 px, the run trains 16 px"):
        start_from(large, made("stylegan2", 1))
    with pytest.raises(UsageError, match="mapping network of"):
        start_from(path, made("stylegan2", 1, img_resolution=32, w_dim=8))
    with pytest.raises(UsageError, match="no layer that the run can start from"):
        start_from(path, made("stylegan2", 1, img_resolution=32, channel_max=4))
    fourier, _ = packed(tmp_path, "stylegan3-r")
    narrow = made("stylegan3-r", 1, img_resolution=32, channel_max=4)
    with pytest.raises(UsageError, match="no layer that the run can start from"):
        start_from(fourier, narrow)


def chosen(out: Path, start: Path, **changes: Any) -> TrainSettings:
    sizes = {k: v for k, v in tiny("stylegan2").items() if k != "img_resolution"} | {"channel_max": 20}
    values: dict[str, Any] = {"d_channel_base": 64, "d_channel_max": 8, "batch": 4, "total_kimg": 0.016}
    values |= {"guide_weight": 1.0, "adversarial_kimg": 0.008, "resolution": 32, "generator": sizes}
    return TrainSettings("stylegan2", out, [], start_from=str(start), **(values | changes))


def test_a_run_starts_once_and_its_card_says_from_what(tmp_path: Path) -> None:
    start, _ = packed(tmp_path, "stylegan2")
    dataset = Critters([pack(tmp_path / "critters.npy", 8, 32, batch=8)])
    whole = run(chosen(tmp_path / "whole", start), dataset)
    run(chosen(tmp_path / "cut", start, total_kimg=0.008), dataset)
    start.rename(tmp_path / "moved.safetensors")  # not needed any more
    again = chosen(tmp_path / "cut", start)
    check(again)
    cut = run(again, dataset)
    for name, value in whole.g_ema.state_dict().items():
        assert torch.equal(value, cut.g_ema.state_dict()[name]), name
    export(tmp_path / "cut", "critters-test", tmp_path / "assets")
    card = (tmp_path / "assets" / "critters-test.md").read_text()
    assert "did not start from scratch, but from `stylegan2.safetensors` of 16 pixels" in card
    assert cut.started["sha256"] in card
    assert "new: b32.conv0, b32.conv1, b32.torgb" in card
    assert "--start-from stylegan2.safetensors --out DIR" in card
    assert str(tmp_path) not in card


def test_a_missing_start_is_reported_before_any_data(tmp_path: Path) -> None:
    with pytest.raises(Exception, match=r"gone\.safetensors"):
        check(chosen(tmp_path / "run", tmp_path / "gone.safetensors"))


STARTED = {name: recipe for name, recipe in RECIPES.items() if "start_from" in recipe.settings}
STAGES = "assets/stages/"


@pytest.mark.parametrize("name", [n for n, r in STARTED.items() if not r.settings["start_from"].startswith(STAGES)])
def test_a_recipe_goes_on_from_layers_of_its_bundled_file(name: str, tmp_path: Path) -> None:
    settings = settings_of(name, tmp_path, [])
    new = build(settings.family, {"img_resolution": settings.resolution, **settings.generator})
    started = start_from(Path(__file__).parents[2] / settings.start_from, new)
    assert len(started.whole) + len(started.widened) > len(new.layers) / 3


@pytest.mark.parametrize("name", [n for n, r in STARTED.items() if r.settings["start_from"].startswith(STAGES)])
def test_a_second_stage_has_the_network_of_the_first(name: str) -> None:
    second = RECIPES[name]
    first = RECIPES[f"{Path(second.settings['start_from']).stem}-cpu"]
    assert (first.family, first.resolution) == (second.family, second.resolution)
    assert first.settings["generator"] == second.settings["generator"]
