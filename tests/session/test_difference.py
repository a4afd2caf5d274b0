"""The difference of two views: its numbers, which frames it is of, and when there is none."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from explorer.errors import UsageError
from explorer.state import ASPECTS, Latent, ViewState, look_of
from explorer.state.view_layout import MAX_VIEWS, compared, visible_views, with_comparison
from tests.session.world import World, undo_name


def show_difference(world: World, *names: str) -> None:
    world.open(*names)
    world.session.views.set_layout("difference")


def test_the_difference_is_that_of_the_pixels(world: World) -> None:
    show_difference(world, "a", "b")
    found = world.session.difference.value
    assert found is not None
    first, second = (world.frame(view).pixels[..., :3].astype(np.float64) for view in (0, 1))
    assert found.mean == pytest.approx(np.abs(second - first).mean(), rel=1e-5)
    assert found.psnr == pytest.approx(10 * math.log10(255**2 / np.square(second - first).mean()), rel=1e-5)
    assert found.pixels.shape == world.frame().pixels.shape
    assert not found.has_same_w
    world.session.lab.edit("Difference", difference="signed")
    assert undo_name(world) == "Difference"
    signed = world.session.difference.value
    assert signed is not None
    wanted = np.clip(np.floor(2 * (second - first) + 128), 0, 255)
    assert np.abs(signed.pixels[..., :3] - wanted).max() <= 1


@pytest.mark.parametrize(("mode", "level"), [("heat", 0), ("signed", 128)])
def test_equal_pictures_have_none(world: World, mode: str, level: int) -> None:
    world.session.lab.edit("Difference", difference=mode)
    show_difference(world, "a", "a")
    found = world.session.difference.value
    assert found is not None
    assert (found.psnr, found.mean, found.has_same_w) == (math.inf, 0, True)
    assert np.unique(found.pixels[..., :3]).tolist() == [level]


def test_it_follows_the_look_and_is_of_one_look_only(world: World) -> None:
    show_difference(world, "a", "a")
    s, seen = world.session, []

    def note() -> None:
        value = s.difference.value
        seen.append(None if value is None else value.psnr)

    s.difference.changed.connect(note)
    for x in (0.3, 0.6, 0.9):
        s.edit("Walk", latent=Latent(1, x=x))
        world.settle(0, 1)
    assert seen
    assert set(seen) == {math.inf}  # the one view's new picture is never compared with the other's old one


def test_nothing_is_computed_in_other_layouts(world: World) -> None:
    show_difference(world, "a", "b")
    s = world.session
    assert s.difference.time_of(0) is not None
    s.views.set_layout("grid")
    assert s.difference.value is None
    s.look.walk(0.1, 0)
    world.settle(0, 1)
    assert s.difference.value is None
    s.views.set_layout("difference")
    assert s.difference.value is not None
    s.models.request(1, "")
    assert s.difference.value is None
    assert s.difference.time_of(1) is None


def test_a_model_is_compared_with_another_in_one_step(world: World) -> None:
    world.open("a", "b")
    s = world.session
    s.views.set_active(1)
    s.views.set_link(1, "latent", False)
    s.edit("Seed", latent=Latent(7))
    before = s.state
    s.views.compare_with("wide", "Compare with teacher")
    assert undo_name(world) == "Compare with teacher"
    assert (s.state.layout, s.active) == ("difference", 1)
    assert compared(s.state) == visible_views(s.state) == (2, 1)
    assert [view.model for view in s.state.views] == ["a", "b", "wide"]
    assert all(s.state.views[view].linked == frozenset(ASPECTS) for view in (1, 2))
    assert look_of(s.state, 1).latent == look_of(s.state, 2).latent == Latent(7)
    world.settle(1, 2)
    s.undo()
    assert s.state.views == before.views
    assert s.state.shared == before.shared


def test_a_view_that_has_the_model_is_taken(world: World) -> None:
    world.open("a", "b")
    found = with_comparison(world.session.state, 0, "b")
    assert (len(found.views), found.pair) == (2, (1, 0))
    full = replace(world.session.state, views=tuple(ViewState(model=f"m{i}") for i in range(MAX_VIEWS)))
    assert with_comparison(full, 2, "m4").pair == (4, 2)
    with pytest.raises(UsageError, match="6 views already"):
        with_comparison(full, 2, "other")
