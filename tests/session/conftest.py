"""The world that the session's tests live in."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from pytestqt.qtbot import QtBot

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
