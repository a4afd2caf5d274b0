"""Names of classes: the user's, in the project, undoable, and remembered for a model that is opened again."""

from __future__ import annotations

from pathlib import Path

from pytestqt.qtbot import QtBot

from explorer.project.document import from_json, to_json
from explorer.session.settings import Settings
from explorer.state.class_names import ClassNames, named_classes, with_class_names
from tests.session.world import World


def test_the_users_names_go_before_the_models_own() -> None:
    given = with_class_names((), "sha", ["", "dog"])
    assert named_classes(given, "sha", ("a", "b", "c"), 3) == ("a", "dog", "c")
    assert named_classes(given, "other", (), 3) == ()
    assert with_class_names(given, "sha", ["", ""]) == ()


def test_a_new_name_is_one_undo_step_and_in_the_project(world: World) -> None:
    s = world.session
    world.open("classes")
    s.class_names.set_name(0, 1, "  cat ")
    s.class_names.set_name(0, 7, "there is none")
    assert s.class_names.of(0) == ("", "cat", "")
    assert s.store.undo_name == "Rename class"
    state, _ = from_json(to_json(s.state))
    assert state.class_names == s.state.class_names == (ClassNames("classes", ("", "cat", "")),)
    s.class_names.set_name(0, 1, "")
    assert s.state.class_names == ()
    s.undo()
    s.undo()
    assert s.class_names.of(0) == ()


def test_names_are_remembered_for_a_model_that_is_opened_again(qtbot: QtBot, tmp_path: Path) -> None:
    settings = Settings(tmp_path / "settings.json")
    first = World(qtbot)
    first.session.class_names.remember_in(settings)
    first.open("classes")
    first.session.class_names.set_name(0, 2, "wild")
    assert first.session.close()
    settings.sync()
    second = World(qtbot)
    second.session.class_names.remember_in(Settings(tmp_path / "settings.json"))
    second.open("a")
    second.open("classes")
    assert second.session.class_names.of(0) == ("", "", "wild")
    while second.session.store.can_undo:  # the name is none of the steps
        second.session.undo()
    assert second.session.store.redo_name == "Open model"
    second.session.redo()
    second.session.redo()
    assert second.session.state.class_names == (ClassNames("classes", ("", "", "wild")),)
    assert second.session.close()


def test_damaged_settings_name_nothing(qtbot: QtBot, tmp_path: Path) -> None:
    settings = Settings(tmp_path / "settings.json")
    settings.set("class-names", '{"classes": 3, "b": [1]}')
    world = World(qtbot)
    world.session.class_names.remember_in(settings)
    world.open("classes")
    assert world.session.class_names.of(0) == ()
    assert world.session.close()
