"""The welcome: it drifts until the first touch, and leaves nothing to save."""

from __future__ import annotations

import pytest

from explorer.session import Session
from explorer.session.settings import Settings
from explorer.widgets.window.main_window import MainWindow
from tests.gui.conftest import centre, drag, wait_until


def test_the_welcome_drifts_until_the_first_touch(window: MainWindow, session: Session, settings: Settings) -> None:
    settings.set("welcomed", False)
    session.look.set_drift(0.2)
    session.store.reset_to(session.state)
    window.welcome()
    assert window.first_run.hints.isVisible()
    image = window.views.panes[0].image
    x, y = centre(image)
    drag(image, [(x, y), (x + 5, y)])
    assert not window.first_run.hints.isVisible()
    assert session.look_of().drift == 0
    assert settings.flag("welcomed")


@pytest.mark.parametrize("is_recording", [False, True])
def test_the_first_key_and_a_recording_end_the_welcome(
    window: MainWindow, session: Session, settings: Settings, is_recording: bool
) -> None:
    settings.set("welcomed", False)
    session.look.set_drift(0.2)
    session.store.reset_to(session.state)
    window.welcome()
    wait_until(lambda: session.look_of().latent.x > 0)
    (session.transport.start_recording if is_recording else session.transport.keys.add)()
    assert session.look_of().drift == 0
    assert session.look_of().latent.x > 0, "the picture stays where it was"
    if is_recording:
        session.transport.stop_recording()
        return
    session.look.set_seed(7)
    session.transport.keys.add()
    assert len(session.transport.timeline.keys) == 2, "the first one was not replaced"


def test_the_title_marks_changes_after_a_welcome(window: MainWindow, session: Session) -> None:
    session.look.set_drift(0.5)
    session.store.reset_to(session.state)
    wait_until(lambda: session.look_of().latent.x > 0)
    assert not window.isWindowModified()
    session.look.set_psi(0.5)
    assert window.isWindowModified()
