"""The session's timeline: keys as undo steps, scrubbing, playing by time, and performances."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from explorer.animation import pace
from explorer.session import Session
from explorer.session.even_speed import Measured
from explorer.state import ExplorerState, Key, Latent, Look, Pose, Timeline, Transform, ViewState


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
        session.deck._now = lambda: self.now


def two_keys(session: Session) -> None:
    session.set_transform(x=0.0)
    session.deck.add_key(0.0)
    session.set_transform(x=0.4)
    session.deck.add_key(2.0)
    session.deck.set_segments(frozenset({(-1, 0)}), ease="linear")


def half_a_second_played(session: Session) -> Hours:
    two_keys(session)
    hours = Hours(session)
    session.deck.seek(0.0)
    session.deck.play()
    hours.now += 0.5
    session.deck._on_play_tick()
    return hours


def test_keys_are_undo_steps(session: Session) -> None:
    session.set_transform(x=0.3)
    session.deck.add_key(1.0)
    assert session.store.undo_name == "Add key"
    (key,) = session.deck.timeline.keys
    assert (key.time, key.pose.shared.transform.x) == (1.0, 0.3)
    session.undo()
    assert session.deck.timeline.keys == ()
    session.redo()
    session.deck.delete_keys(frozenset({(-1, 0)}))
    assert session.deck.timeline.keys == ()
    session.undo()
    assert len(session.deck.timeline.keys) == 1


def test_scrubbing_shows_the_place_and_is_no_undo_step(session: Session) -> None:
    two_keys(session)
    name = session.store.undo_name
    session.deck.seek(0.5)
    assert session.look().transform.x == pytest.approx(0.1)
    assert session.clock.now() == 0.5
    assert session.store.undo_name == name


def test_playing_is_a_function_of_time_and_ends(session: Session) -> None:
    two_keys(session)
    session.deck.set_timeline(duration=2.0)
    hours = Hours(session)
    session.deck.seek(0.0)
    session.deck.play()
    for now, x in ((100.5, 0.1), (101.75, 0.35)):  # however many frames came between
        hours.now = now
        session.deck._on_play_tick()
        assert session.look().transform.x == pytest.approx(x)
    hours.now = 103.0
    session.deck._on_play_tick()
    assert not session.deck.is_playing
    assert session.deck.playhead == 2.0


def test_loops_go_on(session: Session) -> None:
    two_keys(session)
    session.deck.set_timeline(duration=2.0, loop="ping-pong")
    hours = Hours(session)
    session.deck.seek(0.0)
    session.deck.play()
    hours.now += 3.5
    session.deck._on_play_tick()
    assert session.deck.playhead == pytest.approx(0.5)
    session.deck.pause()


def test_a_hand_stops_the_playing_and_keeps_what_it_did(session: Session) -> None:
    half_a_second_played(session)
    session.deck.set_timeline(bpm=120.0)  # the timeline itself may be changed while it plays
    assert session.deck.is_playing
    session.set_psi(0.4)
    assert not session.deck.is_playing
    assert session.look().truncation.psi == 0.4


def test_the_lab_and_the_layout_are_the_hands_while_it_plays(session: Session) -> None:
    hours = half_a_second_played(session)
    session.lab.edit("Slit-scan", scan=True)
    session.set_layout("wipe")
    hours.now += 0.5
    session.deck._on_play_tick()
    assert session.deck.is_playing
    assert (session.state.lab.scan, session.state.layout) == (True, "wipe")
    session.undo()
    assert not session.state.lab.scan


def test_another_project_begins_at_its_start(session: Session) -> None:
    two_keys(session)
    session.deck.seek(1.5)
    session.deck.start_recording()
    session.set_psi(0.5)
    session.documents.new_project()
    assert not session.deck.is_recording
    assert session.deck.playhead == 0.0
    session.deck.stop_recording()
    assert session.deck.timeline == ExplorerState().timeline
    assert session.store.is_saved()


def test_moving_keys_is_one_step_from_where_the_drag_began(session: Session) -> None:
    two_keys(session)
    before = session.deck.timeline
    session.begin("Move keys")
    for by in (0.1, 0.5, 1.0):
        session.deck.move_keys(before, frozenset({(-1, 1)}), by)
    session.commit()
    assert [k.time for k in session.deck.timeline.keys] == [0.0, 3.0]
    session.undo()
    assert session.deck.timeline == before


def test_a_parameters_track(session: Session) -> None:
    session.set_psi(0.2)
    session.deck.add_value_key("truncation.psi", time=0.0)
    session.deck.add_value_key("truncation.psi", 0.8, time=1.0)
    session.deck.set_segments(frozenset({(0, 0)}), ease="linear")
    session.set_transform(x=0.25)
    session.deck.seek(0.5)
    assert session.look().truncation.psi == pytest.approx(0.5)
    assert session.look().transform.x == 0.25  # what no track holds is the hands'
    session.deck.set_value_key(0, 1, 0.4)
    assert session.look().truncation.psi == pytest.approx(0.3)


def test_wandering_keeps_its_home(session: Session) -> None:
    session.set_seed(7)
    session.deck.set_wander(kind="circle", radius=0.3)
    for place in (0.5, 1.0, 2.0):
        session.deck.seek(place)
    blend = session.look().latent.blend
    assert blend is not None
    assert blend.points[0].latent == Latent(7)
    session.deck.add_key(2.0)
    assert session.deck.timeline.keys[1].pose.shared.latent == Latent(7)


def test_what_the_hands_do_is_recorded(session: Session) -> None:
    hours = Hours(session)
    session.deck.start_recording()
    for step in range(1, 11):
        hours.now = 100.0 + 0.05 * step
        session.walk(0.1, 0.0)
    hours.now = 102.0
    session.deck.stop_recording()
    timeline = session.deck.timeline
    assert timeline.duration == pytest.approx(2.0)
    assert len(timeline.performance) == 11
    assert session.store.undo_name == "Record performance"
    session.deck.seek(0.25)
    assert session.look().latent.x == pytest.approx(0.5)
    session.deck.seek(1.5)
    assert session.look().latent.x == pytest.approx(1.0)
    session.deck.performance_to_keys(0.25)
    assert len(session.deck.timeline.keys) == 3
    session.undo()
    session.undo()
    assert session.deck.timeline.performance == ()


def even_project(count: int = 3) -> ExplorerState:
    """Pictures of a small network that move by 0.02 and then by 0.3."""
    moves = (0.0, 0.02, 0.32)[:count]
    keys = tuple(Key(float(i), Pose(Look(transform=Transform(x=x)))) for i, x in enumerate(moves))
    view = ViewState(model="critters-stylegan2")
    return ExplorerState(layout="a", views=(view, ViewState()), timeline=Timeline(keys, duration=2.0))


@pytest.fixture
def even(qapp: QApplication) -> Iterator[Session]:
    made = Session(state=even_project())
    yield made
    assert made.close()
    made.deleteLater()


def test_even_speed_is_measured_beside_the_window_and_is_one_step(even: Session, qtbot: QtBot) -> None:
    told: list[Measured | None] = []
    even.deck.even_speed.progress.connect(told.append)
    even.deck.even_speed.start()
    assert even.deck.even_speed.is_running
    qtbot.waitUntil(lambda: told[-1] is None, timeout=60_000)
    shares = [m.share for m in told if m is not None]
    assert shares == sorted(shares)
    assert shares[-1] == 1.0
    assert even.store.undo_name == "Even speed"
    assert even.deck.timeline.keys[1].time < 0.5  # the short way takes less time
    even.undo()
    assert even.deck.timeline == even_project().timeline


def test_even_speed_can_be_cancelled(even: Session, qtbot: QtBot) -> None:
    words: list[str] = []
    even.status.connect(words.append)
    speed = even.deck.even_speed
    speed.progress.connect(lambda m: speed.cancel())
    speed.start()
    qtbot.waitUntil(lambda: not speed.is_running, timeout=60_000)
    assert even.deck.timeline == even_project().timeline
    assert "cancelled" in words[-1]


def test_even_speed_is_not_put_on_a_timeline_that_was_changed(even: Session, qtbot: QtBot) -> None:
    words: list[str] = []
    even.status.connect(words.append)
    even.deck.even_speed.start()
    even.deck.delete_keys(frozenset({(-1, 1)}))
    qtbot.waitUntil(lambda: not even.deck.even_speed.is_running, timeout=60_000)
    assert len(even.deck.timeline.keys) == 2
    assert "changed meanwhile" in words[-1]


def test_a_fault_while_measuring_ends_it_with_words(
    even: Session, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("out of memory")

    monkeypatch.setattr(pace, "evened", fail)
    words: list[str] = []
    even.status.connect(words.append)
    even.deck.even_speed.start()
    qtbot.waitUntil(lambda: not even.deck.even_speed.is_running, timeout=60_000)
    assert "out of memory" in words[-1]
