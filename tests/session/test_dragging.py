"""A drag in a session: steps shown live and kept, going back and on, one undo step at its end."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray
from pytestqt.qtbot import QtBot

from explorer.animation.player import Player
from explorer.checkpoints.checkpoint import Checkpoint
from explorer.dragging.benchmark_files import SeededDrag
from explorer.dragging.path import along
from explorer.dragging.problem import Drag, DragStep
from explorer.edits import Direction
from explorer.errors import LatentwalkError, UsageError
from explorer.jobs.job import JobSpec
from explorer.project.document import from_json, to_json
from explorer.render.model_store import LoadedModel, model_info_of
from explorer.session import Session
from explorer.session.dragging import Dragging
from explorer.session.render_service import RenderService
from explorer.state import ExplorerState, Latent, ViewState, look_of
from explorer.state.dragging import DragSettings, DragSetup
from explorer.state.view_layout import without_view
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
    assert session.store.undo_name == "Drag settings"  # as before the run
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
    assert session.store.undo_name == "Drag settings"  # as before the run


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


def test_a_run_from_an_earlier_step_is_another_path_and_the_first_is_kept(
    session: Session, dragging: Dragging, qtbot: QtBot
) -> None:
    dragging.run()
    wait(qtbot, dragging)
    first = dragging.steps
    dragging.show(2)
    dragging.run()
    qtbot.waitUntil(lambda: len(dragging.steps) > 3 and not dragging.is_running, timeout=60_000)
    assert len(dragging.paths) == 2
    assert dragging.paths[0] == first
    assert dragging.steps[:3] == first[:3]
    dragging.show_path(0)
    assert dragging.step is first[-1]
    (edit,) = look_of(session.state, 0).edits
    assert isinstance(edit.value, Direction)
    shown = session.table.get(edit.value.direction)
    assert shown is not None
    np.testing.assert_array_equal(shown.array, first[-1].offset)


def test_a_step_that_arrives_after_another_was_chosen_is_kept_and_not_shown(
    session: Session, dragging: Dragging, qtbot: QtBot
) -> None:
    dragging.run()
    wait(qtbot, dragging)
    dragging.show(1)
    late = replace(dragging.steps[-1], step=7)
    dragging._add(late)
    assert dragging.steps[-1] is late
    assert dragging.shown == 1


def test_other_settings_hold_from_the_next_step_on(session: Session, dragging: Dragging, qtbot: QtBot) -> None:
    dragging.run_one()
    qtbot.waitUntil(lambda: len(dragging.steps) == 2 and not dragging.is_running, timeout=60_000)
    dragging.set_settings(steps=1)
    dragging.run()
    wait(qtbot, dragging)
    assert [step.step for step in dragging.steps] == [0, 1, 2]
    assert len(dragging.paths) == 1


# -- what is set up ------------------------------------------------------------------------------------------------


def test_points_and_strokes_of_the_brush_are_undo_steps_and_are_saved(session: Session, dragging: Dragging) -> None:
    dragging.begin_stroke()
    dragging.paint((0.2, 0.5), (0.8, 0.5))
    assert dragging.mask is not None
    assert not session.state.drag.mask  # only once the stroke has ended
    dragging.end_stroke()
    painted = dragging.mask
    assert painted[16, 16]
    assert not painted[0, 0]
    assert session.store.undo_name == "Paint what may move"
    dragging.begin_stroke(is_other=True)
    dragging.paint((0.5, 0.0), (0.5, 1.0))
    dragging.end_stroke()
    assert not dragging.mask[16, 16]
    assert dragging.mask[16, 8]
    state, table = from_json(json.loads(json.dumps(to_json(session.state, session.table))))
    assert state == session.state
    stored = table.get(state.drag.mask)
    assert stored is not None
    np.testing.assert_array_equal(stored.array > 0, dragging.mask)
    session.undo()
    np.testing.assert_array_equal(dragging.mask, painted)
    session.undo()
    assert dragging.mask is None
    session.undo()
    assert dragging.settings == DragSettings()
    assert dragging.handles == (HANDLE,)
    session.undo()
    assert dragging.handles == ()


def test_erasing_where_everything_may_move_and_erasing_all(session: Session, dragging: Dragging) -> None:
    dragging.set_erasing(True)
    dragging.begin_stroke()
    dragging.paint((0.5, 0.5), (0.5, 0.5))
    dragging.cancel_stroke()
    assert dragging.mask is None
    dragging.begin_stroke()
    dragging.paint((0.5, 0.5), (0.5, 0.5))
    dragging.end_stroke()
    assert dragging.mask is not None
    assert dragging.mask[0, 0]
    assert not dragging.mask[16, 16]
    dragging.set_brush(2.0)
    dragging.begin_stroke()
    dragging.paint((0.5, 0.5), (0.5, 0.5))
    dragging.end_stroke()
    assert dragging.mask is None  # nothing is left of it: everything may move again


def test_the_mask_reaches_the_job(session: Session, dragging: Dragging, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Drag] = []

    def note(key: str, view: int, spec: JobSpec) -> None:
        asked.append(Drag.from_json(spec.options))

    monkeypatch.setattr(session.service, "run_job", note)
    mask = np.zeros((32, 32), bool)
    mask[:, :16] = True
    dragging.set_mask(mask)
    dragging.run()
    np.testing.assert_array_equal(asked[0].mask, mask)
    assert asked[0].settings.steps == 6


def test_settings_beyond_their_limits_are_clamped_where_they_are_used(dragging: Dragging) -> None:
    dragging.set_settings(rate=-3.0, steps=10**9)
    assert dragging.settings.rate > 0
    assert dragging.settings.steps == 10_000


def test_removing_a_view_takes_its_points_with_it_and_moves_those_of_later_ones(session: Session) -> None:
    session.views.add("a")
    drag = DragSetup(1, ((0.5, 0.5),), ((0.6, 0.5),), settings=DragSettings(rate=0.03))
    two = replace(session.state, drag=drag)
    assert without_view(two, 0).drag == replace(drag, view=0)
    assert without_view(two, 1).drag == DragSetup(settings=drag.settings)


# -- the timeline --------------------------------------------------------------------------------------------------


def test_the_path_on_the_timeline_passes_every_place_at_even_speed_and_is_one_undo_step(
    session: Session, dragging: Dragging, qtbot: QtBot
) -> None:
    dragging.run()
    wait(qtbot, dragging)
    before = session.store.document
    poses = dragging.poses(1.0, "distance")
    assert session.transport.keys.add_path("Put drag on the timeline", poses, 1.0, "linear")
    dragging.show(0)
    keys = session.state.timeline.keys
    assert [key.time for key in keys] == [0.0, 0.25, 0.5, 0.75, 1.0]
    assert not keys[0].pose.shared.edits
    player = Player(session.state)

    def ws(time: float) -> NDArray[np.float64]:
        total = np.zeros(dragging.steps[0].offset.shape)
        for edit in player.snapshot(time).shared.edits:
            assert isinstance(edit.value, Direction)
            stored = session.table.get(edit.value.direction)
            assert stored is not None
            total = total + edit.strength * stored.array
        return total

    ways = [np.linalg.norm(ws(a + 0.25) - ws(a)) for a in (0.0, 0.25, 0.5, 0.75)]
    assert min(ways) > 0.7 * max(ways)  # keys are even along the path, whose corners the chords cut
    np.testing.assert_allclose(ws(1.0), dragging.steps[-1].offset, atol=1e-6)
    np.testing.assert_allclose(ws(0.375), (ws(0.25) + ws(0.5)) / 2, atol=1e-6)
    session.undo()
    assert session.store.document == before


def test_a_step_is_shown_instead_of_what_keys_of_the_path_have_made(
    session: Session, dragging: Dragging, qtbot: QtBot
) -> None:
    dragging.run()
    wait(qtbot, dragging)
    session.transport.keys.add_path("Put drag on the timeline", dragging.poses(1.0, "step"), 1.0, "linear")
    dragging.show(0)
    session.transport.seek(1.0)
    assert len(look_of(session.state, 0).edits) == 1
    dragging.show(4)
    (edit,) = look_of(session.state, 0).edits
    assert isinstance(edit.value, Direction)
    stored = session.table.get(edit.value.direction)
    assert stored is not None
    np.testing.assert_array_equal(stored.array, dragging.steps[4].offset)


def test_keys_by_step_have_equally_many_steps_between_them() -> None:
    def step(number: int, at: float) -> DragStep:
        return DragStep(number, np.full((1, 2), at, np.float32), ())

    path = [step(0, 0.0), step(1, 1.0), step(2, 1.0), step(3, 9.0), step(4, 10.0)]
    assert [float(o[0, 0]) for o in along(path, 3, "step")] == [0.0, 1.0, 10.0]
    assert [float(o[0, 0]) for o in along(path, 3, "distance")] == [0.0, 5.0, 10.0]
    assert [float(o[0, 0]) for o in along([step(0, 1.0)] * 3, 2, "distance")] == [1.0, 1.0]


def test_without_a_path_nothing_is_put_on_the_timeline(dragging: Dragging) -> None:
    with pytest.raises(UsageError, match="no path"):
        dragging.poses(1.0, "distance")


# -- files ---------------------------------------------------------------------------------------------------------


def test_the_drags_of_a_file_are_shown_one_after_another(session: Session, dragging: Dragging) -> None:
    drags = (SeededDrag(7, ((2.0, 3.0),), ((4.0, 5.0),)), SeededDrag(9, ((6.0, 7.0),), ((8.0, 9.5),)))
    dragging.open_drags(drags, 0)
    assert look_of(session.state, 0).latent == Latent(7)
    assert dragging.handles == ((2.0, 3.0),)
    assert dragging.seeded() == drags[0]
    dragging.choose(1)
    assert dragging.seeded() == drags[1]
    session.undo()
    assert dragging.seeded() == drags[0]
    far = SeededDrag(1, ((400.0, 3.0),), ((4.0, 5.0),))
    with pytest.raises(UsageError, match="outside the picture"):
        dragging.open_drags((far,), 0)


def test_points_of_a_picture_without_a_seed_are_not_saved_to_such_a_file(
    session: Session, dragging: Dragging
) -> None:
    session.look.walk(0.5, 0.0)
    with pytest.raises(UsageError, match="seed"):
        dragging.seeded()
