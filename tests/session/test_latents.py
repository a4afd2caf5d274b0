"""Latents are copied, saved and loaded."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from explorer.errors import LatentError
from explorer.latents.files import LatentMisfit
from explorer.latents.seeds import z_of_seed
from explorer.state import Latent, Nudge
from tests.session.world import World, check, undo_name


def test_latents_are_copied_and_pasted_as_text(world: World) -> None:
    world.open("a")
    s = world.session
    s.set_seed(77)
    s.walk(0.25, 0.0)
    text = s.documents.copy_latent_text()
    s.set_seed(0)
    s.documents.paste_latent_text(text)
    check(world, "Paste latent", "latent", Latent(77, 0.25))
    s.use_stored(s.documents.store_latent("w"))
    text = s.documents.copy_latent_text()
    s.set_seed(1)
    s.documents.paste_latent_text(text)
    assert s.look().latent.stored in s.table
    with pytest.raises(LatentError):
        s.documents.paste_latent_text("nonsense")


def test_a_latent_of_another_model_is_not_pasted(world: World) -> None:
    world.open("a")
    s = world.session
    s.use_stored(s.documents.store_latent("w"))
    text = s.documents.copy_latent_text()
    s.set_seed(0)
    world.open("b")
    with pytest.raises(LatentMisfit, match="another model"):
        s.documents.paste_latent_text(text)


@pytest.mark.parametrize("suffix", [".npy", ".npz", ".pt", ".safetensors"])
def test_a_saved_ws_shows_the_same_picture(world: World, tmp_path: Path, suffix: str) -> None:
    world.open("a")
    s = world.session
    s.set_seed(5)
    s.set_psi(0.5)
    s.set_mix(3, 0, 0.5)
    s.add_nudge(Nudge(3, 0.4))
    world.settle()
    picture = world.frame().pixels
    s.documents.save_latent(tmp_path / f"x{suffix}", "ws")
    s.reset()
    s.set_seed(0)
    s.documents.load_latent(tmp_path / f"x{suffix}")
    world.settle()
    np.testing.assert_array_equal(world.frame().pixels, picture)
    assert "is a latent in ws (5 x 8)" in world.words[-1]
    assert undo_name(world) == "Load latent"


def test_a_saved_w_keeps_the_controls(world: World, tmp_path: Path) -> None:
    world.open("a")
    s = world.session
    s.set_psi(0.5)
    s.walk(0.5, 0.5)
    world.settle()
    picture = world.frame().pixels
    s.documents.save_latent(tmp_path / "x.npz", "w")
    s.set_seed(9)
    s.documents.load_latent(tmp_path / "x.npz")
    world.settle()
    np.testing.assert_array_equal(world.frame().pixels, picture)
    assert s.look().truncation.psi == 0.5


def test_what_latents_there_are(world: World, tmp_path: Path) -> None:
    s = world.session
    with pytest.raises(LatentError, match="no model"):
        s.documents.current_latent("w")
    with pytest.raises(LatentError, match="no model"):
        s.documents.load_latent(tmp_path / "x.npy")
    world.open("a")
    s.set_seed(5)
    np.testing.assert_array_equal(s.documents.current_latent("z").array, z_of_seed(5, 8))
    s.use_stored(s.documents.store_latent("z"))
    np.testing.assert_array_equal(s.documents.current_latent("z").array, z_of_seed(5, 8))
    s.walk(0.5, 0.0)
    with pytest.raises(LatentError, match="between seeds"):
        s.documents.current_latent("z")
    s.use_stored(s.documents.store_latent("ws"))
    with pytest.raises(LatentError, match="is a ws"):
        s.documents.current_latent("w")
    assert s.documents.current_latent("ws").model_sha == "a"


def test_loading_asks_where_it_cannot_tell_and_converts_when_told(world: World, tmp_path: Path) -> None:
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
    s.use_stored(s.documents.store_latent("w"))
    world.settle(0)
    assert s.last_failure(0) is None
    assert "another model" in str(s.last_failure(1).error)  # type: ignore[union-attr]
