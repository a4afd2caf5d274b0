"""The world that the session's tests live in."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from explorer.session import Session
from explorer.state import ExplorerState
from tests.render.support import gated
from tests.session.world import World


@pytest.fixture
def world(qtbot: QtBot) -> Iterator[World]:
    world = World(qtbot)
    yield world
    for model in world.models.values():
        for layer in gated(model).layers:
            layer.gate.open()
    assert world.session.close()


@pytest.fixture
def session(qapp: QApplication) -> Iterator[Session]:
    """A session without models."""
    made = Session(state=ExplorerState())
    yield made
    assert made.close()
    made.deleteLater()
