"""A drag in a session: steps shown live and kept, going back and on, one undo step at its end."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from pytestqt.qtbot import QtBot

from explorer.checkpoints.checkpoint import Checkpoint
from explorer.edits import Direction
from explorer.errors import LatentwalkError, UsageError
from explorer.render.model_store import LoadedModel, model_info_of
from explorer.session import Session
from explorer.session.dragging import Dragging
from explorer.session.render_service import RenderService
from explorer.state import ExplorerState, ViewState, look_of
from explorer.util.control import Control
from tests.generators.configs import small_generator

HANDLE, TARGET = (14.0, 12.0), (14.0, 20.0)


def load(path: str, on_report: object, control: Control, **options: bool) -> LoadedModel:
    generator = small_generator("stylegan2-skip").eval().requires_grad_(False)
    checkpoint = Checkpoint("stylegan2", {}, {}, name=path, sha256=path)
    return LoadedModel(generator, model_info_of(generator, checkpoint, f"/models/{path}.safetensors"))


@pytest.fixture
def session(qtbot: QtBot) -> Iterator[Session]:
    state = ExplorerState(views=(ViewState(model="a"),), layout="single")
    made = Session(state=state, service=RenderService(load=load))
    made.start()
    qtbot.waitUntil(lambda: made.last_frame(0) is not None, timeout=60_000)
    yield made
    assert made.close()
    made.deleteLater()


@pytest.fixture
def dragging(session: Session) -> Dragging:
    session.dragging.set_points(0, (HANDLE,), (TARGET,))
    session.dragging.set_settings(steps=6)
    return session.dragging


def ended(dragging: Dragging) -> bool:
    return bool(dragging.steps) and bool(dragging.steps[-1].outcome)


def wait(qtbot: QtBot, dragging: Dragging) -> None:
    qtbot.waitUntil(lambda: ended(dragging) and not dragging.is_running, timeout=60_000)


def test_every_step_is_shown_and_the_kept_one_is_an_edit_and_one_undo_step(
    session: Session, dragging: Dragging, qtbot: QtBot
) -> None:
    before = session.state
    dragging.run()
    wait(qtbot, dragging)
    assert [step.step for step in dragging.steps] == list(range(7))
    assert len(look_of(session.state, 0).edits) == 1
    assert session.store.document == before
    assert not session.store.can_undo
    dragging.show(3)
    chosen = dragging.steps[3].offset
    dragging.keep()
    (edit,) = look_of(session.store.document, 0).edits
    assert isinstance(edit.value, Direction)
    stored = session.table.get(edit.value.direction)
    assert stored is not None
    np.testing.assert_array_equal(stored.array, chosen)
    assert session.store.undo_name == "Drag points"
    assert dragging.steps == ()
    session.undo()
    assert session.state == before


def test_a_discarded_drag_leaves_nothing(session: Session, dragging: Dragging, qtbot: QtBot) -> None:
    before = session.state
    dragging.run()
    qtbot.waitUntil(lambda: len(dragging.steps) > 2, timeout=60_000)
    dragging.discard()
    assert session.state == before
    assert not dragging.is_running
    assert not session.store.can_undo


def test_it_goes_on_from_a_step_that_was_gone_back_to(session: Session, dragging: Dragging, qtbot: QtBot) -> None:
    dragging.run()
    wait(qtbot, dragging)
    dragging.show(2)
    at = dragging.steps[2].offset
    dragging.set_settings(steps=2)
    dragging.run()
    qtbot.waitUntil(lambda: len(dragging.steps) == 5 and not dragging.is_running, timeout=60_000)
    np.testing.assert_array_equal(dragging.steps[2].offset, at)
    assert np.abs(dragging.steps[4].offset - at).max() > 1e-4
    assert np.abs(dragging.steps[3].offset - at).max() < np.abs(at).max()  # it did not begin from the start


def test_single_steps_pause_and_a_run_goes_on(session: Session, dragging: Dragging, qtbot: QtBot) -> None:
    dragging.run_one()
    qtbot.waitUntil(lambda: len(dragging.steps) >= 2 and not dragging.is_running, timeout=60_000)
    assert not ended(dragging)
    dragging.run()
    wait(qtbot, dragging)
    assert [step.step for step in dragging.steps] == list(range(7))


def test_what_cannot_be_dragged_is_refused_at_once(session: Session, dragging: Dragging) -> None:
    dragging.set_points(0, ((400.0, 2.0),), (TARGET,))
    with pytest.raises(UsageError, match="outside the picture"):
        dragging.run()
    dragging.set_points(0, (), ())
    with pytest.raises(LatentwalkError, match="0 points"):
        dragging.run()


def test_another_project_ends_it(session: Session, dragging: Dragging, qtbot: QtBot) -> None:
    dragging.run()
    qtbot.waitUntil(lambda: len(dragging.steps) > 2, timeout=60_000)
    session.store.reset_to(ExplorerState(views=(ViewState(model="a"),), layout="single"))
    assert dragging.steps == ()
    assert dragging.handles == ()
    assert not look_of(session.state, 0).edits
