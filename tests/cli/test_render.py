"""`main.py render`: every option changes what it should, and the floats equal a direct run of the generator."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image

from explorer.checkpoints import build_generator, load
from explorer.cli import main
from explorer.generators.base import NO_EDITS, Activation, Generator, Inputs, LayerEdits, NoiseSpec, fold
from explorer.ops.backend import Policy, policy
from explorer.testing.tiny import TinyGenerator

Floats = NDArray[np.float32]


def raw(model: str, out: Path, *options: str) -> Floats:
    """The float image of one call."""
    assert main(["render", model, *options, "-o", str(out / "x.png"), "--raw", str(out / "x.npy")]) == 0
    values: Floats = np.load(out / "x.npy")
    return values


def test_floats_go_into_the_file_that_was_named(
    models: dict[str, str], out: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ["--seed", "1,2", "--grid", "-o", str(out / "x.png"), "--raw", str(out / "X.NPY")]
    assert main(["render", models["tiny"], *options]) == 0
    told = capsys.readouterr().out.split()
    assert sorted(told) == sorted(str(path) for path in out.iterdir())
    assert str(out / "X-seed0001.NPY") in told


def pixels_of(path: Path) -> NDArray[np.uint8]:
    """The picture in a file, `[H, W, 3]`."""
    with Image.open(path) as image:
        return np.array(image)


def directly(
    model: str,
    seed: int = 0,
    psi: float = 1.0,
    cutoff: int | None = None,
    transform: list[list[float]] | None = None,
    noise: NoiseSpec | None = None,
) -> Floats:
    """The same by hand from the published recipe, without anything of the command line."""
    generator: Generator = build_generator(load(model))
    z = torch.from_numpy(np.random.RandomState(seed).randn(1, generator.info.z_dim)).float()
    with torch.inference_mode():
        ws = generator.truncate(generator.broadcast(generator.mapping(z)), psi, cutoff)
        matrix = None if transform is None else torch.tensor(transform, dtype=torch.float32)
        return generator.synthesis(ws, transform=matrix, noise=noise)[0].numpy()


@pytest.mark.parametrize("name", ["tiny", "stylegan2"])
def test_floats_and_pixels_equal_a_direct_run(models: dict[str, str], out: Path, name: str) -> None:
    values = raw(models[name], out, "--seed", "4")
    expected = directly(models[name], 4)
    assert values.dtype == np.float32
    np.testing.assert_allclose(values, expected, atol=1e-5)
    pixels = pixels_of(out / "x.png")
    np.testing.assert_array_equal(pixels, np.clip(values * 127.5 + 128, 0, 255).astype(np.uint8).transpose(1, 2, 0))


def test_truncation_and_cutoff(models: dict[str, str], out: Path) -> None:
    values = raw(models["tiny"], out, "--psi", "-0.5", "--cutoff", "2")
    np.testing.assert_allclose(values, directly(models["tiny"], psi=-0.5, cutoff=2), atol=1e-5)


def test_noise(models: dict[str, str], out: Path) -> None:
    for options, spec in (
        (["--noise", "none"], NoiseSpec("none")),
        (["--noise", "random", "--noise-seed", "3"], NoiseSpec("random", 3)),
    ):
        np.testing.assert_allclose(
            raw(models["tiny"], out, *options), directly(models["tiny"], noise=spec), atol=1e-5
        )


def test_transform_is_the_forward_motion(models: dict[str, str], out: Path) -> None:
    angle = math.radians(-30)
    c, s = math.cos(angle), math.sin(angle)
    expected = directly(models["tiny"], transform=[[c, s, -0.1], [-s, c, 0.2], [0, 0, 1]])
    by_parts = raw(models["tiny"], out, "--translate", "-0.1,0.2", "--rotate", "-30")
    by_matrix = raw(models["tiny"], out, "--transform", f"{c},{s},-0.1,{-s},{c},0.2")
    np.testing.assert_allclose(by_parts, expected, atol=1e-5)
    np.testing.assert_allclose(by_matrix, expected, atol=1e-5)


def test_mixing_everything_gives_the_other_seed(models: dict[str, str], out: Path) -> None:
    mixed = raw(models["tiny"], out, "--seed", "1", "--mix", "2:0-1", "--mix", "2:2-4:1.0")
    np.testing.assert_allclose(mixed, directly(models["tiny"], 2), atol=1e-5)
    half = raw(models["tiny"], out, "--seed", "1", "--mix", "2:0-4:0.5")
    assert not np.allclose(half, directly(models["tiny"], 2), atol=1e-3)
    assert not np.allclose(half, directly(models["tiny"], 1), atol=1e-3)


def test_classes(models: dict[str, str], out: Path) -> None:
    first, second = (raw(models["tiny-classes"], out, "--class", k) for k in "02")
    assert not np.allclose(first, second, atol=1e-3)


def test_layer_gives_its_activation(models: dict[str, str], out: Path) -> None:
    values = raw(models["tiny"], out, "--layer", "t1")
    assert values.shape == (8, 16, 16)
    generator = build_generator(load(models["tiny"]))
    z = torch.from_numpy(np.random.RandomState(0).randn(1, 8)).float()
    with torch.inference_mode():
        ws = generator.broadcast(generator.mapping(z))
        x = fold(generator.layers, generator.begin(Inputs(ws)), Inputs(ws), stop=1)
    np.testing.assert_allclose(values, x.x[0].numpy(), atol=1e-5)
    assert pixels_of(out / "x.png").shape == (16, 16, 3)


def test_bfloat16_is_near_float32(models: dict[str, str], out: Path) -> None:
    exact = raw(models["stylegan2"], out)
    coarse = raw(models["stylegan2"], out, "--dtype", "bfloat16")
    assert not np.array_equal(exact, coarse)
    assert np.abs(exact - coarse).max() < 0.05 * np.abs(exact).max()


def test_device_options_reach_the_operators(
    models: dict[str, str], out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[Policy] = []
    begin = TinyGenerator.begin

    def spy(self: TinyGenerator, inputs: Inputs, edits: LayerEdits = NO_EDITS) -> Activation:
        seen.append(policy())
        return begin(self, inputs, edits)

    monkeypatch.setattr(TinyGenerator, "begin", spy)
    raw(models["tiny"], out, "--backend", "reference")
    raw(models["tiny"], out, "--dtype", "bfloat16")
    assert seen == [Policy("reference", torch.float32), Policy("auto", torch.bfloat16)]


def test_reference_backend_agrees(models: dict[str, str], out: Path) -> None:
    automatic, reference = (raw(models["stylegan2"], out, "--backend", b) for b in ("auto", "reference"))
    np.testing.assert_allclose(automatic, reference, atol=1e-4)


def test_several_seeds_give_several_files(
    models: dict[str, str], out: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    results = ["-o", str(out / "a.png"), "--raw", str(out / "a.npy")]
    assert main(["render", models["tiny"], "--seed", "3-4,12", *results]) == 0
    printed = capsys.readouterr().out.split()
    wanted = {f"a-seed00{n}.{ending}" for n in ("03", "04", "12") for ending in ("png", "npy")}
    assert {Path(line).name for line in printed} == wanted == {p.name for p in out.iterdir()}
    np.testing.assert_allclose(np.load(out / "a-seed0012.npy"), directly(models["tiny"], 12), atol=1e-5)


def test_grid_holds_each_picture_at_its_place(models: dict[str, str], out: Path) -> None:
    assert main(["render", models["tiny"], "--seed", "5-7", "--grid", "-o", str(out / "g.png")]) == 0
    assert main(["render", models["tiny"], "--seed", "5-7", "-o", str(out / "s.png")]) == 0
    grid = pixels_of(out / "g.png")
    assert grid.shape == (32, 32, 3)
    third = pixels_of(out / "s-seed0007.png")
    np.testing.assert_array_equal(grid[16:, :16], third)
    assert not grid[16:, 16:].any()


@pytest.mark.parametrize("space", ["z", "w", "ws"])
def test_saved_latents(models: dict[str, str], out: Path, space: str) -> None:
    generator = build_generator(load(models["tiny"]))
    z = np.random.RandomState(9).randn(1, 8).astype(np.float32)
    with torch.inference_mode():
        w = generator.mapping(torch.from_numpy(z))
        array = {"z": z[0], "w": w[0].numpy(), "ws": generator.broadcast(w)[0].numpy()}[space]
    np.save(out / "latent.npy", array)
    values = raw(models["tiny"], out, f"--{space}", str(out / "latent.npy"))
    np.testing.assert_allclose(values, directly(models["tiny"], 9), atol=1e-5)
