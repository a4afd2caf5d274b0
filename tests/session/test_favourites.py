"""Favourites: starred, found again by the next program, searched, renamed, removed and brought back."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from explorer.errors import LatentwalkError
from explorer.project.document import load_project
from explorer.project.favourite_files import read_favourite, remove_favourite
from explorer.session import Session
from explorer.session import favourites as module
from explorer.session.render_service import RenderService
from explorer.state import Edit, Latent, Nudge, Transform, Truncation
from tests.session.world import World


class Starred(World):
    """A world whose session has a folder of favourites; `again` is the next program."""

    def __init__(self, qtbot: QtBot, folder: Path) -> None:
        super().__init__(qtbot)
        assert self.session.close()
        self.folder = folder
        self._sessions: list[Session] = []
        self.again()

    def again(self) -> None:
        self.session = Session(service=RenderService(load=self.load), favourites=self.folder)
        self._sessions.append(self.session)
        self.open("a", "b")
        self.session.views.set_active(0)

    def close(self) -> None:
        assert all(session.close() for session in self._sessions)


@pytest.fixture
def starred(qtbot: QtBot, tmp_path: Path) -> Iterator[Starred]:
    made = Starred(qtbot, tmp_path / "favourites")
    yield made
    made.close()


def names(starred: Starred) -> list[str]:
    return [item.name for item in starred.session.favourites.all()]


def test_a_favourite_is_found_again_by_the_next_program(starred: Starred) -> None:
    s = starred.session
    s.look.set_seed(7)
    s.look.set_psi(0.5)
    s.look.move(0.25, 0.0)
    s.look.add_edit(Edit(Nudge(3), 2.0))
    look = s.look_of()
    s.favourites.star("  Blue \n bear ")
    s.look.set_seed(8)
    s.favourites.star()
    assert names(starred) == ["seed 8", "Blue bear"]
    starred.again()
    found = starred.session.favourites.all()
    assert [item.name for item in found] == ["seed 8", "Blue bear"]
    assert found[1].look == replace(look, transform=Transform(), drift=0.0)
    before = starred.session.state
    starred.session.look.move(0.5, 0.0)
    starred.session.favourites.show(found[1])
    shown = starred.session.look_of()
    assert (shown.latent, shown.truncation) == (Latent(7), Truncation(0.5))
    assert shown.transform.x == 0.5, "the transform is the user's"
    assert starred.session.store.undo_name == "Show favourite"
    starred.session.undo()
    starred.session.undo()
    assert starred.session.state == before


def test_favourites_belong_to_their_model(starred: Starred) -> None:
    starred.session.favourites.star("Of a")
    starred.session.views.set_active(1)
    assert names(starred) == []
    starred.session.favourites.star("Of b")
    assert names(starred) == ["Of b"]
    assert len(list(starred.folder.iterdir())) == 2


def test_stored_latents_come_along(starred: Starred) -> None:
    s = starred.session
    key = s.documents.store_latent("ws")
    s.look.use_stored(key)
    s.favourites.star("Stored")
    starred.again()
    assert key not in starred.session.table
    (found,) = starred.session.favourites.all()
    assert key in starred.session.table
    starred.session.favourites.show(found)
    starred.settle()


@pytest.mark.parametrize(
    ("text", "found"),
    [("", 3), ("BEAR", 2), ("bear  blue", 1), ("ear", 2), ("fox", 1), ("wolf", 0), ("stra\u00dfe", 0)],
)
def test_names_are_searched_by_words_of_any_case(starred: Starred, text: str, found: int) -> None:
    for name in ("Blue bear", "Red Bear", "Fox"):
        starred.session.favourites.star(name)
    assert len(starred.session.favourites.search(text)) == found


def test_renaming_keeps_the_place_and_the_file(starred: Starred) -> None:
    favourites = starred.session.favourites
    first = favourites.star("First")
    favourites.star("Second")
    favourites.set_name(first, "Third")
    favourites.set_name(first, "  ")
    assert names(starred) == ["Second", "Third"]
    starred.again()
    assert names(starred) == ["Second", "Third"]


def test_what_was_removed_comes_back(starred: Starred) -> None:
    favourites = starred.session.favourites
    first = favourites.star("First")
    favourites.star("Second")
    assert favourites.removed is None
    favourites.remove(first)
    assert names(starred) == ["Second"]
    assert favourites.removed == first
    favourites.restore()
    assert names(starred) == ["Second", "First"]
    assert favourites.removed is None
    favourites.remove(first)
    starred.again()
    assert names(starred) == ["Second"]


def test_a_damaged_file_loses_only_its_own_favourite(starred: Starred) -> None:
    kept = starred.session.favourites.star("Kept")
    lost = starred.session.favourites.star("Lost")
    (folder,) = starred.folder.iterdir()
    for key, text in ((lost.key, "{"), ("0" * 16, "[]"), ("1" * 16, '{"favourite": 3}')):
        (folder / f"{key}.json").write_text(text)
    (folder / "notes.json").write_text("not ours")
    starred.again()
    assert names(starred) == [kept.name]


def test_a_favourite_is_a_project_too(starred: Starred) -> None:
    starred.session.look.set_seed(7)
    made = starred.session.favourites.star("Bear")
    (folder,) = starred.folder.iterdir()
    project = load_project(folder / f"{made.key}.json")
    assert project.state.shared.latent == Latent(7)
    assert project.state.views[0].model == "a"
    assert read_favourite(folder / f"{made.key}.json")[0] == made


def test_only_favourites_are_removed(tmp_path: Path) -> None:
    (tmp_path / "mine.json").write_text("mine")
    with pytest.raises(LatentwalkError, match="mine"):
        remove_favourite(tmp_path, "mine")
    assert (tmp_path / "mine.json").exists()


def test_the_limit_is_stated(starred: Starred, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LIMIT", 1)
    starred.session.favourites.star("One")
    with pytest.raises(LatentwalkError, match="1 favourites"):
        starred.session.favourites.star("Two")


def test_a_folder_that_cannot_be_written_is_named(starred: Starred) -> None:
    starred.folder.parent.mkdir(exist_ok=True)
    starred.folder.write_text("a file in its place")
    with pytest.raises(LatentwalkError, match="cannot be written"):
        starred.session.favourites.star("One")
    assert names(starred) == []


def test_without_a_model_nothing_is_starred(session: Session) -> None:
    with pytest.raises(LatentwalkError, match="no picture"):
        session.favourites.star()
    assert session.favourites.search("") == ()
