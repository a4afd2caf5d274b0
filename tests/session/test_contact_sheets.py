"""Contact sheets in a session: rendered between frames, written whole, and carrying their latents."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from explorer.animation.contact_sheet import GAP, MIN_WIDTH
from explorer.errors import CancelledError, LatentwalkError
from explorer.project.document import load_project
from explorer.session import Session
from explorer.session.contact_sheets import SheetEntry
from explorer.session.sheet_entries import children_entries, favourite_entries, lineage_entries, path_entries
from explorer.state import Latent, Look
from tests.session.world import World


def test_children_are_written_with_their_latents(world: World, tmp_path: Path) -> None:
    world.open("a")
    s, path = world.session, tmp_path / "sheet.png"
    s.breeding.take(s.breeding.sheet()[1])
    entries = children_entries(s)
    assert [entry.name for entry in entries] == [f"Child {i}" for i in range(1, 10)]
    assert entries[0].detail.startswith("sheet 1, seed ")
    s.sheets.start(path, entries, columns=3, px=0)
    assert s.sheets.is_running
    world.qtbot.waitUntil(path.exists)
    world.qtbot.waitUntil(lambda: any("sheet.png" in message for message in world.messages))
    picture = np.asarray(Image.open(path))
    info = s.info(0)
    assert info is not None
    height, width = info.img_size
    assert picture.shape[1] == GAP + 3 * (MIN_WIDTH + GAP), "wider than the pictures, for their captions"
    project = load_project(path)
    latents = [node.latent for node in project.state.breeding.lineage]
    assert {entry.look.latent for entry in entries} <= set(latents)
    assert len(latents) == len(set(latents)) == 2 + 9, "those of the lineage, and each child once"
    assert len(s.breeding.settings.lineage) == 2, "the session's own is as it was"
    s.breeding.take(s.breeding.sheet()[0])
    world.settle()
    left = GAP + (MIN_WIDTH - width) // 2
    first = picture[GAP : GAP + height, left : left + width]
    np.testing.assert_array_equal(first, world.frame().pixels[:, :, 2::-1])


def test_the_lineage_and_favourites_have_their_names(world: World) -> None:
    world.open("a")
    s = world.session
    s.look.set_seed(7)
    for index in (0, 1):
        s.breeding.take(s.breeding.sheet()[index])
    s.breeding.show(s.breeding.settings.lineage[1].number)
    assert [entry.name for entry in path_entries(s)] == ["Seed 7", "Child 1 of sheet 0"]
    assert len(lineage_entries(s)) == 3
    s.favourites.star("Bear")
    (entry,) = favourite_entries(s.favourites.all())
    assert (entry.name, entry.detail) == ("Bear", "seed 7, 1 mutation")
    assert entry.look.latent == s.look_of().latent


def test_a_cancelled_sheet_writes_nothing(world: World, tmp_path: Path) -> None:
    world.open("a")
    s, errors = world.session, list[LatentwalkError]()
    s.sheets.failed.connect(errors.append)
    s.sheets.start(tmp_path / "sheet.png", children_entries(s) * 20, columns=3, px=0)
    with pytest.raises(LatentwalkError, match="running"):
        s.sheets.start(tmp_path / "other.png", children_entries(s), columns=3, px=0)
    s.sheets.cancel()
    world.qtbot.waitUntil(lambda: bool(errors))
    assert isinstance(errors[0], CancelledError)
    assert not s.sheets.is_running
    assert not list(tmp_path.iterdir())


def test_what_cannot_be_made_is_refused(world: World, session: Session, tmp_path: Path) -> None:
    entry = SheetEntry(Look(latent=Latent(1)), "One")
    with pytest.raises(LatentwalkError, match="No model"):
        session.sheets.start(tmp_path / "sheet.png", [entry], columns=1, px=0)
    world.open("a")
    sheets = world.session.sheets
    with pytest.raises(LatentwalkError, match="not a PNG"):
        sheets.start(tmp_path / "sheet.jpg", [entry], columns=1, px=0)
    with pytest.raises(LatentwalkError, match="no picture"):
        sheets.start(tmp_path / "sheet.png", [], columns=1, px=0)
    with pytest.raises(LatentwalkError, match="at most"):
        sheets.start(tmp_path / "sheet.png", [entry] * 600, columns=1, px=0)
    assert not sheets.is_running
