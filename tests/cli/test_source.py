"""Image-to-image networks from the command line: sources, masks, references, domains, and the grid of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from explorer.cli import main
from explorer.commands.class_option import ModelClasses, classes_from
from explorer.errors import UsageError


@pytest.fixture
def pictures(tmp_path: Path) -> list[str]:
    """Two different pictures."""
    numbers = np.random.default_rng(1)
    paths = []
    for name in ("a", "b"):
        path = tmp_path / f"{name}.png"
        Image.fromarray(numbers.integers(0, 256, (40, 48, 3), dtype=np.uint8)).save(path)
        paths.append(str(path))
    return paths


def rendered(model: str, out: Path, *options: str) -> list[int]:
    assert main(["render", model, "-o", str(out / "r.png"), "--raw", str(out / "r.npy"), *options]) == 0
    found: list[int] = np.load(out / "r.npy").tolist()
    return found


def test_source_style_domain_and_mask_decide_the_picture(
    models: dict[str, str], out: Path, pictures: list[str]
) -> None:
    model, source = models["starganv2"], ["--source", pictures[0]]
    np.save(out / "m.npy", np.full((1, 40, 48), 255, np.uint8))
    plain = rendered(model, out, *source, "--domain", "0")
    assert rendered(model, out, *source, "--domain", "cat") == plain
    for options in (
        ["--source", pictures[1], "--domain", "0"],
        [*source, "--domain", "dog"],
        [*source, "--domain", "cat:1,dog:2"],
        [*source, "--domain", "0", "--seed", "4"],
        [*source, "--domain", "0", "--reference", pictures[1]],
        [*source, "--domain", "0", "--mask", pictures[1]],
        [*source, "--domain", "0", "--mask", str(out / "m.npy")],
    ):
        assert rendered(model, out, *options) != plain, options


def test_several_references_give_several_pictures(models: dict[str, str], out: Path, pictures: list[str]) -> None:
    options = ["--source", pictures[0], "--reference", pictures[0], "--reference", pictures[1]]
    assert main(["render", models["starganv2"], "-o", str(out / "r.png"), *options]) == 0
    names = [out / "r-reference0001.png", out / "r-reference0002.png"]
    assert names[0].read_bytes() != names[1].read_bytes()


def test_what_is_missing_or_does_not_fit_is_explained(
    models: dict[str, str], out: Path, pictures: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    (out / "text.png").write_text("no picture")
    np.save(out / "m.npy", np.zeros((3, 40, 48), np.uint8))
    cases = {
        "and none is given": [models["starganv2"]],
        "takes no source picture": [models["tiny"], "--source", pictures[0]],
        "--mask: tiny takes no source": [models["tiny"], "--mask", pictures[0]],
        "is not a picture": [models["starganv2"], "--source", str(out / "text.png")],
        "takes 1 masks, and 3 are given": [
            models["starganv2"], "--source", pictures[0], "--mask", str(out / "m.npy"),
        ],
        "cannot take the style": [models["tiny"], "--reference", pictures[0]],
        "classes 0 to 1: cat, dog": [models["starganv2"], "--source", pictures[0], "--domain", "2"],
    }  # fmt: skip
    for said, options in cases.items():
        assert main(["render", *options, "-o", str(out / "r.png")]) == 2, said
        assert said in capsys.readouterr().err
    assert not (out / "r.png").exists()


def test_a_grid_of_sources_and_styles(models: dict[str, str], out: Path, pictures: list[str]) -> None:
    path = out / "g.png"
    options = ["--sources", *pictures, "--references", pictures[1], "--seeds", "1-2", "--domain", "dog"]
    assert main(["grid", models["starganv2"], *options, "-o", str(path)]) == 0
    grid = np.array(Image.open(path))
    assert grid.shape == (3 * 32, 4 * 32, 3)
    assert (grid[:32, :32] == 255).all()
    assert (grid[:32, 64:] == 255).all()  # seeds have no picture of their own
    np.testing.assert_array_equal(grid[:32, 32:64], grid[64:, :32])  # the second source is the reference
    one = ["--source", pictures[0], "--domain", "dog", "--seed", "2"]
    assert main(["render", models["starganv2"], *one, "-o", str(out / "r.png")]) == 0
    np.testing.assert_array_equal(grid[32:64, 96:], np.array(Image.open(out / "r.png").convert("RGB")))
    assert main(["grid", models["starganv2"], "--sources", *pictures, "-o", str(path)]) == 2


def test_classes_with_weights() -> None:
    animals = [ModelClasses("animals", 3, ("cat", "dog", "a:1,b"))]
    assert classes_from("cat:0.5,2:3", animals).weights == ((0, 0.5), (2, 3.0))
    assert classes_from("a:1,b", animals).weights == ((2, 1.0),)
    for text in ("cat:0", "cat:-1", "cat:x", "cat:nan", "cow:1", ""):
        with pytest.raises(UsageError):
            classes_from(text, animals)
