"""A project finds its models again: moved with it, moved elsewhere, replaced, or gone; and paths are any bytes."""

from __future__ import annotations

import json
import os
import shutil
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from explorer.animation.job import with_absolute_models
from explorer.checkpoints import Checkpoint, load, save_native
from explorer.checkpoints.bundled import bundled
from explorer.checkpoints.digest import known_digest
from explorer.errors import CancelledError, ProjectError
from explorer.project.document import load_project, project_from_text, state_to_text, write_png, write_project
from explorer.project.model_places import ModelPlace, places_from_json, places_of
from explorer.project.model_search import find_models
from explorer.state import ExplorerState, ViewState
from explorer.testing.mobile_writer import lightning_value
from explorer.util.control import Control
from tests.generators.configs import SMALL, small_generator

BYTES_NAME = os.fsdecode(b"caf\xe9 \xff")


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LATENTWALK_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def make_model(path: Path, kind: str = "stylegan2-skip") -> str:
    """A small model at `path`, loaded once so that its digest is known; returns the digest."""
    path.parent.mkdir(parents=True, exist_ok=True)
    family, config = SMALL[kind]
    save_native(path, Checkpoint(family, dict(config), small_generator(kind).state_dict(), path.stem))
    return load(path).sha256


def showing(*models: object) -> ExplorerState:
    return ExplorerState(views=tuple(ViewState(model=str(model)) for model in models))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a project of two models, one beside it and one in a folder below."""
    here = tmp_path / "here"
    make_model(here / "a.safetensors")
    make_model(here / "nets" / "b.safetensors", "stylegan2-plain")
    write_project(here / "p.json", showing(here / "a.safetensors", here / "nets" / "b.safetensors"))
    return here


def found_in(path: Path, recent: tuple[str, ...] = ()) -> tuple[list[str], list[str], tuple[str, ...]]:
    found = find_models(load_project(path), recent)
    return [view.model for view in found.state.views], [place.name for place in found.missing], found.notes


def test_a_project_says_where_its_models_are_and_what_they_hold(folder: Path) -> None:
    data = json.loads((folder / "p.json").read_bytes())
    a, b = data["models"]
    assert (a["name"], a["relative"]) == (str(folder / "a.safetensors"), "a.safetensors")
    assert b["relative"] == "nets/b.safetensors"
    assert a["sha256"] == known_digest(folder / "a.safetensors") != b["sha256"]
    assert (data["format"], data["version"]) == ("latentwalk-project", 2)


def test_a_moved_folder_opens(folder: Path, tmp_path: Path) -> None:
    moved = tmp_path / "elsewhere" / "deep"
    moved.parent.mkdir()
    shutil.move(folder, moved)
    wanted = [str(moved / "a.safetensors"), str(moved / "nets" / "b.safetensors")]
    assert found_in(moved / "p.json") == (wanted, [], ())


def test_a_copied_folder_uses_its_own_models(folder: Path, tmp_path: Path) -> None:
    copied = tmp_path / "copy"
    shutil.copytree(folder, copied)
    assert found_in(copied / "p.json")[0][0] == str(copied / "a.safetensors")


def test_a_moved_project_finds_its_models_at_the_old_place(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    moved = shutil.move(folder / "p.json", tmp_path / "other" / "p.json")
    wanted = [str(folder / "a.safetensors"), str(folder / "nets" / "b.safetensors")]
    assert found_in(Path(moved)) == (wanted, [], ())


def test_a_moved_model_is_found_by_its_content(folder: Path, tmp_path: Path) -> None:
    moved = tmp_path / "zoo" / "renamed.safetensors"
    moved.parent.mkdir()
    (folder / "a.safetensors").rename(moved)
    assert found_in(folder / "p.json")[1] == [str(folder / "a.safetensors")]
    load(moved)  # opened once, so that its content is known
    assert found_in(folder / "p.json")[0][0] == str(moved)


@pytest.mark.parametrize("has_other", [False, True])
@pytest.mark.parametrize("name", ["renamed.safetensors", "nets/renamed.safetensors"])
def test_renamed_models_are_found_by_their_content(folder: Path, cache: Path, name: str, has_other: bool) -> None:
    """Where nothing remembers them, as on another machine; also if a different network has the name now."""
    (folder / "nets" / "b.safetensors").rename(folder / name)
    shutil.rmtree(cache)
    if has_other:
        make_model(folder / "nets" / "b.safetensors")
    models, missing, notes = found_in(folder / "p.json")
    assert (models[1], missing, notes) == (str(folder / name), [], ())


def test_a_recent_file_of_that_name_is_looked_at(folder: Path, tmp_path: Path) -> None:
    moved = tmp_path / "zoo" / "a.safetensors"
    moved.parent.mkdir()
    (folder / "a.safetensors").rename(moved)
    assert found_in(folder / "p.json", (str(moved),))[0][0] == str(moved)


def test_a_bundled_model_of_that_content_is_found(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assets = tmp_path / "assets"
    assets.mkdir()
    (folder / "a.safetensors").rename(assets / "one.safetensors")
    monkeypatch.setenv("LATENTWALK_ASSETS", str(assets))
    assert [item.name for item in bundled()] == ["one"]
    assert found_in(folder / "p.json")[0][0] == "one"


def test_another_network_at_the_place_is_reported(folder: Path) -> None:
    make_model(folder / "a.safetensors", "stylegan2-plain")
    models, missing, notes = found_in(folder / "p.json")
    assert models[0] == str(folder / "a.safetensors")
    assert not missing
    assert len(notes) == 1
    assert "a.safetensors is not the network that the project was made with" in notes[0]


def test_the_right_network_is_preferred_to_another_one_beside_the_project(folder: Path, tmp_path: Path) -> None:
    copied = tmp_path / "copy"
    shutil.copytree(folder, copied)
    make_model(copied / "a.safetensors", "stylegan2-plain")
    assert found_in(copied / "p.json")[0][0] == str(folder / "a.safetensors")


def test_one_model_in_two_views_is_missing_once(tmp_path: Path) -> None:
    path = tmp_path / "gone.pkl"
    write_project(tmp_path / "p.json", showing(path, path))
    models, missing, _ = found_in(tmp_path / "p.json")
    assert models == [str(path)] * 2
    assert missing == [str(path)]


def test_an_old_project_keeps_its_place_before_one_of_the_same_name(folder: Path, tmp_path: Path) -> None:
    data = json.loads((folder / "p.json").read_bytes())
    del data["models"]
    other = tmp_path / "other"
    make_model(other / "a.safetensors", "stylegan2-plain")
    (other / "p.json").write_text(json.dumps(data))
    assert found_in(other / "p.json")[0][0] == str(folder / "a.safetensors")
    (folder / "a.safetensors").unlink()
    assert found_in(other / "p.json")[0][0] == str(other / "a.safetensors")
    data["state"]["views"][0]["model"] = "C:\\nets\\a.safetensors"  # made on Windows
    (other / "p.json").write_text(json.dumps(data))
    assert found_in(other / "p.json")[0][0] == str(other / "a.safetensors")


def test_pictures_and_texts_say_it_too(folder: Path, tmp_path: Path) -> None:
    state = showing(folder / "a.safetensors")
    write_png(folder / "s.png", np.zeros((2, 2, 4), np.uint8), state)
    moved = tmp_path / "moved"
    shutil.move(folder, moved)
    assert found_in(moved / "s.png")[0] == [str(moved / "a.safetensors")]
    load(moved / "a.safetensors")
    place = ModelPlace(state.views[0].model, "", known_digest(moved / "a.safetensors"))
    text = state_to_text(state, None, (place,))
    assert find_models(project_from_text(text)).state == showing(moved / "a.safetensors")


def test_digests_that_the_caller_knows_are_taken(tmp_path: Path) -> None:
    path = tmp_path / "m.pkl"
    path.write_bytes(b"x")
    assert places_of(showing(path), tmp_path, {str(path): "a" * 64}) == (ModelPlace(str(path), "m.pkl", "a" * 64),)
    assert places_of(showing(path), None) == ()


def test_comparing_contents_can_be_cancelled(folder: Path, cache: Path) -> None:
    shutil.rmtree(cache)
    control = Control()
    control.cancel()
    with pytest.raises(CancelledError):
        find_models(load_project(folder / "p.json"), control=control)


@pytest.mark.parametrize(
    "models", [{}, [3], [{"name": 3}], [{"sha256": None}], [{"name": "a\0b"}], [{}] * 65, [{"name": "x" * 70_000}]]
)
def test_damaged_places_are_refused(models: object) -> None:
    with pytest.raises(ProjectError, match="list of models"):
        places_from_json(models)


def test_absolute_places_and_fields_of_the_future_are_ignored() -> None:
    for relative in ("/etc/passwd", "C:\\x", "\\\\host\\share\\x"):
        assert places_from_json([{"name": "m", "relative": relative, "licence": {}}]) == (ModelPlace("m"),)


@pytest.mark.skipif(sys.platform in ("win32", "darwin"), reason="file names are Unicode there")
def test_paths_of_any_bytes_survive_files_pictures_and_texts(tmp_path: Path) -> None:
    here = tmp_path / BYTES_NAME
    make_model(here / f"{BYTES_NAME}.safetensors")
    state = showing(here / f"{BYTES_NAME}.safetensors")
    project, picture = here / f"{BYTES_NAME}.json", here / f"{BYTES_NAME}.png"
    write_project(project, state)
    write_png(picture, np.zeros((2, 2, 4), np.uint8), state)
    project.read_bytes().decode("utf-8")  # the file itself is UTF-8
    assert load_project(project).state == load_project(picture).state == state
    assert project_from_text(state_to_text(state)).state == state
    moved = tmp_path / os.fsdecode(b"moved \xfe")
    here.rename(moved)
    assert found_in(moved / project.name)[0] == [str(moved / f"{BYTES_NAME}.safetensors")]
    with pytest.raises(ProjectError) as caught:
        load_project(moved / os.fsdecode(b"gone\xff.json"))
    str(caught.value).encode()  # can be shown and printed


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no FIFOs here")
@pytest.mark.parametrize("name", ["p.json", "p.png", "p.mp4", "p.gif", "p.webp"])
def test_special_files_are_refused(tmp_path: Path, name: str) -> None:
    os.mkfifo(tmp_path / name)
    with pytest.raises(ProjectError, match="pipe"):
        load_project(tmp_path / name)


def test_an_error_names_its_file_once(tmp_path: Path) -> None:
    import av

    with av.open(str(tmp_path / "plain.mp4"), "w") as film:
        stream = film.add_stream("mpeg4", rate=5)
        stream.width = stream.height = 32
        film.mux(stream.encode(av.VideoFrame(32, 32, "yuv420p")))
        film.mux(stream.encode())
    with pytest.raises(ProjectError) as caught:
        load_project(tmp_path / "plain.mp4")
    assert str(caught.value).count("plain.mp4") == 1


def test_a_view_without_a_place_is_left_alone() -> None:
    state = replace(ExplorerState(), active=1)
    assert find_models(project_from_text(state_to_text(state))).state == state


def test_a_part_of_a_file_is_found_like_a_file(tmp_path: Path, cache: Path) -> None:
    """The teacher in a student's file: moved with its project, renamed, and not mistaken for the student."""
    here, moved = tmp_path / "here", tmp_path / "moved"
    here.mkdir()
    networks = (small_generator("mobilestylegan"), small_generator("stylegan2-skip"))
    torch.save(lightning_value(*networks), here / "mobile.ckpt")
    names = [str(here / "mobile.ckpt"), f"{here / 'mobile.ckpt'}#teacher"]
    digests = {name: load(name).sha256 for name in names}
    write_project(here / "p.json", showing(*names), digests=digests)
    student, teacher = places_of(load_project(here / "p.json").state, here, digests)
    assert (student.relative, teacher.relative) == ("mobile.ckpt", "mobile.ckpt")
    assert student.sha256 != teacher.sha256
    assert places_of(showing(*names), here) == (student, teacher)  # known from before
    assert found_in(here / "p.json") == (names, [], ())
    shutil.move(here, moved)
    assert found_in(moved / "p.json")[0] == [str(moved / "mobile.ckpt"), f"{moved / 'mobile.ckpt'}#teacher"]
    (moved / "mobile.ckpt").rename(moved / "other.ckpt")
    shutil.rmtree(cache)
    assert found_in(moved / "p.json")[0] == [str(moved / "other.ckpt"), f"{moved / 'other.ckpt'}#teacher"]
    networks[1].layers[0].weight.data.add_(1)  # type: ignore[union-attr,operator]
    torch.save(lightning_value(*networks), moved / "mobile.ckpt")
    (moved / "other.ckpt").unlink()
    models, missing, notes = found_in(moved / "p.json")
    assert (models[1], missing) == (f"{moved / 'mobile.ckpt'}#teacher", [])
    assert len(notes) == 2
    assert with_absolute_models(showing("nothing.ckpt#teacher")).views[0].model == "nothing.ckpt#teacher"
    assert with_absolute_models(showing(models[1])).views[0].model == models[1]
