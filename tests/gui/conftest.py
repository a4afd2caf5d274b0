"""A real window over real small generators, with settings of its own, and a check that nothing stays behind."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

import pytest
import torch
from PySide6.QtCore import QEventLoop, QPoint, QPointF, Qt, QTimer
from PySide6.QtGui import QMouseEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QWidget

from explorer.checkpoints import Checkpoint, save_native
from explorer.ops import native
from explorer.session import Session
from explorer.session.settings import Settings
from explorer.state import ExplorerState, ViewState
from explorer.widgets.controls.theme import apply_theme
from explorer.widgets.window.main_window import MainWindow
from tests.generators.configs import SMALL, small_generator

CLASSES = ("cat", "dog")
MODELS = {
    "critters-stylegan2": ("stylegan2-skip", ()),
    "critters-stylegan3-t": ("stylegan3-t", CLASSES),
    "other-stylegan2": ("stylegan2-plain", ()),
}


@pytest.fixture(scope="session")
def assets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of small bundled models: StyleGAN2, a conditional StyleGAN3, a StyleGAN2 without noise."""
    folder = tmp_path_factory.mktemp("assets")
    for name, (kind, classes) in MODELS.items():
        family, config = SMALL[kind]
        tensors = {k: v.clone() for k, v in small_generator(kind).state_dict().items()}
        save_native(
            folder / f"{name}.safetensors",
            Checkpoint(family, dict(config), tensors, name, licence="MIT", class_names=classes),
        )
    return folder


@pytest.fixture(scope="session", autouse=True)
def built_kernels() -> None:
    """The native kernels, built before the first program starts to build them in a thread."""
    native.build()


@pytest.fixture(autouse=True)
def surroundings(assets: Path, monkeypatch: pytest.MonkeyPatch, qapp: QApplication) -> Iterator[None]:
    """The bundled models of `assets`, the dark theme, and no threads or windows left afterwards."""
    monkeypatch.setenv("LATENTWALK_ASSETS", str(assets))
    apply_theme(qapp, True)
    torch.set_num_threads(1)
    threads = set(threading.enumerate())
    yield
    qapp.clipboard().clear()
    for widget in qapp.topLevelWidgets():
        if widget.parent() is None:  # menus and popups go with their owners
            widget.close()
            widget.deleteLater()
    flush()
    left = [t for t in threading.enumerate() if t not in threads and t.is_alive()]
    assert not left, f"threads left: {left}"
    widgets = [w for w in qapp.topLevelWidgets() if not w.isHidden()]
    assert not widgets, f"windows left: {widgets}"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Settings in a file of this test."""
    made = Settings(tmp_path / "settings.json")
    made.set("welcomed", True)
    return made


@pytest.fixture
def session(qapp: QApplication) -> Iterator[Session]:
    """A session over the bundled pair, both models loaded."""
    views = (ViewState(model="critters-stylegan2"), ViewState(model="critters-stylegan3-t"))
    made = Session(state=ExplorerState(views=views))
    made.start()
    wait_until(lambda: all(made.info(view) is not None for view in range(2)))
    yield made
    assert made.close(), "a thread of the session did not end"
    made.deleteLater()
    flush()


@pytest.fixture
def window(session: Session, settings: Settings) -> Iterator[MainWindow]:
    """The main window, shown, with pictures in both views."""
    made = MainWindow(settings)
    made.asks_before_discarding = False
    made.attach(session)
    made.resize(1280, 800)
    made.show()
    QTest.qWaitForWindowExposed(made)
    wait_until(lambda: all(pane.image.image is not None for pane in made.views.panes))
    yield made
    made.close()
    made.deleteLater()
    flush()


def flush() -> None:
    """Deliver what is queued, deletions included."""
    for _ in range(3):
        QApplication.sendPostedEvents(None, 52)  # QEvent.DeferredDelete is not delivered by processEvents
        QApplication.processEvents()


def wait_until(predicate: Callable[[], bool], timeout_ms: int = 20_000) -> None:
    """Run the event loop until the predicate holds.

    Not qtbot.waitUntil: QTest.qWait keeps the interpreter's lock, and the render thread would starve beside it.
    """
    if predicate():
        return
    loop, poll = QEventLoop(), QTimer(interval=5)
    poll.timeout.connect(lambda: loop.quit() if predicate() else None)
    limit = QTimer(singleShot=True, interval=timeout_ms)
    limit.timeout.connect(loop.quit)
    poll.start()
    limit.start()
    loop.exec()
    poll.stop()
    assert predicate(), "what was waited for did not come"


def drag(
    widget: QWidget,
    points: list[tuple[float, float]],
    *,
    button: Qt.MouseButton = Qt.MouseButton.LeftButton,
    modifiers: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier,
    release: bool = True,
) -> None:
    """Press at the first point, move along the others, release at the last."""
    kinds = QMouseEvent.Type
    none = Qt.MouseButton.NoButton

    def send(kind: QMouseEvent.Type, at: tuple[float, float], which: Qt.MouseButton, held: Qt.MouseButton) -> None:
        local = QPointF(*at)
        event = QMouseEvent(kind, local, widget.mapToGlobal(local), which, held, modifiers)
        QApplication.sendEvent(widget, event)

    send(kinds.MouseButtonPress, points[0], button, button)
    for point in points[1:]:
        send(kinds.MouseMove, point, none, button)
    if release:
        send(kinds.MouseButtonRelease, points[-1], button, none)


def centre(widget: QWidget) -> tuple[float, float]:
    """The middle of a widget."""
    point: QPoint = widget.rect().center()
    return float(point.x()), float(point.y())
