"""The public functions: the pictures of the command line, in the types that Python programs use."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

import explorer
from explorer.animation.film import FilmRenderer, whole_film
from explorer.api import LatentLike
from explorer.assets.latent import StoredLatent
from explorer.checkpoints import Checkpoint, save_native
from explorer.errors import (
    AssetError,
    CostlyModelError,
    FilmError,
    LatentError,
    LatentwalkError,
    RequestError,
    UsageError,
)
from explorer.generators import registry
from explorer.project.film_container import open_film
from explorer.render import limits
from explorer.state import Latent, Look


def _model_file(folder: Path, **config: Any) -> Path:
    torch.manual_seed(5)
    generator = registry.build("tiny", config)
    names = tuple(config.pop("class_names", ()))
    path = folder / "tiny.safetensors"
    save_native(path, Checkpoint("tiny", config, generator.state_dict(), "tiny", "MIT", class_names=names))
    return path


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> explorer.Model:
    return explorer.open_model(_model_file(tmp_path_factory.mktemp("model")))


def test_importing_the_package_imports_nothing_heavy() -> None:
    script = (
        "import sys, explorer; dir(explorer); print([m for m in ('torch', 'numpy', 'PySide6') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_every_public_name_is_there_and_no_other() -> None:
    for name in explorer.__all__:
        assert getattr(explorer, name) is not None
        assert name in dir(explorer)
    with pytest.raises(AttributeError, match="no attribute 'open_modle'"):
        _ = explorer.open_modle  # type: ignore[attr-defined]


def test_a_picture_is_that_of_the_command_line(tmp_path: Path) -> None:
    from explorer.cli import main

    file = _model_file(tmp_path)
    options = ["--seed", "7", "--psi", "0.7", "--mix", "12:fine:0.5", "--mix", "3:0", "--translate", "0.1,-0.05"]
    raw = tmp_path / "raw.npy"
    assert main(["render", str(file), *options, "--raw", str(raw), "-o", str(tmp_path / "picture.png")]) == 0
    picture = explorer.open_model(file).render(
        seed=7, psi=0.7, mix=[(12, "fine", 0.5), (3, 0)], translate=(0.1, -0.05)
    )
    np.testing.assert_array_equal(picture.image, np.load(raw))
    with Image.open(tmp_path / "picture.png") as image:
        np.testing.assert_array_equal(picture, image)


def test_a_picture_is_what_notebooks_numpy_and_pillow_take(model: explorer.Model, tmp_path: Path) -> None:
    picture = model.render(seed=3)
    size = model.info.img_size
    assert picture.pixels.shape == (*size, 3)
    assert picture.pixels.dtype == np.uint8
    assert picture.image.shape == (3, *size)
    assert picture.ws.shape == (model.info.num_ws, model.info.w_dim)
    assert np.asarray(picture, dtype=np.float32).dtype == np.float32
    assert repr(picture) == f"<Picture {size[1]}x{size[0]}>"
    assert picture._repr_png_().startswith(b"\x89PNG")
    picture.save(tmp_path / "picture.png")
    with Image.open(tmp_path / "picture.png") as image:
        np.testing.assert_array_equal(np.asarray(image), np.asarray(picture.to_pil()))
    changed = np.array(picture)
    changed[:] = 0
    assert picture.pixels.any()


def test_every_argument_changes_the_picture(model: explorer.Model) -> None:
    plain = model.render(seed=7).image
    w_dim = model.info.w_dim
    for arguments in (
        {"seed": 8},
        {"psi": 0.5},
        {"mix": [(1, "coarse")]},
        {"mix": [(1, range(1, 2), 0.5)]},
        {"edits": [explorer.Edit(explorer.Nudge(5), 2.0)]},
        {"edits": [explorer.Offset(tuple(np.ones(w_dim)))]},
        {"noise": "random", "noise_seed": 4},
        {"noise": "none"},
        {"translate": (0.2, 0.0)},
        {"rotate": 30.0},
        {"latent": np.zeros(w_dim)},
    ):
        assert not np.array_equal(model.render(**{"seed": 7, **arguments}).image, plain), arguments  # type: ignore[arg-type]
    assert not np.array_equal(model.render(7, psi=0.5, cutoff=1).image, model.render(7, psi=0.5).image)
    name = model.info.layers[0].name
    assert model.render(7, layer=name).image.shape[0] == model.info.layers[0].channels


def test_a_latent_gives_its_picture_in_every_space(model: explorer.Model) -> None:
    plain, edits = model.render(seed=7), [explorer.Edit(explorer.Nudge(5), 2.0)]
    z, w, ws = (model.latent(7, space=space) for space in ("z", "w", "ws"))  # type: ignore[arg-type]
    np.testing.assert_array_equal(z.array, np.random.RandomState(7).randn(model.info.z_dim).astype(np.float32))
    assert w.array.shape == (model.info.w_dim,)
    for latent in (z, w, ws, w.array, ws.array):
        np.testing.assert_array_equal(model.render(latent=latent).pixels, plain.pixels)
    edited = model.render(7, psi=0.7, mix=[(3, "fine")], edits=edits)
    latent = model.latent(7, psi=0.7, mix=[(3, "fine")], edits=edits)
    np.testing.assert_array_equal(latent.array, edited.ws)
    np.testing.assert_array_equal(model.render(latent=latent).image, edited.image)
    np.testing.assert_array_equal(
        model.render(0, mix=[(w, "fine")]).image, model.render(0, mix=[(7, "fine")]).image
    )


def test_a_look_renders_with_everything_that_the_window_can_set(model: explorer.Model) -> None:
    np.testing.assert_array_equal(model.render_look(Look(latent=Latent(7))).image, model.render(7).image)


def test_classes_by_number_name_and_mixture(tmp_path: Path) -> None:
    model = explorer.open_model(_model_file(tmp_path, c_dim=3, class_names=["cat", "dog", "fox"]))
    fox = model.render(7, classes="fox").image
    np.testing.assert_array_equal(fox, model.render(7, classes=2).image)
    assert not np.array_equal(fox, model.render(7).image)
    assert not np.array_equal(fox, model.render(7, classes={"fox": 0.5, 0: 0.5}).image)
    for wrong in ("wolf", 3, -1):
        with pytest.raises(UsageError, match="has no class"):
            model.render(7, classes=wrong)


def test_a_walk_is_the_film_that_it_saves(model: explorer.Model, tmp_path: Path) -> None:
    walk = model.walk([1, 2], seconds=0.5, fps=10, psi=0.7)
    assert len(walk) == 5
    np.testing.assert_array_equal(walk[0].image, model.render(1, psi=0.7).image)
    film = FilmRenderer(walk.state, whole_film(walk.state))
    for number, picture in enumerate(walk):
        np.testing.assert_array_equal(picture.pixels, film.frame(number))
    np.testing.assert_array_equal(walk[-1].pixels, walk[4].pixels)
    assert [picture.pixels.tobytes() for picture in walk[1:3]] == [walk[i].pixels.tobytes() for i in (1, 2)]
    with pytest.raises(IndexError):
        _ = walk[5]
    told: list[object] = []
    path = walk.save(tmp_path / "walk.mkv", height=32, progress=told.append)
    assert told
    with open_film(path) as file:
        assert file.streams.video[0].height == 32
    with pytest.raises(FilmError):
        walk.save(path)
    assert walk.save(path, height=32, overwrite=True) == path


def test_a_walk_goes_through_latents_and_loops(model: explorer.Model) -> None:
    stops: list[LatentLike] = [model.latent(1), model.latent(2, space="w"), 3]
    walk = model.walk(stops, fps=2, loop=True)
    assert len(walk) == 12  # two seconds from each to the next, and back
    np.testing.assert_array_equal(walk[0].pixels, model.render(1).pixels)
    np.testing.assert_allclose(walk[8].ws, model.render(3).ws, atol=1e-6)


def test_a_metric_is_that_of_the_command(model: explorer.Model, capsys: pytest.CaptureFixture[str]) -> None:
    from explorer.cli import main

    estimate = model.measure("eq-t", samples=2)
    assert main(["measure", "eq-t", model.metadata.path, "--samples", "2"]) == 0
    assert f"{estimate.value:.4g}" in capsys.readouterr().out
    assert model.measure("sticking", samples=2).stderr >= 0.0


@pytest.mark.parametrize(
    ("arguments", "kind", "message"),
    [
        ({"seed": -1}, UsageError, "-1 is not a seed"),
        ({"seed": 2**32}, UsageError, "is not a seed"),
        ({"seed": 1.5}, UsageError, "1.5 is not a seed"),
        ({"seed": "7"}, UsageError, "'7' is not a seed"),
        ({"psi": float("nan")}, RequestError, "psi"),
        ({"cutoff": -1}, UsageError, "negative"),
        ({"mix": [(1, "finest")]}, UsageError, "finest"),
        ({"mix": [(1, 99)]}, UsageError, "no entry 99"),
        ({"mix": [(1, 0, 1.5)]}, UsageError, "1.5"),
        ({"edits": [explorer.Offset((1.0, 2.0))]}, LatentError, "2 values"),
        ({"edits": [explorer.Nudge(0, first=99)]}, UsageError, "99"),
        ({"noise": "loud"}, UsageError, "loud"),
        ({"translate": (float("inf"), 0.0)}, RequestError, "transform"),
        ({"layer": "nowhere"}, RequestError, "nowhere"),
        ({"latent": np.zeros(3)}, LatentError, "shape"),
        ({"latent": StoredLatent("z", np.zeros(3, np.float32))}, LatentError, "shape"),
        ({"classes": 1}, UsageError, "no class 1"),
    ],
)
def test_what_the_model_cannot_do_is_refused(
    model: explorer.Model, arguments: dict[str, Any], kind: type[LatentwalkError], message: str
) -> None:
    with pytest.raises(kind, match=message) as refused:
        model.render(**arguments)
    assert refused.value.hint


def test_other_calls_refuse_what_they_cannot_do(model: explorer.Model) -> None:
    with pytest.raises(UsageError, match="no space"):
        model.latent(1, space="v")  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="at least one"):
        model.walk([])
    with pytest.raises(LatentError, match="shape"):
        model.walk([1, np.zeros(3)])
    for wrong in ({"seconds": 0.0}, {"seconds": float("nan")}, {"fps": 0.0}, {"seconds": 1e9}):
        with pytest.raises(UsageError, match=r"cannot be made|is not possible"):
            model.walk([1, 2], **wrong)  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="no metric"):
        model.measure("fid", samples=2)  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="1 picture cannot tell"):
        model.measure("eq-t", samples=1)
    with pytest.raises(UsageError, match="no device"):
        explorer.open_model("nothing", device="tpu")
    with pytest.raises(UsageError, match="no kernels"):
        explorer.open_model("nothing", backend="fast")  # type: ignore[arg-type]
    with pytest.raises(LatentwalkError, match=r"nothing\.pkl"):
        explorer.open_model("nothing.pkl")


def test_a_costly_model_is_opened_only_on_request(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = _model_file(tmp_path)
    built: list[bool] = []

    def refuse(name: str, *rest: object) -> None:
        raise CostlyModelError(f"One picture of {name} takes a week.", "Open a smaller one.")

    monkeypatch.setattr(limits, "check_affordable", refuse)
    monkeypatch.setattr("explorer.ops.native.build", lambda: built.append(True))
    with pytest.raises(CostlyModelError, match="allow_costly=True"):
        explorer.open_model(file)
    assert built  # with the kernels it might have been affordable
    assert repr(explorer.open_model(file, allow_costly=True)).startswith("<Model tiny: tiny, ")


def test_a_source_picture_is_given_as_pixels(tmp_path: Path) -> None:
    changing = explorer.open_model(_model_file(tmp_path, source_channels=3, num_masks=1))
    pixels, mask = np.full((20, 16, 3), 200, np.uint8), np.zeros((16, 16), np.uint8)
    made = [
        np.asarray(changing.render(source=pixels)),
        np.asarray(changing.render(source=255 - pixels)),
        np.asarray(changing.render(source=pixels, masks=[mask])),
    ]
    assert all(not np.array_equal(a, b) for i, a in enumerate(made) for b in made[:i])
    np.testing.assert_array_equal(np.asarray(changing.walk([0, 1], source=pixels)[0]), made[0])
    assert changing.latent(3).array.shape == (5, 8)  # latents need no source
    with pytest.raises(RequestError, match="has none"):
        changing.render()
    with pytest.raises(AssetError, match="values of type float64"):
        changing.render(source=pixels / 255)  # type: ignore[arg-type]


def test_a_model_without_a_source_refuses_one(model: explorer.Model) -> None:
    with pytest.raises(UsageError, match="takes no source picture"):
        model.render(source=np.zeros((4, 4, 3), np.uint8))
