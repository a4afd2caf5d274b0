"""The source, crop, mask and references of an image-to-image network, as the session's user acts on them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pytestqt.qtbot import QtBot

from explorer.assets.picture import StoredMask, StoredPicture
from explorer.checkpoints import Checkpoint
from explorer.errors import LatentwalkError, UsageError
from explorer.project.document import from_json, to_json
from explorer.render.model_store import LoadedModel, model_info_of
from explorer.state import Crop, Latent, Source, look_of
from tests.generators.configs import SMALL, small_generator
from tests.session.world import World

RNG = np.random.default_rng(5)
FIRST = StoredPicture(RNG.integers(0, 256, (80, 64, 3), dtype=np.uint8), "first.png")
SECOND = StoredPicture(RNG.integers(0, 256, (64, 64, 3), dtype=np.uint8), "second.png")
THIRD = StoredPicture(RNG.integers(0, 256, (64, 64, 3), dtype=np.uint8), "third.png")


def restyler(sha: str) -> LoadedModel:
    """A small StarGAN v2 with two masks and random weights, as if loaded from a file."""
    generator = small_generator("starganv2-skip").eval().requires_grad_(False)
    family, config = SMALL["starganv2-skip"]
    info = model_info_of(generator, Checkpoint(family, dict(config), {}, name=sha, sha256=sha), f"/models/{sha}")
    return LoadedModel(generator, info)


class Restyling(World):
    """A world in which "restyle" and "again" are image-to-image networks."""

    def load(self, path: str, *args: Any, **options: Any) -> LoadedModel:
        if path in ("restyle", "again"):
            return self.models.setdefault(path, restyler(path))
        return super().load(path, *args, **options)


@pytest.fixture
def world(qtbot: QtBot) -> Iterator[Restyling]:
    """View A shows a tiny generator, view B an image-to-image network whose source is the first picture."""
    made = Restyling(qtbot)
    s = made.session
    s.models.request(0, "a")
    s.models.request(1, "restyle")
    qtbot.waitUntil(lambda: s.info(0) is not None and s.info(1) is not None)
    s.views.set_active(1)
    s.sources.use(FIRST)
    made.settle(0, 1)
    yield made
    assert s.close()


def pixels(world: World, view: int = 1) -> bytes:
    return world.frame(view).pixels.tobytes()


# -- crops -----------------------------------------------------------------------------------------------------


def test_a_crop_is_one_undo_step_and_keeps_the_original(world: Restyling) -> None:
    s = world.session
    plain = pixels(world)
    s.begin("Crop source")
    for x in (0.01, 0.05, 0.1):
        s.sources.set_crop(Crop(x, scale=0.5))
    s.commit()
    world.settle(0, 1)
    assert pixels(world) != plain
    assert s.sources.picture is not None
    assert s.sources.picture.key == FIRST.key
    assert s.store.undo_name == "Crop source"
    state, table = from_json(to_json(s.state, s.table))
    assert look_of(state, 1).source.crop == Crop(0.1, scale=0.5)
    np.testing.assert_array_equal(table.of(StoredPicture, FIRST.key).array, FIRST.array)
    s.undo()
    world.settle(0, 1)
    assert pixels(world) == plain
    s.redo()
    s.sources.reset_crop()
    world.settle(0, 1)
    assert pixels(world) == plain
    s.undo()
    s.sources.use(SECOND)
    assert s.look_of().source == Source(SECOND.key)


def test_a_reset_keeps_the_picture_and_takes_the_whole_of_it(world: Restyling) -> None:
    s = world.session
    s.sources.set_crop(Crop(0.1, scale=0.5))
    s.look.reset()
    assert s.look_of().source == Source(FIRST.key)
    assert s.store.undo_name == "Reset"


def test_the_crop_is_edited_where_there_is_a_picture(world: Restyling) -> None:
    s, told = world.session, list[str]()
    s.sources.editing_changed.connect(lambda: told.append(s.sources.editing))
    s.sources.set_editing("crop")
    s.sources.remove()
    s.sources.set_editing("crop")  # there is none now
    s.undo()
    s.sources.set_editing("mask")
    s.views.set_active(0)
    assert told == ["crop", "", "mask", ""]


# -- live sources ----------------------------------------------------------------------------------------------


def test_a_walk_in_one_view_restyles_it_in_the_other(world: Restyling) -> None:
    s = world.session
    assert s.sources.views_to_use() == (0,)
    stored = pixels(world)
    s.sources.use_view(0)
    assert s.store.undo_name == "Source: view A"
    world.settle(0, 1)
    first = pixels(world)
    assert first != stored
    s.views.set_link(0, "latent", False)
    s.views.set_active(0)
    s.look.walk(0.7, 0.3)
    world.settle(0, 1)
    second = pixels(world)
    assert second != first
    # The same pixels as of the saved picture of A as a source.
    s.views.set_active(1)
    saved = StoredPicture(np.ascontiguousarray(world.frame(0).pixels[:, :, 2::-1]))
    s.sources.use(saved)
    world.settle(0, 1)
    assert pixels(world) == second


def test_a_live_source_is_rendered_once_for_both_views(world: Restyling) -> None:
    s = world.session
    s.sources.use_view(0)
    world.settle(0, 1)
    tiny: Any = world.models["a"].generator
    before = dict(tiny.runs)
    s.views.set_link(1, "latent", False)  # A's latent is its own
    s.views.set_active(0)
    s.look.walk(0.5, 0.0)
    world.settle(0, 1)
    assert {name: tiny.runs[name] - before[name] for name in before} == dict.fromkeys(before, 1)
    s.views.set_active(1)
    s.look.walk(0.5, 0.0)  # B's style: its encoder and its source are kept
    world.settle(1)
    names = [stage.name for stage in world.frame(1).timings if not stage.hit]
    assert not [name for name in names if name.startswith("encode") or name == "from_rgb"]
    assert {name: tiny.runs[name] - before[name] for name in before} == dict.fromkeys(before, 1)


def test_a_drift_of_the_source_moves_the_view(world: Restyling) -> None:
    s = world.session
    s.sources.use_view(0)
    s.views.set_link(0, "latent", False)
    s.views.set_active(0)
    s.look.set_drift(0.5)
    assert s.motion.is_moving(0)
    assert s.motion.is_moving(1)
    assert s.look_of(1).drift == 0.0


def test_no_view_is_its_own_source(world: Restyling) -> None:
    s = world.session
    s.views.add("again")
    world.qtbot.waitUntil(lambda: s.info(2) is not None)
    s.views.set_link(1, "source", False)
    s.views.set_active(1)
    s.sources.use_view(2)
    s.views.set_link(2, "source", False)
    s.views.set_active(2)
    assert s.sources.views_to_use() == (0,)  # B is made of C
    s.sources.use_view(1)
    with pytest.raises(LatentwalkError, match="its own source"):
        s.resolve_view(2)
    s.sources.use_view(0)
    world.settle(0, 1, 2)  # A -> C -> B
    nested = s.resolve_view(1)
    assert nested.live is not None
    assert nested.live.live is not None
    assert nested.live.live == s.resolve_view(0)


def test_the_source_follows_its_view_where_views_are_reordered(world: Restyling) -> None:
    s = world.session
    s.sources.use_view(0)
    s.views.add("a")
    s.views.swap()  # A and B
    assert s.state.shared.source.view == 1
    s.undo()
    s.views.remove(0)
    assert s.state.shared.source.view == -1
    assert look_of(s.state, 0).source.view == -1


def test_a_live_source_may_load_after_what_is_made_of_it(world: Restyling) -> None:
    s = world.session
    world.held.add("b")
    s.sources.use_view(0)
    s.edit_view(0, "Other model", model="b")
    world.held.clear()

    def is_made_of_b() -> bool:
        live = world.frame(1).request.live
        return live is not None and live.model.sha256 == "b"

    world.qtbot.waitUntil(is_made_of_b)


def test_a_view_without_a_model_is_no_source(world: Restyling) -> None:
    s = world.session
    s.sources.use_view(0)
    world.settle(0, 1)
    s.edit_view(0, "Close", model="")
    world.qtbot.waitUntil(lambda: s.last_failure(1) is not None)
    failure = s.last_failure(1)
    assert failure is not None
    assert "view A, which has no model" in str(failure.error)


# -- masks -----------------------------------------------------------------------------------------------------


def test_a_painted_mask_reaches_the_picture_in_one_step(world: Restyling) -> None:
    s = world.session
    plain = pixels(world)
    s.masks.set_brush(0.2)
    s.masks.begin_stroke()
    s.masks.paint((0.25, 0.25), (0.25, 0.25))
    region = s.masks.region(1)
    assert region is not None
    assert region.shape == (64, 64)
    assert region[16, 16]
    assert not region[48, 48]
    s.masks.end_stroke()
    world.settle(1)
    assert s.store.undo_name == "Paint mask"
    assert len(s.sources.masks) == 2
    assert pixels(world) != plain
    s.masks.begin_stroke(True)
    s.masks.paint((0.0, 0.0), (1.0, 1.0))
    s.masks.cancel_stroke()
    assert s.store.undo_name == "Paint mask"
    s.masks.set_brush(2.0)
    s.masks.begin_stroke(True)
    s.masks.paint((0.5, 0.5), (0.5, 0.5))
    s.masks.end_stroke()
    assert s.sources.masks == ()  # nothing is left of it
    world.settle(1)
    assert pixels(world) == plain


def test_a_mask_follows_its_source_when_that_is_cropped(world: Restyling) -> None:
    s = world.session
    s.masks.set_brush(0.1)
    s.masks.begin_stroke()
    s.masks.paint((0.25, 0.5), (0.25, 0.5))
    s.masks.end_stroke()
    s.sources.set_crop(Crop(-0.25, 0.0, 1.0, 0.0))
    region = s.masks.region(1)
    assert region is not None
    assert region[32, 32]
    assert not region[32, 16]
    # What is painted through a turned crop lies under the pointer.
    s.sources.set_crop(Crop(0.1, 0.05, 0.5, 60.0))
    s.masks.begin_stroke()
    s.masks.paint((0.8, 0.7), (0.8, 0.7))
    s.masks.end_stroke()
    region = s.masks.region(1)
    assert region is not None
    assert region[int(0.7 * 64), int(0.8 * 64)]
    assert not region[int(0.4 * 64), int(0.8 * 64)]


def test_a_mask_of_a_file_can_be_painted_further(world: Restyling) -> None:
    s = world.session
    s.sources.set_masks([StoredMask(np.zeros((20, 16), np.uint8) + 255)] * 2)
    s.masks.set_erasing(True)
    s.masks.begin_stroke()
    s.masks.paint((0.5, 0.5), (0.5, 0.5))
    s.masks.end_stroke()
    assert s.store.undo_name == "Erase mask"
    (first, second) = s.sources.masks
    assert first.key == second.key
    assert first.array.shape == (20, 16)
    assert first.array[10, 8] == 0
    assert first.array[0, 0] == 255


# -- references ------------------------------------------------------------------------------------------------


def test_the_style_of_a_picture_follows_the_class(world: Restyling) -> None:
    s = world.session
    s.references.use(SECOND)
    world.settle(1)
    assert s.store.undo_name == "Style of second.png"
    assert s.references.all == ((SECOND, 1.0),)
    generator: Any = world.models["restyle"].generator
    first = pixels(world)
    base = world.frame(1).latents.base
    s.look.set_class_weights([(1, 1.0)])
    world.settle(1)
    assert pixels(world) != first
    other = world.frame(1).latents.base
    s.look.set_class_weights([(0, 1.0), (1, 3.0)])
    world.settle(1)
    np.testing.assert_allclose(world.frame(1).latents.base, 0.25 * base + 0.75 * other, rtol=1e-5, atol=1e-6)
    assert generator.info.c_dim >= 2


def test_references_are_blended_by_weights_that_sum_to_one(world: Restyling) -> None:
    s = world.session
    bases = []
    for picture in (FIRST, SECOND, THIRD):
        s.references.use(picture)
        world.settle(1)
        bases.append(world.frame(1).latents.base)
    s.references.use(FIRST)
    s.references.add(SECOND)
    s.references.add(THIRD)
    s.references.add(THIRD)  # it is there already
    assert [weight for _, weight in s.references.all] == pytest.approx([1 / 3] * 3)
    s.references.weigh(1, 0.5)
    weights = [weight for _, weight in s.references.all]
    assert weights == pytest.approx([0.25, 0.5, 0.25])
    world.settle(1)
    np.testing.assert_allclose(world.frame(1).latents.base, np.tensordot(weights, bases, 1), rtol=1e-4, atol=1e-5)
    s.references.weigh(1, 1.0)
    s.references.weigh(0, 0.0)
    s.references.weigh(1, 0.5)  # the others had nothing: they share evenly
    assert [weight for _, weight in s.references.all] == pytest.approx([0.25, 0.5, 0.25])
    s.references.remove(1)
    assert [weight for _, weight in s.references.all] == pytest.approx([0.5, 0.5])
    s.references.remove(0)
    assert s.references.all == ((THIRD, 1.0),)
    s.references.remove(0)
    assert s.look_of().latent == Latent(s.look_of().latent.seed)
    for _ in range(3):
        s.undo()
    assert [weight for _, weight in s.references.all] == pytest.approx([0.25, 0.5, 0.25])


def test_a_network_without_an_encoder_says_so_and_offers_a_seed(world: Restyling) -> None:
    s = world.session
    s.references.use(SECOND)
    s.views.set_link(1, "latent", True)
    s.references.use(SECOND)
    assert "latent" in s.state.views[1].unlinked  # A could not follow
    assert s.look_of(0).latent == Latent()
    s.undo()
    assert "latent" not in s.state.views[1].unlinked
    s.edit("Shared", latent=Latent(stored=SECOND.key))
    world.qtbot.waitUntil(lambda: s.last_failure(0) is not None)
    failure = s.last_failure(0)
    assert failure is not None
    assert "cannot take the style of a picture" in str(failure.error)
    offers = dict(s.misfits.offers(0, failure.error))
    offers["Unlink latent in A"]()
    world.settle(0, 1)
    assert s.references.all == ((SECOND, 1.0),)


def test_references_are_inside_the_project(world: Restyling) -> None:
    s = world.session
    s.references.use(SECOND)
    s.references.add(THIRD)
    state, table = from_json(to_json(s.state, s.table))
    assert state == s.state
    for picture in (FIRST, SECOND, THIRD):
        np.testing.assert_array_equal(table.of(StoredPicture, picture.key).array, picture.array)


def test_a_style_is_mixed_by_layers_and_walked_from(world: Restyling) -> None:
    s = world.session
    s.references.use(SECOND)
    world.settle(1)
    plain = world.frame(1).latents.ws
    s.look.add_mix_source(replace(s.look_of().mixing.sources[0], stored=THIRD.key))
    s.table.add(THIRD)
    s.look.set_mix(2, 1, 1.0)
    world.settle(1)
    mixed = world.frame(1).latents.ws
    assert [bool(np.array_equal(a, b)) for a, b in zip(plain, mixed, strict=True)].count(False) == 1
    assert not np.array_equal(plain[2], mixed[2])
    s.look.walk(0.5, 0.0)
    world.settle(1)
    assert not np.array_equal(world.frame(1).latents.ws[0], mixed[0])


# -- wrong input -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("what", ["source", "mask", "reference"])
def test_a_text_is_no_picture(world: Restyling, tmp_path: Path, what: str) -> None:
    s, errors = world.session, list[object]()
    s.sources.failed.connect(errors.append)
    s.references.failed.connect(errors.append)
    path = tmp_path / "text.png"
    path.write_text("no picture")
    before = s.state
    {"source": s.sources.open, "mask": s.sources.open_masks, "reference": s.references.open_more}[what](str(path))
    world.qtbot.waitUntil(lambda: bool(errors))
    assert "text.png is not a picture" in str(errors[0])
    assert s.state == before


def test_a_network_without_a_source_offers_the_other_views(world: Restyling) -> None:
    s = world.session
    s.sources.remove()
    s.views.set_active(0)
    world.qtbot.waitUntil(lambda: s.last_failure(1) is not None)
    failure = s.last_failure(1)
    assert failure is not None
    assert "Drop a picture" in str(failure.error)
    assert s.sources.offers(0, UsageError("Another.")) == []
    ((text, use),) = s.sources.offers(1, failure.error)
    assert text == "Use view A"
    use()
    world.settle(0, 1)
    assert s.active == 1
    assert s.look_of().source.view == 0


def test_the_style_of_a_picture_is_copied_and_saved_as_numbers(world: Restyling, tmp_path: Path) -> None:
    s = world.session
    for add in (s.references.use, s.references.add):
        add(SECOND if add == s.references.use else THIRD)
        world.settle(1)
        before, text = pixels(world), s.documents.copy_latent_text()
        s.documents.save_latent(tmp_path / "w.safetensors", "w")
        s.look.set_seed(77)
        world.settle(1)
        assert pixels(world) != before
        s.documents.paste_latent_text(text)
        world.settle(1)
        assert pixels(world) == before
        s.documents.load_latent(str(tmp_path / "w.safetensors"))
        world.settle(1)
        assert pixels(world) == before
        s.undo()
        s.undo()
        s.undo()
