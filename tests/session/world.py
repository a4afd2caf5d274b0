"""A session with tiny models, and what its tests ask of it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from pytestqt.qtbot import QtBot

from explorer.errors import UnreadableFileError
from explorer.render.model_store import LoadedModel
from explorer.render.results import Frame, RenderFailed
from explorer.session import Session
from explorer.session.clock import Clock
from explorer.session.recovery import Recovery
from explorer.session.render_service import RenderService
from explorer.util.control import Control
from explorer.util.report import Report
from tests.render.support import tiny_model

CONFIGS: dict[str, dict[str, Any]] = {
    "a": {},
    "b": {"seed": 1},
    "wide": {"w_dim": 12, "z_dim": 12},
    "classes": {"c_dim": 3},
}


class World:
    """A session with tiny models, a clock moved by hand, and everything it said.

    `options`: `state` and `opened`, as the session takes them.
    """

    def __init__(self, qtbot: QtBot, recovery: Recovery | None = None, **options: Any) -> None:
        self.qtbot = qtbot
        self.models: dict[str, LoadedModel] = {}
        self.held: set[str] = set()  # names whose loading waits until they are taken out
        self.held_event = threading.Event()
        self.now = 0.0
        self.session = Session(
            service=RenderService(load=self.load), clock=Clock(lambda: self.now), recovery=recovery, **options
        )
        self.frames: list[Frame] = []
        self.failures: list[RenderFailed] = []
        self.messages: list[str] = []
        self.session.frame.connect(self.frames.append)
        self.session.failure.connect(self.failures.append)
        self.session.status.connect(self.messages.append)

    def load(
        self, path: str, on_report: Callable[[Report[None]], object], control: Control, **options: bool
    ) -> LoadedModel:
        if path not in CONFIGS:
            raise UnreadableFileError(f"There is no {path}.", "Take another.")
        while path in self.held and not control.is_cancelled:
            self.held_event.wait(0.01)
        on_report(Report(None, 1, 2, "Reading"))
        return self.models.setdefault(path, tiny_model(path, **CONFIGS[path]))

    def open(self, *names: str) -> None:
        """Loads models into the views and waits for their pictures."""
        for view, name in enumerate(names):
            self.session.models.request(view, name)
        self.qtbot.waitUntil(lambda: all(self.session.record(v).model == n for v, n in enumerate(names)))
        self.settle(*range(len(names)))

    def settle(self, *views: int) -> None:
        """Waits until the views show what they were asked for."""
        s = self.session

        def is_done(view: int) -> bool:
            v = s.record(view)
            return v.posted > 0 and v.shown == (v.posted, 1) and v.failure is None

        self.qtbot.waitUntil(lambda: all(is_done(view) for view in views or (0,)))

    def frame(self, view: int = 0) -> Frame:
        """What a view shows."""
        frame = self.session.last_frame(view)
        assert frame is not None
        return frame

    def paint(self, view: int = 0) -> None:
        """As the picture widget does after painting."""
        self.session.painted(view, self.frame(view).generation)


def undo_name(world: World) -> str:
    return world.session.store.undo_name


def check(world: World, name: str, aspect: str, value: object) -> None:
    assert undo_name(world) == name
    assert getattr(world.session.look_of(), aspect) == value
