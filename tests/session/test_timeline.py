"""The session's timeline: keys as undo steps, scrubbing, playing by time, and performances."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from explorer.animation import pace
from explorer.jobs.job import Report
from explorer.latents.table import StoredLatent
from explorer.project.document import read_project
from explorer.session import Session
from explorer.state import ExplorerState, Keyframe, Latent, Look, Snapshot, Timeline, Transform, ViewState


@pytest.fixture
def session(qapp: QApplication) -> Iterator[Session]:
    made = Session(state=ExplorerState())
    yield made
    assert made.close()
    made.deleteLater()


class Hours:
    """A clock that is turned by hand."""

    def __init__(self, session: Session) -> None:
        self.now = 100.0
        session.transport._now = lambda: self.now


def two_keys(session: Session) -> None:
    session.set_transform(x=0.0)
    session.transport.add_key(0.0)
    session.set_transform(x=0.4)
    session.transport.add_key(2.0)
    session.transport.set_segments(frozenset({(-1, 0)}), ease="linear")


def half_a_second_played(session: Session) -> Hours:
    two_keys(session)
    hours = Hours(session)
    session.transport.seek(0.0)
    session.transport.play()
    hours.now += 0.5
    session.transport._on_play_tick()
    return hours


def test_keys_are_undo_steps(session: Session) -> None:
    session.set_transform(x=0.3)
    session.transport.add_key(1.0)
    assert session.store.undo_name == "Add key"
    (key,) = session.transport.timeline.keys
    assert (key.time, key.pose.shared.transform.x) == (1.0, 0.3)
    session.undo()
    assert session.transport.timeline.keys == ()
    session.redo()
    session.transport.delete_keys(frozenset({(-1, 0)}))
    assert session.transport.timeline.keys == ()
    session.undo()
    assert len(session.transport.timeline.keys) == 1


def test_scrubbing_shows_the_place_and_is_no_undo_step(session: Session) -> None:
    two_keys(session)
    name = session.store.undo_name
    session.transport.seek(0.5)
    assert session.look().transform.x == pytest.approx(0.1)
    assert session.clock.now() == 0.5
    assert session.store.undo_name == name


def test_playing_is_a_function_of_time_and_ends(session: Session) -> None:
    two_keys(session)
    session.transport.set_timeline(duration=2.0)
    hours = Hours(session)
    session.transport.seek(0.0)
    session.transport.play()
    for now, x in ((100.5, 0.1), (101.75, 0.35)):  # however many frames came between
        hours.now = now
        session.transport._on_play_tick()
        assert session.look().transform.x == pytest.approx(x)
    hours.now = 103.0
    session.transport._on_play_tick()
    assert not session.transport.is_playing
    assert session.transport.playhead == 2.0


def test_loops_go_on(session: Session) -> None:
    two_keys(session)
    session.transport.set_timeline(duration=2.0, loop="ping-pong")
    hours = Hours(session)
    session.transport.seek(0.0)
    session.transport.play()
    hours.now += 3.5
    session.transport._on_play_tick()
    assert session.transport.playhead == pytest.approx(0.5)
    session.transport.pause()


def test_a_hand_stops_the_playing_and_keeps_what_it_did(session: Session) -> None:
    half_a_second_played(session)
    session.transport.set_timeline(bpm=120.0)  # the timeline itself may be changed while it plays
    assert session.transport.is_playing
    session.set_psi(0.4)
    assert not session.transport.is_playing
    assert session.look().truncation.psi == 0.4


def test_the_lab_and_the_layout_are_the_hands_while_it_plays(session: Session) -> None:
    hours = half_a_second_played(session)
    session.lab.edit("Slit-scan", scan=True)
    session.set_layout("wipe")
    hours.now += 0.5
    session.transport._on_play_tick()
    assert session.transport.is_playing
    assert (session.state.lab.scan, session.state.layout) == (True, "wipe")
    session.undo()
    assert not session.state.lab.scan


def test_another_project_begins_at_its_start(session: Session) -> None:
    two_keys(session)
    session.transport.seek(1.5)
    session.transport.start_recording()
    session.set_psi(0.5)
    session.documents.new_project()
    assert not session.transport.is_recording
    assert session.transport.playhead == 0.0
    session.transport.stop_recording()
    assert session.transport.timeline == ExplorerState().timeline
    assert session.store.is_saved()


def test_moving_keys_is_one_step_from_where_the_drag_began(session: Session) -> None:
    two_keys(session)
    before = session.transport.timeline
    session.begin("Move keys")
    for by in (0.1, 0.5, 1.0):
        session.transport.move_keys(before, frozenset({(-1, 1)}), by)
    session.commit()
    assert [k.time for k in session.transport.timeline.keys] == [0.0, 3.0]
    session.undo()
    assert session.transport.timeline == before


def test_a_parameters_track(session: Session) -> None:
    session.set_psi(0.2)
    session.transport.add_value_key("truncation.psi", time=0.0)
    session.transport.add_value_key("truncation.psi", 0.8, time=1.0)
    session.transport.set_segments(frozenset({(0, 0)}), ease="linear")
    session.set_transform(x=0.25)
    session.transport.seek(0.5)
    assert session.look().truncation.psi == pytest.approx(0.5)
    assert session.look().transform.x == 0.25  # what no track holds is the hands'
    session.transport.set_value_key(0, 1, 0.4)
    assert session.look().truncation.psi == pytest.approx(0.3)


def test_wandering_keeps_its_home(session: Session) -> None:
    session.set_seed(7)
    session.transport.set_wander(kind="circle", radius=0.3)
    for place in (0.5, 1.0, 2.0):
        session.transport.seek(place)
    blend = session.look().latent.blend
    assert blend is not None
    assert blend.points[0].latent == Latent(7)
    session.transport.add_key(2.0)
    assert session.transport.timeline.keys[1].pose.shared.latent == Latent(7)


def test_what_the_hands_do_is_recorded(session: Session) -> None:
    hours = Hours(session)
    session.transport.start_recording()
    for step in range(1, 11):
        hours.now = 100.0 + 0.05 * step
        session.walk(0.1, 0.0)
    hours.now = 102.0
    session.transport.stop_recording()
    timeline = session.transport.timeline
    assert timeline.duration == pytest.approx(2.0)
    assert len(timeline.performance) == 11
    assert session.store.undo_name == "Record performance"
    session.transport.seek(0.25)
    assert session.look().latent.x == pytest.approx(0.5)
    session.transport.seek(1.5)
    assert session.look().latent.x == pytest.approx(1.0)
    session.transport.performance_to_keys(0.25)
    assert len(session.transport.timeline.keys) == 3
    session.undo()
    session.undo()
    assert session.transport.timeline.performance == ()


def even_project(count: int = 3) -> ExplorerState:
    """Pictures of a small network that move by 0.02 and then by 0.3."""
    moves = (0.0, 0.02, 0.32)[:count]
    keys = tuple(Keyframe(float(i), Snapshot(Look(transform=Transform(x=x)))) for i, x in enumerate(moves))
    view = ViewState(model="critters-stylegan2")
    return ExplorerState(layout="single", views=(view, ViewState()), timeline=Timeline(keys, duration=2.0))


@pytest.fixture
def even(qapp: QApplication) -> Iterator[Session]:
    made = Session(state=even_project())
    yield made
    assert made.close()
    made.deleteLater()


def test_even_speed_is_measured_beside_the_window_and_is_one_step(even: Session, qtbot: QtBot) -> None:
    told: list[Report[Timeline] | None] = []
    even.transport.even_speed.progress.connect(told.append)
    even.transport.even_speed.start()
    assert even.transport.even_speed.is_running
    qtbot.waitUntil(lambda: told[-1] is None, timeout=60_000)
    shares = [m.fraction for m in told if m is not None]
    assert shares == sorted(shares)
    assert shares[-1] == 1.0
    assert even.store.undo_name == "Even speed"
    assert even.transport.timeline.keys[1].time < 0.5  # the short way takes less time
    even.undo()
    assert even.transport.timeline == even_project().timeline


def test_even_speed_can_be_cancelled(even: Session, qtbot: QtBot) -> None:
    messages: list[str] = []
    even.status.connect(messages.append)
    speed = even.transport.even_speed
    speed.progress.connect(lambda m: speed.cancel())
    speed.start()
    qtbot.waitUntil(lambda: not speed.is_running, timeout=60_000)
    assert even.transport.timeline == even_project().timeline
    assert "cancelled" in messages[-1]


def test_even_speed_is_not_put_on_a_timeline_that_was_changed(even: Session, qtbot: QtBot) -> None:
    messages: list[str] = []
    even.status.connect(messages.append)
    even.transport.even_speed.start()
    even.transport.delete_keys(frozenset({(-1, 1)}))
    qtbot.waitUntil(lambda: not even.transport.even_speed.is_running, timeout=60_000)
    assert len(even.transport.timeline.keys) == 2
    assert "changed meanwhile" in messages[-1]


def test_a_fault_while_measuring_ends_it_with_a_message(
    even: Session, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("out of memory")

    monkeypatch.setattr(pace, "change_between", fail)
    messages: list[str] = []
    even.status.connect(messages.append)
    even.transport.even_speed.start()
    qtbot.waitUntil(lambda: not even.transport.even_speed.is_running, timeout=60_000)
    assert "out of memory" in messages[-1]


def messages_of(session: Session) -> list[str]:
    messages: list[str] = []
    session.status.connect(messages.append)
    return messages


def recorded(session: Session, seconds: float) -> None:
    hours = Hours(session)
    session.transport.start_recording()
    hours.now += seconds / 2
    session.walk(0.1, 0.0)
    hours.now += seconds / 2
    session.transport.stop_recording()


def test_a_recording_keeps_the_keys_their_duration_and_the_loop(session: Session) -> None:
    two_keys(session)
    session.transport.add_value_key("truncation.psi", 0.8, time=1.0)
    session.transport.set_timeline(duration=8.0, loop="loop")
    keyed = session.transport.timeline
    messages = messages_of(session)
    recorded(session, 1.5)
    made = session.transport.timeline
    assert (len(made.performance), made.duration, made.loop) == (2, pytest.approx(1.5), "loop")
    assert made.aside == keyed
    assert "Kept: 3 keys. Click Keys" in messages[-1]
    session.transport.seek(0.75)
    assert session.look().latent.x == pytest.approx(0.1)
    session.transport.exchange()
    assert session.store.undo_name == "Use keys"
    assert replace(session.transport.timeline, aside=None) == keyed
    session.transport.seek(1.0)
    assert session.look().transform.x == pytest.approx(0.2)
    session.transport.exchange()
    assert session.transport.timeline == made
    session.undo()
    session.undo()
    session.undo()
    assert session.transport.timeline == keyed


@pytest.mark.parametrize("uses_keys", [False, True])
def test_a_second_recording_keeps_the_keys_and_says_what_it_replaces(session: Session, uses_keys: bool) -> None:
    two_keys(session)
    keyed = session.transport.timeline
    recorded(session, 1.5)
    if uses_keys:
        session.transport.exchange()
    messages = messages_of(session)
    recorded(session, 3.0)
    assert session.transport.timeline.aside == keyed
    assert session.transport.timeline.duration == pytest.approx(3.0)
    assert "replaces a recording of 1.5 s" in messages[-1]
    session.undo()
    kept = session.transport.timeline.aside if uses_keys else session.transport.timeline
    assert kept is not None
    assert kept.duration == pytest.approx(1.5)


def test_keys_stay_as_they_are_while_the_hands_are_recorded(session: Session) -> None:
    two_keys(session)
    keyed = session.transport.timeline
    session.transport.start_recording()
    session.set_seed(7)
    messages = messages_of(session)
    session.transport.add_key()
    session.transport.add_value_key("truncation.psi", 0.8)
    session.transport.delete_keys(frozenset({(-1, 0)}))
    session.transport.copy_keys(frozenset({(-1, 0)}), 0.5)
    session.transport.clear()
    assert session.transport.timeline == keyed
    assert all("recording" in said for said in messages)
    assert len(messages) == 5
    session.transport.stop_recording()
    assert session.transport.timeline.aside == keyed


def test_converted_to_keys_a_recording_is_kept_aside(session: Session) -> None:
    recorded(session, 1.5)
    before = session.transport.timeline
    session.transport.performance_to_keys(0.5)
    assert session.transport.timeline.keys
    assert session.transport.timeline.aside == before
    session.transport.exchange()
    assert session.transport.timeline.performance == before.performance


def test_both_timelines_are_in_the_project(session: Session, tmp_path: Path) -> None:
    two_keys(session)
    stored = session.table.add(StoredLatent("w", np.ones(4, np.float32)))
    session.edit("Load latent", latent=Latent(stored=stored))
    session.transport.add_key(3.0)
    recorded(session, 1.5)
    for _ in range(2):
        session.documents.save_project(tmp_path / "x.json")
        state, table = read_project(tmp_path / "x.json")
        assert state == session.state
        assert stored in table
        session.transport.exchange()


def test_a_key_at_the_same_time_is_updated_with_a_message(session: Session) -> None:
    two_keys(session)
    messages = messages_of(session)
    session.set_transform(x=0.9)
    session.transport.add_key(2.0)
    assert session.store.undo_name == "Update key"
    assert messages == ["Updated the key at 2.00 s. Ctrl+Z restores it."]
    session.transport.add_key(2.0)
    assert "already" in messages[-1]  # and undo is not promised
    session.transport.add_value_key("truncation.psi", 0.8, time=1.0)
    session.transport.add_value_key("truncation.psi", 0.9, time=1.0)
    assert "Updated the key of Truncation psi at 1.00 s" in messages[-1]


def test_keys_that_are_added_in_a_row_stand_in_a_row(session: Session) -> None:
    messages = messages_of(session)
    for x in (0.0, 0.1, 0.2):
        session.set_transform(x=x)
        session.transport.add_key()
    keys = session.transport.timeline.keys
    assert [(key.time, key.pose.shared.transform.x) for key in keys] == [(0.0, 0.0), (1.0, 0.1), (2.0, 0.2)]
    assert "next one will be at 3.00 s" in messages[-1]
    session.transport.set_timeline(bpm=120.0)
    session.set_transform(x=0.3)
    session.transport.add_key()
    assert session.transport.playhead == 3.5  # a beat


def test_the_playhead_stays_where_going_on_would_change_the_picture(session: Session) -> None:
    two_keys(session)
    session.transport.seek(1.0)
    session.transport.add_key()  # between others
    assert session.transport.playhead == 1.0
    session.transport.seek(3.0)
    session.set_drift(0.5)
    session.transport.add_key()  # on the way
    assert session.transport.playhead == 3.0
    assert session.look().drift == 0.5


def times(session: Session) -> list[float]:
    return [key.time for key in session.transport.timeline.keys]


def test_no_key_takes_the_place_of_another(session: Session) -> None:
    session.transport.set_timeline(fps=10.0)
    for time in (0.0, 1.0, 2.0, 3.0):
        session.set_transform(x=time)
        session.transport.add_key(time)
    before = session.transport.timeline
    session.transport.move_keys(before, frozenset({(-1, 1)}), 1.0)
    assert times(session) == pytest.approx([0.0, 1.9, 2.0, 3.0])
    session.transport.move_keys(before, frozenset({(-1, 2)}), -1.0)
    assert times(session) == pytest.approx([0.0, 1.0, 1.1, 3.0])
    session.transport.move_keys(before, frozenset({(-1, 0), (-1, 1)}), 2.0)  # both would land on others
    assert times(session) == pytest.approx([1.9, 2.0, 2.9, 3.0])
    session.transport.stretch_keys(before, frozenset({(-1, 0), (-1, 1)}), 0.0, 2.0)
    assert times(session) == pytest.approx([0.0, 1.9, 2.0, 3.0])
    session.transport.stretch_keys(before, frozenset({(-1, 2), (-1, 3)}), 2.0, 1e-9)  # they would meet
    assert len(times(session)) == 4
    session.transport.edit("Back", before)
    messages = messages_of(session)
    session.transport.copy_keys(frozenset({(-1, 0), (-1, 1)}), 2.0)
    assert "a frame beside it" in messages[-1]
    assert times(session) == pytest.approx([0.0, 1.0, 2.0, 2.1, 3.0, 3.1])
    session.transport.move_keys(session.transport.timeline, frozenset({(-1, 1)}), -1.0)  # nothing goes before 0
    assert times(session)[:2] == pytest.approx([0.0, 0.1])
    assert {key.pose.shared.transform.x for key in session.transport.timeline.keys} == {0.0, 1.0, 2.0, 3.0}


def test_what_takes_keys_away_says_so_and_undo_restores_them(session: Session) -> None:
    two_keys(session)
    before = session.transport.timeline
    messages = messages_of(session)
    session.transport.set_timeline(duration=1.0)
    assert messages[-1] == "1 key is after the end: kept, but not played"
    assert session.transport.timeline.keys == before.keys
    session.undo()
    for act, said in (
        (lambda: session.transport.delete_keys(frozenset({(-1, 0)})), "Deleted a key."),
        (session.transport.clear, "Cleared 2 keys."),
    ):
        act()
        assert said in messages[-1]
        session.undo()
        assert session.transport.timeline == before


@pytest.mark.parametrize("what", ["key", "recording"])
def test_what_is_made_while_a_hand_drags_is_not_taken_back_with_the_drag(session: Session, what: str) -> None:
    if what == "recording":
        session.transport.start_recording()
    session.begin("Walk")
    session.walk(0.1, 0.0)
    if what == "recording":
        session.transport.stop_recording()
    else:
        session.transport.add_key(1.0)
    made = session.transport.timeline
    session.walk(0.1, 0.0)
    session.cancel()
    assert session.transport.timeline == made
    session.undo()
    assert session.transport.timeline == Timeline()
    session.undo()
    assert session.look().latent.x == 0.0
    assert not session.store.can_undo
