"""Latents are copied, saved and loaded."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from explorer.assets.latent import SPACES
from explorer.errors import LatentError
from explorer.latents.files import LatentMisfit
from explorer.latents.seeds import z_of_seed
from explorer.project.document import from_json, to_json
from explorer.state import Blend, BlendPoint, Edit, Latent, MixSource, Nudge
from tests.session.world import World, check, undo_name


def test_latents_are_copied_and_pasted_as_text(world: World) -> None:
    world.open("a")
    s = world.session
    s.look.set_seed(77)
    s.look.walk(0.25, 0.0)
    text = s.documents.copy_latent_text()
    s.look.set_seed(0)
    s.documents.paste_latent_text(text)
    check(world, "Paste latent", "latent", Latent(77, 0.25))
    s.look.use_stored(s.documents.store_latent("w"))
    text = s.documents.copy_latent_text()
    s.look.set_seed(1)
    s.documents.paste_latent_text(text)
    assert s.look_of().latent.stored in s.table
    with pytest.raises(LatentError):
        s.documents.paste_latent_text("nonsense")


def test_a_latent_of_another_model_is_not_pasted(world: World) -> None:
    world.open("a")
    s = world.session
    s.look.use_stored(s.documents.store_latent("w"))
    text = s.documents.copy_latent_text()
    s.look.set_seed(0)
    world.open("b")
    with pytest.raises(LatentMisfit, match="another model"):
        s.documents.paste_latent_text(text)


@pytest.mark.parametrize("suffix", [".npy", ".npz", ".pt", ".safetensors"])
def test_a_saved_ws_shows_the_same_picture(world: World, tmp_path: Path, suffix: str) -> None:
    world.open("a")
    s = world.session
    s.look.set_seed(5)
    s.look.set_psi(0.5)
    s.look.set_mix(3, 0, 0.5)
    s.look.add_edit(Edit(Nudge(3), 0.4))
    world.settle()
    picture = world.frame().pixels
    s.documents.save_latent(tmp_path / f"x{suffix}", "ws")
    assert world.messages[-1] == f"Saved x{suffix}"
    s.look.reset()
    s.look.set_seed(0)
    s.documents.load_latent(tmp_path / f"x{suffix}")
    world.settle()
    np.testing.assert_array_equal(world.frame().pixels, picture)
    assert world.messages[-1] == f"Loaded x{suffix} as a ws latent (5 x 8 values)."
    assert undo_name(world) == "Load latent"


def test_a_saved_w_keeps_the_controls(world: World, tmp_path: Path) -> None:
    world.open("a")
    s = world.session
    s.look.set_psi(0.5)
    s.look.walk(0.5, 0.5)
    world.settle()
    picture = world.frame().pixels
    s.documents.save_latent(tmp_path / "x.npz", "w")
    s.look.set_seed(9)
    s.documents.load_latent(tmp_path / "x.npz")
    world.settle()
    np.testing.assert_array_equal(world.frame().pixels, picture)
    assert s.look_of().truncation.psi == 0.5


def test_what_latents_there_are(world: World, tmp_path: Path) -> None:
    s = world.session
    with pytest.raises(LatentError, match="No model is loaded"):
        s.documents.current_latent("w")
    with pytest.raises(LatentError, match="No model is loaded"):
        s.documents.load_latent(tmp_path / "x.npy")
    world.open("a")
    s.look.set_seed(5)
    np.testing.assert_array_equal(s.documents.current_latent("z").array, z_of_seed(5, 8))
    s.look.use_stored(s.documents.store_latent("z"))
    np.testing.assert_array_equal(s.documents.current_latent("z").array, z_of_seed(5, 8))
    s.look.walk(0.5, 0.0)
    with pytest.raises(LatentError, match="between seeds"):
        s.documents.current_latent("z")
    s.look.use_stored(s.documents.store_latent("ws"))
    with pytest.raises(LatentError, match="is a ws"):
        s.documents.current_latent("w")
    assert s.documents.current_latent("ws").model_sha == "a"


def test_loading_asks_where_it_is_unsure_and_converts_on_request(world: World, tmp_path: Path) -> None:
    world.open("a")
    s = world.session
    np.save(tmp_path / "x.npy", np.ones((3, 8)))
    with pytest.raises(LatentMisfit) as caught:
        s.documents.load_latent(tmp_path / "x.npy")
    assert caught.value.choices == ("z", "w")
    keys = s.documents.load_latent(tmp_path / "x.npy", space="w")
    assert (len(keys), len(set(keys))) == (3, 1)  # equal rows are one latent
    s.documents.save_latent(tmp_path / "y.npz", "ws")
    world.open("b")
    with pytest.raises(LatentMisfit) as caught:
        s.documents.load_latent(tmp_path / "y.npz")
    assert caught.value.offer
    s.documents.load_latent(tmp_path / "y.npz", convert=True)
    world.settle()


def test_a_stored_latent_that_does_not_fit_the_other_view_fails_there_only(world: World) -> None:
    world.open("a", "b")
    s = world.session
    s.look.use_stored(s.documents.store_latent("w"))
    world.settle(0)
    assert s.last_failure(0) is None
    assert "another model" in str(s.last_failure(1).error)  # type: ignore[union-attr]


def places() -> dict[str, Latent]:
    """Latents that the hands make and that have no z of their own."""
    points = (BlendPoint(Latent(3), 0.4), BlendPoint(Latent(8, 0.5), 0.6))
    return {"walked": Latent(7, 0.25, -0.5), "between keys": Latent(3, blend=Blend("w", points))}


@pytest.mark.parametrize("latent", places().values(), ids=places())
def test_a_latent_of_both_views_fits_both_wherever_it_was_copied(
    world: World, tmp_path: Path, latent: Latent
) -> None:
    world.open("a", "wide")  # networks of different widths: no number of one fits the other
    s = world.session
    s.edit("Walk", latent=latent)
    world.settle(0, 1)
    pictures = [world.frame(view).pixels for view in range(2)]
    text = s.documents.copy_latent_text()
    for suffix in (".npz", ".pt", ".safetensors"):
        for space in SPACES[1:]:
            s.documents.save_latent(tmp_path / f"{space}{suffix}", space)
    loads: list[Callable[[], object]] = [
        lambda: s.documents.paste_latent_text(text),
        *(partial(s.documents.load_latent, path) for path in sorted(tmp_path.iterdir())),
    ]
    for load in loads:
        s.look.set_seed(1)
        world.settle(0, 1)
        load()
        world.settle(0, 1)
        for view, picture in enumerate(pictures):
            np.testing.assert_array_equal(world.frame(view).pixels, picture)
    assert world.failures == []
    state, table = from_json(to_json(s.state, s.table))
    assert table.latent(state.shared.latent.stored).recipe is not None


def test_a_saved_ws_brings_mixing_and_edits_to_the_other_model(world: World, tmp_path: Path) -> None:
    world.open("a", "b")
    s = world.session
    s.look.walk(0.5, 0.25)
    s.look.set_psi(0.5)
    s.look.set_mix_source(0, MixSource.of(Latent(4, 0.5)))
    s.look.set_mix(3, 0, 0.5)
    s.look.add_edit(Edit(Nudge(3), 0.4))
    world.settle(0, 1)
    pictures = [world.frame(view).pixels for view in range(2)]
    s.documents.save_latent(tmp_path / "x.npz", "ws")
    s.look.reset()
    s.documents.load_latent(tmp_path / "x.npz")
    world.settle(0, 1)
    for view, picture in enumerate(pictures):
        np.testing.assert_array_equal(world.frame(view).pixels, picture)


def test_a_walked_latent_is_a_source_in_every_model(world: World) -> None:
    world.open("a", "wide")
    s = world.session
    s.look.set_mix_source(0, MixSource.of(Latent(7, 0.25, -0.5)))
    s.look.set_mix(2, 0, 1.0)
    world.settle(0, 1)
    assert world.failures == []
    mixed = [frame.latents.ws[2] for frame in map(world.frame, range(2))]
    s.edit("Walk", latent=Latent(7, 0.25, -0.5))
    world.settle(0, 1)
    for view in range(2):
        np.testing.assert_array_equal(world.frame(view).latents.ws[2], mixed[view])


def misfit(world: World) -> None:
    """Numbers of A's model in both views; B cannot show them."""
    world.open("a", "b")
    s = world.session
    s.look.set_seed(5)
    s.look.use_stored(s.documents.store_latent("w"))
    world.settle(0)
    world.qtbot.waitUntil(lambda: s.last_failure(1) is not None)


@pytest.mark.parametrize("number", range(3))
def test_each_cure_of_a_misfit_cures_it(world: World, number: int) -> None:
    misfit(world)
    s = world.session
    before = s.state
    picture = world.frame(0).pixels
    offers = s.misfits.offers(1, s.last_failure(1).error)  # type: ignore[union-attr]
    assert [text for text, _ in offers] == ["Unlink latent in B", "Convert to this model", "Use seed 5"]
    offers[number][1]()
    world.settle(0, 1)
    assert s.last_failure(1) is None
    if number < 2:
        np.testing.assert_array_equal(world.frame(0).pixels, picture)
        assert s.look_of(0).latent.stored
    else:
        assert s.look_of(0).latent == s.look_of(1).latent == Latent(5)
    s.undo()
    assert s.state == before


def test_a_misfit_source_is_cured_on_the_timeline_too(world: World) -> None:
    world.open("a", "b")
    s = world.session
    s.look.set_mix_source(0, MixSource(5, s.documents.store_latent("w")))
    s.look.set_mix(2, 0, 1.0)
    s.transport.keys.add(0.0)
    world.qtbot.waitUntil(lambda: s.last_failure(1) is not None)
    offers = dict(s.misfits.offers(1, s.last_failure(1).error))  # type: ignore[union-attr]
    offers["Unlink style mixing in B"]()
    world.settle(0, 1)
    s.transport.seek(0.0)
    world.settle(0, 1)
    assert s.last_failure(1) is None
    assert s.look_of(1).mixing.sources == (MixSource(5),)
    assert s.look_of(0).mixing.sources[0].stored


def test_numbers_of_another_width_cannot_be_converted(world: World) -> None:
    world.open("a", "wide")
    s = world.session
    s.look.use_stored(s.documents.store_latent("w"))
    world.qtbot.waitUntil(lambda: s.last_failure(1) is not None)
    offers = s.misfits.offers(1, s.last_failure(1).error)  # type: ignore[union-attr]
    assert [text for text, _ in offers] == ["Unlink latent in B", "Use seed 0"]


@pytest.mark.parametrize(
    "recipe", ["nonsense", "[]", '{"seed": 1, "stored": "x"}', '{"blend": {"points": []}}', "[" * 9999,
               '{"blend":{"points":[{"weight":1.0,"latent":' * 40 + "{}" + "}]}}" * 40]
)  # fmt: skip
def test_a_damaged_recipe_is_refused(world: World, tmp_path: Path, recipe: str) -> None:
    world.open("a")
    metadata = {"space": "w", "recipe": recipe}
    np.savez(tmp_path / "x.npz", w=np.ones(8, np.float32), latentwalk=np.array(json.dumps(metadata)))
    with pytest.raises(LatentError, match="damaged"):
        world.session.documents.load_latent(tmp_path / "x.npz")
