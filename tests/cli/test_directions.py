"""`directions` and `render --edit`: files of directions, made and used."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from explorer.checkpoints import build_generator, load
from explorer.cli import main
from explorer.directions.files import load_directions
from tests.cli.test_render import raw


@pytest.mark.parametrize(
    "options",
    [
        ("--method", "sefa"),
        ("--method", "sefa", "--layers", "0-1", "--not-normalised"),
        ("--method", "ganspace", "--samples", "600"),
        ("--method", "svm", "--like", "0-9", "--unlike", "10-19"),
        ("--method", "svm", "--like", "0,1", "--unlike", "10-19", "--layers", "coarse"),
    ],
)
def test_every_method_writes_unit_directions(
    models: dict[str, str], out: Path, options: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    model, file = models["stylegan2"], out / "d.npz"
    assert main(["directions", model, *options, "-o", str(file)]) == 0
    info = build_generator(load(model)).info
    with np.load(file, allow_pickle=False) as stored:
        directions, values = stored["directions"], stored["values"]
    assert directions.ndim == 2
    assert directions.shape == (1 if "svm" in options else info.w_dim, info.w_dim)
    np.testing.assert_allclose(np.linalg.norm(directions, axis=1), 1.0, rtol=1e-5)
    assert (np.diff(values) <= 0.0).all()
    printed = capsys.readouterr()
    assert str(file) in printed.out
    assert ("accuracy" in printed.out or "right side" in printed.out) == ("0-9" in options)


def test_a_layer_and_a_count_can_be_chosen(models: dict[str, str], out: Path) -> None:
    model, file = models["stylegan2"], out / "d.safetensors"
    info = build_generator(load(model)).info
    name = info.layers[0].name
    options = ["--method", "ganspace", "--features", name, "--samples", "400", "--count", "3", "-o", str(file)]
    assert main(["directions", model, *options]) == 0
    found = load_directions(file, info)
    assert found.names == tuple(f"GANSpace {name} {i}" for i in range(3))


def test_edits_step_along_directions(models: dict[str, str], out: Path) -> None:
    model, file = models["stylegan2"], str(out / "d.npz")
    assert main(["directions", model, "--method", "sefa", "-o", file]) == 0
    plain = raw(model, out)
    np.testing.assert_array_equal(raw(model, out, "--edit", f"{file}:0:0"), plain)
    moved = raw(model, out, "--edit", f"{file}:0:2")
    assert np.abs(moved - plain).max() > 1e-3
    np.testing.assert_array_equal(raw(model, out, "--edit", f"{file}:0:2:all"), moved)
    coarse = raw(model, out, "--edit", f"{file}:0:2:coarse")
    assert not np.array_equal(coarse, moved)
    both = raw(model, out, "--edit", f"{file}:0:1", "--edit", f"{file}:0:-1.0")
    np.testing.assert_allclose(both, plain, atol=1e-4)


def test_edits_step_along_directions_of_styles(models: dict[str, str], out: Path) -> None:
    model, file = models["stylegan2"], out / "s.npz"
    info = build_generator(load(model)).info
    widths = [layer.style_dim for layer in info.layers]
    vectors = np.zeros((2, sum(widths)), np.float32)
    vectors[0, 1] = vectors[1, sum(widths[:-1])] = 1.0  # channels of the first and of the last layer
    np.savez(file, directions=vectors, sigmas=np.array([0.5, 0.5]))
    plain, bare = raw(model, out), out / "bare.npy"
    np.testing.assert_array_equal(raw(model, out, "--edit", f"{file}:0:0"), plain)
    first, last = (raw(model, out, "--edit", f"{file}:{k}:4") for k in (0, 1))
    assert np.abs(first - plain).max() > 1e-3
    assert np.abs(last - plain).max() > 1e-5
    assert np.abs(last - first).max() > 1e-3
    index = info.layers[0].ws_index
    np.testing.assert_array_equal(raw(model, out, "--edit", f"{file}:0:4:{index}"), first)
    np.testing.assert_array_equal(raw(model, out, "--edit", f"{file}:0:4:{info.num_ws - 1}"), plain)
    np.save(bare, vectors)  # without deviations, which are then measured
    assert np.abs(raw(model, out, "--edit", f"{bare}:0:4") - plain).max() > 1e-6


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--method", "svm"), "--like"),
        (("--method", "sefa", "--samples", "500"), "ganspace"),
        (("--method", "ganspace", "--not-normalised"), "sefa"),
        (("--method", "ganspace", "--features", "nothing"), "layers are"),
        (("--method", "ganspace", "--samples", "5"), "100"),
        (("--method", "sefa", "--layers", "0-99"), "0 to"),
        (("--method", "sefa", "--count", "0"), "at least 1"),
    ],
)
def test_options_that_do_not_go_together_are_explained(
    models: dict[str, str], out: Path, options: tuple[str, ...], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["directions", models["stylegan2"], *options, "-o", str(out / "d.npz")]) == 2
    assert message in capsys.readouterr().err
    assert not (out / "d.npz").exists()


@pytest.mark.parametrize("text", ["d.npz", "d.npz:x:1", "d.npz:0:far", "d.npz:99999:1", "gone.npz:0:1"])
def test_edits_that_cannot_be_are_explained(
    models: dict[str, str], out: Path, text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    model = models["stylegan2"]
    assert main(["directions", model, "--method", "sefa", "-o", str(out / "d.npz")]) == 0
    assert main(["render", model, "--edit", f"{out}/{text}", "-o", str(out / "x.png")]) == 2
    assert text.partition(":")[0] in capsys.readouterr().err
    assert not (out / "x.png").exists()
