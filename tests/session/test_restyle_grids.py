"""The grid of sources against styles: its cells, its file, its film, and what is refused."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from explorer.animation.compose import source_places
from explorer.animation.contact_sheet import sheet_spec
from explorer.animation.film import Film, FilmRenderer, frame_size_of
from explorer.animation.restyle_grid import grid_spec
from explorer.checkpoints import Checkpoint, save_native
from explorer.errors import CancelledError, LatentwalkError, UsageError
from explorer.project.document import load_project
from explorer.state import Crop, ExplorerState, Latent, Look, Source, ViewState, look_of
from explorer.state.restyle_grid import RestyleGrid, sources_of, styles_of
from tests.generators.configs import SMALL, small_generator
from tests.session.test_restyling import FIRST, SECOND, THIRD, Restyling, world

__all__ = ["world"]  # the fixture


def test_rows_and_columns_are_what_was_chosen_or_the_views_own() -> None:
    own = Source("a", ("mask",), Crop(0.1))
    assert sources_of(RestyleGrid(), own) == (own,)
    assert sources_of(RestyleGrid(sources=("b", "a")), own) == (Source("b"), own)
    (style,) = styles_of(RestyleGrid(), Latent(4), (0, 1))
    assert style.of(Look(drift=1.0)) == Look(Latent(4))
    grid = RestyleGrid(references=("r",), seeds=(7,), each_class=True)
    found = styles_of(grid, Latent(4), (0, 1))
    assert [(s.latent, s.label) for s in found] == [
        (Latent(stored="r"), 0), (Latent(stored="r"), 1), (Latent(7), 0), (Latent(7), 1),
    ]  # fmt: skip
    assert found[3].of(Look()).classes.weights == ((1, 1.0),)


def test_sources_stand_above_their_results() -> None:
    assert source_places(2) == ((0, 1, 2, 3), 2)
    places, columns = source_places(9)
    assert columns == 8
    assert places[:8] == tuple(range(8))
    assert places[8:16] == tuple(range(9, 17))
    assert places[16:24] == (8, *[-1] * 7)
    assert places[24:] == (17, *[-1] * 7)


def finished(world: Restyling, path: Path) -> np.ndarray:
    ends: list[Any] = []
    s = world.session
    s.grids.finished.connect(lambda: ends.append(None))
    s.grids.failed.connect(ends.append)
    s.grids.start(path, 0)
    world.qtbot.waitUntil(lambda: bool(ends))
    assert ends == [None]
    world.qtbot.waitUntil(path.exists)
    return np.asarray(Image.open(path).convert("RGB"))


def test_a_grid_has_the_pictures_of_the_view_and_the_project(world: Restyling, tmp_path: Path) -> None:
    s = world.session
    s.sources.set_crop(Crop(scale=0.5))
    s.grids.add([FIRST, SECOND], "sources")
    s.grids.add([THIRD], "references")
    s.grids.edit("Seeds", seeds=(3, 5))
    seen: list[tuple[int, int]] = []
    s.grids.progress.connect(lambda report: seen.append((report.done, report.total)))
    page = finished(world, tmp_path / "grid.png")
    assert page.shape == (3 * 64, 4 * 64, 3)
    assert seen == [(i, 6) for i in range(1, 7)]
    assert not np.array_equal(page[64:128, :64], page[128:, :64])
    assert (page[:64, :64] == 255).all()
    # The second row and last column is what the view shows of that source and that seed.
    s.sources.use(SECOND)
    s.look.set_seed(5)
    world.settle(1)
    np.testing.assert_array_equal(page[128:, 192:], world.frame(1).pixels[:, :, 2::-1])
    project = load_project(tmp_path / "grid.png")
    assert project.state.restyle_grid == s.state.restyle_grid
    assert project.table.get(THIRD.key) is not None


def test_a_grid_without_choices_is_of_the_view_and_of_each_class(world: Restyling, tmp_path: Path) -> None:
    s = world.session
    info = s.info(1)
    assert info is not None
    s.class_names.set_name(1, 0, "cat")
    s.grids.edit("Each class", each_class=True)
    assert [s.grids.name_of(style) for style in s.grids.columns()][:2] == ["cat", "class 1"]
    page = finished(world, tmp_path / "grid.png")
    assert page.shape == (128, 64 * (1 + info.c_dim), 3)
    np.testing.assert_array_equal(page[64:, 64:128], world.frame(1).pixels[:, :, 2::-1])


def test_a_cancelled_grid_writes_nothing(world: Restyling, tmp_path: Path) -> None:
    s, errors = world.session, list[object]()
    s.grids.failed.connect(errors.append)
    s.grids.edit("Seeds", seeds=tuple(range(100)))
    s.grids.start(tmp_path / "grid.png", 0)
    with pytest.raises(LatentwalkError, match="Another job"):
        s.grids.start(tmp_path / "other.png", 0)
    s.grids.cancel()
    world.qtbot.waitUntil(lambda: bool(errors))
    assert [type(error) for error in errors] == [CancelledError]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("why", ["suffix", "cells", "pixels", "model"])
def test_what_no_grid_can_be_made_of(world: Restyling, tmp_path: Path, why: str) -> None:
    s, path, px = world.session, tmp_path / "grid.png", 0
    if why == "suffix":
        path = tmp_path / "grid.jpg"
    elif why == "cells":
        s.grids.edit("Seeds", seeds=tuple(range(5000)))
    elif why == "pixels":
        s.grids.edit("Seeds", seeds=tuple(range(1000)))
        px = 512
    else:
        s.views.set_active(0)
    match = {"suffix": "not a PNG", "cells": "5000 pictures", "pixels": "pixels", "model": "no source"}[why]
    with pytest.raises(LatentwalkError, match=match):
        s.grids.start(path, px)


def test_settings_of_the_grid_are_undone_and_follow_their_view(world: Restyling) -> None:
    s = world.session
    s.grids.add([FIRST, SECOND, FIRST], "sources")
    assert s.grids.pictures("sources") == (FIRST, SECOND)
    assert s.store.undo_name == "Add sources"
    s.grids.remove(0, "sources")
    assert s.grids.pictures("sources") == (SECOND,)
    s.undo()
    s.undo()
    assert s.grids.settings == RestyleGrid()
    s.redo()
    assert s.grids.settings.view == 1
    s.views.swap()
    assert s.grids.settings.view == 0


def test_the_styles_walk_over_the_sources_in_a_film(world: Restyling, tmp_path: Path) -> None:
    s = world.session
    s.grids.add([FIRST, SECOND], "sources")
    with pytest.raises(UsageError, match="one style"):
        s.grids.make_keys(1.0)
    s.grids.add([THIRD], "references")
    s.grids.edit("Seeds", seeds=(5,))
    s.grids.make_keys(0.5)
    assert s.store.undo_name == "Keys of the styles"
    timeline = s.state.timeline
    assert [key.time for key in timeline.keys] == [0.0, 0.5]
    assert (timeline.duration, timeline.loop) == (1.0, "seamless")
    assert look_of(
        replace(s.state, views=timeline.keys[0].pose.views, shared=timeline.keys[0].pose.shared), 1
    ).latent == (Latent(stored=THIRD.key))
    family, config = SMALL["starganv2-skip"]
    path = tmp_path / "restyle.safetensors"
    save_native(path, Checkpoint(family, dict(config), small_generator("starganv2-skip").state_dict(), "restyle"))
    state = replace(s.state, views=(s.state.views[0], replace(s.state.views[1], model=str(path))))
    film = Film(1.0, layout="sources", captions=True)
    renderer = FilmRenderer(state, film, table=s.table)
    assert renderer.views == [1]
    first, later = renderer.frame(0), renderer.frame(8)
    assert first.shape[1::-1] == renderer.frame_size == frame_size_of(film, state, [(0, 0), (64, 64)]) == (136, 136)
    np.testing.assert_array_equal(first[:64], later[:64])  # the sources
    assert not np.array_equal(first[72:], later[72:])
    plain = FilmRenderer(state, replace(film, captions=False), table=s.table).frame(0)
    s.look.use_stored(THIRD.key)
    s.sources.use(SECOND)
    world.settle(1)
    np.testing.assert_array_equal(plain[72:, 72:], world.frame(1).pixels[:, :, 2::-1])


def test_a_film_of_sources_needs_an_image_to_image_network(tmp_path: Path) -> None:
    family, config = SMALL["tiny"]
    path = tmp_path / "tiny.safetensors"
    save_native(path, Checkpoint(family, dict(config), small_generator("tiny").state_dict(), "tiny"))
    state = ExplorerState(views=(ViewState(model=str(path)),))
    with pytest.raises(UsageError, match="takes no sources"):
        FilmRenderer(state, Film(1.0, layout="sources"))


def test_a_picture_that_many_cells_have_is_in_the_job_once(world: Restyling) -> None:
    s = world.session
    s.grids.add([FIRST, SECOND], "sources")
    s.grids.add([THIRD], "references")
    s.grids.edit("Each class", each_class=True)
    requests = [s.resolve_look(replace(s.look_of(), source=source), 1) for source in s.grids.rows()]
    styles = [s.resolve_look(style.of(s.look_of()), 1) for style in s.grids.columns()]
    options = grid_spec(requests, styles).options
    arrays = {id(style["base"]["stored"]) for style in options["styles"]}
    assert len(styles) > 1
    assert len(arrays) == 1
    looks = [s.look_of(), replace(s.look_of(), latent=Latent(8))]
    sheet = sheet_spec([s.resolve_look(look, 1) for look in looks], 0).options["requests"]
    assert sheet[0]["source"] is sheet[1]["source"]
