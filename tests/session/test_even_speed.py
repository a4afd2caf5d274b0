"""Even speed: measured beside the window, cancelled, and not put on another timeline."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from explorer.animation import pace
from explorer.jobs.job import Report
from explorer.session import Session
from explorer.state import ExplorerState, Keyframe, Look, Snapshot, Timeline, Transform, ViewState


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
    words: list[str] = []
    even.status.connect(words.append)
    speed = even.transport.even_speed
    speed.progress.connect(lambda m: speed.cancel())
    speed.start()
    qtbot.waitUntil(lambda: not speed.is_running, timeout=60_000)
    assert even.transport.timeline == even_project().timeline
    assert "cancelled" in words[-1]


def test_even_speed_is_not_put_on_a_timeline_that_was_changed(even: Session, qtbot: QtBot) -> None:
    words: list[str] = []
    even.status.connect(words.append)
    even.transport.even_speed.start()
    even.transport.keys.delete(frozenset({(-1, 1)}))
    qtbot.waitUntil(lambda: not even.transport.even_speed.is_running, timeout=60_000)
    assert len(even.transport.timeline.keys) == 2
    assert "changed meanwhile" in words[-1]


def test_a_fault_while_measuring_ends_it_with_a_message(
    even: Session, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("out of memory")

    monkeypatch.setattr(pace, "change_between", fail)
    words: list[str] = []
    even.status.connect(words.append)
    even.transport.even_speed.start()
    qtbot.waitUntil(lambda: not even.transport.even_speed.is_running, timeout=60_000)
    assert "out of memory" in words[-1]
