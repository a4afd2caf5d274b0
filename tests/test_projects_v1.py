"""Projects that the first version wrote open in each of their forms, and give the pictures of then.

A part of them lies in `tests/data`, the full set beside the repository (its README says how it was made).
"""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from explorer.animation.film import Film, FilmRenderer
from explorer.checkpoints.bundled import assets_dir
from explorer.project.document import Project, load_project, project_from_text
from explorer.project.model_search import find_models
from explorer.state.migrations import MIGRATIONS, VERSION, migrate
from explorer.state.request import RenderSettings
from tests import goldens

PART = Path(__file__).parent / "data" / "goldens" / "projects_v1"
SECONDS = {"keys": 3.0, "tracks": 2.0, "performance": 2.0}
FPS = 4
FRAMES_OF_PART = {"edits": (0, 1), "keys": (1, 5), "tracks": (3,), "performance": (2,)}
REFERENCE = RenderSettings("cpu", "float32", "reference")


def opened(path: Path) -> Project:
    """A project of any form, with its models found as the program finds them."""
    is_text = path.suffix == ".txt"
    project = project_from_text(path.read_text(), path.parent) if is_text else load_project(path)
    found = find_models(project)
    assert not found.missing
    return Project(found.state, project.table, (), path.parent)


def frames_of(project: Project, name: str, numbers: tuple[int, ...]) -> NDArray[np.uint8]:
    film = Film(SECONDS.get(name, 0.5), (FPS, 1), layout="both", format="png")
    renderer = FilmRenderer(project.state, film, REFERENCE, project.table)
    return np.stack([renderer.frame(number) for number in numbers])


def assert_same_pictures(found: NDArray[np.uint8], wanted: NDArray[np.uint8]) -> None:
    assert np.abs(found.astype(int) - wanted).max() <= 1


@pytest.fixture
def part(tmp_path: Path) -> Path:
    """A folder with some of the projects, and the models that they name by path."""
    shutil.copytree(PART, tmp_path / "part")
    (tmp_path / "part" / "models").mkdir()
    for name in ("critters-stylegan2.safetensors", "critters-stylegan3-t.safetensors"):
        shutil.copy(assets_dir() / name, tmp_path / "part" / "models" / name)
    return tmp_path / "part"


def test_there_is_a_migration_for_each_older_version() -> None:
    assert sorted(MIGRATIONS) == list(range(1, VERSION))


@pytest.mark.parametrize("name", sorted(FRAMES_OF_PART))
def test_old_projects_give_the_pictures_of_then(part: Path, name: str) -> None:
    with np.load(part / "frames.npz") as wanted:
        found = frames_of(opened(part / f"{name}.json"), name, FRAMES_OF_PART[name])
        assert_same_pictures(found, wanted[name])


@pytest.mark.parametrize("form", ["edits.png", "edits.txt", "keys.mp4", "performance.txt"])
def test_old_pictures_texts_and_films_hold_the_same(part: Path, form: str) -> None:
    project, same = opened(part / form), opened((part / form).with_suffix(".json"))
    assert project.state == same.state
    assert list(project.table) == list(same.table)


def test_a_migration_changes_nothing_of_what_it_is_given() -> None:
    view = {"linked": ["latent"]}
    look = {"nudges": [{"seed": 1, "strength": 0.5}]}
    old = {"state": {"shared": look, "views": [view, view]}}
    migrate(old, 1)
    assert old == {"state": {"shared": {"nudges": [{"seed": 1, "strength": 0.5}]}, "views": [view, view]}}
    assert view == {"linked": ["latent"]}


# -- the full set, where it is ---------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("name", ["edits", "keys", "layer", "performance", "stored", "tracks"])
def test_every_old_project_gives_the_pictures_of_then(name: str) -> None:
    folder = goldens.require("projects_v1/models/critters-stylegan2.safetensors").parent.parent
    project = opened(folder / f"{name}.json")
    forms = [folder / f"{name}.png", folder / f"{name}.txt", *folder.glob(f"{name}.mp4")]
    for form in forms:
        same = opened(form)
        assert same.state == project.state
        assert list(same.table) == list(project.table)
    with np.load(folder / "frames.npz") as wanted:
        assert_same_pictures(frames_of(project, name, tuple(range(len(wanted[name])))), wanted[name])
