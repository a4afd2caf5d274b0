"""Models that come, go and come back while others are on their way."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from pytestqt.qtbot import QtBot

from explorer.errors import UnreadableFileError
from explorer.generators.family import Family, StartLook
from explorer.render.results import RenderFailed
from explorer.state import ExplorerState, Truncation, ViewState
from explorer.util.report import Report
from tests.session.world import World


@pytest.fixture
def opened(world: World) -> World:
    """View 0 shows b, which replaced a; b's predecessor a is one undo away."""
    world.open("a")
    world.open("b")
    return world


def families_start_with(monkeypatch: pytest.MonkeyPatch, start: StartLook) -> None:
    monkeypatch.setattr(
        "explorer.session.start_look.described", lambda name: Family(name, name, "", "", start=start)
    )


def test_truncation_starts_as_the_family_asks_for_unless_somebody_chose_it(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    families_start_with(monkeypatch, StartLook(psi=0.7, cutoff=2))
    world.open("a")
    assert world.session.look_of(0).truncation == Truncation(0.7, 2)
    world.session.undo()
    assert world.session.look_of(0).truncation == Truncation(), "model and truncation are one step"
    world.session.look.set_psi(0.5)
    world.open("b")
    assert world.session.look_of(0).truncation == Truncation(0.5)


@pytest.fixture
def started(qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """As the program begins with model `a` on its command line, whose family starts with a truncation; held."""
    families_start_with(monkeypatch, StartLook(psi=0.7, cutoff=2))
    world = World(qtbot, state=ExplorerState(views=(ViewState(model="a"), ViewState(model="b"))), opened=["a"])
    world.held.update("ab")
    world.session.start()
    yield world
    world.held.clear()
    assert world.session.close()


def test_a_model_of_the_command_line_starts_as_its_family_asks_for(started: World) -> None:
    session = started.session
    session.look.set_seed(7)
    started.held.discard("a")
    started.settle(0)
    assert session.look_of(0).truncation == Truncation(0.7, 2)
    assert session.store.undo_name != "Open model"
    session.undo()
    assert session.look_of(0).truncation == Truncation(0.7, 2)
    assert session.store.is_saved(), "nobody has changed anything"


def test_only_models_of_the_command_line_start_so(started: World) -> None:
    started.held.discard("b")
    started.settle(1)
    assert started.session.look_of(1).truncation == Truncation()


def test_truncation_set_while_a_model_of_the_command_line_loads_stays(started: World) -> None:
    started.session.look.set_psi(0.4)
    started.held.discard("a")
    started.settle(0)
    assert started.session.look_of(0).truncation == Truncation(0.4)


def test_a_project_opened_while_it_loads_keeps_its_own_truncation(started: World) -> None:
    session = started.session
    session.store.reset_to(replace(session.state, active=1))
    started.held.clear()
    started.settle(0, 1)
    assert session.look_of(0).truncation == Truncation()
    session.models.request(0, "classes")
    started.qtbot.waitUntil(lambda: session.record(0).model == "classes")
    assert session.look_of(0).truncation == Truncation(0.7, 2), "what the user opens then starts so again"


def assert_alive(world: World, *names: str) -> None:
    """Each view has the model that the state names, and a change of the look reaches it."""
    session = world.session
    records = [session.record(v) for v in range(len(names))]
    assert [v.model for v in session.state.views[: len(names)]] == list(names)
    assert [r.model for r in records] == list(names)
    assert [r.model_info.name for r in records if r.model_info] == list(names)
    assert [r.loading for r in records] == [""] * len(names)
    before = [r.posted for r in records]
    session.look.set_psi(0.37)
    assert all(r.posted > n for r, n in zip(records, before, strict=True))


def test_a_model_that_is_no_longer_named_does_not_come(opened: World) -> None:
    session = opened.session
    opened.held.add("a")
    session.undo()
    session.redo()
    opened.held.clear()
    opened.qtbot.wait(50)
    assert_alive(opened, "b")


def test_two_steps_in_one_turn_of_the_loop(opened: World, monkeypatch: pytest.MonkeyPatch) -> None:
    opened.open("wide")
    monkeypatch.setattr(opened.session.service.models, "find", opened.models.get)
    opened.session.undo()
    opened.session.undo()
    opened.qtbot.waitUntil(lambda: not opened.session.record(0).loading)
    assert_alive(opened, "a")


def test_swapped_twice_in_one_turn_of_the_loop(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.open("a", "b")
    monkeypatch.setattr(world.session.service.models, "find", world.models.get)
    for _ in range(2):
        state = world.session.state
        world.session.store.update(replace(state, views=state.views[::-1]), "Swap")
    world.qtbot.wait(50)
    assert_alive(world, "a", "b")


def test_closing_while_another_loads_ends_the_loading(opened: World) -> None:
    session = opened.session
    ended: list[int] = []
    session.loading_ended.connect(ended.append)
    opened.held.add("wide")
    session.models.request(0, "wide")
    assert not ended
    session.models.request(0, "")
    assert ended == [0]
    opened.held.clear()
    opened.qtbot.wait(50)
    assert (session.record(0).model, session.record(0).model_info) == ("", None)
    session.undo()
    opened.settle()
    assert_alive(opened, "b")


def test_what_arrives_for_a_removed_view_makes_no_record_of_it(world: World) -> None:
    world.open("a", "b")
    session = world.session
    frame = world.frame(1)
    session.store.update(
        replace(session.state, views=session.state.views[:1], active=0, layout="single"), "One view"
    )
    assert set(session._views) == {0}
    error = UnreadableFileError("Late.")
    session.models._on_failed(1, error)
    session.models._on_progress(1, Report(None, 1, 2, "late"))
    session._on_frame(frame)
    session._on_failed(RenderFailed(1, 99, error))
    session.painted(1, 99)
    assert set(session._views) == {0}
    assert world.failures == []
