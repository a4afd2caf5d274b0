"""Projects that the first version wrote open in each of their forms, and give the pictures of then.

A part of them lies in `tests/data`, the full set beside the repository (its README says how it was made).
"""

from __future__ import annotations

import json
import shutil
import zlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from explorer.animation.film import Film, FilmRenderer
from explorer.animation.recording import recover_recording
from explorer.assets.table import AssetTable
from explorer.checkpoints.bundled import assets_dir
from explorer.errors import ProjectError
from explorer.latents.recipes import recipe_from_text, recipe_to_text
from explorer.project.document import (
    FORMAT,
    Project,
    load_project,
    pack_text,
    project_from_json,
    project_from_text,
    state_to_text,
    write_project,
)
from explorer.project.latent_text import latent_from_text
from explorer.project.model_search import find_models
from explorer.state import Edit, ExplorerState, Nudge, Offset, ViewState, look_of
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


# -- what became of version 1 ----------------------------------------------------------------------------------

NUDGES = [{"seed": 1, "strength": 0.5}, {"seed": 2, "strength": -1.0, "last": 3}]
OFFSETS = [{"values": [1.0, 2.0], "first": 1}]
OF_NUDGES = (Edit(Nudge(1), 0.5), Edit(Nudge(2, 0, 3), -1.0))
OF_OFFSETS = (Edit(Offset((1.0, 2.0), 1)),)
OLD_ASPECTS = ("latent", "drift", "classes", "truncation", "mixing", "nudges", "offsets", "noise", "transform")


def state_of_1(state: dict[str, Any]) -> ExplorerState:
    return project_from_json({"format": FORMAT, "version": 1, "state": state}).state


def test_nudges_and_offsets_become_edits_in_the_order_of_then() -> None:
    point = {"latent": {}, "weight": 1.0, "nudges": NUDGES, "offsets": OFFSETS}
    blend = {"space": "ws", "points": [point]}
    look = {"latent": {"blend": blend}, "offsets": OFFSETS, "nudges": NUDGES}
    shared = state_of_1({"shared": look}).shared
    assert shared.edits == (*OF_NUDGES, *OF_OFFSETS)
    assert shared.latent.blend is not None
    assert shared.latent.blend.points[0].edits == (*OF_NUDGES, *OF_OFFSETS)


@pytest.mark.parametrize("unlinked", [(), ("latent", "drift"), ("nudges", "offsets", "noise"), OLD_ASPECTS])
def test_views_are_unlinked_in_what_they_were(unlinked: tuple[str, ...]) -> None:
    own = {"noise": {"seed": 3}, "nudges": NUDGES, "offsets": OFFSETS}
    linked = [name for name in OLD_ASPECTS if name not in unlinked]
    view = state_of_1({"views": [{"linked": linked, "own": own}]}).views[0]
    assert view.unlinked == {name.replace("nudges", "edits").replace("offsets", "edits") for name in unlinked}
    assert view.own.edits == (*OF_NUDGES, *OF_OFFSETS)
    assert state_of_1({"views": [{}]}).views[0].unlinked == frozenset()


def test_a_view_that_shared_only_its_nudges_shows_the_same_edits_as_its_own() -> None:
    linked = [name for name in OLD_ASPECTS if name != "offsets"]
    track = {"parameter": "nudges.1", "keys": [{"time": 0.0, "value": 2.0}]}
    own = {"offsets": OFFSETS, "nudges": [{"seed": 9, "strength": 9.0}]}
    shared = {"nudges": NUDGES, "offsets": [{"values": [9.0, 9.0]}]}
    views = [{}, {"linked": linked, "own": own}]
    pose = {"shared": shared, "views": views}
    timeline = {"tracks": [track], "keys": [{"time": 0.0, "pose": pose}], "aside": {"tracks": [track]}}
    state = state_of_1({"shared": shared, "views": views, "timeline": timeline})
    aside_alone = state_of_1(
        {"shared": shared, "views": views, "timeline": {"aside": {"tracks": [track]}}}
    ).timeline
    assert aside_alone.aside is not None
    assert len(aside_alone.aside.tracks) == 2
    for snapshot in (state, replace(state, views=state.timeline.keys[0].pose.views)):
        assert snapshot.views[1].unlinked == {"edits"}
        assert look_of(snapshot, 1).edits == (*OF_NUDGES, *OF_OFFSETS)
        assert look_of(snapshot, 0).edits == (*OF_NUDGES, Edit(Offset((9.0, 9.0))))
    assert state.timeline.aside is not None
    for each in (state.timeline, state.timeline.aside):  # the shared track moved this view's nudge too
        assert [(track.parameter, track.view) for track in each.tracks] == [("edits.1", -1), ("edits.1", 1)]


@pytest.mark.parametrize("edits", [0.5, [1], ["x"], [{"value": "x"}], [{"value": {"kind": []}}], {"kind": "nudge"}])
def test_damaged_views_of_then_are_refused(edits: object) -> None:
    linked = [name for name in OLD_ASPECTS if name != "offsets"]
    for shared, own in (({"edits": edits}, {}), ({}, {"edits": edits}), (edits, {}), ({}, edits)):
        with pytest.raises(ProjectError):
            state_of_1({"shared": shared, "views": [{"linked": linked, "own": own}], "colour": 1})


def test_a_performance_is_migrated_with_what_its_moments_share() -> None:
    first = {"time": 0.0, "pose": {"shared": {"nudges": NUDGES}}}
    changes = [
        first,
        *({"time": float(i)} for i in range(1, 500)),
        {"time": 500.0, "pose": {"shared": {"drift": 1.0}}},
    ]
    samples = state_of_1({"timeline": {"changes": changes, "duration": 600.0}}).timeline.performance
    assert len(samples) == 501
    assert all(sample.pose.shared.edits == OF_NUDGES for sample in samples)
    assert samples[0].pose is samples[499].pose
    assert samples[500].pose.shared.drift == 1.0


def test_copied_latents_and_recipes_in_files_of_then_are_read() -> None:
    recipe = {"blend": {"space": "ws", "points": [{"latent": {"seed": 3}, "weight": 1.0, "nudges": NUDGES}]}}
    latent, _ = latent_from_text("latentwalk-latent:1:" + pack_text({"recipe": recipe}))
    assert latent.blend is not None
    assert latent.blend.points[0].edits == OF_NUDGES
    assert recipe_from_text(json.dumps(recipe)) == latent
    assert recipe_from_text(recipe_to_text(latent)) == latent


def test_a_recording_of_then_is_recovered(tmp_path: Path) -> None:
    head = {
        "format": "latentwalk-recording",
        "version": 1,
        "project": {"format": FORMAT, "version": 1, "state": {}},
    }
    samples = [
        {"time": 0.0, "pose": {"shared": {"nudges": NUDGES}}},
        {"time": 0.5, "pose": {"shared": {"drift": 1.0}}},
    ]
    lines = [head, *({"sample": sample} for sample in samples), {"end": 1.0}]
    raw = [json.dumps(line).encode() for line in lines]
    (tmp_path / "j").write_bytes(b"".join(b"%08x %s\n" % (zlib.crc32(line), line) for line in raw))
    performance = recover_recording(tmp_path / "j").state.timeline.performance
    assert [sample.pose.shared.edits for sample in performance] == [OF_NUDGES, OF_NUDGES]


def test_models_are_looked_for_below_the_project(tmp_path: Path) -> None:
    (tmp_path / "walk" / "models").mkdir(parents=True)
    (tmp_path / "other").mkdir()
    for name, place in (("a.pt", "walk/models"), ("b.pt", "other"), ("c.pt", ".")):
        (tmp_path / place / name).write_bytes(b"")
    names = ("/home/me/walk/models/a.pt", "/home/me/walk/models/b.pt", "c.pt", "/nowhere/d.pt")
    state = ExplorerState(views=tuple(ViewState(name) for name in names))
    found = find_models(Project(state, AssetTable(), (), tmp_path))
    expected = ("walk/models/a.pt", "other/b.pt", "c.pt")
    assert [view.model for view in found.state.views[:3]] == [str(tmp_path / name) for name in expected]
    assert [place.name for place in found.missing] == ["/nowhere/d.pt"]


# -- of the future ---------------------------------------------------------------------------------------------


def test_edits_of_a_missing_plugin_are_reported_and_lost_nowhere(tmp_path: Path) -> None:
    edit = {"value": {"kind": "melt", "by": [1, None, 0.5], "kind of": {"a": ""}}, "strength": 0.5, "is_on": False}
    point = {"latent": {}, "weight": 1.0, "edits": [{"value": {"kind": "twist"}}]}
    shared = {"latent": {"blend": {"space": "ws", "points": [point]}}, "edits": [edit]}
    moment = {"time": 1.0, "pose": {"shared": {"edits": [edit, {"value": {"kind": "nudge", "seed": 1}}]}}}
    timeline = {"performance": [moment, {**moment, "time": 2.0}]}
    state = {"shared": shared, "timeline": timeline}
    (tmp_path / "a.json").write_text(json.dumps({"format": FORMAT, "version": VERSION, "state": state}))
    project = load_project(tmp_path / "a.json")
    (note,) = find_models(project).notes
    assert "(melt, twist)" in note
    write_project(tmp_path / "b.json", project.state, project.table)
    again = json.loads((tmp_path / "b.json").read_text())["state"]
    assert again["shared"] == shared
    assert again["timeline"]["changes"][0] == moment
    assert load_project(tmp_path / "b.json").state == project.state
    assert project_from_text(state_to_text(project.state)).state == project.state


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
