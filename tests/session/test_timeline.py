"""The session's timeline: keys as undo steps, and playing as a function of time."""

from __future__ import annotations

import pytest

from explorer.session import Session
from explorer.state import ExplorerState, Latent, Timeline
from tests.session.timelines import Hours, messages_of, two_keys


def half_a_second_played(session: Session) -> Hours:
    two_keys(session)
    hours = Hours(session)
    session.transport.seek(0.0)
    session.transport.play()
    hours.now += 0.5
    session.transport._on_play_tick()
    return hours


def test_keys_are_undo_steps(session: Session) -> None:
    session.look.set_transform(x=0.3)
    session.transport.keys.add(1.0)
    assert session.store.undo_name == "Add key"
    (key,) = session.transport.timeline.keys
    assert (key.time, key.pose.shared.transform.x) == (1.0, 0.3)
    session.undo()
    assert session.transport.timeline.keys == ()
    session.redo()
    session.transport.keys.delete(frozenset({(-1, 0)}))
    assert session.transport.timeline.keys == ()
    session.undo()
    assert len(session.transport.timeline.keys) == 1


def test_scrubbing_shows_the_time_and_is_not_an_undo_step(session: Session) -> None:
    two_keys(session)
    name = session.store.undo_name
    session.transport.seek(0.5)
    assert session.look_of().transform.x == pytest.approx(0.1)
    assert session.motion.clock.now() == 0.5
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
        assert session.look_of().transform.x == pytest.approx(x)
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
    session.look.set_psi(0.4)
    assert not session.transport.is_playing
    assert session.look_of().truncation.psi == 0.4


def test_the_lab_and_the_layout_are_the_hands_while_it_plays(session: Session) -> None:
    hours = half_a_second_played(session)
    session.lab.edit("Slit-scan", scan=True)
    session.views.set_layout("wipe")
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
    session.look.set_psi(0.5)
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
        session.transport.keys.move(before, frozenset({(-1, 1)}), by)
    session.commit()
    assert [k.time for k in session.transport.timeline.keys] == [0.0, 3.0]
    session.undo()
    assert session.transport.timeline == before


def test_a_parameters_track(session: Session) -> None:
    session.look.set_psi(0.2)
    session.transport.keys.add_value("truncation.psi", time=0.0)
    session.transport.keys.add_value("truncation.psi", 0.8, time=1.0)
    session.transport.keys.set_segments(frozenset({(0, 0)}), ease="linear")
    session.look.set_transform(x=0.25)
    session.transport.seek(0.5)
    assert session.look_of().truncation.psi == pytest.approx(0.5)
    assert session.look_of().transform.x == 0.25  # what no track holds is the hands'
    session.transport.keys.set_value(0, 1, 0.4)
    assert session.look_of().truncation.psi == pytest.approx(0.3)


def test_wandering_keeps_its_home(session: Session) -> None:
    session.look.set_seed(7)
    session.transport.set_wander(kind="circle", radius=0.3)
    for place in (0.5, 1.0, 2.0):
        session.transport.seek(place)
    blend = session.look_of().latent.blend
    assert blend is not None
    assert blend.points[0].latent == Latent(7)
    session.transport.keys.add(2.0)
    assert session.transport.timeline.keys[1].pose.shared.latent == Latent(7)


def test_a_key_where_one_is_is_updated_with_a_message(session: Session) -> None:
    two_keys(session)
    messages = messages_of(session)
    session.look.set_transform(x=0.9)
    session.transport.keys.add(2.0)
    assert session.store.undo_name == "Update key"
    assert messages == ["Updated the key at 2.00 s. Ctrl+Z restores it."]
    session.transport.keys.add(2.0)
    assert "already" in messages[-1]  # and undo is not promised
    session.transport.keys.add_value("truncation.psi", 0.8, time=1.0)
    session.transport.keys.add_value("truncation.psi", 0.9, time=1.0)
    assert "Updated the key of Truncation psi at 1.00 s" in messages[-1]


def test_keys_that_are_added_in_a_row_stand_in_a_row(session: Session) -> None:
    messages = messages_of(session)
    for x in (0.0, 0.1, 0.2):
        session.look.set_transform(x=x)
        session.transport.keys.add()
    keys = session.transport.timeline.keys
    assert [(key.time, key.pose.shared.transform.x) for key in keys] == [(0.0, 0.0), (1.0, 0.1), (2.0, 0.2)]
    assert "next one will be at 3.00 s" in messages[-1]
    session.transport.set_timeline(bpm=120.0)
    session.look.set_transform(x=0.3)
    session.transport.keys.add()
    assert session.transport.playhead == 3.5  # a beat


def test_the_playhead_stays_where_going_on_would_change_the_picture(session: Session) -> None:
    two_keys(session)
    session.transport.seek(1.0)
    session.transport.keys.add()  # between others
    assert session.transport.playhead == 1.0
    session.transport.seek(3.0)
    session.look.set_drift(0.5)
    session.transport.keys.add()  # on the way
    assert session.transport.playhead == 3.0
    assert session.look_of().drift == 0.5


def times(session: Session) -> list[float]:
    return [key.time for key in session.transport.timeline.keys]


def test_no_key_takes_the_place_of_another(session: Session) -> None:
    session.transport.set_timeline(fps=10.0)
    for time in (0.0, 1.0, 2.0, 3.0):
        session.look.set_transform(x=time)
        session.transport.keys.add(time)
    before = session.transport.timeline
    session.transport.keys.move(before, frozenset({(-1, 1)}), 1.0)
    assert times(session) == pytest.approx([0.0, 1.9, 2.0, 3.0])
    session.transport.keys.move(before, frozenset({(-1, 2)}), -1.0)
    assert times(session) == pytest.approx([0.0, 1.0, 1.1, 3.0])
    session.transport.keys.move(before, frozenset({(-1, 0), (-1, 1)}), 2.0)  # both would land on others
    assert times(session) == pytest.approx([1.9, 2.0, 2.9, 3.0])
    session.transport.keys.stretch(before, frozenset({(-1, 0), (-1, 1)}), 0.0, 2.0)
    assert times(session) == pytest.approx([0.0, 1.9, 2.0, 3.0])
    session.transport.keys.stretch(before, frozenset({(-1, 2), (-1, 3)}), 2.0, 1e-9)  # they would meet
    assert len(times(session)) == 4
    session.transport.edit("Back", before)
    messages = messages_of(session)
    session.transport.keys.copy(frozenset({(-1, 0), (-1, 1)}), 2.0)
    assert "a frame beside it" in messages[-1]
    assert times(session) == pytest.approx([0.0, 1.0, 2.0, 2.1, 3.0, 3.1])
    session.transport.keys.move(session.transport.timeline, frozenset({(-1, 1)}), -1.0)  # nothing goes before 0
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
        (lambda: session.transport.keys.delete(frozenset({(-1, 0)})), "Deleted a key."),
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
    session.look.walk(0.1, 0.0)
    if what == "recording":
        session.transport.stop_recording()
    else:
        session.transport.keys.add(1.0)
    made = session.transport.timeline
    session.look.walk(0.1, 0.0)
    session.cancel()
    assert session.transport.timeline == made
    session.undo()
    assert session.transport.timeline == Timeline()
    session.undo()
    assert session.look_of().latent.x == 0.0
    assert not session.store.can_undo
