"""Recording what the user does, beside the keys, which stay as they are."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from explorer.assets.latent import StoredLatent
from explorer.project.document import read_project
from explorer.session import Session
from explorer.state import Latent
from tests.session.timelines import Hours, messages_of, two_keys


def test_what_the_hands_do_is_recorded(session: Session) -> None:
    hours = Hours(session)
    session.transport.start_recording()
    for step in range(1, 11):
        hours.now = 100.0 + 0.05 * step
        session.look.walk(0.1, 0.0)
    hours.now = 102.0
    session.transport.stop_recording()
    timeline = session.transport.timeline
    assert timeline.duration == pytest.approx(2.0)
    assert len(timeline.performance) == 11
    assert session.store.undo_name == "Record performance"
    session.transport.seek(0.25)
    assert session.look_of().latent.x == pytest.approx(0.5)
    session.transport.seek(1.5)
    assert session.look_of().latent.x == pytest.approx(1.0)
    session.transport.performance_to_keys(0.25)
    assert len(session.transport.timeline.keys) == 3
    session.undo()
    session.undo()
    assert session.transport.timeline.performance == ()


def recorded(session: Session, seconds: float) -> None:
    hours = Hours(session)
    session.transport.start_recording()
    hours.now += seconds / 2
    session.look.walk(0.1, 0.0)
    hours.now += seconds / 2
    session.transport.stop_recording()


def test_a_recording_keeps_the_keys_their_duration_and_the_loop(session: Session) -> None:
    two_keys(session)
    session.transport.keys.add_value("truncation.psi", 0.8, time=1.0)
    session.transport.set_timeline(duration=8.0, loop="loop")
    keyed = session.transport.timeline
    words = messages_of(session)
    recorded(session, 1.5)
    made = session.transport.timeline
    assert (len(made.performance), made.duration, made.loop) == (2, pytest.approx(1.5), "loop")
    assert made.aside == keyed
    assert "Kept: 3 keys. Click Keys" in words[-1]
    session.transport.seek(0.75)
    assert session.look_of().latent.x == pytest.approx(0.1)
    session.transport.exchange()
    assert session.store.undo_name == "Use keys"
    assert replace(session.transport.timeline, aside=None) == keyed
    session.transport.seek(1.0)
    assert session.look_of().transform.x == pytest.approx(0.2)
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
    words = messages_of(session)
    recorded(session, 3.0)
    assert session.transport.timeline.aside == keyed
    assert session.transport.timeline.duration == pytest.approx(3.0)
    assert "replaces a recording of 1.5 s" in words[-1]
    session.undo()
    kept = session.transport.timeline.aside if uses_keys else session.transport.timeline
    assert kept is not None
    assert kept.duration == pytest.approx(1.5)


def test_keys_stay_as_they_are_while_the_hands_are_recorded(session: Session) -> None:
    two_keys(session)
    keyed = session.transport.timeline
    session.transport.start_recording()
    session.look.set_seed(7)
    words = messages_of(session)
    session.transport.keys.add()
    session.transport.keys.add_value("truncation.psi", 0.8)
    session.transport.keys.delete(frozenset({(-1, 0)}))
    session.transport.keys.copy(frozenset({(-1, 0)}), 0.5)
    session.transport.clear()
    assert session.transport.timeline == keyed
    assert all("recording" in said for said in words)
    assert len(words) == 5
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
    session.transport.keys.add(3.0)
    recorded(session, 1.5)
    for _ in range(2):
        session.documents.save_project(tmp_path / "x.json")
        state, table = read_project(tmp_path / "x.json")
        assert state == session.state
        assert stored in table
        session.transport.exchange()
